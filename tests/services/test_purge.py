"""Personal data leaves on schedule, from every table and from the file itself; counts stay."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from reminders.config import RetentionTable
from reminders.domain.appointment import AppointmentRecord, ContactPoint, Holder
from reminders.ports import InboundSms, Receipt, ReceiptState, Received
from reminders.services import notes, recipients
from reminders.services.hold import hold_everything
from reminders.services.object import object_address
from reminders.services.purge import PurgeSummary, purge
from reminders.services.receive import receive
from reminders.services.recipients import Told
from reminders.services.runs import remember_run
from reminders.store import outbox, purging
from reminders.store.engine import Store, insert_rows, reserve, rows
from reminders.store.types import SECOND, micros
from tests.support.clinic import Clinic, problem, settings_with, someone, visit

KEPT = RetentionTable()
PEOPLE = 60  # enough for the pages of every table to split and merge

# What no table may hold once its time has come, each planted where such a thing stands.
NAMES = ("CANARI-NOM", "Canarinette")
PHONES = ("+3363998", "+3361234")  # patients' and their parents'
MAILS = ("canari.mail", "canari.parent")
TEXTS = ("CANARI-TEXTE", "CANARI-SUJET", "CANARI-REPONSE")
CANARIES = (*NAMES, *PHONES, *MAILS, *TEXTS, "1979-03-28")


def canary(number: int, starts: str = "2026-10-13 15:00") -> AppointmentRecord:
    contacts = (
        ContactPoint("phone", f"06 39 98 {number // 100:02} {number % 100:02}"),
        ContactPoint("email", f"canari.mail{number}@example.org"),
        ContactPoint(
            "phone", f"06 12 34 {number // 100:02} {number % 100:02}", "", 0, Holder.PARENT
        ),
        ContactPoint("email", f"canari.parent{number}@example.org", "", 0, Holder.PARENT),
    )
    who = someone(
        number,
        family=f"CANARI-NOM-{number}",
        given=f"Canarinette-{number}",
        birth_date=date(1979, 3, 28),
        contacts=contacts,
    )
    return visit(number, starts, patient=who)


def lived_in(store: Store) -> Clinic:
    """A hospital in which everything that names somebody has happened."""
    clinic = Clinic(store, settings=settings_with(mode="live"))
    clinic.open()
    clinic.read(*(canary(n) for n in range(PEOPLE)), problem(3, "R3"))
    clinic.release()
    clinic.plan()
    clinic.now += timedelta(hours=2)
    submit(clinic)
    told = Received(
        tuple(
            Receipt(f"SM{n}:delivered", ReceiptState.DELIVERED, provider_id=f"SM{n}")
            for n in range(PEOPLE)
        ),
        tuple(
            InboundSms(f"IN{n}", f"+3363998{n:04}", "+33199001234", "CANARI-REPONSE")
            for n in range(PEOPLE)
        ),
    )
    receive(store, clinic.secret, "main", told, now=clinic.now)
    object_address(store, clinic.secret, "06 39 98 00 07", now=clinic.now, by="nadia")
    patient = clinic.patient(9).id
    recipients.tell(
        store, clinic.secret, patient, Told("patient", "06 39 98 77 77"), origin="f1", by="nadia",
        now=clinic.now,
    )  # fmt: skip
    notes.add(store, patient, "CANARI-TEXTE", uf="4220", origin="f2", by="nadia", now=clinic.now)
    hold_everything(store, "panne", now=clinic.now, by="nadia")
    clinic.release()
    with store.write() as connection:
        insert_rows(
            connection,
            "request",
            ("key", "body_hash", "status", "response", "created_at"),
            [("k1", b"", 200, '{"telephone": "+33639980001"}', micros(clinic.now))],
        )
    remember_run(store, clinic.now, clinic.now, "live", 0, {"messages_planned": PEOPLE})
    return clinic


def submit(clinic: Clinic) -> None:
    """What delivery writes of each due message: its attempt, and what it told."""
    at = micros(clinic.now)
    with clinic.store.write() as connection:
        token, leased = outbox.lease(connection, "sms", now=at, until=at + 60 * SECOND, limit=9999)
        outbox.permit(connection, token, [row.id for row in leased], now=at)
        items = {row.message_id: row for row in outbox.items_of(connection, [r.id for r in leased])}
        first = reserve(connection, "attempt", len(leased))
        outbox.insert_attempts(
            connection,
            [
                (first + n, row.id, f"ref{first + n}", "main", "sms", row.recipient,
                 f"CANARI-SUJET-{n}", f"CANARI-TEXTE-{n}", 1, 1, 0.06, "SENDING", at)
                for n, row in enumerate(leased)
            ],
            [
                (first + n, items[row.id].appointment_id, 1, items[row.id].starts_at, "accueil B2")
                for n, row in enumerate(leased)
            ],
        )  # fmt: skip
        outbox.record_accepted(
            connection,
            [
                {"attempt": first + n, "message": row.id, "token": token, "code": "",
                 "provider_id": f"SM{n}", "now": at}
                for n, row in enumerate(leased)
            ],
        )  # fmt: skip


def tables(store: Store) -> list[str]:
    names = (
        "SELECT name FROM sqlite_master WHERE type = 'table'"
        if store.is_sqlite
        else "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
    )
    with store.read() as connection:
        return [row[0] for row in rows(connection, names)]


def seen_in_tables(store: Store) -> dict[str, set[str]]:
    """table -> the canaries some row of it holds."""
    found: dict[str, set[str]] = {}
    with store.read() as connection:
        for table in tables(store):
            text = repr(rows(connection, f"SELECT * FROM {table}"))
            found[table] = {one for one in CANARIES if one in text}
    return {table: held for table, held in found.items() if held}


def seen_in_files(store: Store) -> set[str]:
    """Canaries anywhere in the bytes of an SQLite database: free pages, indexes and log."""
    database = Path(store.engine.url.database or "")
    content = b"".join(path.read_bytes() for path in database.parent.glob(f"{database.name}*"))
    return {one for one in CANARIES if one.encode() in content}


def purged(clinic: Clinic, days: float, kept: RetentionTable = KEPT) -> PurgeSummary:
    clinic.pass_days(days)
    return purge(clinic.store, kept, now=clinic.now)


def test_the_canaries_are_where_personal_data_stands(store: Store) -> None:
    """Else the tests below would prove nothing."""
    held = seen_in_tables(lived_in(store).store)
    assert set(held) == {
        "patient", "patient_key", "note", "recipient", "message", "attempt", "inbound", "request"
    }  # fmt: skip
    assert set().union(*held.values()) == set(CANARIES)
    if store.is_sqlite:
        assert seen_in_files(store) == set(CANARIES)


def test_what_is_past_its_time_is_nowhere_any_more(store: Store) -> None:
    clinic = lived_in(store)
    summary = purged(clinic, 367)
    assert summary.bodies == summary.identities == summary.replies == PEOPLE
    assert seen_in_tables(store) == {}
    if store.is_sqlite:
        assert seen_in_files(store) == set()


def test_after_ninety_days_only_replies_name_anybody(store: Store) -> None:
    clinic = lived_in(store)
    purged(clinic, 92.5)
    assert seen_in_tables(store) == {"inbound": {"CANARI-REPONSE", "+3363998"}}
    born = clinic.rows("SELECT DISTINCT birth_date FROM patient")
    assert [row.birth_date for row in born] == ["1979-01-01"]


def test_before_its_time_everything_stays(store: Store) -> None:
    clinic = lived_in(store)
    before = [clinic.value(f"SELECT COUNT(*) FROM {table}") for table in sorted(tables(store))]
    assert purged(clinic, 29).total == 0
    after = [clinic.value(f"SELECT COUNT(*) FROM {table}") for table in sorted(tables(store))]
    assert after == before
    assert set().union(*seen_in_tables(store).values()) == set(CANARIES)


def test_every_duration_is_the_configurations(store: Store) -> None:
    clinic = lived_in(store)
    short = RetentionTable(
        bodies_days=2, identity_days=2, delivery_days=3, replies_days=2, appointments_days=4,
        inputs_days=1, archive_days=1,
    )  # fmt: skip
    purged(clinic, 6, short)
    assert seen_in_tables(store) == {}
    for table in ("appointment", "message", "attempt", "told", "receipt", "inbound", "decision"):
        assert clinic.value(f"SELECT COUNT(*) FROM {table}") == 0, table


def test_nothing_is_sent_again_once_its_text_is_erased(store: Store) -> None:
    clinic = lived_in(store)
    keys = clinic.rows("SELECT dedupe_key FROM message ORDER BY id")
    purged(clinic, 100)
    assert clinic.rows("SELECT dedupe_key FROM message ORDER BY id") == keys
    with store.write() as connection:
        connection.exec_driver_sql("UPDATE patient SET dirty = 1")
    clinic.plan()
    assert clinic.leave() == 0
    assert clinic.rows("SELECT dedupe_key FROM message ORDER BY id") == keys


def test_what_was_told_of_an_appointment_still_to_come_is_kept(store: Store) -> None:
    """Booked long ahead and acknowledged: a year later it may move, and a correction is due."""
    clinic = Clinic(store)
    clinic.open()
    clinic.read(visit(1, "2026-10-13 15:00"))
    clinic.plan()
    clinic.now += timedelta(hours=2)
    submit(clinic)
    far = datetime(2028, 1, 10, 14, tzinfo=UTC)
    with store.write() as connection:
        connection.exec_driver_sql(f"UPDATE appointment SET starts_at = {micros(far)}")
        connection.exec_driver_sql(f"UPDATE told SET starts_at = {micros(far)}")
    purged(clinic, 380)
    assert clinic.value("SELECT COUNT(*) FROM told") == 1
    assert clinic.value("SELECT COUNT(*) FROM attempt WHERE body <> ''") == 1
    assert clinic.value("SELECT phone FROM patient") == "+33639980001"


def test_a_patient_who_is_still_treated_keeps_a_name(store: Store) -> None:
    clinic = Clinic(store)
    clinic.read(visit(1, "2026-10-13 15:00"), visit(2, "2026-10-13 15:00"))
    clinic.pass_days(95)
    clinic.read(visit(3, "2027-02-01 09:00", patient=someone(2)), source="imagerie")
    purged(clinic, 1)
    assert (clinic.patient(1).given, clinic.patient(2).given) == ("", "Léa")


def test_an_erased_patient_who_comes_back_is_known_again(store: Store) -> None:
    clinic = lived_in(store)
    purged(clinic, 100)
    clinic.read(canary(5, "2027-02-12 09:00"), source="imagerie")
    assert clinic.patient(5).given == "Canarinette-5"
    assert clinic.value("SELECT COUNT(*) FROM patient") == PEOPLE


def test_an_objection_outlives_the_address_it_was_about(store: Store) -> None:
    clinic = lived_in(store)
    purged(clinic, 400)
    assert clinic.value("SELECT COUNT(*) FROM objection") == 1
    clinic.now = datetime(2027, 11, 22, 8, tzinfo=UTC)
    same_person = someone(7, contacts=(ContactPoint("phone", "06 39 98 99 99"),))
    same_number = someone(500, contacts=(ContactPoint("phone", "06 39 98 00 07"),))
    clinic.read(
        visit(7, "2027-11-25 15:00", patient=same_person),
        visit(500, "2027-11-25 15:00", patient=same_number),
    )
    clinic.plan()
    assert clinic.states() == []


def test_the_journal_goes_with_the_appointments(store: Store) -> None:
    clinic = lived_in(store)
    purged(clinic, 30)
    assert clinic.value("SELECT COUNT(*) FROM feed_problem") == 0
    assert clinic.value("SELECT COUNT(*) FROM feed") == 1
    purged(clinic, 370)
    for table in ("feed", "run", "audit", "task", "hold"):
        assert clinic.value(f"SELECT COUNT(*) FROM {table}") == 0, table
    assert clinic.value("SELECT released_by FROM source") == "nadia"


def test_inputs_put_away_are_forgotten(store: Store) -> None:
    clinic = Clinic(store)
    days = [clinic.now - timedelta(days=number) for number in (29, 30, 31, 90)]
    clinic.source.archived = list(days)
    summary = purge(store, KEPT, [clinic.source], now=clinic.now)
    assert summary.archives == 2
    assert clinic.source.archived == days[:2]


def test_an_active_hold_is_never_purged(store: Store) -> None:
    clinic = Clinic(store)
    hold_everything(store, "panne", now=clinic.now, by="nadia")
    purged(clinic, 2000)
    assert clinic.holds() == ["manual"]


def test_reports_keep_their_counts_for_thirteen_months(store: Store) -> None:
    clinic = lived_in(store)
    purged(clinic, 390)
    assert clinic.value("SELECT COUNT(*) FROM appointment") == PEOPLE
    purged(clinic, 10)
    assert clinic.value("SELECT COUNT(*) FROM appointment") == 0
    left = clinic.rows("SELECT identifier FROM patient")
    assert [row.identifier for row in left] == ["0000007"]  # who objected, nameless


def test_however_much_there_is_nothing_is_left_out(store: Store) -> None:
    number = 2 * purging.BATCH + 3
    with store.write() as connection:
        insert_rows(
            connection,
            "inbound",
            ("id", "provider_id", "sender_key", "received_at"),
            [(n, str(n), b"", n) for n in range(1, number + 1)],
        )
    clinic = Clinic(store)
    assert purged(clinic, 0).replies == number
    assert clinic.value("SELECT COUNT(*) FROM inbound") == 0


def test_a_second_purge_has_nothing_to_do(store: Store) -> None:
    clinic = lived_in(store)
    assert purged(clinic, 100).total > 0
    assert purged(clinic, 0).total == 0
