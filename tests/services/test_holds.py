"""Sending waits for a person: when, for how long, and what a release lets through."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from reminders.config import DpiTable
from reminders.domain.appointment import AppointmentRecord, Status
from reminders.errors import FeedRefused, RepairNeeded
from reminders.services.freshness import hold_stale, stale_sources
from reminders.services.hold import hold_everything
from reminders.store import outbox
from reminders.store.engine import Store, open_engine
from reminders.store.types import SECOND, instant, micros
from tests.support.clinic import PARIS, Clinic, counts, paris, settings_with, visit, visits
from tests.support.stores import address

HOUR = timedelta(hours=1)
LIVE = settings_with(mode="live")


def live(store: Store, **changes: Any) -> Clinic:
    clinic = Clinic(store, settings=settings_with(mode="live", **changes))
    clinic.open()
    return clinic


def tomorrow(numbers: Sequence[int]) -> list[AppointmentRecord]:
    """Appointments whose J-1 is MONDAY from 10:00 to 20:00."""
    return visits(numbers, starts="2026-10-13 15:00")


def age(told: object) -> DpiTable:
    return DpiTable.model_validate({"id": "agenda", "kind": "fhir", "max_age": told})


# --- old data ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("table", "limit"),
    [
        (DpiTable(id="agenda", kind="csv"), timedelta(hours=26)),
        (DpiTable(id="agenda", kind="fhir"), timedelta(minutes=30)),
        (DpiTable(id="agenda", kind="fhir", max_age_minutes=90), timedelta(minutes=90)),
        (age("45min"), timedelta(minutes=45)),
        (age("1,5 h"), timedelta(minutes=90)),
        (age("2j"), timedelta(days=2)),
    ],
)
def test_each_source_has_an_age_of_its_own(store: Store, table: DpiTable, limit: timedelta) -> None:
    clinic = Clinic(store)
    clinic.settings = clinic.settings.model_copy(update={"dpi": (table,)})
    clinic.read(visit(1))
    clinic.now += limit
    clinic.sync()
    assert clinic.holds() == []
    clinic.now += timedelta(seconds=1)
    clinic.sync()
    assert clinic.holds() == ["stale"]


@pytest.mark.parametrize("told", [26, "26", "0h", "une heure", "-1h", True])
def test_an_age_without_its_unit_is_refused(told: object) -> None:
    with pytest.raises(ValueError, match="26h"):
        age(told)


def test_an_age_is_told_once() -> None:
    with pytest.raises(ValueError, match="pas les deux"):
        DpiTable.model_validate(
            {"id": "agenda", "kind": "csv", "max_age": "26h", "max_age_minutes": 30}
        )


def test_a_first_file_that_is_too_old_holds_too(store: Store) -> None:
    clinic = Clinic(store)
    clinic.feed(visit(1), as_of=clinic.now - timedelta(days=2), content_hash="a")
    assert clinic.sync()[0].code == "stale"
    assert clinic.holds() == ["stale"]
    assert clinic.value("SELECT COUNT(*) FROM appointment") == 0


def test_yesterdays_file_cancels_nothing(store: Store) -> None:
    clinic = Clinic(store)
    clinic.read(*visits(range(1, 8)))
    clinic.pass_days(2)
    clinic.feed(visit(2), as_of=clinic.now - timedelta(hours=27), content_hash="a")
    assert clinic.sync()[0].code == "stale"
    assert clinic.holds() == ["stale"]
    clinic.release()
    clinic.feed(visit(2), as_of=clinic.now - timedelta(hours=27), content_hash="a")
    clinic.sync()
    assert clinic.value("SELECT COUNT(*) FROM appointment WHERE status = 'booked'") == 7


def test_a_file_of_the_future_is_refused(store: Store) -> None:
    """Believed, it would never grow old, and make every later file an older one."""
    clinic = Clinic(store)
    clinic.feed(visit(1), as_of=clinic.now + timedelta(days=365), content_hash="a")
    assert clinic.sync()[0].code == "future"
    assert clinic.holds() == ["future"]


def test_a_clock_a_little_ahead_is_no_reason_to_believe_a_feed_for_longer(store: Store) -> None:
    clinic = Clinic(store)
    clinic.read(visit(1), as_of=clinic.now + timedelta(hours=3))
    clinic.now += timedelta(hours=27)
    clinic.sync()
    assert clinic.holds() == ["stale"]


def test_who_releases_old_data_vouches_for_it_once_more(store: Store) -> None:
    clinic = Clinic(store)
    clinic.read(visit(1))
    clinic.now += 27 * HOUR
    clinic.sync()
    clinic.release()
    clinic.now += 25 * HOUR
    clinic.sync()
    assert clinic.holds() == []
    clinic.now += 2 * HOUR
    clinic.sync()
    assert clinic.holds() == ["stale"]


def test_a_source_that_speaks_again_waits_for_the_release(store: Store) -> None:
    clinic = Clinic(store)
    clinic.read(visit(1))
    clinic.now += 27 * HOUR
    clinic.sync()
    clinic.read(visit(1))
    assert clinic.holds() == ["stale"]
    clinic.release()
    clinic.sync()
    assert clinic.holds() == []


def test_between_two_readings_a_watch_holds_what_went_stale(store: Store) -> None:
    """A reading that hangs must not keep the others from seeing how old its data is."""
    clinic = Clinic(store)
    limits = {"agenda": 30.0, "never-read": 30.0}
    clinic.read(visit(1))
    clinic.now += 30 * timedelta(minutes=1)
    assert stale_sources(store, limits, now=clinic.now) == []
    clinic.now += timedelta(seconds=1)
    stale = stale_sources(store, limits, now=clinic.now)
    assert stale == ["agenda"]
    assert hold_stale(store, limits, stale, PARIS, now=clinic.now) == 1
    assert clinic.holds() == ["stale"]
    assert stale_sources(store, limits, now=clinic.now) == []
    assert "depuis le 12/10/2026 à 09:00" in clinic.value("SELECT sentence FROM hold")


def test_what_was_read_meanwhile_is_not_held(store: Store) -> None:
    clinic = Clinic(store)
    clinic.read(visit(1))
    clinic.now += HOUR
    limits = {"agenda": 30.0}
    stale = stale_sources(store, limits, now=clinic.now)
    clinic.read(visit(1))
    assert hold_stale(store, limits, stale, PARIS, now=clinic.now) == 0


def test_a_source_taken_out_of_the_configuration_goes_stale_too(store: Store) -> None:
    clinic = Clinic(store)
    clinic.read(visit(1), source="old")
    clinic.now += 27 * HOUR
    limits = {"agenda": 30.0}
    stale = stale_sources(store, limits, now=clinic.now)
    assert stale == ["old"]
    assert hold_stale(store, limits, stale, PARIS, now=clinic.now) == 1
    clinic.release()
    clinic.pass_days(30)  # its last appointment is past
    assert stale_sources(store, limits, now=clinic.now) == []


# --- strange feeds ----------------------------------------------------------------------------


def fill_weeks(clinic: Clinic, sizes: Sequence[int]) -> None:
    """One accepted snapshot a week, on the weekday of now, of so many coming appointments."""
    was = clinic.now
    for week, size in enumerate(sizes):
        clinic.now = was - timedelta(weeks=len(sizes) - week)
        assert clinic.read(*december(size)).status == "accepted"
    clinic.now = was


def december(size: int) -> list[AppointmentRecord]:
    return visits(range(size), starts="2026-12-18 09:00")


def test_half_of_the_weekdays_usual_number_is_still_believed(store: Store) -> None:
    clinic = Clinic(store)
    fill_weeks(clinic, [20, 20, 20])
    summary = clinic.read(*december(9))
    assert (summary.status, summary.code) == ("held", "volume")
    assert clinic.value("SELECT COUNT(*) FROM appointment WHERE status = 'booked'") == 20
    assert clinic.read(*december(10)).status == "accepted"


def test_twice_the_weekdays_usual_number_is_still_believed(store: Store) -> None:
    clinic = Clinic(store)
    fill_weeks(clinic, [20, 20, 20])
    assert clinic.read(*december(41)).code == "volume"
    assert clinic.read(*december(40)).status == "accepted"


def test_the_weekday_is_the_hospitals_not_greenwichs(store: Store) -> None:
    """An export at 1:30 on a Monday is Sunday's in summer, in UTC, and Monday's in winter."""
    clinic = Clinic(store)
    clinic.now = paris("2026-10-19 01:30")
    clinic.read(*december(20))
    clinic.now = paris("2026-10-20 01:30")  # a Tuesday, still Monday in UTC
    clinic.read(*december(38))
    clinic.now = paris("2026-10-26 01:30")
    assert clinic.read(*december(41)).code == "volume"
    clinic.release()
    clinic.now = paris("2026-10-28 01:30")
    assert clinic.read(*december(90)).status == "accepted"  # no Wednesday to compare with


def test_an_empty_feed_holds_and_cancels_nothing_even_once_released(store: Store) -> None:
    clinic = Clinic(store)
    clinic.read(*visits(range(1, 30)))
    window = (clinic.now - timedelta(days=14), clinic.now + timedelta(days=90))
    summary = clinic.read(window=window)
    assert (summary.status, summary.code) == ("held", "empty")
    assert clinic.holds() == ["empty", "vanished"]
    clinic.release()
    assert clinic.read(window=window).status == "accepted"
    assert clinic.value("SELECT COUNT(*) FROM appointment WHERE status = 'booked'") == 29


def test_more_than_ten_vanished_hold(store: Store) -> None:
    clinic = Clinic(store)
    clinic.read(*visits(range(40)))
    summary = clinic.read(*visits(range(11, 40)))
    assert (summary.status, summary.code, summary.vanished) == ("held", "vanished", 0)
    assert counts(clinic.read(*visits(range(10, 40)))) == ("accepted", 0, 0, 10)


def test_more_than_a_tenth_vanished_hold(store: Store) -> None:
    clinic = Clinic(store)
    clinic.read(*visits(range(200)))
    assert clinic.read(*visits(range(21, 200))).code == "vanished"
    assert counts(clinic.read(*visits(range(20, 200))))[3] == 20


def test_too_many_moved_by_one_same_offset_hold(store: Store) -> None:
    clinic = Clinic(store)
    clinic.read(*visits(range(100)))
    moved = [*visits(range(6), starts="2026-10-20 10:30"), *visits(range(6, 100))]
    assert clinic.read(*moved).code == "moved"
    assert clinic.appointment(1).version == 1
    few = [*visits(range(5), starts="2026-10-20 10:30"), *visits(range(5, 100))]
    assert counts(clinic.read(*few)) == ("accepted", 0, 5, 0)


def test_a_release_lets_that_very_file_through_and_no_other(store: Store) -> None:
    clinic = Clinic(store)
    clinic.read(*visits(range(40)), content_hash="monday")
    fewer = visits(range(12, 40))
    assert clinic.read(*fewer, content_hash="tuesday").status == "held"
    assert clinic.read(*fewer, content_hash="tuesday").status == "held"
    assert clinic.value("SELECT COUNT(*) FROM feed WHERE status = 'held'") == 1
    clinic.release()
    assert clinic.read(*visits(range(13, 40)), content_hash="wednesday").status == "held"
    assert counts(clinic.read(*fewer, content_hash="tuesday")) == ("accepted", 0, 0, 12)


def test_a_release_lets_the_next_polls_through_for_an_hour(store: Store) -> None:
    clinic = Clinic(store)
    clinic.read(*visits(range(40)))
    assert clinic.read(*visits(range(12, 40))).status == "held"
    clinic.release()
    clinic.now += 2 * HOUR
    assert clinic.read(*visits(range(12, 40))).status == "held"
    clinic.release()
    clinic.now += HOUR / 2
    assert clinic.read(*visits(range(12, 40))).status == "accepted"


def test_everything_odd_is_told_at_once(store: Store) -> None:
    """Who releases for the volume has seen the cancellations too."""
    clinic = Clinic(store)
    fill_weeks(clinic, [40, 40, 40])
    summary = clinic.read(*december(12), content_hash="x")
    assert clinic.holds() == ["stale", "vanished", "volume"]  # and nothing newer was applied
    assert "disparu" in summary.sentence
    assert "d'habitude" in summary.sentence
    clinic.release()
    assert counts(clinic.read(*december(12), content_hash="x")) == ("accepted", 0, 0, 28)


def test_a_changed_header_waits_for_a_release_and_is_then_the_known_one(store: Store) -> None:
    clinic = Clinic(store)
    clinic.read(visit(1), layout="old")
    feed = clinic.feed(visit(1), visit(2), layout="new", content_hash="a")
    assert clinic.sync()[0].code == "header_changed"
    assert not feed.rejected  # it stays where it is
    clinic.release()
    assert clinic.read(visit(1), visit(2), layout="new", content_hash="a").status == "accepted"
    assert clinic.read(visit(1), layout="old").code == "header_changed"


def test_a_poll_refused_again_and_again_is_let_be_for_an_hour_after_a_release(store: Store) -> None:
    clinic = Clinic(store)
    clinic.read(visit(1))
    broken = FeedRefused("partial", "Le DPI a répondu une page sur deux.")
    clinic.read(fails_with=broken)
    clinic.release()
    clinic.now += HOUR / 2
    clinic.read(fails_with=broken)
    assert clinic.holds() == []
    clinic.now += HOUR
    clinic.read(fails_with=broken)
    assert clinic.holds() == ["partial"]


# --- what is held, what a release does --------------------------------------------------------


def test_held_messages_leave_only_after_the_release(store: Store) -> None:
    clinic = Clinic(store)
    clinic.read(*tomorrow([1, 2]))
    clinic.plan()
    clinic.now += 2 * HOUR
    assert hold_everything(store, "changement de DPI", now=clinic.now, by="nadia")
    assert clinic.leave() == 0
    assert set(clinic.states()) == {"HELD"}
    assert clinic.release() == (2, 0)
    assert clinic.leave() == 2


def test_a_release_sends_nothing_whose_moment_has_passed(store: Store) -> None:
    clinic = Clinic(store)
    clinic.read(*tomorrow([1, 2]), visit(3, "2026-10-14 15:00"))
    clinic.plan()
    clinic.now += 2 * HOUR
    hold_everything(store, "panne", now=clinic.now, by="nadia")
    clinic.leave()
    clinic.now += 24 * HOUR  # Tuesday 11:00: the J-1 of Monday is over, that of Tuesday open
    clinic.leave()
    assert clinic.release() == (1, 2)
    clinic.plan()
    assert clinic.leave() == 1
    assert sorted(clinic.states()) == ["EXPIRED", "EXPIRED", "SENDING"]
    reasons = {row.reason for row in clinic.rows("SELECT reason FROM decision WHERE step = 'J-1'")}
    assert reasons == {"held", ""}


def test_a_held_message_follows_its_appointment(store: Store) -> None:
    clinic = Clinic(store)
    clinic.read(*tomorrow([1, 2]))
    clinic.plan()
    clinic.now += 2 * HOUR
    hold_everything(store, "panne", now=clinic.now, by="nadia")
    clinic.leave()
    clinic.read(visit(1, "2026-10-13 15:00", status=Status.CANCELLED), *tomorrow([2]))
    clinic.plan()
    clinic.release()
    assert clinic.leave() == 1


def test_a_hold_on_one_source_lets_the_others_messages_leave(store: Store) -> None:
    clinic = Clinic(store)
    clinic.read(*tomorrow([1]))
    clinic.read(*tomorrow([2]), source="imagerie")
    clinic.plan()
    clinic.now += 2 * HOUR
    clinic.read(fails_with=FeedRefused("truncated", "Fichier coupé."), source="imagerie")
    assert clinic.leave() == 1


def test_a_hold_placed_by_another_process_stops_what_is_already_leased(store: Store) -> None:
    clinic = Clinic(store)
    clinic.read(*tomorrow([1, 2]))
    clinic.plan()
    clinic.now += 2 * HOUR
    at = micros(clinic.now)
    with store.write() as connection:
        token, leased = outbox.lease(connection, "sms", now=at, until=at + 60 * SECOND, limit=9)
    assert len(leased) == 2
    other = Store(open_engine(address(store)))
    hold_everything(other, "alerte", now=clinic.now, by="paul")
    other.close()
    with store.write() as connection:
        assert outbox.permit(connection, token, [row.id for row in leased], now=at) == set()


def test_a_hold_and_its_release_say_who_and_when(store: Store) -> None:
    clinic = Clinic(store)
    clinic.read(visit(1))
    hold_everything(store, "panne", now=clinic.now, by="paul")
    assert not hold_everything(store, "encore", now=clinic.now, by="paul")
    clinic.now += HOUR
    clinic.release(by="nadia")
    row = clinic.rows("SELECT * FROM hold")[0]
    assert (row.source_id, row.code, row.sentence) == ("", "manual", "panne")
    assert (row.placed_by, row.released_by) == ("paul", "nadia")
    assert instant(row.released_at) == clinic.now
    told = clinic.rows("SELECT actor, action FROM audit ORDER BY id")
    assert [tuple(one) for one in told] == [
        ("paul", "hold"), ("paul", "hold"), ("nadia", "release"),
    ]  # fmt: skip


# --- the first real sending -------------------------------------------------------------------


def test_in_live_mode_the_first_run_of_a_source_waits(store: Store) -> None:
    clinic = live(store)
    clinic.read(*tomorrow([1, 2]))
    clinic.plan()
    clinic.now += 2 * HOUR
    assert clinic.holds() == ["first_run"]
    assert clinic.leave() == 0
    clinic.release(by="nadia")
    assert clinic.value("SELECT released_by FROM source") == "nadia"
    assert clinic.leave() == 2
    clinic.read(*tomorrow([1, 2]), visit(3))
    assert clinic.holds() == []


def test_a_second_source_has_a_first_run_of_its_own(store: Store) -> None:
    clinic = live(store)
    clinic.read(*tomorrow([1]))
    clinic.release()
    clinic.read(*tomorrow([2]), source="imagerie")
    assert clinic.holds() == ["first_run"]
    clinic.plan()
    clinic.now += 2 * HOUR
    assert clinic.leave() == 1


def test_going_live_waits_even_if_the_feed_brings_nothing_new(store: Store) -> None:
    rehearsal = Clinic(store)
    rehearsal.open()
    rehearsal.read(*tomorrow([1]), content_hash="a")
    rehearsal.plan()
    assert rehearsal.holds() == []
    clinic = live(store)
    assert clinic.holds() == ["first_run"]  # before anything is read
    clinic.now += 2 * HOUR
    assert clinic.leave() == 0
    assert clinic.read(*tomorrow([1]), content_hash="a").status == "known"
    clinic.release()
    assert clinic.leave() == 1
    clinic.open()
    assert clinic.holds() == []


def test_no_other_process_can_send_while_the_first_reading_is_written(store: Store) -> None:
    """A reading that fails at its very end left patients to plan, and the hold with them."""
    clinic = live(store)
    with store.write() as connection:
        connection.exec_driver_sql("DROP TABLE feed")  # the last transaction writes there
    with pytest.raises(RepairNeeded):
        clinic.read(*tomorrow([1, 2]), mode="delta")
    assert clinic.value("SELECT COUNT(*) FROM appointment") == 2
    clinic.plan()
    clinic.now += 2 * HOUR
    assert clinic.leave() == 0
    assert clinic.holds() == ["first_run"]


def test_a_rehearsal_holds_no_first_run(store: Store) -> None:
    clinic = Clinic(store)
    clinic.open()
    clinic.read(*tomorrow([1]))
    assert clinic.holds() == []


def test_the_first_reading_catches_up_no_step_that_is_past(store: Store) -> None:
    clinic = live(store)
    clinic.now += 5 * HOUR  # Monday 14:00
    clinic.read(
        visit(1, "2026-10-13 15:00"),  # J-3 was last Saturday, J-1 is today
        visit(2, "2026-10-14 15:00"),  # J-3 was Saturday too, J-1 is tomorrow
    )
    clinic.release()
    clinic.plan()
    assert clinic.leave() == 1
    past = clinic.rows("SELECT step, reason FROM decision WHERE state = 'SUPPRESSED'")
    assert {row.reason for row in past} <= {"past", "booked_late"}
    assert {row.step for row in past} == {"J-7", "J-3"}


def test_the_first_reading_acknowledges_no_booking(store: Store) -> None:
    protocol = {
        "id": "default",
        "step": [
            {"day": "booking", "id": "prise", "template": "booking"},
            {"day": "J-1", "template": "short"},
        ],
    }
    clinic = live(store, protocol=[protocol])
    clinic.read(visit(1, booked_at=clinic.now - HOUR))
    clinic.release()
    clinic.plan()
    later = visit(2, booked_at=clinic.now - HOUR)
    clinic.read(visit(1, booked_at=clinic.now - HOUR), later, visit(3, booked_at=None))
    clinic.plan()
    found = clinic.rows(
        "SELECT a.external_id, d.state, d.reason FROM decision d JOIN appointment a "
        "ON a.id = d.appointment_id WHERE d.step = 'prise' ORDER BY a.external_id"
    )
    assert [tuple(row) for row in found] == [
        ("R1", "SUPPRESSED", "first_sync"),
        ("R2", "PLANNED", ""),
        ("R3", "SUPPRESSED", "no_booking_date"),
    ]


# --- rehearsed, then live ---------------------------------------------------------------------


def rehearse(clinic: Clinic) -> None:
    """As a rehearsal does: what is due is recorded and stays here."""
    with clinic.store.write() as connection:
        connection.exec_driver_sql(
            "UPDATE message SET state = 'SUPPRESSED', reason = 'rehearsal' "
            f"WHERE state = 'PLANNED' AND opens_at <= {micros(clinic.now)}"
        )


def test_what_was_rehearsed_today_leaves_once_live_and_released(store: Store) -> None:
    clinic = Clinic(store)
    clinic.open()
    clinic.read(*tomorrow([1]), visit(2, "2026-10-16 15:00"))
    clinic.plan()
    clinic.now += 2 * HOUR
    rehearse(clinic)
    going = live(store)
    going.now = clinic.now
    going.open()
    assert going.leave() == 0
    going.release()
    assert going.leave() == 1


def test_what_was_rehearsed_yesterday_is_never_sent(store: Store) -> None:
    clinic = Clinic(store)
    clinic.open()
    clinic.read(*tomorrow([1]))
    clinic.plan()
    clinic.now += 2 * HOUR
    rehearse(clinic)
    going = Clinic(store, now=clinic.now + 12 * HOUR, settings=LIVE)
    going.open()
    going.release()
    going.plan()
    assert going.leave() == 0


def test_going_live_never_sends_what_was_rehearsed_of_a_changed_appointment(store: Store) -> None:
    clinic = Clinic(store)
    clinic.open()
    clinic.read(*tomorrow([1, 2, 3]))
    clinic.plan()
    clinic.now += 2 * HOUR
    rehearse(clinic)
    clinic.read(
        visit(1, "2026-10-13 15:00", status=Status.CANCELLED),
        visit(2, "2026-10-30 15:00"),
        *tomorrow([3]),
    )
    clinic.plan()
    going = Clinic(store, now=clinic.now, settings=LIVE)
    going.open()
    going.release()
    assert going.leave() == 1


def test_going_live_and_back_and_again_sends_nothing_twice(store: Store) -> None:
    clinic = live(store)
    clinic.read(*tomorrow([1]))
    clinic.release()
    clinic.plan()
    clinic.now += 2 * HOUR
    assert clinic.leave() == 1
    for settings in (settings_with(), LIVE):
        again = Clinic(store, now=clinic.now, settings=settings)
        again.open()
        again.plan()
        assert again.leave() == 0
