"""Appointments as staff find them: pages that lose nothing, one story, acts that are refused
with their reason."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event

from reminders.domain.answer import AnswerKind
from reminders.domain.appointment import ContactPoint, Status
from reminders.ports import InboundSms, Received
from reminders.rendering import Renderer
from reminders.services import appointments
from reminders.services.answer import take_replies
from reminders.services.appointments import Listing, Refused, Search
from reminders.services.compose import Composer, Route
from reminders.services.receive import receive
from reminders.services.resend import resend
from reminders.services.writing_survey import Means
from reminders.store import appointments as lists
from reminders.store.appointments import Place, Wanted
from reminders.store.engine import Store, insert_rows, rows
from reminders.store.types import DAY, MINUTE, micros
from tests.support.clinic import PARIS, Clinic, paris, settings_with, someone, visit
from tests.support.mailroom import LIVE, Mailroom, receipt

MORNING = "2026-10-13 09:30"  # the day after, a Tuesday
TUESDAY = date(2026, 10, 13)


def listed(clinic: Clinic, search: Search, may_see: frozenset[str] | None = None) -> list[str]:
    """The numbers of every page."""
    found: list[str] = []
    after: Place | None = None
    for _ in range(100):
        listing = appointments.look(
            clinic.store, search, may_see, PARIS, after=after, now=clinic.now
        )
        found += [row.external_id for row in listing.rows]
        after = listing.after
        if after is None:
            return found
    raise AssertionError("no end")


def first(clinic: Clinic, search: Search, may_see: frozenset[str] | None = None) -> Listing:
    return appointments.look(clinic.store, search, may_see, PARIS, counted=True, now=clinic.now)


# --- lists ---------------------------------------------------------------------------------------


def test_a_day_is_the_sites_civil_day_in_its_order(store: Store) -> None:
    clinic = Clinic(store)
    clinic.read(
        visit(1, "2026-10-13 23:59"), visit(2, "2026-10-13 00:00"), visit(3, "2026-10-12 23:59"),
        visit(4, "2026-10-14 00:00"), visit(5, "2026-10-13 09:30"),
    )  # fmt: skip
    assert listed(clinic, Search(TUESDAY, TUESDAY)) == ["R2", "R5", "R1"]
    assert listed(clinic, Search(TUESDAY, TUESDAY, hour=9)) == ["R5", "R1"]


def test_only_the_services_that_may_be_seen_are_seen(store: Store) -> None:
    clinic = Clinic(store)
    clinic.read(visit(1, MORNING), visit(2, MORNING, uf="4230"), visit(3, MORNING, uf="9999"))
    day = Search(TUESDAY, TUESDAY)
    chosen = Search(TUESDAY, TUESDAY, ufs=frozenset({"4230"}))
    assert set(listed(clinic, day)) == {"R1", "R2", "R3"}
    assert listed(clinic, day, frozenset({"4220"})) == ["R1"]
    assert listed(clinic, chosen) == ["R2"]
    assert listed(clinic, chosen, frozenset({"4220"})) == []
    assert listed(clinic, day, frozenset()) == []
    many = frozenset({"4220", "9999"} | {f"U{n}" for n in range(150)})
    assert listed(clinic, day, many) == ["R1", "R3"]


def test_status_answer_agenda_and_reason_narrow_a_search(store: Store) -> None:
    clinic = Clinic(store)
    clinic.read(
        visit(1, MORNING, agenda="Dr A"),
        visit(2, MORNING, status=Status.CANCELLED),
        visit(3, MORNING, patient=someone(3, contacts=())),
        visit(4, MORNING, uf="9999"),
    )
    clinic.plan()
    appointments.answer_by_phone(
        store,
        clinic.appointment(1).id,
        AnswerKind.CONFIRMED,
        version=1,
        request="f",
        by="n",
        now=clinic.now,
    )

    def found(**narrowed: Any) -> list[str]:
        return listed(clinic, Search(TUESDAY, TUESDAY + timedelta(30), **narrowed))

    assert found(agenda="Dr A") == ["R1"]
    assert found(agenda="Dr B") == []
    assert found(status="cancelled") == ["R2"]
    assert found(answer="confirmed") == ["R1"]
    assert found(answer="none") == ["R2", "R3", "R4"]
    assert found(reason="no_contact") == ["R3"]
    assert found(reason="unmapped") == ["R4"]
    assert found(reason="no_contact", status="cancelled") == []


def test_each_line_says_in_one_word_what_became_of_its_messages(store: Store) -> None:
    room = Mailroom(store, settings=settings_with(**LIVE))
    room.read(
        *[visit(n, MORNING) for n in (1, 2, 3)], visit(4, "2026-10-20 09:30"),
        visit(5, MORNING, patient=someone(5, contacts=())),
    )  # fmt: skip
    room.release()
    room.plan()
    room.at(paris("2026-10-12 10:05"))
    room.deliver()
    by_number = {sent.to: sent.reference for sent in room.sent}
    room.receive(receipt(by_number["+33639980001"], "delivered"))
    room.receive(receipt(by_number["+33639980002"], "undelivered"))
    listing = first(room, Search(TUESDAY, TUESDAY + timedelta(10)))
    words = {row.external_id: listing.told[row.id] for row in listing.rows}
    assert {number: told.word for number, told in words.items()} == {
        "R1": "delivered", "R2": "failed", "R3": "left", "R4": "planned", "R5": "none",
    }  # fmt: skip
    assert words["R5"].reason == "no_contact"


def test_a_day_is_counted_and_its_agendas_named_for_a_few_services(store: Store) -> None:
    clinic = Clinic(store)
    clinic.read(
        visit(1, MORNING, agenda="Dr A"), visit(2, MORNING, agenda="Dr A"),
        visit(3, MORNING, agenda="Dr B"), visit(4, MORNING, uf="4230"),
    )  # fmt: skip
    few = first(clinic, Search(TUESDAY, TUESDAY), frozenset({"4220"}))
    assert (few.number, [(one.agenda, one.number) for one in few.agendas]) == (
        3, [("Dr A", 2), ("Dr B", 1)],
    )  # fmt: skip
    one = first(clinic, Search(TUESDAY, TUESDAY, agenda="Dr A"), frozenset({"4220"}))
    assert one.number == 2
    every = first(clinic, Search(TUESDAY, TUESDAY))
    assert (every.number, every.uncountable) == (4, False)


COLUMNS = (
    "id", "source_id", "external_id", "uf", "agenda", "starts_at", "status", "answer",
    "answered_cycle", "version_at", "fingerprint", "first_seen_at", "last_seen_at",
    "first_starts_at",
)  # fmt: skip
START = micros(paris("2026-10-13 08:00"))


def put(store: Store, values: list[tuple[int, int, int]]) -> None:
    """(key, quarter of an hour, service) rows."""
    with store.write() as connection:
        insert_rows(
            connection,
            "appointment",
            COLUMNS,
            [
                (key, "agenda", f"R{key}", f"U{uf}", f"A{uf % 2}", START + quarter * 15 * MINUTE,
                 "booked" if key % 3 else "cancelled", "none", 1, 1, 1, 1, 1, 1)
                for key, quarter, uf in values
            ],
        )  # fmt: skip


ROWS = st.lists(
    st.tuples(st.integers(0, 6), st.integers(0, 3)), min_size=1, max_size=40
)  # many at one start
CHOICES: dict[str, Callable[[Wanted], Wanted]] = {
    "all": lambda w: w,
    "some services": lambda w: Wanted(w.start, w.end, {"U1", "U2"}),
    "an agenda": lambda w: Wanted(w.start, w.end, None, "A1"),
    "a status": lambda w: Wanted(w.start, w.end, {"U0", "U3"}, status="cancelled"),
}


@pytest.mark.parametrize("choice", sorted(CHOICES))
@settings(
    max_examples=15,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(before=ROWS, meanwhile=ROWS, size=st.integers(1, 7), turn=st.integers(0, 5))
def test_paging_loses_and_repeats_nothing_while_rows_are_added(
    store: Store,
    choice: str,
    before: list[tuple[int, int]],
    meanwhile: list[tuple[int, int]],
    size: int,
    turn: int,
) -> None:
    with store.write() as connection:
        connection.exec_driver_sql("DELETE FROM appointment")
    put(store, [(n + 1, quarter, uf) for n, (quarter, uf) in enumerate(before)])
    wanted = CHOICES[choice](Wanted(START, START + DAY))
    with store.read() as connection:
        everything, _, _ = lists.page(connection, wanted, after=None, limit=1_000)
    seen: list[int] = []
    after: Place | None = None
    for number in range(100):
        if number == turn:
            put(store, [(n + 1_001, quarter, uf) for n, (quarter, uf) in enumerate(meanwhile)])
        with store.read() as connection:
            shown, after, _ = lists.page(connection, wanted, after=after, limit=size)
        seen += [row.id for row in shown]
        assert len(shown) <= size
        if after is None:
            break
    assert len(seen) == len(set(seen))
    assert [key for key in seen if key <= 1_000] == [row.id for row in everything]


def test_a_search_that_has_looked_at_enough_says_so_and_goes_on(store: Store) -> None:
    put(store, [(n, n % 40, 1) for n in range(1, 3 * lists.MOST // 2)])
    with store.write() as connection:
        connection.exec_driver_sql(
            "UPDATE appointment SET status = 'noshow' WHERE id = (SELECT id FROM appointment "
            "ORDER BY starts_at DESC, id DESC LIMIT 1)"
        )
    wanted = Wanted(START, START + DAY, status="noshow")
    with store.read() as connection:
        first_page = lists.page(connection, wanted, after=None, limit=50)
        second = lists.page(connection, wanted, after=first_page[1], limit=50)
    assert (len(first_page[0]), first_page[2]) == (0, True)
    assert [row.status for row in second[0]] == ["noshow"]
    assert second[1] is None


@pytest.mark.parametrize(
    ("wanted", "index"),
    [
        (Wanted(START, START + 400 * DAY, {f"U{n}" for n in range(40)}), "ix_appointment_uf"),
        (Wanted(START, START + 400 * DAY, {"U1"}, status="noshow"), "ix_appointment_uf"),
        (Wanted(START, START + 400 * DAY, {"U1"}, "A1"), "ix_appointment_agenda"),
        (Wanted(START, START + DAY), "ix_appointment_starts"),
        (Wanted(START, START + DAY, {f"U{n}" for n in range(150)}), "ix_appointment_starts"),
    ],
)
def test_every_list_is_found_by_its_index_whatever_the_size(
    store: Store, wanted: Wanted, index: str
) -> None:
    put(store, [(n, n // 4, n % 160) for n in range(1, 20_001)])  # 50 days of a hospital
    sql, values = lists._candidates(wanted, (START + DAY // 2, 7), 51)  # the plan, no result
    with store.write() as connection:
        connection.exec_driver_sql("UPDATE appointment SET agenda = 'A' || (id - id / 480 * 480)")
        connection.exec_driver_sql("ANALYZE appointment")
        if store.is_sqlite:
            plan = " ".join(
                row[3] for row in rows(connection, f"EXPLAIN QUERY PLAN {sql}", **values)
            )
        else:  # this table is small enough to be read whole
            for way in ("seqscan", "bitmapscan"):
                connection.exec_driver_sql(f"SET LOCAL enable_{way} = off")
            plan = " ".join(row[0] for row in rows(connection, f"EXPLAIN {sql}", **values))
    assert index in plan
    assert "SCAN appointment" not in plan
    assert "Seq Scan" not in plan


# --- one story -----------------------------------------------------------------------------------


def kinds(room: Clinic, number: int = 1) -> list[str]:
    found = appointments.life_of(room.store, room.appointment(number).id, now=room.now)
    assert found is not None
    return [one.kind for one in found.past] + ["|"] + [one.kind for one in found.coming]


def test_a_story_is_told_from_the_first_reading_to_the_hour_itself(store: Store) -> None:
    room = Mailroom(store, settings=settings_with(**LIVE))
    room.read(visit(1, "2026-10-15 15:00"))
    room.release()
    room.plan()
    assert kinds(room) == ["read", "not_sent", "|", "planned", "planned", "start"]
    room.at(paris("2026-10-12 12:00"))
    room.deliver()
    room.at(paris("2026-10-12 12:05"))
    room.receive(receipt(room.sent[0].reference, "delivered"))
    said = InboundSms("in-1", "+33639980001", "+33639989999", "OUI merci")
    receive(store, room.secret, "main", Received(replies=(said,)), now=room.now)
    take_replies(store, room.rules, room.secret, now=room.now)
    told = kinds(room)
    assert told[:6] == ["read", "not_sent", "sent", "reply", "answer", "receipt"]
    assert told[-1] == "start"


def test_a_story_takes_four_statements(store: Store) -> None:
    room = Mailroom(store, settings=settings_with(**LIVE))
    room.read(visit(1, MORNING))
    room.release()
    room.plan()
    room.at(paris("2026-10-12 10:05"))
    room.deliver()
    one, statements = room.appointment(1).id, list[str]()

    def count(_c: object, _u: object, statement: str, *_: object) -> None:
        statements.append(statement.split(maxsplit=1)[0])

    event.listen(store.engine, "before_cursor_execute", count)
    try:
        appointments.life_of(store, one, now=room.now)
    finally:
        event.remove(store.engine, "before_cursor_execute", count)
    assert statements.count("SELECT") == 4


def test_an_unknown_appointment_has_no_story(store: Store) -> None:
    assert appointments.life_of(store, 404, now=Clinic(store).now) is None


# --- acting --------------------------------------------------------------------------------------


def opened(store: Store, *records: Any) -> Mailroom:
    room = Mailroom(
        store,
        settings=settings_with(**LIVE),
        routes=(Route("main", "sms"), Route("email", "email")),
    )
    room.read(*(records or [visit(1, "2026-10-20 09:30")]))
    room.release()
    room.plan()
    return room


def again(room: Mailroom, request: str = "form-1", number: int = 1) -> int:
    means = Means(room.rules, Composer(room.rules, Renderer()), room.routes, room.secret, PARIS)
    return resend(
        room.store, means, room.appointment(number).id, request=request, by="nadia", now=room.now
    )


def test_an_answer_by_telephone_counts_once_and_is_named(store: Store) -> None:
    room = opened(store)
    one = room.appointment(1).id
    kind = AnswerKind.CANCELLED
    for new in (True, False):
        assert new is appointments.answer_by_phone(
            store, one, kind, version=1, request="form-1", by="nadia", now=room.now
        )
    assert room.appointment(1).answer == "cancelled"
    (given_,) = room.rows("SELECT channel, actor FROM answer")
    assert tuple(given_) == ("staff", "nadia")
    room.plan()
    assert room.reasons()["J-1"] == "cancellation_asked"


def test_an_hour_that_moved_since_the_page_was_read_is_not_confirmed(store: Store) -> None:
    """R26: the patient said yes to the hour the secretary read to them."""
    room = opened(store, visit(1, "2026-10-20 09:30"))
    one = room.appointment(1)
    room.read(visit(1, "2026-10-22 16:00"))
    with pytest.raises(Refused) as refused:
        appointments.answer_by_phone(
            store, one.id, AnswerKind.CONFIRMED, version=one.version, request="f", by="n",
            now=room.now,
        )  # fmt: skip
    assert refused.value.code == "moved"
    assert room.appointment(1).answer == "none"


@pytest.mark.parametrize(
    ("record", "code"),
    [
        (visit(1, "2026-10-20 09:30", status=Status.CANCELLED), "not_booked"),
        (visit(1, "2026-10-12 08:00"), "past"),
        (visit(1, "2026-10-12 08:00", status=Status.FULFILLED), "past"),
        (visit(1, "2026-10-12 08:00", status=Status.CANCELLED), "not_booked"),
        (visit(1, "2026-10-20 09:30", status=Status.ARRIVED), "past"),
    ],
)
def test_what_can_no_longer_be_said_is_refused(store: Store, record: Any, code: str) -> None:
    room = opened(store, record, visit(2, "2026-12-01 10:00"))
    one = room.appointment(1).id
    with pytest.raises(Refused) as refused:
        appointments.answer_by_phone(
            store, one, AnswerKind.CONFIRMED, version=1, request="f", by="n", now=room.now
        )
    assert refused.value.code == code
    with pytest.raises(Refused) as refused:
        again(room)
    assert refused.value.code == code


def test_stopped_reminders_do_not_leave_and_come_again_when_resumed(store: Store) -> None:
    room = opened(store)
    one = room.appointment(1).id
    assert appointments.stop_reminders(store, one, by="nadia", now=room.now)
    assert not appointments.stop_reminders(store, one, by="nadia", now=room.now)
    room.at(paris("2026-10-17 12:00"))
    room.deliver()  # before the planner looked: the intent asks too
    assert room.sent == []
    room.plan()
    assert room.reasons()["J-1"] == "stopped"
    assert appointments.resume_reminders(store, one, by="nadia", now=room.now)
    room.plan()
    room.deliver()
    assert len(room.sent) == 1


def test_a_new_date_is_told_and_reminded_of_though_the_old_one_was_stopped(store: Store) -> None:
    others = [visit(n, "2026-12-01 10:00") for n in range(20, 70)]
    room = opened(store, visit(1, "2026-10-20 09:30"), *others)
    room.at(paris("2026-10-17 12:00"))
    room.deliver()
    assert len(room.sent) == 1
    appointments.stop_reminders(store, room.appointment(1).id, by="nadia", now=room.now)
    room.read(visit(1, "2026-10-22 11:00"), *others)
    room.plan()
    room.deliver()
    assert room.sent[1].text.startswith("Changement : rendez-vous le jeu. 22/10 à 11h")
    assert room.reasons()["J-1"] == "PLANNED"


# --- sending again -------------------------------------------------------------------------------


def test_a_reminder_is_sent_again_once_for_each_form_to_the_present_number(store: Store) -> None:
    others = [visit(n, "2026-12-01 10:00") for n in range(20, 70)]
    room = opened(store, visit(1, "2026-10-13 09:30"), *others)
    room.at(paris("2026-10-12 10:05"))
    room.deliver()
    new = someone(1, contacts=(ContactPoint("phone", "06 39 98 55 55"),))
    room.read(visit(1, "2026-10-13 09:30", patient=new), *others)
    first_ = again(room)
    assert again(room) == first_
    room.deliver()
    assert [sent.to for sent in room.sent] == ["+33639980001", "+33639985555"]
    assert room.sent[1].text == room.sent[0].text
    again(room, "form-2")
    room.deliver()
    assert len(room.sent) == 3


def test_what_is_on_its_way_is_not_asked_for_twice(store: Store) -> None:
    room = opened(store).at(paris("2026-10-12 21:00"))
    again(room)
    with pytest.raises(Refused) as refused:
        again(room, "form-2")
    assert refused.value.code == "in_hand"


def test_a_resend_does_not_count_in_the_caps(store: Store) -> None:
    room = opened(store, visit(1, "2026-10-13 09:30"))
    again(room)
    room.deliver()
    assert len(room.sent) == 1
    room.at(paris("2026-10-12 10:05"))
    room.plan_everybody()
    room.deliver()
    assert len(room.sent) == 2


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"patient": someone(1, deceased=True)}, "deceased"),
        ({"patient": someone(1, contacts=())}, "no_contact"),
        ({"uf": "9999"}, "nothing"),
    ],
)
def test_nothing_is_sent_again_where_nothing_may_be(
    store: Store, changes: dict[str, Any], code: str
) -> None:
    room = opened(store, visit(1, "2026-10-20 09:30", **changes))
    with pytest.raises(Refused) as refused:
        again(room)
    assert refused.value.code == code
    assert room.value("SELECT COUNT(*) FROM writing") == 0


def test_nothing_is_sent_again_to_who_objected_before_or_after(store: Store) -> None:
    room = opened(store).at(paris("2026-10-12 21:00"))
    again(room)
    room.object("06 39 98 00 01")
    room.at(paris("2026-10-13 09:30"))
    room.deliver()
    assert room.sent == []
    with pytest.raises(Refused) as refused:
        again(room, "form-2")
    assert refused.value.code in ("objection", "in_hand")
