"""Appointments come in: what is new, what changed, what is gone, and what is only odd."""

from datetime import timedelta

import pytest

from reminders.domain.appointment import CancelledBy, ContactPoint, Status
from reminders.errors import FeedRefused, SourceUnavailable
from reminders.store.engine import Store
from reminders.store.types import instant, micros
from tests.support.clinic import Clinic, counts, paris, problem, someone, visit, visits


def test_new_appointments_and_their_patients_are_counted_once(store: Store) -> None:
    clinic = Clinic(store)
    assert counts(clinic.read(*visits([1, 2, 3]))) == ("accepted", 3, 0, 0)
    assert clinic.value("SELECT COUNT(*) FROM patient") == 3
    found = clinic.appointment(1)
    assert (found.status, found.version, found.answer) == ("booked", 1, "none")
    assert instant(found.starts_at) == paris("2026-10-20 09:30")


def test_an_unchanged_feed_changes_nothing(store: Store) -> None:
    clinic = Clinic(store)
    clinic.read(*visits([1, 2, 3]))
    clinic.plan()
    before = clinic.rows("SELECT * FROM appointment"), clinic.rows("SELECT * FROM patient")
    clinic.pass_days(0.5)
    assert counts(clinic.read(*visits([1, 2, 3]))) == ("accepted", 0, 0, 0)
    assert (clinic.rows("SELECT * FROM appointment"), clinic.rows("SELECT * FROM patient")) == (
        before
    )
    assert clinic.plan().patients == 0


def test_a_change_of_start_service_or_patient_is_a_new_version(store: Store) -> None:
    clinic = Clinic(store)
    clinic.read(*visits([1, 2, 3]))
    summary = clinic.read(
        visit(1, "2026-10-21 09:30"), visit(2, uf="4230"), visit(3, patient=someone(4))
    )
    assert counts(summary) == ("accepted", 0, 3, 0)
    assert [clinic.appointment(n).version for n in (1, 2, 3)] == [2, 2, 2]
    assert clinic.appointment(3).patient_id == clinic.patient(4).id


def test_each_change_keeps_what_it_replaced(store: Store) -> None:
    clinic = Clinic(store)
    clinic.read(*visits([1, 2]))
    clinic.read(visit(1, "2026-10-21 09:30"), visit(2))
    clinic.read(visit(1, "2026-10-22 10:30", uf="4230"), visit(2))
    clinic.read(visit(1, "2026-10-22 10:30", uf="4230", patient=someone(4)), visit(2))
    clinic.read(visit(1, "2026-10-22 10:30", uf="4230", patient=someone(4), place="B"), visit(2))
    one = clinic.appointment(1)
    assert (one.version, clinic.appointment(2).version) == (4, 1)
    starts = [
        micros(paris(at)) for at in ("2026-10-21 09:30", "2026-10-22 10:30", "2026-10-22 10:30")
    ]
    told = clinic.rows("SELECT * FROM appointment_change ORDER BY version")
    assert [row.appointment_id for row in told] == [one.id] * 3
    assert [row.version for row in told] == [2, 3, 4]
    assert [row.starts_at for row in told] == starts
    assert [row.was_starts_at for row in told][1:] == starts[:-1]
    assert [(row.was_uf, row.uf) for row in told][1] == ("4220", "4230")
    assert [row.other_patient for row in told] == [0, 0, 1]


def test_what_no_patient_reads_keeps_the_version(store: Store) -> None:
    clinic = Clinic(store)
    clinic.read(visit(1))
    changed = visit(1, agenda="AG12", kind="Consultation", duration_minutes=30, place="Bât B")
    assert counts(clinic.read(changed)) == ("accepted", 0, 1, 0)
    assert clinic.appointment(1).version == 1
    assert clinic.appointment(1).agenda == "AG12"


def test_a_changed_telephone_is_the_patients_not_the_appointments(store: Store) -> None:
    clinic = Clinic(store)
    clinic.read(visit(1))
    clinic.plan()
    new = someone(1, contacts=(ContactPoint("phone", "06 39 98 77 77"),))
    assert counts(clinic.read(visit(1, patient=new))) == ("accepted", 0, 0, 0)
    assert clinic.patient(1).phone == "+33639987777"
    assert clinic.plan().patients == 1


def test_both_patients_of_a_corrected_appointment_are_planned_again(store: Store) -> None:
    clinic = Clinic(store)
    clinic.read(visit(1), visit(2))
    clinic.plan()
    clinic.read(visit(1, patient=someone(2)), visit(2))
    assert clinic.patient(1).dirty == clinic.patient(2).dirty == 1
    clinic.plan()
    left = clinic.rows("SELECT state FROM message WHERE patient_id = :id", id=clinic.patient(1).id)
    assert {row.state for row in left} == {"CANCELLED"}


def test_an_answer_is_never_overwritten(store: Store) -> None:
    clinic = Clinic(store)
    clinic.read(visit(1))
    with store.write() as connection:
        connection.exec_driver_sql("UPDATE appointment SET answer = 'confirmed', answered_at = 1")
    clinic.read(visit(1, "2026-10-21 10:00"))
    clinic.read(visit(1, status=Status.CANCELLED))
    assert clinic.appointment(1).answer == "confirmed"


def test_an_older_state_never_undoes_a_newer_one(store: Store) -> None:
    clinic = Clinic(store)
    old, new = paris("2026-10-10 08:00"), paris("2026-10-11 08:00")
    clinic.read(visit(1, status=Status.CANCELLED, modified_at=new), mode="delta")
    assert counts(clinic.read(visit(1, modified_at=old), mode="delta"))[2] == 0
    assert clinic.appointment(1).status == "cancelled"
    clinic.read(visit(1, "2026-10-22 08:00", modified_at=new), mode="delta")
    clinic.read(visit(1, starts_at=None, status=Status.CANCELLED, modified_at=old), mode="delta")
    assert clinic.appointment(1).status == "booked"


def test_an_older_state_told_again_and_again_costs_no_planning(store: Store) -> None:
    clinic = Clinic(store)
    old, new = paris("2026-10-10 08:00"), paris("2026-10-11 08:00")
    clinic.read(visit(1, modified_at=new), mode="delta")
    clinic.plan()
    clinic.now += timedelta(minutes=5)
    clinic.read(visit(1, "2026-10-22 08:00", modified_at=old), mode="delta")
    assert clinic.plan().patients == 0


def test_a_cancellation_told_says_who_and_when(store: Store) -> None:
    clinic = Clinic(store)
    clinic.read(visit(1), visit(2))
    told = paris("2026-10-12 08:10")
    clinic.read(
        visit(1, status=Status.CANCELLED, cancelled_by=CancelledBy.HOSPITAL, modified_at=told),
        visit(2),
    )
    found = clinic.appointment(1)
    assert (found.status, found.cancelled_basis, found.cancelled_by) == (
        "cancelled", "told", "hospital",
    )  # fmt: skip
    assert found.cancelled_at == micros(told)
    assert found.version == 1


def test_a_coming_appointment_a_snapshot_no_longer_holds_has_vanished(store: Store) -> None:
    clinic = Clinic(store)
    clinic.read(*visits(range(1, 8)))
    clinic.plan()
    assert counts(clinic.read(*visits(range(2, 8)))) == ("accepted", 0, 0, 1)
    found = clinic.appointment(1)
    assert (found.status, found.cancelled_basis, found.cancelled_by) == (
        "cancelled", "vanished", "unknown",
    )  # fmt: skip
    clinic.plan()
    mine = clinic.rows("SELECT state FROM message WHERE patient_id = :id", id=clinic.patient(1).id)
    assert {row.state for row in mine} == {"CANCELLED"}
    assert counts(clinic.read(*visits(range(2, 8)))) == ("accepted", 0, 0, 0)


def test_a_vanished_appointment_told_as_cancelled_later_is_known_as_told(store: Store) -> None:
    clinic = Clinic(store)
    clinic.read(*visits(range(1, 8)))
    clinic.read(*visits(range(2, 8)))
    clinic.read(visit(1, status=Status.CANCELLED), *visits(range(2, 8)))
    assert clinic.appointment(1).cancelled_basis == "told"


def test_one_that_comes_back_is_booked_again_in_a_new_version(store: Store) -> None:
    clinic = Clinic(store)
    clinic.read(*visits(range(1, 8)))
    clinic.read(*visits(range(2, 8)))
    assert counts(clinic.read(*visits(range(1, 8)))) == ("accepted", 0, 1, 0)
    found = clinic.appointment(1)
    assert (found.status, found.version, found.cancelled_at) == ("booked", 2, None)
    assert found.cancelled_basis == ""


def test_a_waiting_appointment_that_gets_booked_keeps_its_version(store: Store) -> None:
    """Nobody was told anything of it yet."""
    clinic = Clinic(store)
    clinic.read(visit(1, status=Status.PENDING))
    clinic.read(visit(1))
    assert (clinic.appointment(1).status, clinic.appointment(1).version) == ("booked", 1)


def test_only_what_lies_in_the_snapshots_window_can_vanish(store: Store) -> None:
    clinic = Clinic(store)
    end = paris("2026-10-20 09:30")
    window = (clinic.now - timedelta(days=14), end)
    clinic.read(visit(1), visit(2, "2026-10-19 09:30"), visit(3, "2026-10-25 09:30"))
    # the window's end is outside it, as is all that follows
    summary = clinic.read(visit(2, "2026-10-19 09:30"), window=window)
    assert counts(summary) == ("accepted", 0, 0, 0)
    inside = (clinic.now - timedelta(days=14), end + timedelta(seconds=1))
    assert counts(clinic.read(visit(2, "2026-10-19 09:30"), window=inside))[3] == 1


def test_without_a_window_nothing_after_the_last_row_vanishes(store: Store) -> None:
    """A file that lost its tail tells nothing of the days it no longer reaches."""
    clinic = Clinic(store)
    clinic.read(visit(1, "2026-10-19 09:30"), visit(2), visit(3, "2026-10-25 09:30"))
    assert counts(clinic.read(visit(1, "2026-10-19 09:30"), visit(2))) == ("accepted", 0, 0, 0)


def test_past_appointments_never_vanish(store: Store) -> None:
    clinic = Clinic(store)
    clinic.read(visit(1, "2026-10-13 09:00"), visit(2), visit(3, "2026-10-22 09:30"))
    clinic.pass_days(2)
    assert counts(clinic.read(visit(2), visit(3, "2026-10-22 09:30")))[3] == 0
    assert clinic.appointment(1).status == "booked"


def test_a_delta_never_withdraws(store: Store) -> None:
    clinic = Clinic(store)
    clinic.read(*visits(range(1, 8)))
    assert counts(clinic.read(visit(2), mode="delta")) == ("accepted", 0, 0, 0)
    assert counts(clinic.read(mode="delta")) == ("accepted", 0, 0, 0)
    assert clinic.appointment(1).status == "booked"


def test_a_row_that_cannot_be_read_has_not_vanished(store: Store) -> None:
    clinic = Clinic(store)
    clinic.read(*visits(range(1, 8)))
    summary = clinic.read(problem(1, "R1"), *visits(range(2, 8)))
    assert counts(summary) == ("accepted", 0, 0, 0)
    assert (summary.rows, summary.problem_count) == (6, 1)
    assert clinic.appointment(1).status == "booked"
    kept = clinic.rows("SELECT row, column_name, code, sentence FROM feed_problem")
    assert [(one.row, one.column_name, one.code) for one in kept] == [(1, "DATE_RDV", "date")]


def test_a_readable_row_wins_over_an_unreadable_one_of_the_same_appointment(store: Store) -> None:
    clinic = Clinic(store)
    assert counts(clinic.read(problem(1, "R1"), visit(1), problem(3, "R1")))[1] == 1
    assert clinic.appointment(1).status == "booked"


def test_the_last_of_two_rows_for_one_appointment_counts(store: Store) -> None:
    clinic = Clinic(store)
    summary = clinic.read(visit(1), visit(1, "2026-10-21 11:00"))
    assert counts(summary) == ("accepted", 1, 0, 0)
    assert instant(clinic.appointment(1).starts_at) == paris("2026-10-21 11:00")


def test_a_cancelled_appointment_may_have_lost_its_start(store: Store) -> None:
    clinic = Clinic(store)
    clinic.read(visit(1), visit(2))
    lost = visit(1, starts_at=None, status=Status.CANCELLED, cancelled_by=CancelledBy.HOSPITAL)
    assert counts(clinic.read(lost, visit(2))) == ("accepted", 0, 1, 0)
    found = clinic.appointment(1)
    assert (found.status, found.cancelled_by) == ("cancelled", "hospital")
    clinic.plan()
    clinic.now += timedelta(minutes=5)
    assert counts(clinic.read(lost, visit(2))) == ("accepted", 0, 0, 0)
    assert clinic.plan().patients == 0


def test_one_put_back_on_the_waiting_list_is_no_longer_booked(store: Store) -> None:
    clinic = Clinic(store)
    clinic.read(visit(1), visit(2))
    clinic.plan()
    waiting = visit(1, starts_at=None, status=Status.WAITLIST)
    assert counts(clinic.read(waiting, visit(2))) == ("accepted", 0, 1, 0)
    assert clinic.appointment(1).status == "waitlist"
    clinic.plan()
    mine = clinic.rows("SELECT state FROM message WHERE patient_id = :id", id=clinic.patient(1).id)
    assert {row.state for row in mine} == {"CANCELLED"}


def test_what_never_had_a_start_is_not_kept(store: Store) -> None:
    clinic = Clinic(store)
    proposed = visit(1, starts_at=None, status=Status.PROPOSED)
    assert counts(clinic.read(proposed, visit(2))) == ("accepted", 1, 0, 0)


def test_two_sources_may_use_the_same_number(store: Store) -> None:
    clinic = Clinic(store)
    clinic.read(visit(1))
    clinic.read(visit(1, "2026-11-02 10:00", patient=someone(2)), source="imagerie")
    assert instant(clinic.appointment(1).starts_at) == paris("2026-10-20 09:30")
    assert instant(clinic.appointment(1, "imagerie").starts_at) == paris("2026-11-02 10:00")
    assert counts(clinic.read(visit(1)))[1:] == (0, 0, 0)


def test_an_identifier_without_authority_is_its_sources_own(store: Store) -> None:
    clinic = Clinic(store)
    clinic.read(visit(1, patient=someone(1, authority="")))
    clinic.read(visit(1, patient=someone(1, authority="", given="Jean")), source="imagerie")
    assert clinic.value("SELECT COUNT(*) FROM patient") == 2


def test_a_death_or_block_told_by_one_source_is_not_untold_by_another(store: Store) -> None:
    clinic = Clinic(store)
    dead, hidden = someone(1, deceased=True), someone(2, identity_status="CACH")
    clinic.read(visit(1, patient=dead), visit(2, patient=hidden))
    clinic.read(visit(1), visit(2), source="imagerie")
    assert clinic.patient(1).deceased == 1
    assert clinic.patient(2).blocked == "identity"
    clinic.read(visit(1), visit(2))  # the source that said so corrects itself
    assert (clinic.patient(1).deceased, clinic.patient(2).blocked) == (0, "")


def test_a_refusal_told_by_one_source_is_not_untold_by_another(store: Store) -> None:
    clinic = Clinic(store)
    clinic.read(visit(1, patient=someone(1, sms_refused=True)))
    clinic.read(visit(1), source="imagerie")
    assert clinic.patient(1).refuses_sms == 1


def test_an_identity_that_may_no_longer_be_written_to_is_planned_again(store: Store) -> None:
    clinic = Clinic(store)
    clinic.read(*visits([1, 2, 3]))
    clinic.plan()
    clinic.read(
        visit(1, patient=someone(1, deceased=True)),
        visit(2, patient=someone(2, identity_status="CACH")),
        visit(3, patient=someone(3, active=False)),
    )
    clinic.plan()
    assert set(clinic.states()) == {"CANCELLED"}
    reasons = clinic.rows("SELECT DISTINCT reason FROM decision WHERE step = 'J-1'")
    assert {row.reason for row in reasons} == {"deceased", "identity", "inactive"}


def test_an_unmapped_service_gives_no_message_and_one_task(store: Store) -> None:
    clinic = Clinic(store)
    clinic.read(visit(1, uf="9999"), visit(2, uf="9999"), visit(3, uf=""))
    clinic.plan()
    assert clinic.states() == []
    tasks = clinic.rows("SELECT kind, subject FROM task ORDER BY subject")
    assert [tuple(one) for one in tasks] == [("unmapped_uf", "uf:"), ("unmapped_uf", "uf:9999")]


def test_an_appointment_without_patient_is_a_task_until_the_dpi_names_one(store: Store) -> None:
    clinic = Clinic(store)
    clinic.read(visit(1, patient=None), visit(2))
    clinic.read(visit(1, patient=None), visit(2))
    number = clinic.appointment(1).id
    tasks = clinic.rows("SELECT subject, uf, state FROM task WHERE kind = 'no_patient'")
    assert [tuple(one) for one in tasks] == [(f"appointment:{number}", "4220", "open")]
    assert clinic.appointment(1).patient_id is None
    clinic.read(visit(1), visit(2))
    assert clinic.value("SELECT state FROM task WHERE kind = 'no_patient'") == "done"


def test_a_status_nobody_mapped_is_a_task_and_no_message(store: Store) -> None:
    clinic = Clinic(store)
    past = visit(2, "2026-10-01 09:00", status=Status.UNKNOWN)
    clinic.read(visit(1, status=Status.UNKNOWN), past, visit(3, "2026-10-12 12:00"))
    clinic.plan()
    assert clinic.states() == []
    tasks = clinic.rows("SELECT subject FROM task WHERE kind = 'status_unknown'")
    assert [one.subject for one in tasks] == [f"appointment:{clinic.appointment(1).id}"]


def test_an_input_is_put_away_once_it_is_applied(store: Store) -> None:
    clinic = Clinic(store)
    feed = clinic.feed(visit(1), content_hash="aa")
    clinic.sync()
    assert feed.accepted
    again = clinic.feed(visit(1), content_hash="aa")
    assert clinic.sync()[0].status == "known"
    assert again.accepted


def test_a_dry_run_leaves_every_input_where_it_is(store: Store) -> None:
    clinic = Clinic(store)
    good = clinic.feed(visit(1), content_hash="aa")
    bad = clinic.feed(visit(2), fails_with=FeedRefused("truncated", "Fichier coupé."))
    assert [one.status for one in clinic.sync(keep_inputs=True)] == ["accepted", "refused"]
    assert not good.accepted
    assert not bad.rejected


def test_nothing_of_a_feed_that_ends_badly_is_applied(store: Store) -> None:
    clinic = Clinic(store)
    clinic.read(*visits([1, 2, 3]))
    broken = clinic.feed(
        visit(1, "2026-10-22 09:00"),
        problem(2),
        fails_with=FeedRefused("truncated", "Fichier coupé à la ligne 3 : refaire l'export."),
    )
    summary = clinic.sync()[0]
    assert (summary.status, summary.code) == ("refused", "truncated")
    assert instant(clinic.appointment(1).starts_at) == paris("2026-10-20 09:30")
    assert broken.rejected[0].startswith("Fichier coupé")
    assert clinic.holds() == ["truncated"]


def test_a_source_that_does_not_answer_is_said_and_changes_nothing(store: Store) -> None:
    clinic = Clinic(store)
    clinic.read(visit(1))
    clinic.feed(fails_with=SourceUnavailable("timeout", "Le DPI ne répond pas."))
    summary = clinic.sync()[0]
    assert (summary.status, summary.code) == ("unavailable", "timeout")
    assert clinic.holds() == []


def test_an_older_snapshot_is_set_aside(store: Store) -> None:
    clinic = Clinic(store)
    clinic.read(visit(1), visit(2))
    older = clinic.feed(visit(1), as_of=clinic.now - timedelta(hours=3), content_hash="bb")
    assert clinic.sync()[0].code == "older"
    assert older.rejected
    assert clinic.holds() == []


def test_an_older_delta_is_set_aside_and_a_person_is_told(store: Store) -> None:
    """Applied after a newer one it would undo it; thrown away, its changes would be lost."""
    clinic = Clinic(store)
    clinic.read(visit(1), visit(2), mode="delta")
    clinic.feed(visit(1), as_of=clinic.now - timedelta(hours=3), mode="delta", content_hash="bb")
    assert clinic.sync()[0].code == "older"
    assert clinic.holds() == ["older"]


def test_files_that_piled_up_are_all_read_and_the_last_decides(store: Store) -> None:
    """The machine was off for the weekend: Monday's file is fresh, the others are no accident."""
    clinic = Clinic(store)
    for days in (3, 2, 1, 0):
        clinic.feed(
            *visits(range(1, 8 - days)), as_of=clinic.now - timedelta(days=days),
            content_hash=f"day{days}",
        )  # fmt: skip
    assert [one.status for one in clinic.sync()][-1] == "accepted"
    assert clinic.holds() == []
    assert clinic.value("SELECT COUNT(*) FROM appointment") == 7


def test_deltas_that_piled_up_are_applied_in_their_order(store: Store) -> None:
    clinic = Clinic(store)
    clinic.read(visit(1), mode="delta", content_hash="a")
    clinic.pass_days(3)
    clinic.feed(visit(2), mode="delta", as_of=clinic.now - timedelta(days=2), content_hash="b")
    clinic.feed(visit(3), mode="delta", content_hash="c")
    assert [one.status for one in clinic.sync()] == ["accepted", "accepted"]
    assert clinic.value("SELECT COUNT(*) FROM appointment") == 3
    assert clinic.holds() == []


def test_a_poll_asks_for_changes_and_once_a_day_for_everything(store: Store) -> None:
    clinic = Clinic(store)
    clinic.read(visit(1))
    first = clinic.now
    clinic.pass_days(0.1)
    clinic.read(visit(1), mode="delta")
    second = clinic.now
    clinic.pass_days(0.5)
    clinic.read(visit(1), mode="delta")
    clinic.pass_days(0.5)
    clinic.read(visit(1))
    assert clinic.source.asked_since == [None, first, second, None]


def test_the_first_reading_is_remembered_on_each_appointment(store: Store) -> None:
    clinic = Clinic(store)
    clinic.read(visit(1))
    clinic.read(visit(1), visit(2))
    assert (clinic.appointment(1).in_first_sync, clinic.appointment(2).in_first_sync) == (1, 0)


def test_what_is_older_than_we_keep_is_not_taken_in_again(store: Store) -> None:
    """An export that reaches back years would bring back, each night, what was purged."""
    clinic = Clinic(store)
    clinic.feed(visit(1, "2026-05-01 09:00"), visit(2))
    summary = clinic.sync(oldest=timedelta(days=90))[0]
    assert (summary.rows, summary.created) == (2, 1)
    assert clinic.value("SELECT COUNT(*) FROM patient") == 1


def test_a_purged_patient_who_comes_back_is_whole_again(store: Store) -> None:
    clinic = Clinic(store)
    clinic.read(visit(1))
    with store.write() as connection:
        connection.exec_driver_sql(
            "UPDATE patient SET phone = '', given = '', fingerprint = 0, contact_problem = 'purged'"
        )
    clinic.read(visit(1), visit(2, patient=someone(1)))
    back = clinic.patient(1)
    assert (back.phone, back.given, back.contact_problem) == ("+33639980001", "Léa", "")


def test_a_reading_that_died_half_way_is_repaired_by_the_next(store: Store) -> None:
    """Chunks are committed one by one: the next pass finds some done and does the rest."""
    clinic = Clinic(store)
    clinic.read(*visits([1, 2, 3]))
    with store.write() as connection:  # as if only the third had been written, and no feed
        connection.exec_driver_sql("DELETE FROM appointment WHERE external_id <> 'R3'")
        connection.exec_driver_sql("DELETE FROM feed")
        connection.exec_driver_sql("UPDATE source SET first_sync_at = NULL, last_as_of = NULL")
    assert counts(clinic.read(*visits([1, 2, 3]))) == ("accepted", 2, 0, 0)
    assert [clinic.appointment(n).in_first_sync for n in (1, 2, 3)] == [1, 1, 1]


def test_nothing_of_a_feed_stays_outside_the_tables(store: Store) -> None:
    """The staging table names patients: it goes when the reading ends, well or badly."""
    clinic = Clinic(store)
    clinic.read(visit(1))
    clinic.read(visit(2), fails_with=FeedRefused("truncated", "Fichier coupé."))
    for _ in range(3):
        with store.session() as session, session.scratch() as connection:
            names = "sqlite_temp_master" if store.is_sqlite else "pg_tables"
            column = "name" if store.is_sqlite else "tablename"
            found = connection.exec_driver_sql(f"SELECT {column} FROM {names}").all()
            assert "staged" not in {row[0] for row in found}


@pytest.mark.parametrize("name", ["starts_at", "booked_at", "modified_at"])
def test_a_record_never_carries_a_naive_moment(name: str) -> None:
    naive = paris("2026-10-20 09:30").replace(tzinfo=None)
    with pytest.raises(ValueError, match="naive"):
        visit(1, **{name: naive})  # type: ignore[arg-type]
