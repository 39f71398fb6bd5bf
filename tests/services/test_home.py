"""The first page's figures, each counted by hand; scope; what is remembered and for how long."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import date, datetime, timedelta
from threading import Event
from time import monotonic, sleep
from typing import Any

import pytest

from reminders.domain.appointment import AppointmentRecord, CancelledBy, ContactPoint, Status
from reminders.domain.report import Asked, Month
from reminders.domain.worklist import Ending
from reminders.errors import BadRecipient, Unknown
from reminders.services.compose import Route
from reminders.services.gaps import Gap, gaps_of
from reminders.services.hold import hold_everything
from reminders.services.home import (
    Figures,
    Machine,
    Measures,
    Rate,
    Work,
    confirmations,
    early_cancellations,
    home_of,
    machine_of,
    measures_of,
    no_shows,
    rate,
    work_of,
)
from reminders.services.lists import (
    NOT_SENT,
    PAGE,
    STATES,
    DayRun,
    Line,
    messages_of,
    run_of,
    unreached_of,
)
from reminders.services.no_show_report import no_show_report
from reminders.services.remembered import Remembered
from reminders.services.rollup import refresh
from reminders.services.worklist import resolve, tend
from reminders.store.engine import Store
from reminders.store.lists import FIRST, Ufs
from reminders.store.schema import metadata
from reminders.store.types import micros
from tests.services.test_rollup import tell
from tests.support.clinic import PARIS, Clinic, paris, settings_with, someone, visit, visits
from tests.support.mailroom import LIVE, Mailroom
from tests.support.worklist import hospital, reply

MONDAY = date(2026, 10, 12)
TUESDAY = date(2026, 10, 13)
HOUR = timedelta(hours=1)
SOUTH = frozenset({"4220"})
IMAGING = frozenset({"4230"})


def day(clinic: Clinic, ufs: Ufs = None, on: date = MONDAY) -> DayRun:
    return run_of(clinic.store, ufs, on, PARIS)


def told(run: DayRun) -> dict[str, int]:
    return {name: number for name, number in run.numbers.items() if number}


def lines(clinic: Clinic, name: str, ufs: Ufs = None, named: Ufs = None, **more: Any) -> list[Line]:
    on = more.pop("on", MONDAY)
    return list(messages_of(clinic.store, name, ufs, named, on, PARIS, **more).lines)


def tomorrow(numbers: Iterable[int], **changes: Any) -> list[AppointmentRecord]:
    """Appointments whose J-1 is MONDAY from 10:00 to 20:00."""
    return visits(list(numbers), starts="2026-10-13 15:00", **changes)


def room_with(store: Store, *records: AppointmentRecord) -> Mailroom:
    """Monday, half past ten; nothing has left yet."""
    room = Mailroom(store)
    room.read(*records)
    room.release()
    room.plan()
    return room.at(paris("2026-10-12 10:30"))


# --- the run of the day ------------------------------------------------------------------------


def test_the_day_says_how_many_are_where(store: Store) -> None:
    room = room_with(store, *tomorrow(range(1, 7)), visit(7, "2026-10-14 15:00"))
    script = room.providers["main"].script
    script["+33639980001"] = [BadRecipient("bad")]
    script["+33639980002"] = [Unknown("timeout")]
    room.deliver()
    assert told(day(room)) == {
        "planned": 6, "left": 5, "failed": 1, "perhaps": 1,
    }  # fmt: skip
    assert told(day(room, on=TUESDAY)) == {"planned": 1, "coming": 1}


def test_what_waits_for_its_hour_and_what_is_held_are_planned(store: Store) -> None:
    clinic = Clinic(store)
    clinic.read(*tomorrow([1, 2]))
    clinic.plan()
    assert told(day(clinic)) == {"planned": 2, "coming": 2}
    clinic.now += 2 * HOUR
    hold_everything(store, "panne", now=clinic.now, by="paul")
    clinic.leave()
    assert told(day(clinic)) == {"planned": 2, "held": 2}


def test_what_is_not_sent_says_why(store: Store) -> None:
    clinic = Clinic(store)
    landline = someone(2, contacts=(ContactPoint("phone", "01 99 00 12 34"),))
    clinic.read(
        visit(1, "2026-10-13 15:00"),
        visit(2, "2026-10-13 15:00", patient=landline),
        visit(3, "2026-10-13 15:00", patient=someone(3, deceased=True)),
        visit(4, "2026-10-13 15:00", status=Status.CANCELLED),
    )
    clinic.plan()
    found = day(clinic)
    assert told(found) == {"planned": 1, "coming": 1, NOT_SENT: 2}
    assert dict(found.reasons) == {"deceased": 1, "landline_only": 1}
    shown = lines(clinic, NOT_SENT)
    assert {(one.about.appointment, one.reason) for one in shown if one.about} == {
        (clinic.appointment(2).id, "landline_only"),
        (clinic.appointment(3).id, "deceased"),
    }
    assert [one.reason for one in lines(clinic, NOT_SENT, reason="deceased")] == ["deceased"]


def test_a_rehearsal_says_that_nothing_left(store: Store) -> None:
    room = Mailroom(store, settings=settings_with(**(dict(LIVE) | {"mode": "test"})))
    room.read(*tomorrow([1, 2]))
    room.plan()
    room.at(paris("2026-10-12 10:30")).deliver()
    found = day(room)
    assert (found[NOT_SENT], found.reasons) == (2, (("test_mode", 2),))
    assert [one.decision for one in lines(room, NOT_SENT)] == [False, False]


def test_what_could_not_leave_yesterday_is_still_of_today(store: Store) -> None:
    clinic = Clinic(store)
    clinic.read(visit(1, "2026-10-13 15:00"))
    clinic.plan()
    with store.write() as connection:
        connection.exec_driver_sql(
            f"UPDATE message SET closes_at = {micros(paris('2026-10-13 12:00'))}"
        )
    assert told(day(clinic, on=TUESDAY)) == {"planned": 1, "coming": 1}
    assert len(lines(clinic, "coming", on=TUESDAY)) == 1
    clinic.now += 2 * HOUR
    assert clinic.leave() == 1
    assert told(day(clinic, on=TUESDAY)) == {}
    assert told(day(clinic)) == {"planned": 1, "left": 1}


def test_a_day_is_the_hospitals(store: Store) -> None:
    clinic = Clinic(store)
    clinic.read(visit(1, "2026-10-13 15:00"))
    clinic.plan()
    with store.write() as connection:  # half past midnight in Paris, still Sunday in UTC
        at = micros(paris("2026-10-12 00:30"))
        connection.exec_driver_sql(f"UPDATE message SET opens_at = {at}, earliest_at = {at}")
    assert told(day(clinic)) == {"planned": 1, "coming": 1}


# --- whose -------------------------------------------------------------------------------------


def test_one_sees_the_messages_of_ones_services_only(store: Store) -> None:
    clinic = Clinic(store)
    landline = someone(4, contacts=(ContactPoint("phone", "01 99 00 12 34"),))
    clinic.read(
        *tomorrow([1, 2]),
        *tomorrow([3], uf="4230"),
        visit(4, "2026-10-13 15:00", patient=landline, uf="4230"),
    )
    clinic.plan()
    assert told(day(clinic)) == {"planned": 3, "coming": 3, NOT_SENT: 1}
    assert told(day(clinic, SOUTH)) == {"planned": 2, "coming": 2}
    assert told(day(clinic, IMAGING)) == {"planned": 1, "coming": 1, NOT_SENT: 1}
    assert told(day(clinic, frozenset())) == {}
    assert {one.about.uf for one in lines(clinic, "planned", IMAGING) if one.about} == {"4230"}
    assert lines(clinic, "planned", frozenset()) == []
    assert [one.reason for one in lines(clinic, NOT_SENT, SOUTH)] == []


def test_of_a_message_about_two_services_each_sees_its_own(store: Store) -> None:
    clinic = Clinic(store)
    clinic.read(
        visit(1, "2026-10-13 09:00"),
        visit(2, "2026-10-13 15:00", patient=someone(1), uf="4230"),
    )
    clinic.plan()
    assert told(day(clinic)) == {"planned": 1, "coming": 1}
    (ours,) = lines(clinic, "planned", IMAGING)
    assert ours.about is not None
    assert (ours.about.uf, ours.others) == ("4230", 0)
    (all_of_it,) = lines(clinic, "planned")
    assert all_of_it.others == 1


def test_names_are_shown_where_one_may_see_patients_only(store: Store) -> None:
    clinic = Clinic(store)
    clinic.read(*tomorrow([1]), *tomorrow([2], uf="4230"))
    clinic.plan()

    def names(named: Ufs) -> list[str]:
        return sorted(one.about.name for one in lines(clinic, "planned", None, named) if one.about)

    assert names(None) == ["Léa EXEMPLE", "Léa EXEMPLE"]
    assert names(SOUTH) == ["", "Léa EXEMPLE"]
    assert names(frozenset()) == ["", ""]


# --- the list behind a number ------------------------------------------------------------------


@pytest.mark.parametrize("name", ["planned", NOT_SENT])
def test_pages_hold_every_line_once_in_order(store: Store, name: str) -> None:
    clinic = Clinic(store)
    count = PAGE + 7
    dead = name == NOT_SENT
    clinic.read(*[
        visit(n, "2026-10-13 15:00", patient=someone(n, deceased=dead and n % 3 > 0))
        for n in range(count)
    ])  # fmt: skip
    clinic.plan()
    if dead:  # the others never left
        with store.write() as connection:
            connection.exec_driver_sql("UPDATE message SET state = 'SUPPRESSED', reason = 'x'")
    assert day(clinic)[name] == count
    seen: list[tuple[bool, int]] = []
    after = FIRST
    while True:
        found = messages_of(store, name, None, None, MONDAY, PARIS, after=after)
        seen += [(one.decision, one.key) for one in found.lines]
        if found.after is None:
            break
        assert len(found.lines) == PAGE
        after = found.after
    assert len(seen) == len(set(seen)) == count


def test_every_number_opens_a_list_of_as_many_lines(store: Store) -> None:
    room = room_with(store, *tomorrow(range(1, 7)))
    script = room.providers["main"].script
    script["+33639980001"] = [BadRecipient("bad")]
    script["+33639980002"] = [Unknown("timeout")]
    room.deliver()
    found = day(room)
    for name in (*STATES, NOT_SENT):
        assert len(lines(room, name)) == found[name], name


def test_a_list_nobody_offers_is_an_error(store: Store) -> None:
    with pytest.raises(KeyError):
        messages_of(store, "whatever", None, None, MONDAY, PARIS)


# --- four weeks ---------------------------------------------------------------------------------

NOVEMBER = paris("2026-11-10 09:00")
STARTS = "2026-10-20 09:30"


def measured(clinic: Clinic, now: datetime = NOVEMBER) -> Measures:
    return measures_of(clinic.store, PARIS, now=now)


def ended(first: int, number: int, status: Status, **more: Any) -> list[AppointmentRecord]:
    return visits(range(first, first + number), starts=STARTS, status=status, **more)


def test_no_shows_are_told_among_known_outcomes(store: Store) -> None:
    clinic = Clinic(store)
    clinic.read(
        *ended(0, 45, Status.FULFILLED),
        *ended(100, 5, Status.NOSHOW),
        *ended(200, 10, Status.BOOKED),  # nobody says more
        *ended(300, 6, Status.CANCELLED, modified_at=paris("2026-10-10 09:00")),
        *ended(400, 2, Status.CANCELLED, modified_at=paris("2026-10-19 09:00")),
        *ended(500, 9, Status.CANCELLED, cancelled_by=CancelledBy.HOSPITAL),
    )
    found = measured(clinic).of(None)
    told = no_shows(found)  # cancellations are in it, as in every report
    assert told is not None
    assert told.interval is not None
    assert (told.events, told.among) == (5, 67)
    assert told.interval == pytest.approx((0.0323, 0.1631), abs=1e-4)  # Wilson, by hand
    assert found.tally.no_show_rate == 5 / 50
    assert found.tally.unknown_share == 10 / 77
    assert early_cancellations(found) == Rate(6, 68)


@pytest.mark.parametrize("ufs", [None, SOUTH, SOUTH | IMAGING])
def test_the_first_page_and_the_report_tell_one_interval(ufs: Ufs, store: Store) -> None:
    """Patients who come several times, some of whom never do, some in two services."""
    clinic = Clinic(store, now=paris("2026-10-05 09:00"))
    words = [Status.NOSHOW, Status.FULFILLED, Status.FULFILLED, Status.CANCELLED, Status.BOOKED]
    records = [
        replace(
            visit(n, f"2026-10-2{day} {8 + n % 9:02}:30", uf="4230" if n % 7 == 0 else "4220"),
            patient=someone(1 + n // 4), status=words[0 if n < 16 else n % 5],
            cancelled_by=CancelledBy.PATIENT if n % 5 == 3 else CancelledBy.UNKNOWN,
        )
        for n in range(100) for day in [n % 4]
    ]  # fmt: skip
    clinic.read(*(replace(one, status=Status.BOOKED) for one in records))
    clinic.now = paris("2026-10-19 09:00")
    refresh(store, clinic.rules, now=clinic.now)
    clinic.now = paris("2026-10-25 09:00")
    tell(clinic, *records)
    refresh(store, clinic.rules, now=NOVEMBER)
    october = Month(2026, 10)
    report = no_show_report(store, clinic.rules, Asked(october, october), ufs=ufs, now=NOVEMBER)
    told, figures = no_shows(measured(clinic).of(ufs)), report.figures
    assert told is not None
    assert figures is not None
    assert figures.primary is not None
    assert figures.design_effect > 1.3
    assert (told.events, told.among) == (figures.primary.missed, figures.primary.among)
    assert told.interval == (figures.primary.low, figures.primary.high)


def test_nothing_known_is_no_rate(store: Store) -> None:
    clinic = Clinic(store)
    assert no_shows(measured(clinic).of(None)) is None
    clinic.read(*ended(0, 20, Status.BOOKED))
    assert no_shows(measured(clinic).of(None)) is None
    assert confirmations(measured(clinic).of(None)) is None


def test_few_are_not_told() -> None:
    assert rate(2, 4) is None


def test_services_of_few_known_outcomes_are_hidden_as_in_reports(store: Store) -> None:
    clinic = Clinic(store)
    clinic.read(
        *ended(0, 40, Status.FULFILLED),
        *ended(100, 4, Status.NOSHOW, uf="4230"),
        *ended(200, 30, Status.BOOKED, uf="4230"),  # nobody says more: they hide nobody
        *ended(300, 20, Status.FULFILLED, uf="4240"),
    )
    found = measured(clinic)
    assert found.hidden == {"4230", "4240"}
    assert no_shows(found.of(None)) == Rate(4, 64)  # the whole is told
    assert no_shows(found.of(IMAGING)) is None
    both = found.of(frozenset({"4220", "4230", "4240"}))
    assert no_shows(both) == Rate(0, 40)  # adds up what may be told


def test_two_events_of_many_patients_are_told(store: Store) -> None:
    clinic = Clinic(store)
    clinic.read(
        *ended(0, 40, Status.FULFILLED),
        *ended(100, 2, Status.NOSHOW),
        visit(900, "2026-12-01 09:00"),
    )
    assert no_shows(measured(clinic).of(SOUTH)) == Rate(2, 42)


def test_a_hospital_of_four_patients_tells_nothing(store: Store) -> None:
    clinic = Clinic(store)
    often = someone(1)
    clinic.read(
        *(
            visit(n, f"2026-10-{13 + n} 09:30", patient=often, status=Status.FULFILLED)
            for n in range(9)
        ),
        visit(900, "2026-12-01 09:00"),
    )
    assert no_shows(measured(clinic).of(None)) is None


def test_the_period_is_the_four_weeks_before_today(store: Store) -> None:
    clinic = Clinic(store)
    for n, starts in enumerate(
        ("2026-10-12 23:30", "2026-10-13 00:10", "2026-11-09 23:30", "2026-11-10 08:00")
    ):
        clinic.read(
            *visits(range(10 * n, 10 * n + 6), starts=starts, status=Status.FULFILLED),
            visit(90 + n, "2026-12-01 09:00"),
            source=f"source{n}",
        )
    found = measured(clinic)
    assert (found.first, found.last) == (date(2026, 10, 13), date(2026, 11, 9))
    assert found.of(None).tally.known == 12


def test_each_sees_the_figures_of_their_services(store: Store) -> None:
    clinic = Clinic(store)
    clinic.read(
        *ended(0, 30, Status.FULFILLED),
        *ended(100, 6, Status.NOSHOW),
        *ended(200, 30, Status.FULFILLED, uf="4230"),
        visit(900, "2026-12-01 09:00"),
    )
    found = measured(clinic)
    assert no_shows(found.of(SOUTH)) == Rate(6, 36)
    assert no_shows(found.of(IMAGING)) == Rate(0, 30)
    assert no_shows(found.of(None)) == Rate(6, 66)
    assert no_shows(found.of(frozenset())) is None


def test_confirmations_are_told_among_those_who_were_written_to(store: Store) -> None:
    room = hospital(store, *visits(range(1, 11), starts="2026-10-13 15:00"),
                    visit(11, "2026-10-13 15:00", patient=someone(11, contacts=())))  # fmt: skip
    for n in range(1, 8):
        reply(room, "OUI" + " " * n, f"+3363998000{n}")
    found = measured(room).of(None)
    assert (found.asked, found.confirmed) == (10, 7)
    assert confirmations(found) == Rate(7, 10)
    assert confirmations(measured(room).of(IMAGING)) is None


def test_a_text_that_was_refused_told_nobody(store: Store) -> None:
    room = room_with(store, *tomorrow(range(1, 7)))
    room.providers["main"].script["+33639980001"] = [BadRecipient("bad")]
    room.providers["main"].script["+33639980002"] = [Unknown("timeout")]  # it may have
    room.deliver()
    assert measured(room).of(None).asked == 5


def test_what_moved_after_it_was_told_was_not_told(store: Store) -> None:
    room = hospital(store, *visits(range(1, 7), starts="2026-10-13 15:00"))
    for n in range(1, 7):
        reply(room, "OUI" + " " * n, f"+3363998000{n}")
    room.read(
        *visits([1, 2], starts="2026-10-13 17:00"), *visits(range(3, 7), starts="2026-10-13 15:00")
    )
    assert (measured(room).of(None).asked, measured(room).of(None).confirmed) == (4, 4)


# --- what waits for people ----------------------------------------------------------------------


def work(room: Clinic, ufs: Ufs = None) -> Work:
    return work_of(room.store, room.rules, ufs, now=room.now)


def test_half_of_the_answers_were_handled_within(store: Store) -> None:
    room = hospital(store, *visits(range(1, 6), starts="2026-10-13 15:00"))
    asked = [reply(room, f"Où se garer ? {n}", f"+3363998000{n}") for n in range(1, 6)]
    start = room.now
    for task, minutes in zip(asked[:4], (10, 20, 30, 90), strict=True):
        room.now = start + timedelta(minutes=minutes)
        resolve(store, room.secret, task, Ending.OTHER, "nadia", now=room.now)
    found = work(room)
    assert (found.answers, found.waiting, found.half) == (5, 1, timedelta(minutes=30))
    resolve(store, room.secret, asked[4], Ending.OTHER, "nadia", now=start + timedelta(minutes=40))
    assert work(room).half == timedelta(minutes=30)


def test_of_an_even_number_it_is_the_middle_of_the_two(store: Store) -> None:
    room = hospital(store, *visits(range(1, 3), starts="2026-10-13 15:00"))
    asked = [reply(room, f"Où se garer ? {n}", f"+3363998000{n}") for n in range(1, 3)]
    start = room.now
    for task, minutes in zip(asked, (10, 30), strict=True):
        resolve(store, room.secret, task, Ending.OTHER, "nadia",
                now=start + timedelta(minutes=minutes))  # fmt: skip
    assert work(room).half == timedelta(minutes=20)


def test_where_half_still_wait_there_is_no_time_to_tell(store: Store) -> None:
    room = hospital(store, *visits(range(1, 3), starts="2026-10-13 15:00"))
    asked = [reply(room, f"Où se garer ? {n}", f"+3363998000{n}") for n in range(1, 3)]
    resolve(store, room.secret, asked[0], Ending.OTHER, "nadia", now=room.now)
    assert (work(room).answers, work(room).half) == (2, None)
    assert work(room, IMAGING) == Work(0, 0, 0, 0, 0, None)


def test_late_and_open_tasks_are_counted_for_ones_services(store: Store) -> None:
    room = hospital(store)
    reply(room, "Où se garer ?")
    assert (work(room).open, work(room).late) == (1, 0)
    room.now += timedelta(days=1)
    tend(store, room.rules, now=room.now)
    assert (work(room).open, work(room).late) == (1, 1)
    assert (work(room, SOUTH).late, work(room, IMAGING).late) == (1, 0)


def test_patients_no_message_reaches_are_counted_once_and_listed(store: Store) -> None:
    clinic = Clinic(store)
    nobody = someone(1, contacts=())
    clinic.read(
        visit(1, "2026-10-20 09:00", patient=nobody),
        visit(2, "2026-10-21 09:00", patient=nobody),
        visit(3, "2026-10-22 09:00", patient=someone(3, contacts=()), uf="4230"),
        visit(4, "2026-10-22 09:00"),
    )
    clinic.plan()
    tend(store, clinic.rules, now=clinic.now)
    other = "INSERT INTO task SELECT id + 1000, 'bad_recipient', subject, subject_version, "
    with store.write() as connection:  # another task about an appointment is no other appointment
        columns = [one.name for one in metadata.tables["task"].columns][4:]
        connection.exec_driver_sql(f"{other}{', '.join(columns)} FROM task WHERE uf = '4220'")
    for ufs, patients, number in ((None, 2, 3), (IMAGING, 1, 1)):
        assert (work(clinic, ufs).unreached, work(clinic, ufs).visits) == (patients, number)
        listing = unreached_of(store, ufs, None, now=clinic.now)
        assert (listing.patients, listing.visits) == (patients, number)
        assert len(listing.lines) == number
    found = unreached_of(store, None, SOUTH, now=clinic.now)
    assert [(one.about.uf, one.about.name) for one in found.lines] == [
        ("4220", "Léa EXEMPLE"), ("4220", "Léa EXEMPLE"), ("4230", ""),
    ]  # fmt: skip
    assert [one.about.uf for one in unreached_of(store, IMAGING, None, now=clinic.now).lines] == [
        "4230"
    ]
    clinic.pass_days(30)
    assert work(clinic).unreached == 0


# --- the machine, and what it lacks -------------------------------------------------------------


def machine(clinic: Clinic, **limits: float) -> Machine:
    return machine_of(clinic.store, limits or {"agenda": 26 * 60.0}, now=clinic.now)


def test_each_source_says_how_old_it_is_and_how_its_last_reading_went(store: Store) -> None:
    clinic = Clinic(store)
    (never,) = machine(clinic).sources
    assert (never.id, never.as_of, never.status) == ("agenda", None, "")
    clinic.read(*visits(range(40)))
    clinic.now += HOUR
    clinic.read(*visits(range(20)), content_hash="half")
    (source,) = machine(clinic).sources
    assert source.as_of == clinic.now - HOUR
    assert (source.read_at, source.status) == (clinic.now, "held")
    assert "disparu" in source.sentence
    assert not source.stale
    clinic.now += 26 * HOUR
    assert machine(clinic).sources[0].stale


def test_holds_are_told_the_oldest_first(store: Store) -> None:
    clinic = Clinic(store)
    clinic.read(*visits(range(40)))
    hold_everything(store, "changement de DPI", now=clinic.now, by="paul")
    clinic.now += HOUR
    clinic.read(*visits(range(20)), content_hash="half")
    assert [(one.source, one.code, one.by) for one in machine(clinic).holds] == [
        ("", "manual", "paul"), ("agenda", "vanished", "reminders"),
    ]  # fmt: skip


def test_messages_that_should_have_left_are_overdue(store: Store) -> None:
    clinic = Clinic(store)
    clinic.read(*tomorrow([1, 2]))
    clinic.plan()
    clinic.now += HOUR + timedelta(seconds=90)
    assert machine(clinic).overdue == 0
    clinic.now += HOUR
    assert machine(clinic).overdue == 2


def test_what_is_overdue_is_counted_in_the_services_one_sees(store: Store) -> None:
    clinic = Clinic(store)
    clinic.read(*tomorrow([1, 2]), *tomorrow([3], uf="4230"))
    clinic.plan()
    clinic.now += 2 * HOUR + timedelta(seconds=90)
    assert machine(clinic).overdue == 3
    seen = {
        ufs: machine_of(store, {}, frozenset(ufs), now=clinic.now).overdue
        for ufs in (("4220",), ("4230",), ())
    }
    assert seen == {("4220",): 2, ("4230",): 1, (): 0}


def gaps(clinic: Clinic, ufs: Ufs = None, **changes: Any) -> list[Gap]:
    settings = settings_with(**changes) if changes else clinic.settings
    clinic.settings = settings
    routes = [Route(one.id, "sms", one.family) for one in settings.sms]
    if settings.email:
        routes.append(Route("email", "email"))
    return gaps_of(settings, clinic.rules, routes, machine(clinic), ufs)


def test_unmapped_services_come_first_with_what_they_are_about(store: Store) -> None:
    clinic = Clinic(store)
    clinic.open()
    clinic.read(*visits(range(3), uf="9001"), *visits(range(10, 15), uf="9002"), visit(20))
    clinic.plan()
    found = gaps(clinic)
    assert found[:2] == [Gap("unmapped", "9002", 5), Gap("unmapped", "9001", 3)]
    assert not [one for one in gaps(clinic, SOUTH) if one.code == "unmapped"]
    mapped = [{"uf": uf, "site": "sud", "label": uf} for uf in ("9001", "9002", "4220")]
    assert not [one for one in gaps(clinic, service=mapped) if one.code == "unmapped"]


def test_what_the_file_lacks_is_told(store: Store) -> None:
    clinic = Clinic(store)
    clinic.open()
    clinic.read(visit(1))
    assert gaps(clinic) == [Gap("no_public_url")]
    assert gaps(clinic, dpi=[], sms=[], web={"public_url": "https://rdv.example.org"}) == [
        Gap("no_source"), Gap("no_sender"),
    ]  # fmt: skip
    found = gaps(clinic, mode="test", only_to=["+33639980012", "lea@example.org"])
    assert found[-1] == Gap("test_list", "06 •• •• •• 12, l•••@example.org", 2)


def test_a_source_that_was_never_read_is_told(store: Store) -> None:
    clinic = Clinic(store)
    clinic.open()
    assert Gap("never_read", "agenda") in gaps(clinic)


def test_a_service_excluded_by_its_name_alone_is_told(store: Store) -> None:
    clinic = Clinic(store)
    clinic.open()
    clinic.read(visit(1))
    services = [{"uf": "4220", "site": "sud", "label": "Oncologie"}]
    assert Gap("sensitive", "4220") in gaps(clinic, service=services)
    assert Gap("sensitive", "4220") not in gaps(clinic, IMAGING, service=services)


def test_texts_nobody_approved_are_told_and_the_sender_that_has_none(store: Store) -> None:
    clinic = Clinic(store)
    clinic.open()
    clinic.read(visit(1))
    url = {"public_url": "https://rdv.example.org"}
    assert gaps(clinic, web=url) == []
    with store.write() as connection:
        connection.exec_driver_sql(
            "UPDATE template_version SET state = 'proposed' WHERE purpose = 'confirm'"
        )
    assert gaps(clinic, web=url) == [Gap("no_text", "confirm sms")]
    with store.write() as connection:
        connection.exec_driver_sql("UPDATE template_version SET state = 'proposed'")
    found = gaps(clinic, web=url)
    assert Gap("no_text", "short sms") in found
    assert found[-1] == Gap("sender_unserved", "main")


def test_texts_that_could_not_be_made_are_counted(store: Store) -> None:
    clinic = Clinic(store)
    clinic.open()
    clinic.read(visit(1))
    with store.write() as connection:
        connection.exec_driver_sql(
            "INSERT INTO task (id, kind, subject, sentence, state, created_at) VALUES "
            "(900, 'no_template', 'message:1', 'Aucun modèle approuvé.', 'open', 1), "
            "(901, 'no_template', 'message:2', 'Aucun modèle approuvé.', 'open', 1)"
        )
    assert Gap("no_template", "Aucun modèle approuvé.", 2) in gaps(clinic)


# --- what is remembered -------------------------------------------------------------------------


def test_figures_are_computed_once_for_a_moment() -> None:
    made: list[int] = []
    kept = Remembered[int](timedelta(seconds=30))

    def make() -> int:
        made.append(len(made))
        return made[-1]

    def at(seconds: int) -> tuple[int, datetime]:
        found = kept.get("all", make, now=NOVEMBER + timedelta(seconds=seconds))
        return found.value, found.at

    assert at(0) == at(29) == (0, NOVEMBER)
    assert at(30) == (1, NOVEMBER + timedelta(seconds=30))
    assert at(0)[0] == 2  # a clock that went back knows nothing
    kept.forget()
    assert at(0)[0] == 3


def test_nobody_waits_for_new_figures_while_the_old_still_serve() -> None:
    kept = Remembered[int](timedelta(minutes=5), timedelta(minutes=30))
    begun, goes_on = Event(), Event()

    def slowly() -> int:
        begun.set()
        goes_on.wait(30)
        return 2

    def at(minutes: int, make: Callable[[], int]) -> int:
        return kept.get("all", make, now=NOVEMBER + timedelta(minutes=minutes)).value

    assert at(0, lambda: 1) == 1
    assert at(6, slowly) == 1
    assert begun.wait(30)
    assert at(7, lambda: 3) == 1  # one computes, and nobody else
    goes_on.set()
    deadline = monotonic() + 30
    while at(8, lambda: 4) != 2 and monotonic() < deadline:
        sleep(0.01)
    assert at(8, lambda: 4) == 2
    assert at(60, lambda: 5) == 5  # too old to be given


def test_figures_that_cannot_be_renewed_are_asked_for_again() -> None:
    kept = Remembered[int](timedelta(minutes=5), timedelta(minutes=30))

    def fails() -> int:
        raise OSError

    def at(minutes: int, make: Callable[[], int]) -> int:
        return kept.get("all", make, now=NOVEMBER + timedelta(minutes=minutes)).value

    assert at(0, lambda: 1) == 1
    assert at(6, fails) == 1
    deadline = monotonic() + 30
    while at(6, lambda: 2) != 2 and monotonic() < deadline:
        sleep(0.01)
    assert at(6, lambda: 9) == 2


def test_each_scope_has_its_own_figures(store: Store) -> None:
    clinic = Clinic(store)
    clinic.read(*tomorrow([1, 2]), *tomorrow([3], uf="4230"))
    clinic.plan()
    figures = Figures()

    def planned(ufs: Ufs) -> int:
        found = home_of(store, clinic.rules, figures, ufs, PARIS, {}, now=clinic.now)
        return found.run.value["planned"]

    assert (planned(None), planned(SOUTH), planned(IMAGING)) == (3, 2, 1)


def test_a_hold_is_told_at_once_and_the_figures_a_moment_later(store: Store) -> None:
    clinic = Clinic(store)
    figures = Figures()
    look: Callable[[], Any] = lambda: home_of(  # noqa: E731
        store, clinic.rules, figures, None, PARIS, {}, now=clinic.now
    )
    assert look().run.value.nothing
    clinic.read(*tomorrow([1]))
    clinic.plan()
    hold_everything(store, "panne", now=clinic.now, by="paul")
    assert (len(look().machine.holds), look().run.value["planned"]) == (1, 0)
    figures.forget()
    assert look().run.value["planned"] == 1
