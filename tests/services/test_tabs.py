"""Lists and contexts hold what a person's services have, and nothing of another."""

from datetime import timedelta

from reminders.domain.worklist import Ending
from reminders.services.tabs import next_after, of_viewer, tab
from reminders.services.task_context import Context, context
from reminders.services.worklist import hand_over, resolve, take, tend
from reminders.store.engine import Store
from tests.support.clinic import visit
from tests.support.mailroom import Mailroom
from tests.support.worklist import hospital, reply

B2, IMAGING = frozenset({"4220"}), frozenset({"4230"})


def two_services(store: Store) -> tuple[Mailroom, int, int]:
    """A patient of each service asked something: (room, task of 4220, task of 4230)."""
    room = hospital(
        store,
        visit(1, starts="2026-10-13 09:30"),
        visit(2, starts="2026-10-13 11:00", uf="4230"),
    )
    here = reply(room, "Où se garer ?", "+33639980001")
    there = reply(room, "Peut-on manger ?", "+33639980002")
    return room, here, there


def keys(room: Mailroom, name: str, ufs: frozenset[str] | None, me: str = "nadia") -> list[int]:
    return [row.id for row in tab(room.store, room.rules, name, ufs, me=me, now=room.now).tasks]


def opened(room: Mailroom, task: int, ufs: frozenset[str] | None) -> Context:
    found = context(room.store, room.rules, room.secret, task, ufs)
    assert found is not None
    return found


def test_each_sees_the_tasks_of_their_services(store: Store) -> None:
    room, here, there = two_services(store)

    assert keys(room, "open", B2) == [here]
    assert keys(room, "open", IMAGING) == [there]
    assert keys(room, "open", B2 | IMAGING) == keys(room, "open", None) == [here, there]
    assert keys(room, "open", frozenset()) == []
    assert of_viewer(store, room.rules, there, B2) is None
    assert context(store, room.rules, room.secret, there, B2) is None
    assert context(store, room.rules, room.secret, 999, None) is None


def test_an_alert_left_undone_is_also_its_desk_s(store: Store) -> None:
    room, here, _ = two_services(store)
    desk = frozenset({"cadre-nord"})
    assert keys(room, "open", desk) == []
    room.at(room.now + timedelta(days=5))
    tend(store, room.rules, now=room.now)
    assert keys(room, "open", desk) == [here]
    assert opened(room, here, desk).about[0].name == "EXEMPLE Léa"


def test_numbers_of_the_tabs_and_their_lines(store: Store) -> None:
    room, here, there = two_services(store)
    take(store, here, "nadia", now=room.now)
    resolve(store, room.secret, there, Ending.OTHER, "paul", now=room.now)

    told = tab(room.store, room.rules, "mine", None, me="nadia", now=room.now)
    assert told.counts == {"mine": 1, "open": 1, "late": 0, "done": 1}
    assert [row.id for row in told.tasks] == [here]
    assert keys(room, "done", None) == [there]
    assert keys(room, "late", None) == []
    room.at(room.now + timedelta(days=2))
    assert keys(room, "late", None) == [here]
    room.at(room.now + timedelta(days=31))
    assert keys(room, "done", None) == []


def test_a_tab_is_counted_up_to_a_hundred_and_read_fifty_at_a_time(store: Store) -> None:
    room = hospital(store)
    with store.write() as connection:
        for key in range(1, 131):
            connection.exec_driver_sql(
                "INSERT INTO task (id, kind, subject, uf, state, priority, created_at, "
                "resolved_at, resolved_by) VALUES "
                f"({key}, 'duplicate', 'uf:{key}', '4220', 'open', {key % 4}, 1, NULL, ''), "
                f"({key + 500}, 'duplicate', 'x:{key}', '4220', 'done', 3, 1, "
                f"{1_791_000_000_000_000 + key // 2}, 'paul')"
            )
    for name in ("open", "done"):
        seen: list[int] = []
        after = None
        while True:
            page = tab(store, room.rules, name, B2, me="nadia", after=after, now=room.now)
            assert page.counts["open"] == page.counts["done"] == 100
            assert len(page.tasks) <= 50
            seen += [row.id for row in page.tasks]
            after = page.after
            if after is None:
                break
        assert len(seen) == len(set(seen)) == 130


def test_after_one_comes_the_following_and_after_the_last_the_first(store: Store) -> None:
    room, here, there = two_services(store)

    def following(task: int) -> int | None:
        row = of_viewer(store, room.rules, task, None)
        assert row is not None
        return next_after(store, room.rules, "open", None, row, me="nadia", now=room.now)

    assert following(here) == there
    assert following(there) == here
    resolve(store, room.secret, here, Ending.OTHER, "nadia", now=room.now)
    assert following(there) is None


def test_the_whole_context_is_there(store: Store) -> None:
    room, here, _ = two_services(store)
    take(store, here, "nadia", now=room.now)
    room.object("+33639980001")
    found = opened(room, here, B2)

    (one,) = found.about
    assert (one.name, one.telephone, one.service) == (
        "EXEMPLE Léa", "+33639980001", "Consultations, accueil B2",
    )  # fmt: skip
    assert found.reply is not None
    assert (found.reply.body, found.reply.who) == ("Où se garer ?", "+33639980001")
    assert "mardi 13 octobre à 9h30" in found.words
    assert sorted((event.what, event.code) for event in found.history) == [
        ("answer", "question"),
        ("event", "take"),
        ("objection", "staff"),
        ("reply", "question"),
        ("told", "sms"),
    ]
    assert found.history[-1].body == room.sent[0].text
    assert set(found.endings) == set(Ending) - {Ending.ENTERED}  # there is nothing to enter


def test_the_other_appointments_of_a_message_stay_in_their_service(store: Store) -> None:
    """One text about two appointments: what the other service does is not told here."""
    both = visit(1).patient
    room = hospital(
        store,
        visit(1, starts="2026-10-13 09:30"),
        visit(2, starts="2026-10-13 11:00", uf="4230", patient=both),
    )
    assert len(room.sent) == 1
    task = reply(room, "Je ne viens pas à celui de 11h")
    kinds = {
        row.id: row.uf for row in tab(store, room.rules, "open", None, me="", now=room.now).tasks
    }
    assert kinds[task] == "4220"

    mine = opened(room, task, B2)
    assert [one.uf for one in mine.about] == ["4220"]
    assert mine.hidden == 1
    assert {event.appointment for event in mine.history} <= {0, mine.about[0].id}
    everything = opened(room, task, None)
    assert [one.uf for one in everything.about] == ["4220", "4230"]
    assert everything.hidden == 0


def test_what_is_handed_over_is_seen_by_whom_it_is_given(store: Store) -> None:
    room, here, _ = two_services(store)
    hand_over(store, room.rules, here, "nadia", uf="4230", now=room.now)
    assert of_viewer(store, room.rules, here, B2) is None
    assert opened(room, here, IMAGING).about[0].uf == "4220"


def test_a_task_about_nobody_ends_in_one_way(store: Store) -> None:
    room = hospital(store)
    with store.write() as connection:
        connection.exec_driver_sql(
            "INSERT INTO task (id, kind, subject, uf, state, created_at) "
            "VALUES (900, 'unmapped_uf', 'uf:9', '9', 'open', 1)"
        )
    found = opened(room, 900, None)
    assert found.endings == (Ending.OTHER,)
    assert (found.about, found.history, found.words) == ([], [], "")
