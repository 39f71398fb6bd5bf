"""SQLite and PostgreSQL behave the same: the same feeds leave the same rows (DESIGN R20)."""

from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from reminders.domain.appointment import AppointmentRecord, CancelledBy, Status
from reminders.store.engine import Store, rows
from tests.support.clinic import Clinic, someone, visit
from tests.support.stores import PostgresDatabases, SqliteFiles

TABLES = (
    "source", "feed", "patient", "appointment", "decision", "message", "message_item", "task",
    "hold",
)  # fmt: skip
MOMENTS = ("2026-10-13 15:00", "2026-10-15 09:00", "2026-10-20 11:30")
STARTS = (*MOMENTS, None)

appointments = st.builds(
    lambda number, who, starts, status, by, uf, told: visit(
        number,
        starts or "2026-10-15 09:00",
        patient=None if who == 0 else someone(who, deceased=who == 3, sms_refused=told == 2),
        status=status,
        cancelled_by=by,
        uf=uf,
        modified_at=None if told == 0 else visit(1, MOMENTS[told]).starts_at,
        **({"starts_at": None} if starts is None and status is not Status.BOOKED else {}),
    ),
    number=st.integers(1, 6),
    who=st.integers(0, 4),
    starts=st.sampled_from(STARTS),
    status=st.sampled_from(
        [Status.BOOKED] * 4 + [Status.CANCELLED, Status.WAITLIST, Status.NOSHOW, Status.UNKNOWN]
    ),
    by=st.sampled_from(CancelledBy),
    uf=st.sampled_from(["4220", "4230", "9999"]),
    told=st.integers(0, 2),
)
feeds = st.tuples(
    st.sampled_from(["agenda", "imagerie"]),
    st.sampled_from(["snapshot", "delta"]),
    st.lists(appointments, max_size=6),
    st.integers(0, 30),  # hours until the next
)


def lived(
    store: Store, history: list[tuple[str, str, list[AppointmentRecord], int]]
) -> list[object]:
    """Every row the history leaves, and what each reading and planning said."""
    clinic = Clinic(store)
    said: list[object] = []
    for source, mode, records, hours in history:
        summary = clinic.read(*records, source=source, mode=mode)
        plan = clinic.plan()
        said.append((summary.status, summary.code, summary.created, summary.changed))
        said.append((summary.vanished, plan.planned, plan.withdrawn, sorted(plan.suppressed)))
        said.append(clinic.leave())
        clinic.now += timedelta(hours=hours)
    with store.read() as connection:
        for table in TABLES:
            found = rows(connection, f"SELECT * FROM {table}")
            said.append((table, sorted(repr(_plain(row._mapping)) for row in found)))
    return said


def _plain(row: object) -> dict[str, object]:
    """Without what is drawn by lot (the key of addresses)."""
    return {name: value for name, value in dict(row).items() if name != "recipient_key"}  # type: ignore[call-overload]


@settings(max_examples=20)
@given(history=st.lists(feeds, min_size=1, max_size=5))
def test_the_same_history_leaves_the_same_rows(
    sqlite_files: SqliteFiles,
    postgres_databases: PostgresDatabases,
    history: list[tuple[str, str, list[AppointmentRecord], int]],
) -> None:
    with (
        TemporaryDirectory() as folder,
        sqlite_files.migrated(Path(folder)) as one,
        postgres_databases.migrated() as two,
    ):
        assert lived(one, history) == lived(two, history)
