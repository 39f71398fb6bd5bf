"""One hold, looked at: what the gate saw, releasing it, discarding it; two people at once."""

from collections.abc import Sequence
from datetime import timedelta

import pytest

from reminders.domain.appointment import AppointmentRecord
from reminders.services.hold import (
    HoldRefused,
    Seen,
    Unit,
    discard_feed,
    discard_messages,
    hold_everything,
    release_hold,
)
from reminders.store import holding, holds, purging
from reminders.store.engine import Record, Store
from reminders.store.types import instant, micros
from tests.support.clinic import Clinic, counts, paris, visit, visits

HOUR = timedelta(hours=1)


def tomorrow(numbers: Sequence[int]) -> list[AppointmentRecord]:
    """Appointments whose J-1 is MONDAY from 10:00 to 20:00."""
    return visits(numbers, starts="2026-10-13 15:00")


def active(store: Store) -> Sequence[Record]:
    with store.read() as connection:
        return holds.active(connection)


def ids(store: Store) -> list[int]:
    return [row.id for row in active(store)]


def sampled(store: Store) -> list[tuple[int, str, int | None]]:
    with store.read() as connection:
        return [(row.id, row.fate, row.told) for row in holding.samples(connection, ids(store))]


def half_gone(clinic: Clinic, content_hash: str = "tuesday") -> None:
    """40 known, 28 received: the gate holds the file."""
    clinic.read(*visits(range(40)), content_hash="monday")
    assert clinic.read(*visits(range(12, 40)), content_hash=content_hash).status == "held"


# --- what the gate saw -------------------------------------------------------------------------


def test_a_held_feed_keeps_what_was_expected_and_what_was_received(store: Store) -> None:
    clinic = Clinic(store)
    clinic.read(*visits(range(30)), *visits(range(30, 40), uf="4230"))
    clinic.read(*visits(range(12, 30)), *visits(range(30, 41), uf="4230"))
    seen = Seen.read(active(store)[0].evidence)
    assert seen == Seen(
        received=29, usual=None, known=40, vanished=12, moved=0,
        units=(Unit("4220", 30, 18), Unit("4230", 10, 11)),
    )  # fmt: skip


def test_it_keeps_ten_of_those_that_would_vanish(store: Store) -> None:
    clinic = Clinic(store)
    half_gone(clinic)
    gone = sampled(store)
    assert len(gone) == 10
    assert {fate for _, fate, _ in gone} == {"vanished"}
    assert clinic.appointment(0).id in {number for number, _, _ in gone}


def test_it_keeps_those_that_would_move_and_where_to(store: Store) -> None:
    clinic = Clinic(store)
    clinic.read(*visits(range(100)))
    moved = visits(range(6), starts="2026-10-20 10:30")
    clinic.read(*moved, visit(6, "2026-10-20 15:00"), *visits(range(7, 100)))
    assert sampled(store) == [
        (clinic.appointment(n).id, "moved", micros(paris("2026-10-20 10:30"))) for n in range(6)
    ]


def test_a_feed_that_could_not_be_read_has_no_counts(store: Store) -> None:
    clinic = Clinic(store)
    clinic.read(visit(1), layout="old")
    clinic.read(visit(1), layout="new", content_hash="a")
    assert [Seen.read(row.evidence) for row in active(store)] == [None]


def test_the_purge_takes_the_samples_with_their_hold(store: Store) -> None:
    clinic = Clinic(store)
    half_gone(clinic)
    clinic.release()
    purging.delete_journal(store, micros(clinic.now + HOUR))
    assert clinic.value("SELECT COUNT(*) FROM hold_sample") == 0


# --- releasing one ------------------------------------------------------------------------------


def test_a_released_file_is_applied_at_the_next_reading(store: Store) -> None:
    clinic = Clinic(store)
    half_gone(clinic)
    release_hold(store, ids(store)[0], ids(store), now=clinic.now, by="nadia")
    assert clinic.holds() == []
    fewer = visits(range(12, 40))
    assert counts(clinic.read(*fewer, content_hash="tuesday")) == ("accepted", 0, 0, 12)


def test_the_reasons_of_one_file_are_released_together_and_no_other(store: Store) -> None:
    clinic = Clinic(store)
    clinic.read(*visits(range(30)))
    hold_everything(store, "panne", now=clinic.now - HOUR, by="paul")
    clinic.read(window=(clinic.now - 14 * 24 * HOUR, clinic.now + 90 * 24 * HOUR))
    assert clinic.holds() == ["empty", "manual", "vanished"]
    first = next(row.id for row in active(store) if row.code == "empty")
    release_hold(store, first, ids(store), now=clinic.now, by="nadia")
    assert clinic.holds() == ["manual"]


def test_messages_another_hold_keeps_stay_held(store: Store) -> None:
    clinic = Clinic(store)
    clinic.read(*tomorrow([1, 2]))
    clinic.plan()
    clinic.now += 2 * HOUR
    hold_everything(store, "panne", now=clinic.now, by="paul")
    clinic.read(*tomorrow([1, 2]), as_of=clinic.now + 400 * 24 * HOUR, content_hash="a")
    clinic.leave()
    manual = next(row.id for row in active(store) if row.code == "manual")
    assert release_hold(store, manual, ids(store), now=clinic.now, by="nadia") == (0, 0)
    assert set(clinic.states()) == {"HELD"}
    other = ids(store)[0]
    assert release_hold(store, other, [other], now=clinic.now, by="nadia") == (2, 0)
    assert clinic.leave() == 2


def test_who_has_not_seen_a_reason_does_not_release_it(store: Store) -> None:
    clinic = Clinic(store)
    clinic.read(*visits(range(30)))
    clinic.read(window=(clinic.now - 14 * 24 * HOUR, clinic.now + 90 * 24 * HOUR))
    first = ids(store)[0]
    with pytest.raises(HoldRefused) as refused:
        release_hold(store, first, [first], now=clinic.now, by="nadia")
    assert refused.value.code == "joined"
    assert clinic.holds() == ["empty", "vanished"]


def test_of_two_people_the_second_is_told_who_decided(store: Store) -> None:
    clinic = Clinic(store)
    half_gone(clinic)
    seen = ids(store)
    release_hold(store, seen[0], seen, now=clinic.now, by="nadia")
    for late in (
        lambda: release_hold(store, seen[0], seen, now=clinic.now, by="paul"),
        lambda: discard_feed(store, seen[0], seen, now=clinic.now, by="paul"),
        lambda: discard_messages(store, seen[0], seen, 9, now=clinic.now, by="paul"),
    ):
        with pytest.raises(HoldRefused, match="ended") as refused:
            late()
        assert "nadia" in refused.value.sentence
    with pytest.raises(HoldRefused, match="unknown"):
        release_hold(store, 999_999, seen, now=clinic.now, by="paul")


# --- discarding ---------------------------------------------------------------------------------


def test_a_discarded_file_is_never_applied_and_holds_no_more(store: Store) -> None:
    clinic = Clinic(store)
    half_gone(clinic)
    discard_feed(store, ids(store)[0], ids(store), now=clinic.now, by="nadia")
    fewer = visits(range(12, 40))
    feed = clinic.feed(*fewer, content_hash="tuesday")
    summary = clinic.sync()[0]
    assert (summary.status, summary.code) == ("refused", "discarded")
    assert "nadia" in summary.sentence
    assert feed.rejected  # put aside: it is not read again and again
    assert clinic.holds() == []
    assert clinic.value("SELECT COUNT(*) FROM appointment WHERE status = 'booked'") == 40


def test_another_file_is_judged_again_after_a_discarded_one(store: Store) -> None:
    clinic = Clinic(store)
    half_gone(clinic)
    discard_feed(store, ids(store)[0], ids(store), now=clinic.now, by="nadia")
    assert clinic.read(*visits(range(12, 40)), content_hash="wednesday").status == "held"
    assert counts(clinic.read(*visits(range(2, 40)), content_hash="right")) == ("accepted", 0, 0, 2)


def test_what_a_discarded_file_held_leaves_on_what_was_known(store: Store) -> None:
    clinic = Clinic(store)
    clinic.read(*tomorrow(range(40)), content_hash="monday")
    clinic.plan()
    clinic.now += 2 * HOUR
    clinic.read(*tomorrow(range(12, 40)), content_hash="tuesday")
    assert clinic.leave() == 0
    hold = ids(store)[0]
    assert discard_feed(store, hold, [hold], now=clinic.now, by="nadia") == (40, 0)
    assert clinic.leave() == 40


def test_where_no_file_waits_there_is_none_to_discard(store: Store) -> None:
    clinic = Clinic(store)
    hold_everything(store, "panne", now=clinic.now, by="paul")
    with pytest.raises(HoldRefused, match="no-file"):
        discard_feed(store, ids(store)[0], ids(store), now=clinic.now, by="nadia")
    assert clinic.holds() == ["manual"]


def held(store: Store) -> Clinic:
    """Two messages due and held, a third for later; the hold stays."""
    clinic = Clinic(store)
    clinic.read(*tomorrow([1, 2]), visit(3, "2026-10-14 15:00"))
    clinic.plan()
    clinic.now += 2 * HOUR
    hold_everything(store, "panne", now=clinic.now, by="paul")
    clinic.leave()
    return clinic


def test_discarded_messages_never_leave_and_the_hold_stays(store: Store) -> None:
    clinic = held(store)
    hold = ids(store)[0]
    assert discard_messages(store, hold, [hold], 2, now=clinic.now, by="nadia") == 2
    assert clinic.holds() == ["manual"]
    clinic.plan()
    assert sorted(clinic.states()) == ["CANCELLED", "CANCELLED", "PLANNED"]
    release_hold(store, hold, [hold], now=clinic.now, by="nadia")
    clinic.read(*tomorrow([1, 2]), visit(3, "2026-10-14 15:00"), visit(1, "2026-10-13 15:00"))
    clinic.plan()
    assert clinic.leave() == 0
    clinic.now += 24 * HOUR
    clinic.plan()
    assert clinic.leave() == 1  # the third's


def test_no_other_channel_tells_what_was_discarded(store: Store) -> None:
    clinic = held(store)
    hold = ids(store)[0]
    discard_messages(store, hold, [hold], 2, now=clinic.now, by="nadia")
    with store.write() as connection:
        connection.exec_driver_sql("UPDATE patient SET email = 'lea@example.org', dirty = 1")
    clinic.plan()
    assert sorted(clinic.states()) == ["CANCELLED", "CANCELLED", "PLANNED"]


def test_a_moved_appointment_is_told_afresh_after_a_discard(store: Store) -> None:
    clinic = held(store)
    hold = ids(store)[0]
    discard_messages(store, hold, [hold], 2, now=clinic.now, by="nadia")
    release_hold(store, hold, [hold], now=clinic.now, by="nadia")
    clinic.read(visit(1, "2026-10-14 15:00"), *tomorrow([2]), visit(3, "2026-10-14 15:00"))
    clinic.plan()
    clinic.now += 24 * HOUR
    assert clinic.leave() == 2


def test_more_messages_than_were_told_are_not_discarded(store: Store) -> None:
    clinic = held(store)
    hold = ids(store)[0]
    with pytest.raises(HoldRefused, match="more"):
        discard_messages(store, hold, [hold], 1, now=clinic.now, by="nadia")
    assert sorted(clinic.states()) == ["HELD", "HELD", "PLANNED"]


def test_a_hold_of_one_source_discards_its_messages_only(store: Store) -> None:
    clinic = Clinic(store)
    clinic.read(*tomorrow([1]))
    clinic.read(*tomorrow([2]), source="imagerie")
    clinic.plan()
    clinic.now += 2 * HOUR
    clinic.read(*tomorrow([2]), source="imagerie", content_hash="a",
                as_of=clinic.now + 400 * 24 * HOUR)  # fmt: skip
    hold = ids(store)[0]
    assert discard_messages(store, hold, [hold], 9, now=clinic.now, by="nadia") == 1
    assert clinic.leave() == 1


def test_what_waits_with_a_hold_is_counted(store: Store) -> None:
    clinic = held(store)
    now, hold = micros(clinic.now), ids(store)[0]
    tonight, later = micros(paris("2026-10-12 23:59")), micros(paris("2026-10-13 23:59"))

    def waiting(now: int, until: int) -> tuple[int, int, int]:
        with store.read() as connection:
            (row,) = holding.occasion(connection, hold, now, until)
        return row.held, row.late, row.later

    assert waiting(now, tonight) == (2, 0, 0)
    assert waiting(now, later) == (2, 0, 1)
    assert waiting(micros(paris("2026-10-12 20:30")), later) == (0, 2, 1)


def test_who_released_and_discarded_is_in_the_audit(store: Store) -> None:
    clinic = held(store)
    hold = ids(store)[0]
    discard_messages(store, hold, [hold], 2, now=clinic.now, by="nadia")
    release_hold(store, hold, [hold], now=clinic.now + HOUR, by="paul")
    found = clinic.rows("SELECT actor, action, subject, detail FROM audit ORDER BY id")
    assert [tuple(row) for row in found][1:] == [
        ("nadia", "discard-messages", f"hold:{hold}", '{"messages": 2}'),
        ("paul", "release", f"hold:{hold}", '{"back": 0, "late": 0}'),
    ]
    ended = clinic.rows("SELECT ended, released_by, released_at FROM hold")[0]
    assert (ended.ended, ended.released_by) == ("released", "paul")
    assert instant(ended.released_at) == clinic.now + HOUR


def test_a_source_beyond_ones_services_is_known(store: Store) -> None:
    clinic = Clinic(store)
    clinic.read(*tomorrow([1]), visit(2, "2026-10-13 15:00", uf="4230"))
    hold_everything(store, "panne", now=clinic.now, by="paul")
    now = micros(clinic.now)

    def beyond(*ufs: str) -> int:
        with store.read() as connection:
            (row,) = holding.occasion(connection, ids(store)[0], now, now, frozenset(ufs))
        return int(row.beyond)

    assert beyond("4220", "4230") == 0
    assert beyond("4220") == beyond() == 1
