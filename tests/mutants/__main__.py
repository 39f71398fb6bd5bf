"""`python -m tests.mutants [NAME …]`: every deliberate bug must be seen by the tests it names.

Each patch is applied to a copy of the checkout and its tests run there; they must fail. A patch
that no longer applies, or a bug nobody sees, ends with exit code 1 and one line each.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.mutants.patches import ROOT, Mutant, git, mutants

SEEN, NO_TEST, TESTS_FAILED = "seen", (2, 3, 4, 5), 1  # pytest's exit codes
PATIENCE = 900  # seconds for the tests of one mutant; a mutant that hangs them is seen as well


@contextmanager
def copy_of_the_checkout() -> Iterator[Path]:
    """What a commit of the present files would hold, changes not committed yet included."""
    with tempfile.TemporaryDirectory(prefix="mutants-") as name:
        tree = Path(name) / "tree"
        listed = git("ls-files", "-z", "--cached", "--others", "--exclude-standard", cwd=ROOT)
        for line in filter(None, listed.stdout.split("\0")):
            source, target = ROOT / line, tree / line
            if source.is_file():
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(source, target)
        git("init", "-q", cwd=tree)  # git apply works on the copy, whatever repository is around
        yield tree


def verdict(mutant: Mutant, tree: Path) -> str:
    """`seen`, or what is wrong with this mutant."""
    if git("apply", str(mutant.path), cwd=tree).returncode != 0:
        return "no longer applies: the code it breaks has changed; write it again"
    try:
        code = run_tests(mutant, tree)
    finally:
        git("apply", "--reverse", str(mutant.path), cwd=tree)
    if code == TESTS_FAILED:
        return SEEN
    if code in NO_TEST:
        return f"its tests did not run (pytest says {code}): {', '.join(mutant.tests)}"
    return f"SURVIVED: {', '.join(mutant.tests)} saw nothing"


def run_tests(mutant: Mutant, tree: Path) -> int:
    byte_code = str(tree.parent / "byte-code")  # of the last mutant's tests, all but one file
    environment = {**os.environ, "PYTHONPATH": str(tree), "PYTHONPYCACHEPREFIX": byte_code}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-m", "nightly or not nightly"]
    try:
        return subprocess.run(
            [*command, "-p", "no:cacheprovider", *mutant.tests],
            cwd=tree,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=PATIENCE,
        ).returncode
    except subprocess.TimeoutExpired:
        return TESTS_FAILED


def healthy(every: list[Mutant], tree: Path) -> bool:
    """A test that fails without any mutant proves nothing about them."""
    tests = tuple(dict.fromkeys(test for one in every for test in one.tests))
    return run_tests(Mutant(tree, "", "", tests), tree) == 0


def main() -> int:
    every, missed = mutants(sys.argv[1:]), 0
    started = time.monotonic()
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]  # one line as it comes
    with copy_of_the_checkout() as tree:
        if not healthy(every, tree):
            print("✗ the tests the mutants name fail without any mutant: repair them first")
            return 1
        for mutant in every:
            found = verdict(mutant, tree)
            missed += found != SEEN
            print(f"{'✓' if found == SEEN else '✗'} {mutant.promise} {mutant.name}: {found}")
    seconds = time.monotonic() - started
    print(f"{len(every)} mutants, {len(every) - missed} seen, {missed} not, in {seconds:.0f} s")
    return 1 if missed or not every else 0


if __name__ == "__main__":
    sys.exit(main())
