"""Calls come from files and from whoever took them: each once, and nothing else is kept."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from reminders.domain.calls import Motive
from reminders.errors import RepairNeeded
from reminders.services.calls import Imported, import_calls, note
from reminders.store.engine import Store
from tests.support.clinic import PARIS, Clinic, someone, visit

HEAD = "Date;Heure;Service;Motif;Rendez-vous;IPP"


@pytest.fixture
def clinic(store: Store) -> Clinic:
    found = Clinic(store)
    found.read(
        visit(1), visit(2, "2026-10-21 09:30"), visit(3, "2026-10-22 09:30", uf="4230"),
        visit(4, "2026-10-23 09:30", patient=someone(1)),
    )  # fmt: skip
    return found


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "appels.csv"


def read(clinic: Clinic, file: Path, *lines: str, head: str = HEAD) -> Imported:
    file.write_text("\n".join((head, *lines)), encoding="utf-8")
    return import_calls(clinic.store, clinic.rules, file, PARIS, actor="nadia", now=clinic.now)


def kept(clinic: Clinic) -> list[tuple[object, ...]]:
    found = clinic.rows(
        "SELECT c.day, c.uf, c.motive, COALESCE(a.external_id, '') AS number FROM call_entry c "
        "LEFT JOIN appointment a ON a.id = c.appointment_id ORDER BY c.day, c.id"
    )
    return [tuple(row) for row in found]


def test_a_call_is_linked_by_number_or_by_patient(clinic: Clinic, file: Path) -> None:
    found = read(
        clinic, file, "01/10/2026;9:30;4220;Annulation;R2;", "02/10/2026;;4220;Confirmer;;0000001",
        "03/10/2026;;Imagerie, accueil C1;;;0000003", "04/10/2026;;4220;autre;;9999999",
    )  # fmt: skip
    assert (found.lines, found.kept, found.unlinked, found.refused) == (4, 4, 1, 0)
    assert kept(clinic) == [
        ("2026-10-01", "4220", "cancel", "R2"), ("2026-10-02", "4220", "confirm", "R1"),
        ("2026-10-03", "4230", "", "R3"), ("2026-10-04", "4220", "other", ""),
    ]  # fmt: skip


def test_a_bad_line_is_told_with_its_place_and_remedy_and_the_others_are_kept(
    clinic: Clinic, file: Path
) -> None:
    found = read(
        clinic, file, "hier;;4220;;R1;", "01/10/2026;;Cuisine;;;", "01/10/2026;;;;;",
        "13/10/2026;;4220;;R1;", "02/10/2026;;4220;;R1;", "02/10/1926;;4220;;R1;",
        "01/01/0001;;4220;;R1;", "31/12/9999;23:59;4220;;R1;",
    )  # fmt: skip
    assert (found.lines, found.kept, found.refused) == (8, 1, 7)
    places = [one.where for one in found.problems]
    assert places == [f"appels.csv, ligne {n}" for n in (2, 3, 4, 5, 7, 8, 9)]
    assert all(one.what and one.remedy for one in found.problems)


def test_the_same_file_changes_nothing_and_a_corrected_one_adds_what_was_missing(
    clinic: Clinic, file: Path
) -> None:
    lines = ["01/10/2026;9:30;4220;;R1;", "01/10/2026;9:30;4220;;R1;", "hier;;4220;;R2;"]
    assert read(clinic, file, *lines).kept == 2  # two equal lines are two calls
    again = read(clinic, file, *lines)
    assert again.already == clinic.now
    corrected = read(clinic, file, *lines[:2], "02/10/2026;;4220;;R2;")
    assert (corrected.kept, corrected.repeated, corrected.refused) == (1, 2, 0)
    assert len(kept(clinic)) == 3


def test_a_file_read_twice_at_once_is_kept_once(clinic: Clinic, file: Path) -> None:
    lines = [f"{1 + n % 9:02}/10/2026;9:{n % 60:02};4220;;R1;" for n in range(120)]
    file.write_text("\n".join((HEAD, *lines)), encoding="utf-8")

    def one(_: int) -> Imported:
        return import_calls(clinic.store, clinic.rules, file, PARIS, actor="nadia", now=clinic.now)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(one, range(2)))
    assert len(kept(clinic)) == 120
    assert len(clinic.rows("SELECT id FROM call_file")) == 1


def test_nothing_of_the_file_but_ids_stays(clinic: Clinic, file: Path) -> None:
    read(
        clinic, file, "01/10/2026;;4220;Mme EXEMPLE annule 06 39 98 00 01;;0000001",
        head=HEAD,
    )  # fmt: skip
    for table in ("call_entry", "call_file", "audit"):
        for row in clinic.rows(f"SELECT * FROM {table}"):
            assert "EXEMPLE" not in str(row)
            assert "0000001" not in str(row)
            assert "39 98" not in str(row)


def test_a_file_without_dates_or_a_readable_line_is_refused(clinic: Clinic, file: Path) -> None:
    with pytest.raises(RepairNeeded, match="date"):
        read(clinic, file, "x", head="Service;Motif")
    assert read(clinic, file, "hier;;4220;;R1;").refused == 1
    assert clinic.rows("SELECT id FROM call_file") == []  # corrected, it is a new one


def test_a_number_that_two_sources_use_is_not_guessed_at(clinic: Clinic, file: Path) -> None:
    clinic.feed(visit(1, patient=someone(8)))
    clinic.sync("autre")
    assert len(clinic.rows("SELECT id FROM appointment WHERE external_id = 'R1'")) == 2
    assert read(clinic, file, "01/10/2026;;4220;;R1;").unlinked == 1


def test_who_took_a_call_notes_it_once(clinic: Clinic) -> None:
    (row,) = clinic.rows("SELECT id, patient_id FROM appointment WHERE external_id = 'R1'")
    for _ in range(2):
        note(
            clinic.store, row.id, row.patient_id, "4220", Motive.CANCEL, PARIS, actor="nadia",
            now=clinic.now,
        )  # fmt: skip
    assert kept(clinic) == [("2026-10-12", "4220", "cancel", "R1")]
