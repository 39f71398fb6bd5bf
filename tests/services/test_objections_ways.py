"""The ways in which somebody stops our messages, what each covers, and how each ends."""

from dataclasses import replace
from datetime import timedelta

import pytest

from reminders.domain.appointment import CancelledBy, ContactPoint, Status
from reminders.ports import Capabilities, InboundSms, Received
from reminders.services.answer import take_replies
from reminders.services.compose import Route
from reminders.services.deliver import Answer
from reminders.services.lists import DayRun, run_of
from reminders.services.object import object_address, withdraw_at
from reminders.services.objections import block_list_due, object_to, take_block_list
from reminders.services.receive import receive
from reminders.services.story import stories_of
from reminders.store.engine import Store, open_engine, rows
from reminders.store.types import micros
from tests.support.clinic import PARIS, paris, someone, visit
from tests.support.mailroom import Mailroom, receipt
from tests.support.stores import address

NUMBER = "+33639980001"  # of patient 1
SHARED = (ContactPoint("phone", "06 39 98 00 01"),)
BOTH = (*SHARED, ContactPoint("email", "lea.test@example.org"))
ANSWERED = (Route("main", "sms", "reply"), Route("email", "email"))
SOON, LATER = "2026-10-16 15:00", "2026-12-18 15:00"


def reminded(store: Store, *records: object) -> Mailroom:
    """A hospital whose J-3 texts about the 16th have left, that can be answered."""
    room = Mailroom(store, routes=ANSWERED)
    room.read(*(records or (visit(1, SOON),)))  # type: ignore[arg-type]
    room.release()
    room.plan()
    room.at(paris("2026-10-13 10:05"))
    room.deliver()
    return room


def write(room: Mailroom, text: str, number: str = NUMBER, key: str = "", block: str = "") -> None:
    """A reply comes in, is stored and acted upon; `block`: what the provider made of it."""
    told = InboundSms(key or f"in-{text}-{room.now:%d%H%M%S}", number, "+33639989999", text)
    told = replace(told, block=block)  # type: ignore[arg-type]
    receive(room.store, room.secret, "main", Received(replies=(told,)), now=room.now)
    take_replies(room.store, room.rules, room.secret, now=room.now)
    room.plan()


def told_after(room: Mailroom, day: str = "2026-10-15 10:05") -> list[str]:
    """Whom what is due that day reaches."""
    before = len(room.sent)
    room.at(paris(day))
    room.plan()
    room.deliver()
    return sorted(sent.to for sent in room.sent[before:] if "Rappel" in sent.text or "@" in sent.to)


def in_force(room: Mailroom) -> list[tuple[str, str, str]]:
    """(channel, scope, origin) of every objection, read through a connection of its own."""
    own = Store(open_engine(address(room.store)))
    try:
        with own.read() as connection:
            found = rows(
                connection,
                "SELECT DISTINCT channel, scope, origin FROM objection WHERE withdrawn_at IS NULL",
            )
        return sorted((row.channel, row.scope, row.origin) for row in found)
    finally:
        own.close()


# --- STOP, START -------------------------------------------------------------------------------


def test_a_stop_covers_everybody_the_number_was_written_to_about(store: Store) -> None:
    """P1 and P2 were written to at the number; P3 has it too, but was not yet."""
    room = reminded(
        store,
        visit(1, SOON),
        visit(2, "2026-10-16 16:00", patient=someone(2, given="Ana", contacts=SHARED)),
        visit(3, LATER, patient=someone(3, given="Zoé", contacts=SHARED)),
    )
    write(room, "STOP")
    new = {n: (ContactPoint("phone", f"06 39 98 77 0{n}"),) for n in (1, 2, 3)}
    room.read(
        visit(1, SOON, patient=someone(1, contacts=new[1])),
        visit(2, "2026-10-16 16:00", patient=someone(2, given="Ana", contacts=new[2])),
        visit(3, LATER, patient=someone(3, given="Zoé", contacts=SHARED)),
    )

    assert told_after(room) == []  # P1 and P2: at no number
    assert told_after(room, "2026-12-17 10:05") == []  # P3: not at this number
    room.read(visit(3, LATER, patient=someone(3, given="Zoé", contacts=new[3])))
    assert told_after(room, "2026-12-17 10:10") == ["+33639987703"]  # but at another


def test_a_stop_leaves_who_was_not_written_to_for_a_month(store: Store) -> None:
    room = reminded(store, visit(1, SOON), visit(2, LATER, patient=someone(1)))
    room.at(paris("2026-11-20 10:00"))
    write(room, "STOP")

    moved = someone(1, contacts=(ContactPoint("phone", "06 39 98 77 77"),))
    room.read(visit(2, LATER, patient=moved))

    assert told_after(room, "2026-12-17 10:05") == ["+33639987777"]


def test_a_stop_by_sms_leaves_e_mail(store: Store) -> None:
    room = reminded(store, visit(1, SOON, patient=someone(1, contacts=BOTH)))
    write(room, "STOP")

    assert told_after(room) == ["lea.test@example.org"]


def test_a_number_that_said_stop_cannot_be_imported_again(store: Store) -> None:
    """Under another name, another number of the same person's file, or after a purge."""
    room = reminded(store)
    write(room, "STOP")

    room.read(visit(7, LATER, patient=someone(7, contacts=SHARED)))

    assert told_after(room, "2026-12-17 10:05") == []
    assert b"639980001" not in repr(room.rows("SELECT * FROM objection")).encode()


def test_start_ends_what_was_told_by_sms_or_on_the_page(store: Store) -> None:
    room = reminded(store)
    for text in ("STOP", "START"):
        write(room, text)
        room.deliver()  # what acknowledges it; nothing else plans anew

    assert in_force(room) == []
    assert told_after(room) == [NUMBER]
    assert room.tasks() == []


def test_start_by_sms_leaves_e_mails_stopped(store: Store) -> None:
    """« Ni SMS ni courriel » on the page, then START: texts again, and texts only."""
    room = reminded(store, visit(1, SOON, patient=someone(1, contacts=BOTH)))
    object_everywhere(room, origin="page")

    write(room, "START")

    assert in_force(room) == [("email", "all", "page")]
    assert told_after(room) == [NUMBER]


def object_everywhere(room: Mailroom, origin: str) -> None:
    with room.store.write() as connection:
        object_to(
            connection, room.secret, NUMBER, patients=[room.patient().id], channel="all",
            origin=origin, by=origin, at=micros(room.now),
        )  # fmt: skip


@pytest.mark.parametrize("origin", ["staff", "provider", "wrong-number"])
def test_start_promises_nothing_while_another_wish_stands(store: Store, origin: str) -> None:
    room = reminded(store)
    write(room, "STOP")
    room.deliver()
    object_everywhere(room, origin)
    texts = len(room.sent)

    write(room, "START")
    room.deliver()

    assert in_force(room) == [("all", "all", origin)]
    assert len(room.sent) == texts
    assert room.value("SELECT COUNT(*) FROM message WHERE purpose = 'ack_start'") == 0
    assert "start_stands" in room.tasks()
    assert told_after(room) == []


def test_a_stop_told_again_after_a_start_counts(store: Store) -> None:
    room = reminded(store)
    for text in ("STOP", "START", "STOP"):
        room.at(room.now + timedelta(minutes=1))
        write(room, text)

    assert in_force(room) == [("sms", "all", "reply")]
    assert told_after(room) == []


def day_of(room: Mailroom) -> DayRun:
    return run_of(room.store, None, room.now.astimezone(PARIS).date(), PARIS)


def acknowledgements(room: Mailroom) -> list[tuple[str, str, str]]:
    """(state of the message, state and reason of its decision) of what acknowledges a yes."""
    found = room.rows(
        "SELECT m.state, d.state AS decided, d.reason FROM message m JOIN message_item i "
        "ON i.message_id = m.id JOIN decision d ON d.id = i.decision_id "
        "WHERE m.kind = 'ack' AND m.purpose <> 'ack_stop'"
    )
    return [(row.state, row.decided, row.reason) for row in found]


def test_a_yes_after_a_stop_counts_and_nobody_is_told_that_it_is_acknowledged(
    store: Store,
) -> None:
    room = reminded(store)
    write(room, "STOP")
    room.deliver()
    room.at(paris("2026-10-14 10:00"))
    write(room, "OUI")

    assert room.appointment().answer == "confirmed"
    assert acknowledgements(room) == [("CANCELLED", "SUPPRESSED", "objection")]
    assert (day_of(room)["coming"], day_of(room)["not-sent"]) == (0, 1)
    assert day_of(room).reasons == (("objection", 1),)
    (story,) = stories_of(store, "R1", PARIS)
    told = [entry for entry in story.entries if entry.what.startswith("accusé de réponse")][-1]
    assert ("pas envoyé" in told.what, told.why) == (True, "opposition du patient")

    texts = len(room.sent)
    room.deliver()
    assert len(room.sent) == texts
    write(room, "START")
    room.deliver()
    assert [sent.to for sent in room.sent[texts:]] == [NUMBER]  # messages come again


def test_an_acknowledgement_that_waits_is_withdrawn_with_the_objection(store: Store) -> None:
    room = reminded(store)
    room.hold()
    write(room, "OUI")
    room.deliver()
    assert acknowledgements(room) == [("HELD", "PLANNED", "")]

    object_everywhere(room, "staff")

    assert acknowledgements(room) == [("CANCELLED", "SUPPRESSED", "objection")]
    assert day_of(room)["held"] == 0


def test_what_forbids_an_acknowledgement_at_its_moment_ends_it(store: Store) -> None:
    """No SMS any more, says the DPI while the answer of the evening waits for the morning."""
    room = reminded(store)
    room.at(paris("2026-10-13 22:00"))
    write(room, "OUI")
    room.read(visit(1, SOON, patient=someone(1, contacts=SHARED, sms_refused=True)))
    texts = len(room.sent)

    room.at(paris("2026-10-14 12:00"))
    room.deliver()

    assert acknowledgements(room) == [("CANCELLED", "SUPPRESSED", "objection")]
    assert len(room.sent) == texts


def test_a_wrong_number_keeps_nobody_from_the_right_one(store: Store) -> None:
    room = reminded(store)
    write(room, "Vous avez le mauvais numéro")
    right = someone(1, contacts=(ContactPoint("phone", "06 39 98 77 77"),))
    room.read(visit(1, SOON, patient=right))

    assert told_after(room) == ["+33639987777"]


@pytest.mark.parametrize(
    ("starts", "status", "call"),
    [("2026-10-20 09:30", Status.BOOKED, "call_moved_stop"),
     (SOON, Status.CANCELLED, "call_cancelled_stop")],
)  # fmt: skip
def test_what_changes_after_a_stop_is_told_by_voice(
    store: Store, starts: str, status: Status, call: str
) -> None:
    room = reminded(store)
    write(room, "STOP")
    room.deliver()
    texts = len(room.sent)

    changed = visit(1, starts, status=status, cancelled_by=CancelledBy.HOSPITAL)
    room.read(changed, mode="delta")
    room.plan()
    room.deliver()

    assert len(room.sent) == texts
    assert room.tasks() == [call]


# --- staff -------------------------------------------------------------------------------------


def test_staff_may_stop_one_service_over_one_channel(store: Store) -> None:
    room = reminded(
        store,
        visit(1, SOON, patient=someone(1, contacts=BOTH)),
        visit(2, "2026-10-20 10:00", uf="4230", patient=someone(1, contacts=BOTH)),
    )
    object_address(
        store, room.secret, NUMBER, now=room.now, by="nadia", channel="sms", scope="service:4220"
    )

    assert told_after(room) == ["lea.test@example.org"]
    assert told_after(room, "2026-10-19 10:05") == [NUMBER]


def test_staff_may_end_whatever_was_told(store: Store) -> None:
    room = reminded(store)
    write(room, "STOP")
    room.object(NUMBER)

    done = withdraw_at(store, room.secret, "06 39 98 00 01", now=room.now, by="nadia")

    assert (done.ended, done.stands) == (2, False)
    assert told_after(room) == [NUMBER]
    assert room.value("SELECT actor FROM audit WHERE action = 'withdraw objection'") == "nadia"


def test_what_was_told_at_another_number_is_said_to_stand(store: Store) -> None:
    room = reminded(store)
    write(room, "STOP")
    moved = someone(1, contacts=(ContactPoint("phone", "06 39 98 77 77"),))
    room.read(visit(1, SOON, patient=moved))

    done = withdraw_at(store, room.secret, "06 39 98 77 77", now=room.now, by="nadia")

    assert (done.ended, done.stands) == (0, True)


def test_the_story_of_an_appointment_tells_them(store: Store) -> None:
    room = reminded(store)
    write(room, "STOP")
    write(room, "START")
    object_address(store, room.secret, NUMBER, now=room.now, by="nadia", scope="service:4220")
    object_address(store, room.secret, NUMBER, now=room.now, by="nadia", scope="service:4230")

    told = [entry.what for entry in stories_of(store, "R1")[0].entries]

    assert [what for what in told if "opposition" in what] == [
        "opposition reçue par SMS (SMS)",
        "fin de l'opposition reçue par SMS (SMS)",
        "opposition notée par le secrétariat (tous les canaux, pour l'UF 4220)",
    ]


# --- providers ---------------------------------------------------------------------------------


def test_a_block_after_a_question_asks_a_person_what_was_meant(store: Store) -> None:
    """CANCEL, END or ARRET: the provider keeps the reply and blocks the number."""
    room = reminded(store)
    room.at(paris("2026-10-15 10:05"))
    [refused] = room.window().envelopes
    room.record([refused], Answer.REFUSED, opted_out=True, code="21610")
    room.record([refused], Answer.REFUSED, opted_out=True, code="21610")

    assert in_force(room) == [("sms", "all", "provider")]
    assert room.tasks().count("provider_stop") == 1
    assert room.appointment().answer == "none"


def test_a_receipt_that_tells_of_a_block_asks_too(store: Store) -> None:
    room = reminded(store)
    sent = room.sent[0].reference
    room.receive(receipt(sent, "undelivered", opted_out=True, code="21610"))

    assert in_force(room) == [("sms", "all", "provider")]
    assert "provider_stop" in room.tasks()


def test_a_block_after_a_clear_stop_or_an_answer_asks_nobody(store: Store) -> None:
    room = reminded(store, visit(1, SOON), visit(2, SOON))
    write(room, "STOP")
    write(room, "OUI", number="+33639980002")

    take_block_list(store, room.secret, "main", [NUMBER, "+33639980002"], now=room.now)

    assert "provider_stop" not in room.tasks()
    assert ("sms", "all", "provider") in in_force(room)


def test_what_a_provider_makes_of_a_reply_is_in_force_before_it_is_read(store: Store) -> None:
    room = reminded(store)
    told = InboundSms("in-1", NUMBER, "+33639989999", "CANCEL", block="set")
    receive(room.store, room.secret, "main", Received(replies=(told,)), now=room.now)

    assert in_force(room) == [("sms", "all", "provider")]
    assert "provider_stop" in room.tasks()


def test_a_stop_the_provider_answers_itself_is_not_answered_twice(store: Store) -> None:
    room = reminded(store)
    texts = len(room.sent)
    write(room, "STOP", block="set")
    room.deliver()

    assert len(room.sent) == texts
    assert "provider_stop" not in room.tasks()


def test_a_start_the_provider_heeds_ends_its_own_block_only(store: Store) -> None:
    room = reminded(store)
    write(room, "STOP", block="set")
    write(room, "START", block="lifted")
    assert in_force(room) == []

    take_block_list(store, room.secret, "other", [NUMBER], now=room.now)
    room.at(room.now + timedelta(minutes=1))
    write(room, "START", block="lifted")
    assert in_force(room) == [("sms", "all", "provider")]


def test_a_callback_told_again_ends_no_later_block(store: Store) -> None:
    room = reminded(store)
    write(room, "STOP", key="a", block="set")
    write(room, "START", key="b", block="lifted")
    write(room, "STOP", key="c", block="set")
    write(room, "START", key="b", block="lifted")

    assert ("sms", "all", "provider") in in_force(room)


def test_a_block_list_is_read_once_a_day_and_only_ever_adds(store: Store) -> None:
    room = reminded(store)
    assert block_list_due(store, "main", now=room.now)
    unknown = "+33639987777"

    assert take_block_list(store, room.secret, "main", [NUMBER, unknown], now=room.now) == 2
    assert not block_list_due(store, "main", now=room.now + timedelta(hours=23))
    room.at(room.now + timedelta(days=1))
    assert block_list_due(store, "main", now=room.now)
    assert take_block_list(store, room.secret, "main", [unknown, NUMBER], now=room.now) == 0
    assert take_block_list(store, room.secret, "main", [], now=room.now) == 0

    assert room.value("SELECT COUNT(*) FROM objection WHERE withdrawn_at IS NULL") == 2
    assert told_after(room) == []


class Listing:
    """A provider's block list; it fails the first time it is asked."""

    def __init__(self, *numbers: str) -> None:
        self.numbers = numbers
        self.asked = 0

    async def __call__(self) -> tuple[str, ...]:
        self.asked += 1
        if self.asked == 1:
            raise OSError("down")
        return self.numbers


def test_every_pass_asks_for_the_lists_that_are_due(store: Store) -> None:
    room = Mailroom(store, routes=ANSWERED)
    room.read(visit(1, "2026-10-13 15:00"))
    room.release()
    listing = Listing(NUMBER)
    provider = room.providers["main"]
    provider.capabilities = Capabilities(block_list=True)
    provider.blocked = listing  # type: ignore[attr-defined]

    room.at(paris("2026-10-12 10:05"))
    for _ in range(3):
        room.one_pass()
        room.at(room.now + timedelta(minutes=5))

    assert listing.asked == 2  # the failed one again at once, then once a day
    assert in_force(room) == [("sms", "all", "provider")]
