"""The day list: a mark a line, nothing written over unseen, nobody of another service."""

from datetime import date, timedelta

import pytest

from reminders.domain.answer import AnswerKind
from reminders.domain.appointment import Status
from reminders.domain.outcome import Attendance
from reminders.services import accounts
from reminders.services.answer import Given, give
from reminders.services.day_list import DayList, Fate, Wish, day_list, mark_day
from reminders.store.engine import Store
from tests.support.clinic import PARIS, Clinic, paris, visit

DAY = date(2026, 10, 13)
NOON, EVENING = paris("2026-10-13 12:00"), paris("2026-10-13 17:30")
CAME, ABSENT, EXCUSED, NOTHING = (
    Attendance.CAME, Attendance.ABSENT, Attendance.EXCUSED, Attendance.UNMARKED,
)  # fmt: skip


def clinic_of(store: Store) -> Clinic:
    """Four at B2 (two agendas), one in imaging, one another day."""
    clinic = Clinic(store)
    clinic.read(
        visit(1, "2026-10-13 09:00", agenda="Dr A"),
        visit(2, "2026-10-13 09:30", agenda="Dr A"),
        visit(3, "2026-10-13 10:00", agenda="Dr B"),
        visit(4, "2026-10-13 16:00", agenda="Dr A"),
        visit(5, "2026-10-13 09:15", uf="4230", agenda="IRM"),
        visit(6, "2026-10-14 09:00", agenda="Dr A"),
    )
    clinic.now = NOON
    return clinic


def shown(clinic: Clinic, ufs: frozenset[str] | None = None, **asked: object) -> DayList:
    return day_list(clinic.store, clinic.rules, DAY, PARIS, ufs, now=clinic.now, **asked)  # type: ignore[arg-type]


def key(clinic: Clinic, number: int) -> int:
    return int(clinic.appointment(number).id)


def mark(
    clinic: Clinic,
    number: int,
    word: Attendance,
    seen: Attendance = NOTHING,
    *,
    by: str = "nadia",
    ufs: frozenset[str] | None = None,
) -> Fate:
    wishes = {key(clinic, number): Wish(word, seen)}
    fates, _ = mark_day(clinic.store, clinic.rules, wishes, PARIS, ufs, by=by, now=clinic.now)
    return fates[key(clinic, number)]


def test_lines_of_a_day_by_hour_with_who_they_are(store: Store) -> None:
    found = shown(clinic_of(store))
    assert [line.number for line in found.lines] == ["R1", "R5", "R2", "R3", "R4"]
    first = found.lines[0]
    assert (first.family, first.given, first.born, first.identifier) == (
        "EXEMPLE", "Léa", date(1979, 3, 28), "0000001",
    )  # fmt: skip
    assert [line.can_mark for line in found.lines] == [True, True, True, True, False]


def test_nobody_of_another_service_is_shown_or_marked(store: Store) -> None:
    clinic = clinic_of(store)
    mine = frozenset({"4230"})
    for asked in ({}, {"uf": "4220"}, {"agenda": "Dr A"}):
        assert {line.uf for line in shown(clinic, mine, **asked).lines} <= mine
        assert {one.uf for one in shown(clinic, mine, **asked).agendas} == mine
    assert shown(clinic, mine, uf="4220").lines == []
    assert mark(clinic, 1, CAME, ufs=mine) is Fate.UNKNOWN
    assert clinic.appointment(1).attendance == ""
    nothing = shown(clinic, frozenset())
    assert (nothing.lines, nothing.agendas) == ([], [])


def test_an_agenda_of_its_own_and_what_nobody_said(store: Store) -> None:
    clinic = clinic_of(store)
    assert [line.number for line in shown(clinic, uf="4220", agenda="Dr A").lines] == [
        "R1", "R2", "R4",
    ]  # fmt: skip
    mark(clinic, 1, CAME)
    silent = shown(clinic, uf="4220", agenda="Dr A", silent=True)
    assert [line.number for line in silent.lines] == ["R2"], "R4 has not begun"


def test_numbers_of_each_agenda(store: Store) -> None:
    clinic = clinic_of(store)
    clinic.now = EVENING
    mark(clinic, 1, CAME)
    mark(clinic, 2, ABSENT)
    mark(clinic, 3, EXCUSED)
    one = clinic.appointment(5)
    with store.write() as connection:
        given = Given(AnswerKind.CANCELLED, ((one.id, one.version),), "sms", "test:5")
        give(connection, given, now=paris("2026-10-12 09:00"))
    told = {
        (a.uf, a.agenda): (a.number, a.came, a.absent, a.excused, a.silent)
        for a in shown(clinic).agendas
    }
    assert told == {
        ("4220", "Dr A"): (3, 1, 1, 0, 1),
        ("4220", "Dr B"): (1, 0, 0, 1, 0),
        ("4230", "IRM"): (1, 0, 0, 0, 0),
    }
    for agenda in shown(clinic).agendas:  # numbers and lines tell the same
        lines = shown(clinic, uf=agenda.uf, agenda=agenda.agenda).lines
        words = [line.presence.value for line in lines]
        assert words.count("came") == agenda.came
        assert words.count("absent") == agenda.absent
        assert words.count("excused") == agenda.excused
        assert words.count("to-validate") == agenda.silent


@pytest.mark.parametrize("word", [CAME, ABSENT, EXCUSED])
def test_a_mark_is_kept_with_who_made_it_and_undone(store: Store, word: Attendance) -> None:
    clinic = clinic_of(store)
    accounts.create(store, login="nadia", name="Nadia Exemple", grants=[], actor="x", now=NOON)
    assert mark(clinic, 1, word) is Fate.KEPT
    assert mark(clinic, 1, word) is Fate.SAME
    line = shown(clinic).lines[0]
    assert (line.presence.value, line.told_by, line.marked) == (word.value, "Nadia Exemple", word)
    assert mark(clinic, 1, NOTHING, seen=word) is Fate.KEPT
    assert shown(clinic).lines[0].marked is NOTHING


def test_what_somebody_else_said_meanwhile_stays(store: Store) -> None:
    clinic = clinic_of(store)
    mark(clinic, 1, ABSENT, by="paul")
    assert mark(clinic, 1, CAME) is Fate.CHANGED
    assert clinic.appointment(1).attendance == "absent"
    assert mark(clinic, 1, CAME, seen=ABSENT) is Fate.KEPT


@pytest.mark.parametrize("status", [Status.ARRIVED, Status.NOSHOW, Status.CANCELLED])
def test_what_the_dpi_says_is_not_written_over(store: Store, status: Status) -> None:
    clinic = clinic_of(store)
    clinic.read(visit(1, "2026-10-13 09:00", status=status), visit(9))
    assert mark(clinic, 1, EXCUSED) is Fate.DPI
    assert clinic.appointment(1).attendance == ""
    line = next(line for line in shown(clinic).lines if line.number == "R1")
    assert (line.can_mark, line.told_by) == (False, "dpi")


def test_nobody_is_marked_before_their_hour(store: Store) -> None:
    clinic = clinic_of(store)
    assert mark(clinic, 4, CAME) is Fate.EARLY
    clinic.now += timedelta(hours=4)
    assert mark(clinic, 4, CAME) is Fate.KEPT


def test_a_page_s_marks_are_kept_together(store: Store) -> None:
    clinic = clinic_of(store)
    clinic.now = EVENING
    mark(clinic, 2, EXCUSED, by="paul")
    wishes = {
        key(clinic, number): Wish(word, NOTHING)
        for number, word in ((1, CAME), (2, ABSENT), (3, ABSENT), (4, CAME))
    } | {999_999: Wish(CAME, NOTHING)}
    fates, lines = mark_day(store, clinic.rules, wishes, PARIS, None, by="nadia", now=clinic.now)
    assert [fates[key(clinic, n)] for n in (1, 2, 3, 4)] == [
        Fate.KEPT, Fate.CHANGED, Fate.KEPT, Fate.KEPT,
    ]  # fmt: skip
    assert fates[999_999] is Fate.UNKNOWN
    assert {line.number: line.marked.value for line in lines} == {
        "R1": "came", "R2": "excused", "R3": "absent", "R4": "came",
    }  # fmt: skip


def test_a_long_day_comes_by_pages_each_line_once(store: Store) -> None:
    clinic = Clinic(store)
    clinic.read(*(visit(number, "2026-10-13 09:30") for number in range(1, 121)))
    clinic.now = EVENING
    seen: list[int] = []
    after: tuple[int, int] | None = (-1, 0)
    while after is not None:
        page = shown(clinic, after=after)
        assert len(page.lines) <= 50
        seen += [line.id for line in page.lines]
        after = page.after
    assert len(seen) == len(set(seen)) == 120
    assert shown(clinic).agendas[0].silent == 120
