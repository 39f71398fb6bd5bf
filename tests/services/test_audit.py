"""Who saw and did what is found again: by person, action, subject and day, page by page."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest

from reminders.domain.access import Grant, Role
from reminders.services import accounts
from reminders.services.audit import SUBJECT, Line, Sought, actors, everything, look
from reminders.store import facts
from reminders.store.engine import Store, insert_rows, rows
from reminders.store.types import micros
from tests.support.clinic import PARIS

NOW = datetime(2026, 10, 14, 8, tzinfo=UTC)


def note(
    store: Store, at: datetime, actor: str, action: str, subject: str = "", **detail: object
) -> None:
    with store.write() as connection:
        facts.audit(
            connection, at=micros(at), actor=actor, action=action, subject=subject, **detail
        )


def lived_in(store: Store) -> None:
    accounts.create(
        store, login="nadia", name="Nadia Exemple", grants=[Grant(Role.AGENT)], actor="root",
        now=NOW - timedelta(days=9),
    )  # fmt: skip
    note(store, NOW - timedelta(days=3), "nadia", "patient.see", "patient:12")
    note(store, NOW - timedelta(days=2), "nadia", "hold")
    note(store, NOW - timedelta(days=1), "marc", "patient.see", "patient:12", fields=3)
    note(store, NOW, "marc", "patient.see", "patient:121")


def found(store: Store, **sought: object) -> list[tuple[str, str]]:
    lines, _ = look(store, Sought(**sought), PARIS, limit=50)  # type: ignore[arg-type]
    return [(line.actor, line.action) for line in lines]


def pages(store: Store, sought: Sought, limit: int) -> list[Sequence[Line]]:
    seen: list[Sequence[Line]] = []
    after = ""
    while True:
        lines, after = look(store, sought, PARIS, after=after, limit=limit)
        seen.append(lines)
        if not after:
            return seen


def test_the_newest_line_stands_first_with_the_name_of_whoever_has_an_account(store: Store) -> None:
    lived_in(store)
    lines, more = look(store, Sought(), PARIS, limit=50)
    assert [line.actor for line in lines] == ["marc", "marc", "nadia", "nadia", "root"]
    assert [line.name for line in lines] == ["", "", "Nadia Exemple", "Nadia Exemple", ""]
    assert lines[0].at == NOW
    assert lines[1].details == {"fields": "3"}
    assert more == ""


def test_one_looks_by_person_action_and_subject(store: Store) -> None:
    lived_in(store)
    assert found(store, actor="nadia") == [("nadia", "hold"), ("nadia", "patient.see")]
    assert found(store, action="hold") == [("nadia", "hold")]
    assert found(store, subject="patient:12") == [("marc", "patient.see"), ("nadia", "patient.see")]
    assert found(store, subject="patient:12", actor="marc") == [("marc", "patient.see")]
    assert found(store, actor="nobody") == []


def test_a_period_counts_whole_days_of_the_hospital(store: Store) -> None:
    note(store, datetime(2026, 10, 12, 21, 59, tzinfo=UTC), "a", "see")  # 23:59 in Paris
    note(store, datetime(2026, 10, 12, 22, 0, tzinfo=UTC), "b", "see")  # midnight
    note(store, datetime(2026, 10, 13, 21, 59, tzinfo=UTC), "c", "see")
    note(store, datetime(2026, 10, 13, 22, 0, tzinfo=UTC), "d", "see")
    the_13th = date(2026, 10, 13)
    assert found(store, first=the_13th, last=the_13th) == [("c", "see"), ("b", "see")]
    assert found(store, first=the_13th) == [("d", "see"), ("c", "see"), ("b", "see")]
    assert found(store, last=date(2026, 10, 12)) == [("a", "see")]


def test_pages_follow_each_other_without_gap_or_repetition(store: Store) -> None:
    """Lines of one moment too: they are told apart by their key."""
    for number in range(23):
        note(store, NOW + timedelta(minutes=number // 5), "nadia", f"n{number}")
    seen = pages(store, Sought(actor="nadia"), limit=5)
    assert [len(one) for one in seen] == [5, 5, 5, 5, 3]
    assert [line.action for one in seen for line in one] == [f"n{n}" for n in reversed(range(23))]
    assert all(a[-1].at >= b[0].at for a, b in pairwise(seen))


def test_a_last_page_that_is_full_has_none_after_it(store: Store) -> None:
    for number in range(10):
        note(store, NOW, "nadia", f"n{number}")
    assert [len(one) for one in pages(store, Sought(), limit=5)] == [5, 5]


def test_a_line_written_meanwhile_moves_no_page(store: Store) -> None:
    for number in range(6):
        note(store, NOW, "nadia", f"n{number}")
    first, after = look(store, Sought(), PARIS, limit=3)
    note(store, NOW + timedelta(minutes=1), "nadia", "new")
    second, _ = look(store, Sought(), PARIS, after=after, limit=3)
    assert [line.action for line in [*first, *second]] == [f"n{n}" for n in (5, 4, 3, 2, 1, 0)]


@pytest.mark.parametrize("after", ["x", "1", "-1-2", "9" * 40 + "-1", "' OR 1=1"])
def test_an_address_somebody_made_up_is_the_first_page(store: Store, after: str) -> None:
    lived_in(store)
    assert look(store, Sought(), PARIS, after=after, limit=2) == look(
        store, Sought(), PARIS, limit=2
    )


def test_everything_is_read_in_batches(store: Store) -> None:
    with store.write() as connection:
        insert_rows(
            connection,
            "audit",
            ("id", "at", "actor", "action", "subject", "detail"),
            [
                (n, micros(NOW) + n // 3, "nadia", "see", f"patient:{n}", "")
                for n in range(1, 4_502)
            ],
        )
    seen = [line.subject for line in everything(store, Sought(), PARIS)]
    assert seen == [f"patient:{n}" for n in range(4_501, 0, -1)]


def test_whoever_did_anything_can_be_chosen(store: Store) -> None:
    assert actors(store) == []
    lived_in(store)
    assert [(one.actor, one.name) for one in actors(store)] == [
        ("marc", ""), ("nadia", "Nadia Exemple"), ("root", ""),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "text", ["patient:12", "account:3", "template:rappel-j3", "uf:4220", "day:2026-10-14"]
)
def test_an_id_behind_its_kind_is_a_subject(text: str) -> None:
    assert SUBJECT.fullmatch(text)


@pytest.mark.parametrize(
    "text",
    ["Léa", "patient:Léa Exemple", "patient:0639980012", "patient:33639980012", "patient:+33", "12",
     "patient:lea@example.org", "patient:lea"],
)  # fmt: skip
def test_what_names_somebody_is_none(text: str) -> None:
    assert not SUBJECT.fullmatch(text)


@pytest.mark.parametrize(
    "condition", ["", "a.actor = 'x' AND ", "a.action = 'x' AND ", "a.subject = 'x' AND "]
)
def test_every_way_of_looking_has_its_index_and_sorts_nothing(store: Store, condition: str) -> None:
    if not store.is_sqlite:  # PostgreSQL's planner looks at how much there is
        return
    with store.read() as connection:
        plan = rows(
            connection,
            f"EXPLAIN QUERY PLAN SELECT a.id FROM audit a WHERE {condition}(a.at, a.id) < (5, 5) "
            "ORDER BY a.at DESC, a.id DESC LIMIT 51",
        )
    told = " ".join(row.detail for row in plan)
    assert "USING COVERING INDEX ix_audit_" in told
    assert "TEMP B-TREE" not in told
