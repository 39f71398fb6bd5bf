"""What a simulated DPI holds: patients and appointments, found fast, each with its version.

Searches of a few thousand appointments cost a bisection and one pass over the matches: an index
by start, one by last change, and each resource serialised once, when it is put.
"""

import json
from bisect import bisect_left, insort
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import RLock
from typing import Any

Resource = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Stored:
    """One version of one resource. Instants are epoch seconds."""

    id: str
    version: int
    changed: float
    start: float | None
    status: str
    patient: str  # "Patient/id" of an appointment, else ""
    identifiers: tuple[str, ...]  # "system|value" and "value"
    body: bytes


class Shelf:
    """All resources of one type. Not thread-safe by itself."""

    def __init__(self) -> None:
        self.by_id: dict[str, Stored] = {}
        self.by_identifier: dict[str, set[str]] = {}
        self.by_patient: dict[str, set[str]] = {}
        self.starts: list[tuple[float, str]] = []
        self.changes: list[tuple[float, str]] = []

    def put(self, stored: Stored) -> None:
        self.remove(stored.id)
        self.by_id[stored.id] = stored
        insort(self.changes, (stored.changed, stored.id))
        if stored.start is not None:
            insort(self.starts, (stored.start, stored.id))
        for identifier in stored.identifiers:
            self.by_identifier.setdefault(identifier, set()).add(stored.id)
        if stored.patient:
            self.by_patient.setdefault(stored.patient, set()).add(stored.id)

    def remove(self, logical_id: str) -> None:
        stored = self.by_id.pop(logical_id, None)
        if stored is None:
            return
        del self.changes[bisect_left(self.changes, (stored.changed, stored.id))]
        if stored.start is not None:
            del self.starts[bisect_left(self.starts, (stored.start, stored.id))]
        for identifier in stored.identifiers:
            self.by_identifier[identifier].discard(stored.id)
        if stored.patient:
            self.by_patient[stored.patient].discard(stored.id)


class FhirStore:
    """Thread-safe. `at` is the simulated instant of a change, aware."""

    def __init__(self) -> None:
        self._lock = RLock()
        self._shelves = {"Patient": Shelf(), "Appointment": Shelf(), "RelatedPerson": Shelf()}

    def put_patient(self, resource: Resource, at: datetime) -> Resource:
        return self._put("Patient", resource, at)

    def put_appointment(self, resource: Resource, at: datetime) -> Resource:
        return self._put("Appointment", resource, at)

    def put_related_person(self, resource: Resource, at: datetime) -> Resource:
        return self._put("RelatedPerson", resource, at)

    def replace_appointment(
        self, resource: Resource, at: datetime, *, version: int | None
    ) -> Resource | None:
        """Put only over that version (None: over any); None if it is not there, or another."""
        with self._lock:
            before = self.stored("Appointment", str(resource["id"]))
            if before is None or version not in (None, before.version):
                return None
            return self._put("Appointment", resource, at)

    def delete(self, kind: str, logical_id: str) -> None:
        """As a DPI does: the resource is gone and no search tells that it was there."""
        with self._lock:
            self._shelves[kind].remove(logical_id)

    def get(self, kind: str, logical_id: str) -> Resource | None:
        stored = self.stored(kind, logical_id)
        return None if stored is None else json.loads(stored.body)

    def list(self, kind: str) -> Sequence[Resource]:
        """Every resource of a type, oldest change first."""
        return [json.loads(stored.body) for stored in self.select(kind)]

    def stored(self, kind: str, logical_id: str) -> Stored | None:
        with self._lock:
            return self._shelves[kind].by_id.get(logical_id)

    def select(
        self,
        kind: str,
        *,
        start: tuple[float, float] | None = None,
        changed_since: float | None = None,
        ids: Iterable[str] | None = None,
        identifiers: Iterable[str] | None = None,
        patients: Iterable[str] | None = None,
        statuses: frozenset[str] = frozenset(),
    ) -> Sequence[Stored]:
        """Those that meet every condition given, by start where `start` is given, else by
        change. Intervals hold their lower end and not their upper one."""
        with self._lock:
            shelf = self._shelves[kind]
            if start is not None:
                rows = shelf.starts[
                    bisect_left(shelf.starts, (start[0], "")) : bisect_left(
                        shelf.starts, (start[1], "")
                    )
                ]
            else:
                rows = shelf.changes[bisect_left(shelf.changes, (changed_since or 0.0, "")) :]
            allowed = _allowed(shelf, ids, identifiers, patients)
            found = (shelf.by_id[each] for _, each in rows if allowed is None or each in allowed)
            return [
                each
                for each in found
                if (not statuses or each.status in statuses)
                and (changed_since is None or each.changed >= changed_since)
            ]

    def _put(self, kind: str, resource: Resource, at: datetime) -> Resource:
        if at.tzinfo is None:
            raise ValueError("naive datetime refused: an instant needs its zone")
        logical_id = str(resource["id"])
        with self._lock:
            before = self.stored(kind, logical_id)
            version = before.version + 1 if before else 1
            meta = {
                **resource.get("meta", {}),
                "versionId": str(version),
                "lastUpdated": at.astimezone(UTC).isoformat(timespec="milliseconds"),
            }
            whole = {**resource, "resourceType": kind, "id": logical_id, "meta": meta}
            self._shelves[kind].put(
                Stored(
                    id=logical_id,
                    version=version,
                    changed=at.timestamp(),
                    start=_start(resource),
                    status=str(resource.get("status", "")),
                    patient=_patient(resource),
                    identifiers=_identifiers(resource),
                    body=json.dumps(whole, ensure_ascii=False).encode(),
                )
            )
            return whole


def _allowed(
    shelf: Shelf,
    ids: Iterable[str] | None,
    identifiers: Iterable[str] | None,
    patients: Iterable[str] | None,
) -> set[str] | None:
    """Ids that meet the conditions on names; None = all."""
    allowed: set[str] | None = None
    for index, wanted in ((shelf.by_identifier, identifiers), (shelf.by_patient, patients)):
        if wanted is not None:
            named = set().union(*(index.get(each, set()) for each in wanted))
            allowed = named if allowed is None else allowed & named
    if ids is not None:
        allowed = set(ids) if allowed is None else allowed & set(ids)
    return allowed


def _start(resource: Resource) -> float | None:
    try:
        return datetime.fromisoformat(resource["start"]).timestamp()
    except (KeyError, TypeError, ValueError):
        return None  # absent, or bad on purpose: found by its last change only


def _patient(resource: Resource) -> str:
    if "patient" in resource:  # RelatedPerson
        return str(resource["patient"].get("reference", ""))
    for participant in resource.get("participant", []):
        reference = str(participant.get("actor", {}).get("reference", ""))
        if reference.startswith("Patient/"):
            return reference
    return ""


def _identifiers(resource: Resource) -> tuple[str, ...]:
    """As a search names them: with their system, and without."""
    return tuple(
        name
        for each in resource.get("identifier", [])
        for name in (f"{each.get('system', '')}|{each.get('value', '')}", str(each.get("value")))
    )
