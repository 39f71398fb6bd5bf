"""`./dev`: the one command a newcomer and CI type. Run for real, with stand-ins for the tools."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
INPUTS = ("requirements.lock", "requirements-build.lock", "requirements-dev.lock", "pyproject.toml")
TOOLS = "sh bash env cat cksum cp dirname basename grep head id mkdir rm sed sleep"

# A Python that writes down what it is asked; `venv` makes an environment of the same kind.
# FAIL names a word: a call that holds it fails.
STAND_IN = """#!/bin/sh
echo "$(basename "$0") $*" >>"$CALLS"
echo "${PYTHONDONTWRITEBYTECODE:-kept} ${PYTHONPYCACHEPREFIX:-beside}" >"$CALLS.byte-code"
case "$(basename "$0") $*" in
*"${FAIL:-nothing at all}"*) echo "broken: $FAIL"; exit 1 ;;
*"-m venv"*)
    mkdir -p .venv/bin
    for tool in python ruff lint-imports mypy reminders; do cp "$0" ".venv/bin/$tool"; done ;;
*"-m pytest"*) echo "3 passed in 0.01s" ;;
esac
"""


class Checkout:
    """A small checkout with the real `./dev` and `.ci/run`, and nothing else that is real."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "checkout"
        self.calls = folder / "calls"
        (self.root / ".ci").mkdir(parents=True)
        shutil.copy(ROOT / "dev", self.root / "dev")
        shutil.copy(ROOT / ".ci" / "run", self.root / ".ci" / "run")
        for name in INPUTS:
            (self.root / name).write_text(name, encoding="utf-8")
        self.path = folder / "bin"
        self.path.mkdir()
        for tool in TOOLS.split():
            (self.path / tool).symlink_to(str(shutil.which(tool)))
        self.add_interpreter("python3")

    def add_interpreter(self, name: str) -> None:
        (self.path / name).write_text(STAND_IN, encoding="utf-8")
        (self.path / name).chmod(0o755)

    def run(self, *words: str, **environment: str) -> "subprocess.CompletedProcess[str]":
        self.calls.write_text("", encoding="utf-8")
        return subprocess.run(
            words,
            cwd=self.root,
            env={"PATH": str(self.path), "CALLS": str(self.calls)} | environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
        )

    def called(self, word: str) -> list[str]:
        return [call for call in self.calls.read_text("utf-8").splitlines() if word in call]


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


def test_demo_installs_from_the_hashed_locks_and_starts(checkout: Checkout) -> None:
    result = checkout.run("./dev", "demo", "--once")
    assert result.returncode == 0, result.stderr
    locked, project = checkout.called("pip install")
    assert "--require-hashes" in locked
    assert "requirements.lock" in locked
    assert "requirements-dev.lock" not in locked
    assert all("--no-deps" in call for call in (locked, project))
    assert checkout.called("reminders ") == ["reminders demo --once"]


@pytest.mark.parametrize(("said", "place"), [("", "beside"), ("1", "{root}/.venv/.byte-code")])
def test_byte_code_is_kept_where_it_may_be(checkout: Checkout, said: str, place: str) -> None:
    """Or each process of the tests compiles the service and its libraries anew."""
    checkout.run("./dev", "demo", **({"PYTHONDONTWRITEBYTECODE": said} if said else {}))
    told = Path(f"{checkout.calls}.byte-code").read_text(encoding="utf-8").split()
    assert told == ["kept", place.format(root=checkout.root)]


def test_a_second_start_installs_nothing(checkout: Checkout) -> None:
    checkout.run("./dev", "demo")
    checkout.run("./dev", "demo")
    assert checkout.called("") == ["reminders demo"]


def test_what_the_tests_installed_serves_the_demo(checkout: Checkout) -> None:
    checkout.run("./dev", "install")
    checkout.run("./dev", "demo")
    assert checkout.called("pip install") == []


@pytest.mark.parametrize("changed", ["requirements.lock", "pyproject.toml"])
def test_a_changed_lock_is_installed_into_the_same_environment(
    checkout: Checkout, changed: str
) -> None:
    checkout.run("./dev", "demo")
    (checkout.root / changed).write_text("changed", encoding="utf-8")
    checkout.run("./dev", "demo")
    assert len(checkout.called("pip install")) == 2
    assert checkout.called("-m venv") == []


def test_an_interrupted_installation_starts_again_from_nothing(checkout: Checkout) -> None:
    checkout.run("./dev", "demo", FAIL="--editable")
    assert checkout.called("reminders demo") == []
    result = checkout.run("./dev", "demo")
    assert result.returncode == 0, result.stderr
    assert len(checkout.called("-m venv")) == 1
    assert checkout.called("reminders demo") == ["reminders demo"]


def test_a_checkout_that_moved_gets_a_new_environment(checkout: Checkout) -> None:
    checkout.run("./dev", "demo")
    checkout.root = checkout.root.rename(checkout.root.with_name("moved"))
    checkout.run("./dev", "demo")
    assert len(checkout.called("-m venv")) == 1


def test_test_runs_style_layers_types_and_tests(checkout: Checkout) -> None:
    result = checkout.run("./dev", "test", "-k", "name")
    assert result.returncode == 0, result.stderr
    assert checkout.called("ruff check")
    assert checkout.called("ruff format --check")
    assert checkout.called("lint-imports")
    assert checkout.called("mypy")
    assert checkout.called("-m pytest")[0].endswith("-k name")
    assert result.stdout.splitlines()[-1] == "3 passed in 0.01s"


@pytest.mark.parametrize("step", ["ruff check", "ruff format", "lint-imports", "mypy", "-m pytest"])
def test_one_failing_step_fails_the_command_and_the_others_still_run(
    checkout: Checkout, step: str
) -> None:
    result = checkout.run("./dev", "test", FAIL=step)
    assert result.returncode == 1
    assert len(checkout.called("-m pytest")) == 1


def test_ci_runs_the_very_same_command(checkout: Checkout) -> None:
    by_hand = checkout.run("./dev", "test")
    calls = checkout.called("-m pytest")
    by_ci = checkout.run("bash", ".ci/run", CI="true")
    assert (by_ci.returncode, checkout.called("-m pytest")) == (by_hand.returncode, calls)
    assert checkout.run("bash", ".ci/run", FAIL="-m pytest").returncode == 1


def test_a_missing_venv_module_is_said_in_one_line(checkout: Checkout) -> None:
    result = checkout.run("./dev", "demo", FAIL="-m venv")
    assert result.returncode == 1
    assert "apt install python3-venv" in result.stderr.splitlines()[-1]


def test_a_machine_without_a_suitable_python_is_told_so(checkout: Checkout) -> None:
    result = checkout.run("./dev", "demo", FAIL="version_info")
    assert result.returncode == 1
    assert "Python 3.11 to 3.14 is needed" in result.stderr


def test_a_newer_interpreter_beside_an_old_python3_is_found(checkout: Checkout) -> None:
    (checkout.path / "python3").write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
    checkout.add_interpreter("python3.13")
    assert checkout.run("./dev", "demo").returncode == 0
    assert checkout.called("python3.13 -m venv")


def test_an_installation_by_another_process_is_waited_for(checkout: Checkout) -> None:
    checkout.run("./dev", "demo")
    marker = checkout.root / ".venv" / ".installing"
    other = subprocess.Popen(["sh", "-c", f"sleep 1; rm '{marker}'"])
    marker.write_text(str(other.pid), encoding="utf-8")
    result = checkout.run("./dev", "demo")
    other.wait()
    assert "is installing" in result.stderr
    assert checkout.called("pip install") == []


def test_an_unknown_command_shows_what_there_is(checkout: Checkout) -> None:
    result = checkout.run("./dev", "tset")
    assert result.returncode == 2
    assert "./dev test" in result.stdout


def test_the_command_is_executable() -> None:
    assert os.access(ROOT / "dev", os.X_OK)
