"""One pass of the daily run: what a cron line does, and does again."""

from datetime import timedelta

from reminders.errors import BadRecipient, Unknown
from reminders.ports import Capabilities, Received
from reminders.store.engine import Store
from tests.services.test_deliver import with_mail
from tests.support.clinic import paris, visit, visits
from tests.support.mailroom import Mailroom, receipt

EARLY = paris("2026-10-17 09:05")  # the day of the confirm step, before its hour


def opened(store: Store, **changes: object) -> Mailroom:
    """A hospital released after its first pass, on the day of a confirm step."""
    room = Mailroom(store)
    room.feed(visit(1, **changes))  # type: ignore[arg-type]
    room.one_pass()
    room.release()
    return room.at(EARLY)


def test_a_pass_sends_the_days_steps_before_their_hour_and_says_what_it_did(store: Store) -> None:
    room = opened(store)
    done = room.one_pass()
    assert done.sent.answers == {"ACCEPTED": 1}
    assert [sent.at for sent in room.sent] == [EARLY]
    assert done.today["ACCEPTED"] == 1


def test_a_pass_repeated_every_five_minutes_sends_nothing_twice(store: Store) -> None:
    room = opened(store)
    for _ in range(12):
        room.one_pass()
        room.at(room.now + timedelta(minutes=5))
    assert len(room.sent) == 1


def test_a_refused_text_goes_by_mail_in_the_same_pass(store: Store) -> None:
    room = opened(store, patient=with_mail(1))
    room.providers["main"].script["+33639980001"] = [BadRecipient("21211")]
    room.one_pass()
    assert [sent.provider for sent in room.sent] == ["main", "email"]


def test_a_receipt_heard_in_a_pass_opens_the_next_channel_in_it(store: Store) -> None:
    room = opened(store, patient=with_mail(1))
    room.one_pass()
    failed = receipt(room.sent[0].reference, "undelivered", code="30003")
    room.providers["main"].waiting.append(Received(receipts=(failed,)))
    room.one_pass()
    assert [sent.provider for sent in room.sent] == ["main", "email"]


def test_a_later_pass_settles_what_was_in_doubt(store: Store) -> None:
    room = opened(store)
    room.providers["main"].script["+33639980001"] = [Unknown("timeout")]
    room.one_pass()
    room.at(room.now + timedelta(minutes=room.settings.delivery.unknown_minutes + 1))
    done = room.one_pass()
    assert done.repaired["settled"] == 1
    assert "call_not_reached" in room.tasks()
    assert len(room.sent) == 1


def test_a_provider_that_can_be_asked_is_asked_before_anything_is_given_up(store: Store) -> None:
    room = opened(store, patient=with_mail(1))
    main = room.providers["main"]
    main.capabilities = Capabilities(lookup=True)
    main.script["+33639980001"] = [Unknown("timeout")]
    room.one_pass()
    reference = room.sent[0].reference
    main.known[reference] = receipt(reference, "accepted")
    room.at(room.now + timedelta(minutes=room.settings.delivery.unknown_minutes + 1))
    done = room.one_pass()
    assert done.repaired["settled"] == 0
    assert len(room.sent) == 1


def test_a_crash_between_two_passes_is_repaired_by_the_second(store: Store) -> None:
    room = opened(store)
    room.plan()
    room.at(paris("2026-10-17 10:00"))
    assert len(room.window().envelopes) == 1  # and the process dies
    room.at(room.now + timedelta(seconds=room.settings.delivery.lease_seconds))
    done = room.one_pass()
    assert done.repaired["unknown"] == 1
    assert room.sent == []
    assert "UNKNOWN" in room.states()


def test_a_day_without_a_pass_sends_nothing_of_it_later(store: Store) -> None:
    room = opened(store)
    room.at(paris("2026-10-18 10:00"))
    room.one_pass()
    room.at(paris("2026-10-19 09:30"))
    room.one_pass()
    assert ["20/10" in sent.text for sent in room.sent] == [True]
    assert [m for m in room.messages() if m[2] == "ACCEPTED"] == [("short", "sms", "ACCEPTED")]


def test_an_unreadable_source_stops_neither_planning_nor_sending(store: Store) -> None:
    room = opened(store)
    room.feed(*visits([1, 2]), fails_with=ValueError("a bug of the adapter"))
    done = room.one_pass()
    assert done.sent.answers["ACCEPTED"] in (0, 1)  # held if its source asks for it, never lost
    assert "PLANNED" in room.states() or "HELD" in room.states()


def test_a_provider_is_asked_about_the_latest_even_if_many_old_ones_stay_silent(
    store: Store,
) -> None:
    room = Mailroom(store)
    room.read(*visits(list(range(2, 213))), visit(1, "2026-10-21 09:30"))
    room.release()
    for moment in ("2026-10-17 10:00", "2026-10-18 10:00", "2026-10-19 09:05"):
        room.at(paris(moment))
        room.plan()
        room.deliver()
    latest = room.sent[-1].reference
    room.one_pass()
    assert f"main-{latest}" in room.providers["main"].asked[-1]
