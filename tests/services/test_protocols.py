"""Protocols edited on a page: their form, what they do next week, and who is planned again."""

from collections import Counter
from typing import Any

import pytest

from reminders.config import DEFAULT_PROTOCOL, ProtocolTable, ServiceTable
from reminders.services import units as services
from reminders.services.compose import Route
from reminders.services.plan import plan
from reminders.services.protocols import (
    cost_of,
    in_order,
    one,
    overview,
    save,
    week,
    with_protocol,
)
from reminders.services.protocols_form import (
    MOST_STEPS,
    ProtocolForm,
    StepForm,
    filled,
    read,
    typed,
)
from reminders.services.rules import Rules, rules_of
from reminders.services.units_forecast import foresee
from reminders.services.units_save import NotSaved
from reminders.store.engine import Store
from tests.support.clinic import settings_with, visit, visits
from tests.support.mailroom import LIVE, Mailroom

PURPOSES = ("preparation", "confirm", "short", "booking")
SHORT = ProtocolTable.model_validate(
    {
        "id": "bloc",
        "step": [{"day": "J-2", "template": "confirm"}, {"day": "J-1", "template": "short"}],
    }
)
UNIT = ServiceTable(
    uf="4999", site="sud", label="Accueil D1", sensitivity="normal", protocol="bloc"
)


def office(store: Store, **settings: Any) -> tuple[Mailroom, Rules]:
    room = Mailroom(store, settings=settings_with(**(dict(LIVE) | settings)))
    rules = rules_of(room.settings)
    with store.read() as connection:
        rules.follow(connection)
    return room, rules


def with_bloc(store: Store) -> tuple[Mailroom, Rules]:
    room, rules = office(store)
    save(store, rules, SHORT, number=0, actor="paul", now=room.now)
    services.save(store, rules, UNIT, number=0, actor="paul", now=room.now)
    return room, rules


def planned(room: Mailroom, rules: Rules) -> dict[str, str]:
    plan(room.store, rules, room.secret, now=room.now)
    return room.reasons()


# --- whose is it ---------------------------------------------------------------------------------


def test_the_releases_and_the_files_protocols_are_not_the_pages(store: Store) -> None:
    steps = [{"day": "J-2", "template": "confirm"}]
    room, rules = office(store, protocol=[{"id": "court", "step": steps}])
    save(store, rules, SHORT, number=0, actor="paul", now=room.now)
    assert [(p.id, p.owned, p.ufs) for p in overview(store, rules)] == [
        ("bloc", True, ()), ("court", False, ()), ("default", False, ("4220", "4230")),
    ]  # fmt: skip
    for name in ("default", "court"):
        with pytest.raises(NotSaved) as refused:
            save(
                store,
                rules,
                SHORT.model_copy(update={"id": name}),
                number=0,
                actor="p",
                now=room.now,
            )
        assert refused.value.code == "file"


def test_a_services_steps_are_those_of_its_pages_protocol(store: Store) -> None:
    room, rules = with_bloc(store)
    room.read(visit(1, uf="4999"))
    assert set(planned(room, rules)) == {"J-2", "J-1"}


def test_a_changed_step_is_planned_by_a_process_that_was_there_before(store: Store) -> None:
    room, rules = with_bloc(store)
    room.read(visit(1, uf="4999"), visit(2))
    planned(room, rules)
    later = SHORT.model_copy(update={"step": DEFAULT_PROTOCOL.step})
    save(store, rules_of(room.settings), later, number=1, actor="anne", now=room.now)
    assert (room.patient(1).dirty, room.patient(2).dirty) == (1, 0)
    reasons = planned(room, rules)
    assert reasons["J-3"] == "PLANNED"
    assert reasons["J-2"] == "not_booked" or reasons["J-2"] != "PLANNED"


def test_two_people_never_lose_each_others_protocol(store: Store) -> None:
    room, rules = with_bloc(store)
    save(store, rules, SHORT, number=1, actor="anne", now=room.now)
    with pytest.raises(NotSaved) as late:
        save(store, rules, SHORT, number=1, actor="paul", now=room.now)
    assert late.value.code == "changed"
    page = one(store, rules, "bloc")
    assert page is not None
    assert [(v.number, v.author) for v in page.history] == [(2, "anne"), (1, "paul")]


def test_a_protocol_nobody_wrote_is_none(store: Store) -> None:
    _, rules = office(store)
    assert one(store, rules, "absent") is None


# --- what it does next week ----------------------------------------------------------------------


def test_next_week_is_counted_from_the_plan_by_step_and_channel(store: Store) -> None:
    room, rules = with_bloc(store)
    room.read(
        visit(1, "2026-10-15 09:30", uf="4999"),
        visit(2, "2026-10-16 09:30", uf="4999"),
        visit(4, "2026-10-16 11:00"),
        visit(5, "2026-11-20 11:00", uf="4999"),
    )
    planned(room, rules)
    routes = [Route("main", "sms", price_eur=0.05)]
    found = week(store, ["4999"], SHORT, routes, now=room.now)
    assert [(line.step, dict(line.messages)) for line in found.lines] == [
        ("J-2", {"sms": 2}), ("J-1", {"sms": 2}),
    ]  # fmt: skip
    assert found.messages == 4
    assert found.cost == pytest.approx(4 * 0.05)


def test_who_gets_nothing_is_counted_with_the_reason(store: Store) -> None:
    room, rules = with_bloc(store)
    room.read(
        visit(1, "2026-10-15 09:30", uf="4999", all_day=True),
        visit(3, "2026-10-15 09:30", uf="4999"),
    )
    planned(room, rules)
    found = week(store, ["4999"], SHORT, [], now=room.now)
    assert found.nothing == Counter({"no_hour": 1})
    assert found.untold == 1


def test_a_mapped_units_old_reason_is_not_counted_any_more(store: Store) -> None:
    room, rules = office(store)
    room.read(visit(1, "2026-10-15 09:30", uf="4999"))
    planned(room, rules)
    save(store, rules, SHORT, number=0, actor="paul", now=room.now)
    services.save(store, rules, UNIT, number=0, actor="paul", now=room.now)
    planned(room, rules)
    found = week(store, ["4999"], SHORT, [], now=room.now)
    assert found.nothing == Counter()
    assert found.messages == 2


def test_a_protocol_without_service_does_nothing(store: Store) -> None:
    room, _ = office(store)
    assert week(store, [], SHORT, [], now=room.now).messages == 0


def test_an_edit_shows_its_difference_before_it_is_saved(store: Store) -> None:
    room, rules = with_bloc(store)
    room.read(*visits(range(1, 5), starts="2026-10-16 09:30", uf="4999"))
    planned(room, rules)
    before = room.outbox()
    later = SHORT.model_copy(update={"step": SHORT.step[1:]})
    change = foresee(store, rules, room.secret, with_protocol(rules, later), ["4999"], now=room.now)
    assert change.steps == [("J-1", "sms", 4, 4), ("J-2", "sms", 4, 0)]
    assert not change.changes_nothing
    assert room.outbox() == before
    assert cost_of(change.before.steps, SHORT, {"confirm": 0.1, "short": 0.05}) == pytest.approx(
        0.6
    )


def test_the_forecast_is_what_planning_then_does(store: Store) -> None:
    room, rules = with_bloc(store)
    room.read(
        *visits(range(1, 5), starts="2026-10-16 09:30", uf="4999"),
        visit(5, "2026-10-14 09:30", uf="4999"),
        visit(6, "2026-10-13 09:30", uf="4999"),
    )
    planned(room, rules)
    later = ProtocolTable.model_validate(
        {
            "id": "bloc",
            "step": [{"day": "J-3", "template": "confirm"}, {"day": "J-1", "template": "short"}],
        }
    )
    change = foresee(store, rules, room.secret, with_protocol(rules, later), ["4999"], now=room.now)
    save(store, rules, later, number=1, actor="paul", now=room.now)
    planned(room, rules)
    done = week(store, ["4999"], later, [], now=room.now)
    told = {(line.step, ch): n for line in done.lines for ch, n in line.messages.items()}
    assert told == dict(change.after.steps)


# --- the form ------------------------------------------------------------------------------------


def test_a_protocol_comes_back_as_it_was_typed() -> None:
    assert read(filled(SHORT), PURPOSES) == (SHORT, {})
    assert read(filled(DEFAULT_PROTOCOL), PURPOSES) == (DEFAULT_PROTOCOL, {})


def test_steps_are_named_after_their_day_and_never_twice() -> None:
    form = ProtocolForm(
        "a", (StepForm(day="3"), StepForm(day="3", hour="17:00"), StepForm(day="booking"))
    )
    table, errors = read(form, PURPOSES)
    assert errors == {}
    assert table is not None
    assert [step.id for step in table.step] == ["J-3", "J-3-2", "booking"]
    assert [step.id for step in in_order(table)] == ["booking", "J-3", "J-3-2"]


def test_a_step_that_changes_its_day_changes_its_name_but_one_named_by_hand_keeps_it() -> None:
    form = ProtocolForm("a", (StepForm(id="J-3", day="2"), StepForm(id="veille", day="1")))
    table, _ = read(form, PURPOSES)
    assert table is not None
    assert [step.id for step in table.step] == ["J-2", "veille"]


@pytest.mark.parametrize(
    ("step", "field"),
    [
        ({"day": "trois"}, "day-0"),
        ({"day": "61"}, "day-0"),
        ({"hour": "25:00"}, "hour-0"),
        ({"hour": "10:00", "latest": "9:00"}, "latest-0"),
        ({"latest": "tard"}, "latest-0"),
        ({"channels": "fax"}, "channels-0"),
        ({"template": "absent"}, "template-0"),
        ({"condition": "peut-être"}, "condition-0"),
        ({"booked": "-1"}, "booked-0"),
    ],
)
def test_each_field_of_a_step_says_what_is_wrong(step: dict[str, str], field: str) -> None:
    table, errors = read(ProtocolForm("a", (StepForm(**step),)), PURPOSES)
    assert table is None
    assert list(errors) == [field]


def test_a_protocol_has_a_short_name_and_not_too_many_steps() -> None:
    assert "name" in read(ProtocolForm("Été à l'hôpital"), PURPOSES)[1]
    many = ProtocolForm("a", tuple(StepForm(day=str(n)) for n in range(MOST_STEPS + 1)))
    assert "steps" in read(many, PURPOSES)[1]


def test_a_forms_lines_are_read_whatever_is_missing() -> None:
    form = typed(" a ", {"day": ["3", "1"], "hour": ["10:00"]}, after_no_show=True)
    assert [(s.day, s.hour) for s in form.steps] == [("3", "10:00"), ("1", "")]
    assert form.without(0).steps[0].day == "1"
    assert len(form.with_step().steps) == 3
