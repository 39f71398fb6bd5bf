"""Notes on patients, each seen by those who may see its service."""

from sqlalchemy import Connection

from reminders.store.engine import reserve, run


def add(
    connection: Connection,
    *,
    patient: int,
    uf: str,
    appointment: int | None,
    body: str,
    origin: str,
    actor: str,
    at: int,
) -> bool:
    """False: this form was taken before."""
    return (
        run(
            connection,
            "INSERT INTO note (id, patient_id, uf, appointment_id, at, actor, origin, body) "
            "VALUES (:id, :patient, :uf, :appointment, :at, :actor, :origin, :body) "
            "ON CONFLICT (origin) DO NOTHING",
            id=reserve(connection, "note", 1),
            patient=patient,
            uf=uf,
            appointment=appointment,
            at=at,
            actor=actor,
            origin=origin,
            body=body,
        )
        > 0
    )
