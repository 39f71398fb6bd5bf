"""A mutant: a deliberate bug as a patch, and the tests that must see it.

A patch file starts with comment lines, which `git apply` skips:

    # R4: an intent no longer asks whether the patient objected
    # test: tests/faults/test_promises.py::test_r4_the_intent_sees_an_objection_made_since_the_lease
"""

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


@dataclass(frozen=True, slots=True)
class Mutant:
    path: Path
    promise: str  # "R4"
    bug: str  # one sentence
    tests: tuple[str, ...]

    @property
    def name(self) -> str:
        return self.path.stem


def read_mutant(path: Path) -> Mutant:
    """Raises ValueError for a patch that does not say what it breaks and who must see it."""
    lines = path.read_text(encoding="utf-8").splitlines()
    comments = [line.removeprefix("#").strip() for line in lines if line.startswith("#")]
    tests = tuple(c.removeprefix("test:").strip() for c in comments if c.startswith("test:"))
    promise, colon, bug = comments[0].partition(":") if comments else ("", "", "")
    if not (colon and bug.strip() and tests):
        raise ValueError(f"{path.name}: « # R1: the bug » and « # test: file::name » are needed")
    return Mutant(path, promise.strip(), bug.strip(), tests)


def mutants(names: Sequence[str] = ()) -> list[Mutant]:
    """All of them, or those whose name contains one of `names`."""
    found = [read_mutant(path) for path in sorted(HERE.glob("*.patch"))]
    return [one for one in found if not names or any(name in one.name for name in names)]


def git(*arguments: str, cwd: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(["git", *arguments], cwd=cwd, capture_output=True, text=True)


def applies(mutant: Mutant, tree: Path) -> bool:
    return git("apply", "--check", str(mutant.path), cwd=tree).returncode == 0
