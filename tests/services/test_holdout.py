"""The hold-out at work: what is withheld and what is not, who enters the comparison and stays."""

from dataclasses import replace
from datetime import timedelta

import pytest

from reminders.config import RetentionTable
from reminders.domain.appointment import CancelledBy, ContactPoint, Status
from reminders.domain.holdout import Arm, Excluded
from reminders.errors import RepairNeeded
from reminders.services.holdout import State, approve, propose, standing, stop
from reminders.services.purge import purge
from reminders.services.story import stories_of
from reminders.store.engine import Record, Store, insert_rows, run
from tests.support.clinic import paris, settings_with, someone, visit, visits
from tests.support.mailroom import LIVE, Mailroom

J7, J3 = paris("2026-10-13 10:00"), paris("2026-10-17 10:00")  # of 2026-10-20 09:30
NOBODY_HELD, HALF = 1e-6, 0.5


@pytest.fixture
def room(store: Store) -> Mailroom:
    return Mailroom(store, now=paris("2026-10-05 09:00"), settings=settings_with(**LIVE))


def begin(room: Mailroom, share: float = HALF, **changes: object) -> None:
    propose(room.store, room.rules, share=share, now=room.now, by="nadia", **changes)  # type: ignore[arg-type]
    approve(room.store, now=room.now, by="Dr Claire Exemple")


def planned(room: Mailroom, *records: object, **changes: object) -> None:
    room.read(*(records or visits(range(1, 41))), **changes)  # type: ignore[arg-type]
    room.release()
    room.plan()


def units(room: Mailroom) -> dict[str, Record]:
    """Appointment number -> its unit."""
    found = room.rows(
        "SELECT a.external_id, u.* FROM unit_entry u JOIN appointment a ON a.id = u.appointment_id"
    )
    return {row.external_id: row for row in found}


def steps(room: Mailroom, number: str) -> dict[str, str]:
    found = room.rows(
        "SELECT d.step, d.state, d.reason FROM decision d JOIN appointment a "
        "ON a.id = d.appointment_id WHERE a.external_id = :number ORDER BY d.cycle",
        number=number,
    )
    return {row.step: row.reason if row.state == "SUPPRESSED" else "PLANNED" for row in found}


def of_arm(room: Mailroom, arm: Arm) -> list[str]:
    return sorted(number for number, unit in units(room).items() if unit.arm == arm)


# --- off until a person approves ------------------------------------------------------------------


def test_without_an_approved_one_nothing_is_withheld_nor_written(room: Mailroom) -> None:
    planned(room)
    before = room.outbox()
    propose(room.store, room.rules, share=HALF, now=room.now, by="nadia")
    room.plan_everybody()
    assert room.outbox() == before
    assert units(room) == {}
    assert standing(room.store, now=room.now).state is State.PROPOSED


def test_approval_has_a_name_and_is_written_down(room: Mailroom) -> None:
    propose(room.store, room.rules, now=room.now, by="nadia")
    with pytest.raises(RepairNeeded, match="approuver"):
        approve(room.store, now=room.now, by="  ")
    found = approve(room.store, now=room.now, by=" Dr  Claire Exemple ")
    assert (found.state, found.approved_by, found.share) == (
        State.APPROVED,
        "Dr Claire Exemple",
        0.1,
    )
    lines = room.rows("SELECT actor, action FROM audit ORDER BY id")
    assert [(row.actor, row.action) for row in lines] == [
        ("nadia", "holdout.propose"),
        ("Dr Claire Exemple", "holdout.approve"),
    ]


def test_one_at_a_time_and_only_what_was_proposed(room: Mailroom) -> None:
    with pytest.raises(RepairNeeded, match="propose"):
        approve(room.store, now=room.now, by="Claire")
    begin(room)
    for verb in (lambda: begin(room), lambda: approve(room.store, now=room.now, by="Claire")):
        with pytest.raises(RepairNeeded, match="déjà"):
            verb()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"share": 0.6}, "50 %"),
        ({"share": 0.0}, "50 %"),
        ({"share": 1e-7}, "50 %"),
        ({"share": float("nan")}, "50 %"),
        ({"ufs": frozenset({"0000"})}, "0000"),
        ({"until": paris("2026-10-01 00:00")}, "passée"),
        ({"kept": timedelta(days=300)}, "300 jours"),
    ],
)
def test_an_impossible_proposal_is_refused(
    room: Mailroom, changes: dict[str, object], said: str
) -> None:
    with pytest.raises(RepairNeeded, match=said):
        propose(room.store, room.rules, now=room.now, by="nadia", **changes)  # type: ignore[arg-type]
    assert standing(room.store, now=room.now).state is State.NONE


def test_a_proposal_whose_end_is_past_cannot_be_approved(room: Mailroom) -> None:
    propose(room.store, room.rules, until=room.now + timedelta(days=1), now=room.now, by="nadia")
    with pytest.raises(RepairNeeded, match="fin est passée"):
        approve(room.store, now=room.now + timedelta(days=2), by="Claire")


# --- what is withheld -----------------------------------------------------------------------------


def test_reminders_of_the_held_arm_are_withheld_and_why_says_so(room: Mailroom) -> None:
    planned(room)
    begin(room)
    room.plan()
    held, reminded = of_arm(room, Arm.HELD), of_arm(room, Arm.REMINDED)
    assert len(held) > 8
    assert len(reminded) > 8
    for number in held:
        assert steps(room, number) == dict.fromkeys(("J-7", "J-3", "J-1"), "holdout")
    for number in reminded:
        assert set(steps(room, number).values()) == {"PLANNED"}
    story = stories_of(room.store, held[0])[0]
    assert "groupe témoin" in " ".join(entry.why for entry in story.entries)
    for moment in (J7, J3, paris("2026-10-19 10:00")):
        room.at(moment)
        room.deliver()
    assert len(room.sent) == 3 * len(reminded)


def test_a_patient_is_in_one_arm_whatever_the_appointment(room: Mailroom) -> None:
    begin(room)
    twice = [
        visit(number * 100 + n, f"2026-10-{20 + n} 09:30", patient=someone(number))
        for number in range(1, 21)
        for n in (1, 2)
    ]
    planned(room, *twice)
    arms = room.rows("SELECT patient_id, COUNT(DISTINCT arm) AS n FROM unit_entry GROUP BY 1")
    assert len(arms) == 20
    assert {row.n for row in arms} == {1}
    before = {row.patient_id: row.arm for row in units(room).values()}
    room.pass_days(30)
    room.read(*(visit(n, "2026-11-24 09:30") for n in range(20, 0, -1)), mode="delta")
    room.plan()
    assert len(units(room)) == 60
    for row in units(room).values():
        assert row.arm == before[row.patient_id]


def test_the_arm_is_drawn_before_anybody_asks_who_can_be_reached(room: Mailroom) -> None:
    begin(room)
    deaf = [visit(n, patient=someone(n, contacts=())) for n in range(1, 41)]
    planned(room, *deaf)
    held, reminded = of_arm(room, Arm.HELD), of_arm(room, Arm.REMINDED)
    assert len(held) + len(reminded) == 40
    assert {reason for n in held for reason in steps(room, n).values()} == {"holdout"}
    assert {reason for n in reminded for reason in steps(room, n).values()} == {"no_contact"}


def test_corrections_and_notices_reach_the_held_arm(room: Mailroom) -> None:
    """Told before the hold-out began, or by hand: a move or cancellation is told to everybody."""
    planned(room)
    room.at(J7)
    room.deliver()
    begin(room)
    room.plan()
    told = len(room.sent)
    moved = [visit(n, "2026-10-21 11:00") for n in range(1, 21)]
    gone = [
        visit(n, status=Status.CANCELLED, cancelled_by=CancelledBy.HOSPITAL) for n in range(21, 41)
    ]
    room.read(*moved, *gone, mode="delta")
    room.plan()
    room.deliver()
    assert len(room.sent) == told + 40


def test_what_began_to_be_reminded_before_stays_reminded(room: Mailroom) -> None:
    planned(room)
    room.at(J7)
    room.deliver()
    begin(room)
    room.plan()
    assert units(room) == {}
    assert {reason for n in range(1, 41) for reason in steps(room, f"R{n}").values()} == {"PLANNED"}


@pytest.fixture
def outside(room: Mailroom) -> Mailroom:
    room.settings = settings_with(
        **LIVE,
        service=[
            {"uf": "4220", "site": "sud", "label": "Consultations, accueil B2"},
            {"uf": "4230", "site": "sud", "label": "Imagerie, accueil C1"},
            {"uf": "4240", "site": "sud", "label": "Pavillon", "sensitivity": "neutral"},
        ],
        preparation=[{"id": "jeun", "type": "COLO", "sms": "A jeun depuis la veille."}],
    )
    return room


def test_what_must_never_be_withheld_is_reminded_and_not_counted(outside: Mailroom) -> None:
    begin(outside, ufs=frozenset({"4230"}))
    planned(
        outside,
        *(visit(n, uf="4230") for n in range(1, 11)),
        *(visit(n, uf="4240") for n in range(11, 21)),
        *(visit(n, kind="COLO") for n in range(21, 31)),
        *(visit(n, patient=someone(n, language="ar")) for n in range(31, 41)),
    )
    assert not any("holdout" in steps(outside, f"R{n}").values() for n in range(1, 41))
    outside.at(J7)
    found = standing(outside.store, now=outside.now)
    assert found.excluded == {
        Excluded.SERVICE: 10, Excluded.NEUTRAL: 10, Excluded.PREPARATION: 10,
        Excluded.INTERPRETER: 10,
    }  # fmt: skip
    assert sum((found.units or {}).values()) == 0


def test_instructions_written_after_the_draw_are_told_all_the_same(outside: Mailroom) -> None:
    begin(outside)
    planned(outside, *(visit(n, kind="IRM") for n in range(1, 21)))
    held = of_arm(outside, Arm.HELD)
    outside.at(J7 + timedelta(hours=1))
    outside.settings = outside.settings.model_copy(
        update={
            "preparation": settings_with(
                preparation=[{"id": "irm", "type": "IRM", "sms": "Ni bijou ni carte."}]
            ).preparation
        }
    )
    outside.plan_everybody()
    assert of_arm(outside, Arm.HELD) == held  # as drawn
    for number in held:
        assert steps(outside, number)["J-3"] == "PLANNED"


# --- units ----------------------------------------------------------------------------------------


def test_a_unit_is_the_appointment_as_first_booked(room: Mailroom) -> None:
    """Moved before its first reminder is due it enters as it then stands; moved after, it stays
    what it was, and in its arm."""
    begin(room)
    planned(room, *visits([1, 2]))
    before = units(room)["R1"]
    room.read(visit(1, "2026-10-27 14:00"), mode="delta")
    room.plan()
    after = units(room)["R1"]
    assert after.starts_at > before.starts_at
    assert after.entered_at - before.entered_at == 7 * 24 * 3_600_000_000
    room.at(paris("2026-10-21 10:00"))
    room.read(visit(1, "2026-11-10 08:00"), mode="delta")
    room.plan()
    assert units(room)["R1"] == after


def test_one_called_off_before_its_first_reminder_is_no_unit(room: Mailroom) -> None:
    begin(room)
    planned(room, *visits([1, 2]))
    room.read(visit(1, status=Status.CANCELLED), mode="delta")
    room.plan()
    assert set(units(room)) == {"R2"}
    room.at(J7)
    room.read(visit(2, status=Status.CANCELLED), mode="delta")
    room.plan()
    assert set(units(room)) == {"R2"}


def test_units_enter_alike_in_both_arms(room: Mailroom) -> None:
    begin(room)
    planned(room)
    moments = {
        arm: {unit.entered_at for unit in units(room).values() if unit.arm == arm} for arm in Arm
    }
    assert moments[Arm.HELD] == moments[Arm.REMINDED]
    assert len(moments[Arm.HELD]) == 1


def test_planning_again_writes_no_unit_again(room: Mailroom) -> None:
    begin(room)
    planned(room)
    before, outbox = units(room), room.outbox()
    for _ in range(3):
        room.plan_everybody()
    assert (units(room), room.outbox()) == (before, outbox)


def test_the_cell_holds_no_date_of_anybodys_life(room: Mailroom) -> None:
    begin(room)
    planned(room, visit(1), visit(2, "2026-10-20 14:00", patient=someone(1)))
    cells = {number: unit.cell for number, unit in units(room).items()}
    assert cells == {"R1": "4220|new|56+|2|am|45-64", "R2": "4220|new|56+|2|pm|45-64"}
    room.pass_days(16)
    since = {"patient": someone(1), "booked_at": room.now}
    room.read(visit(3, "2026-11-17 09:30", **since), mode="delta")
    room.plan()
    assert units(room)["R3"].cell == "4220|known|14-27|2|am|45-64"


def test_after_a_merge_the_arm_is_the_survivors(room: Mailroom) -> None:
    """The records system gives a patient's appointments to another; what enters from then on is
    in that one's arm, what had entered stays where it was."""
    begin(room)
    planned(room)
    held, reminded = of_arm(room, Arm.HELD)[0], of_arm(room, Arm.REMINDED)[0]
    survivor = someone(int(reminded[1:]))
    room.read(visit(int(held[1:]), "2026-10-20 16:00", patient=survivor), mode="delta")
    room.plan()
    assert units(room)[held].arm == Arm.REMINDED
    assert "holdout" not in steps(room, held).values()
    room.at(J7 + timedelta(minutes=5))
    other = of_arm(room, Arm.HELD)[0]
    before = units(room)[other]
    room.read(visit(int(other[1:]), "2026-10-20 17:00", patient=survivor), mode="delta")
    room.plan()
    assert units(room)[other] == before


def test_nobody_enters_after_the_final_date(room: Mailroom) -> None:
    begin(room, until=J7 - timedelta(hours=3))
    planned(room)
    assert units(room) == {}
    assert steps(room, "R1") == dict.fromkeys(("J-7", "J-3", "J-1"), "PLANNED")
    assert standing(room.store, now=J7).state is State.ENDED


def test_nothing_is_drawn_where_nothing_leaves(store: Store) -> None:
    room = Mailroom(store, now=paris("2026-10-05 09:00"))
    room.settings = settings_with(mode="rehearsal")
    begin(room)
    room.read(*visits(range(1, 21)))
    room.plan()
    assert units(room) == {}


# --- stopping, watching ---------------------------------------------------------------------------


def test_stopping_gives_everybody_their_reminders_back(room: Mailroom) -> None:
    begin(room)
    planned(room)
    held = of_arm(room, Arm.HELD)
    assert stop(room.store, now=room.now, by="nadia")
    room.plan()
    for number in held:
        assert set(steps(room, number).values()) == {"PLANNED"}
    assert not stop(room.store, now=room.now, by="nadia")
    assert standing(room.store, now=room.now).state is State.STOPPED
    begin(room)  # another may follow
    room.plan()
    assert standing(room.store, now=room.now).state is State.APPROVED


def test_the_standing_counts_assignment_apart_from_what_was_sent(room: Mailroom) -> None:
    begin(room)
    planned(room)
    room.at(J7)
    room.deliver()
    found = standing(room.store, now=room.now)
    assert found.units is not None
    assert found.written is not None
    assert found.patients == found.units
    assert sum(found.units.values()) == 40
    assert found.written == {Arm.HELD: 0, Arm.REMINDED: found.units[Arm.REMINDED]}
    assert found.balance is not None
    assert not found.balance.alarming


def test_a_draw_gone_wrong_is_an_alarm(room: Mailroom) -> None:
    begin(room, share=0.1)
    planned(room, *visits(range(1, 61)))
    with room.store.write() as connection:
        run(connection, "UPDATE unit_entry SET arm = 'held' WHERE appointment_id % 3 = 0")
    room.at(J7)
    found = standing(room.store, now=room.now)
    assert found.balance is not None
    assert found.balance.alarming


def test_the_phone_in_common_does_not_make_two_people_one(room: Mailroom) -> None:
    begin(room)
    phone = (ContactPoint("phone", "06 39 98 00 01"),)
    planned(room, *(visit(n, patient=replace(someone(n), contacts=phone)) for n in range(1, 41)))
    assert len(of_arm(room, Arm.HELD)) > 8
    assert len(of_arm(room, Arm.REMINDED)) > 8


def test_staff_write_to_whom_they_like_and_it_is_counted(room: Mailroom) -> None:
    begin(room)
    planned(room)
    room.at(J7)
    held = units(room)[of_arm(room, Arm.HELD)[0]]
    at = held.entered_at
    with room.store.write() as connection:
        insert_rows(
            connection,
            "message",
            ("id", "dedupe_key", "kind", "channel", "state", "patient_id", "recipient_key",
             "earliest_at", "opens_at", "closes_at", "created_at", "updated_at"),
            [(9_001, "staff:1", "staff", "sms", "DELIVERED", held.patient_id, b"", at, at, at, at,
              at)],
        )  # fmt: skip
        insert_rows(
            connection,
            "attempt",
            ("id", "message_id", "reference", "provider", "channel", "state",
             "template_version_id", "started_at"),
            [(9_001, 9_001, "r", "main", "sms", "DELIVERED", 1, at)],
        )  # fmt: skip
        insert_rows(
            connection,
            "told",
            ("attempt_id", "appointment_id", "starts_at"),
            [(9_001, held.appointment_id, at)],
        )
    found = standing(room.store, now=room.now)
    assert found.written == {Arm.HELD: 1, Arm.REMINDED: 0}


def test_a_unit_is_purged_with_its_appointment(room: Mailroom) -> None:
    begin(room)
    planned(room)
    assert len(units(room)) == 40
    purge(room.store, RetentionTable(), now=room.now + timedelta(days=430))
    assert room.rows("SELECT 1 FROM unit_entry") == []
