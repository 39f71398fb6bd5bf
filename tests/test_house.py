"""The house is in order: what the wheel carries, what the locks pin, what no file may name."""

import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LOCKS = ("requirements.lock", "requirements-build.lock", "requirements-dev.lock")

# Hosts of package registries: where packages come from is the machine's business, not ours.
# Written in halves, so that this file does not name them either.
REGISTRIES = re.compile(
    "|".join(
        re.escape(f"{name}.{domain}")
        for name, domain in [
            ("pypi", "org"),
            ("pythonhosted", "org"),
            ("npmjs", "org"),
            ("npmjs", "com"),
            ("yarnpkg", "com"),
            ("deb.debian", "org"),
            ("docker", "io"),
            ("ghcr", "io"),
        ]
    )
)
MACHINE_PATHS = re.compile(r"(?<![\w.\-])/(?:work|root|Users|home/(?!app\b))\b/?\w*")


def tracked_files() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout
    return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]


def texts() -> list[tuple[Path, str]]:
    found = []
    for path in tracked_files():
        content = path.read_bytes()
        if b"\0" not in content:
            found.append((path, content.decode("utf-8", "replace")))
    return found


def matches(pattern: re.Pattern[str]) -> list[str]:
    return [
        f"{path.relative_to(ROOT)}:{number}: {found[0]}"
        for path, text in texts()
        for number, line in enumerate(text.splitlines(), 1)
        if (found := pattern.search(line))
    ]


def pins(lock: str) -> dict[str, str]:
    """Name and marker -> version, of every requirement of a lock file."""
    text = (ROOT / lock).read_text(encoding="utf-8")
    found = re.findall(r"^([\w.\-]+(?:\[[\w,]+\])?)==(\S+)( ;[^\\]+)?", text, re.MULTILINE)
    return {f"{name}{marker.rstrip()}": version for name, version, marker in found}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    return zipfile.ZipFile(next(folder.glob("*.whl")))


def test_the_wheel_carries_our_four_packages_and_nothing_else(wheel: zipfile.ZipFile) -> None:
    top = {name.split("/")[0] for name in wheel.namelist()}
    described = {name for name in top if name.endswith(".dist-info")}
    assert top - described == {"reminders", "adapters", "templates", "migrations"}
    assert len(described) == 1


def test_the_wheel_carries_every_file_the_service_reads_while_it_runs(
    wheel: zipfile.ZipFile,
) -> None:
    packages = ("reminders/", "adapters/", "templates/", "migrations/")
    tracked = {path.relative_to(ROOT).as_posix() for path in tracked_files()}
    assert {name for name in tracked if name.startswith(packages)} <= set(wheel.namelist())


def test_the_wheel_carries_its_licence(wheel: zipfile.ZipFile) -> None:
    assert "LICENSE" in {Path(name).name for name in wheel.namelist()}


def test_every_entry_point_of_the_wheel_exists(wheel: zipfile.ZipFile) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    targets = list(project["scripts"].values())
    for group in project["entry-points"].values():
        targets += group.values()
    modules = {target.partition(":")[0].replace(".", "/") for target in targets}
    files = set(wheel.namelist())
    assert [
        module
        for module in sorted(modules)
        if f"{module}.py" not in files and f"{module}/__init__.py" not in files
    ] == []


def test_no_file_names_a_package_registry() -> None:
    assert matches(REGISTRIES) == []


def test_no_file_names_a_path_of_the_machine_it_was_written_on() -> None:
    assert matches(MACHINE_PATHS) == []


@pytest.mark.parametrize("lock", LOCKS)
def test_every_pin_of_a_lock_has_hashes_and_no_address(lock: str) -> None:
    text = (ROOT / lock).read_text(encoding="utf-8")
    requirements = re.split(r"\n(?=\S)", "\n".join(_without_comments(text)))
    assert requirements
    assert [one for one in requirements if "--hash=sha256:" not in one or "==" not in one] == []
    assert "://" not in text
    assert "index-url" not in text


def _without_comments(text: str) -> list[str]:
    return [line for line in text.splitlines() if line and not line.lstrip().startswith("#")]


@pytest.mark.parametrize("lock", LOCKS[:2])
def test_tests_run_on_the_very_versions_that_are_installed(lock: str) -> None:
    dev = pins("requirements-dev.lock")
    assert {name: dev.get(name) for name in pins(lock)} == pins(lock)


def test_the_layers_hold() -> None:
    result = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache", "--no-logo"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stdout + result.stderr


def test_the_container_runs_without_root_and_names_no_registry() -> None:
    lines = (ROOT / "Containerfile").read_text(encoding="utf-8").splitlines()
    images = [line.split()[1] for line in lines if line.startswith("FROM ")]
    users = [line.split()[1] for line in lines if line.startswith("USER ")]
    sources = [
        source
        for line in lines
        if line.startswith("COPY ") and "--from" not in line
        for source in line.split()[1:-1]
    ]
    assert images
    assert [image for image in images if "/" in image] == []
    assert users[-1].split(":")[0] not in ("root", "0")
    assert [source for source in sources if not (ROOT / source).exists()] == []
    assert any(line.startswith("HEALTHCHECK ") for line in lines)
