"""What the send brake counts: messages by hour, and texts that leave again and again."""

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection

from reminders.store.engine import Record, many, rows, run
from reminders.store.planning import among
from reminders.store.types import HOUR

# Appointment, its cycle, address, version of the template: one text, whatever its links.
Same = tuple[int, int, str, int]


def hour_of(at: int) -> int:
    return at // HOUR * HOUR


def sent_in(connection: Connection, hour: int) -> int:
    found = rows(connection, "SELECT number FROM send_hour WHERE hour = :hour", hour=hour)
    return int(found[0].number) if found else 0


def history(connection: Connection, first: int, before: int) -> dict[int, int]:
    """Hour -> messages that left within it, of [first, before); those with none are not in it."""
    found = rows(
        connection,
        "SELECT hour, number FROM send_hour WHERE hour >= :first AND hour < :before AND number > 0",
        first=first,
        before=before,
    )
    return {row.hour: int(row.number) for row in found}


def count(connection: Connection, hours: Mapping[int, int]) -> None:
    """Add what left in each hour, or take off what turned out not to have."""
    many(
        connection,
        "INSERT INTO send_hour (hour, number) VALUES (:hour, :number) "
        "ON CONFLICT (hour) DO UPDATE SET number = send_hour.number + excluded.number",
        [{"hour": hour, "number": number} for hour, number in sorted(hours.items())],
    )


def forget(connection: Connection, before: int) -> None:
    run(connection, "DELETE FROM send_hour WHERE hour < :before", before=before)


def releases(connection: Connection, code: str, since: int) -> int:
    """How often a person released such a hold on everything since then."""
    found = rows(
        connection,
        "SELECT COUNT(*) AS number FROM hold WHERE source_id = '' AND code = :code "
        "AND ended = 'released' AND released_at >= :since",
        code=code,
        since=since,
    )
    return int(found[0].number)


def told_since(connection: Connection, appointments: Sequence[int], since: int) -> dict[Same, int]:
    """How often each text about these appointments left, or perhaps left, for each address, but
    what somebody asked for by hand."""
    found: Sequence[Record] = among(
        connection,
        "SELECT t.appointment_id, t.cycle, b.address, b.template_version_id, "
        "COUNT(*) AS number FROM told t JOIN attempt b ON b.id = t.attempt_id "
        "JOIN message m ON m.id = b.message_id "
        "WHERE t.appointment_id IN :ids AND b.started_at >= :since AND m.kind <> 'staff' "
        "AND b.state NOT IN ('NOT_SENT', 'REFUSED', 'REHEARSED') "
        "GROUP BY t.appointment_id, t.cycle, b.address, b.template_version_id",
        appointments,
        since=since,
    )
    return {
        (row.appointment_id, row.cycle, row.address, row.template_version_id): int(row.number)
        for row in found
    }
