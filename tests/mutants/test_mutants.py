"""Every deliberate bug still applies, names tests that exist, and no promise goes without one."""

import re
from pathlib import Path

import pytest

from tests.mutants.patches import ROOT, Mutant, applies, mutants, read_mutant

PROMISES = {"R1", "R2", "R3", "R4", "R5", "R6", "R7", "R8", "R15"}


@pytest.mark.parametrize("mutant", mutants(), ids=lambda mutant: mutant.name)
def test_a_mutant_applies_and_names_tests_that_exist(mutant: Mutant) -> None:
    assert applies(mutant, ROOT), f"{mutant.path.name} no longer applies: write it again"
    for test in mutant.tests:
        file, _, name = test.partition("::")
        text = (ROOT / file).read_text(encoding="utf-8")
        assert re.search(rf"def {re.escape(name.partition('[')[0])}\(", text), f"{test} is gone"


def test_every_promise_has_a_mutant() -> None:
    assert {mutant.promise for mutant in mutants()} >= PROMISES


def test_a_patch_that_names_no_test_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "careless.patch"
    path.write_text("# R1: a bug\n--- a/x\n+++ b/x\n", encoding="utf-8")
    with pytest.raises(ValueError, match="careless"):
        read_mutant(path)
