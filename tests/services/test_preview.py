"""What a dry run and a release show is what would leave."""

from datetime import timedelta

from reminders.rendering import Renderer, Version
from reminders.services.compose import Composer, Route
from reminders.services.preview import planned_lines, suppressed_lines, waiting_to_leave
from reminders.store.engine import Store
from tests.services.test_deliver import STEP, TWO, only_for, with_mail
from tests.support.clinic import someone, visit, visits
from tests.support.mailroom import Mailroom


def test_the_lines_shown_are_the_texts_sent(store: Store) -> None:
    room = Mailroom(store)
    room.read(*visits([1, 2]), visit(3, patient=with_mail(3)))
    room.release()
    room.plan()
    room.at(STEP)
    composer = Composer(room.rules, Renderer())
    shown = {
        (line.address, line.text)
        for line in planned_lines(store, composer, room.routes, now=room.now)
        if line.step == "J-3"
    }
    room.deliver()
    assert shown == {(sent.to, sent.text) for sent in room.sent}


def test_the_provider_shown_is_the_one_whose_family_has_a_text(store: Store) -> None:
    room = Mailroom(store, routes=TWO)
    room.read(visit(1))
    room.plan()
    only_for(room, "reply")
    composer = Composer(room.rules, Renderer())
    priced = (TWO[0], Route("second", "sms", "reply", price_eur=0.5))
    lines = {line.step: line for line in planned_lines(store, composer, priced, now=room.now)}
    assert (lines["J-3"].state, lines["J-3"].price_eur) == ("planned", 0.5)


def test_a_channel_without_a_provider_says_so(store: Store) -> None:
    room = Mailroom(store)
    room.read(visit(1))
    room.plan()
    composer = Composer(room.rules, Renderer())
    lines = list(planned_lines(store, composer, (Route("email", "email"),), now=room.now))
    assert {(line.state, line.reason) for line in lines} == {("blocked", "no_provider")}


def test_one_text_our_program_cannot_make_hides_no_other(store: Store) -> None:
    class Poison(Renderer):
        def render(self, version: Version, variables: object) -> str:
            text = super().render(version, variables)  # type: ignore[arg-type]
            if "à 11h" in text:
                raise KeyError("a bug of ours")
            return text

    room = Mailroom(store)
    room.read(visit(1), visit(2, "2026-10-20 11:00"))
    room.plan()
    composer = Composer(room.rules, Poison())
    states = [line.state for line in planned_lines(store, composer, room.routes, now=room.now)]
    assert sorted(states) == ["blocked"] * 3 + ["planned"] * 3


def test_what_waits_is_counted_and_priced_up_to_a_moment(store: Store) -> None:
    room = Mailroom(store)
    room.read(*visits([1, 2, 3]))
    room.plan()
    composer = Composer(room.rules, Renderer())
    waiting = waiting_to_leave(
        store, composer, (Route("main", "sms", price_eur=0.06),),
        now=room.now, until=room.now + timedelta(days=3), limit=2,
    )  # fmt: skip
    assert (waiting.due, waiting.total, len(waiting.lines)) == (3, 9, 2)
    assert round(waiting.price_eur, 2) == 0.18


def test_what_will_not_be_sent_names_its_reason(store: Store) -> None:
    room = Mailroom(store)
    room.read(visit(1, patient=someone(1, deceased=True)))
    room.plan()
    lines = list(suppressed_lines(store, now=room.now))
    assert {(line.state, line.reason) for line in lines} == {("suppressed", "deceased")}
