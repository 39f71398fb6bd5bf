"""The source that holds its records keeps the promises of the real ones."""

from collections.abc import Sequence
from datetime import timedelta

from reminders.domain.appointment import (
    AppointmentRecord,
    ContactPoint,
    PatientRecord,
    RowProblem,
)
from reminders.errors import FeedRefused, SourceUnavailable
from reminders.ports import FeedInfo
from tests.contracts.appointment_source import (
    FAMILY,
    GIVEN,
    NOW,
    PHONE,
    AppointmentSourceContract,
    Told,
)
from tests.support.memory_source import MemoryFeed, MemorySource

INFO = FeedInfo("essai", NOW - timedelta(hours=1), "snapshot", content_hash="1")


def record(told: Told) -> AppointmentRecord:
    contacts = (ContactPoint("phone", PHONE),)
    patient = PatientRecord(told.ipp, family=FAMILY, given=GIVEN, contacts=contacts)
    return AppointmentRecord(told.number, told.status, told.starts_at, patient)


class TestMemorySource(AppointmentSourceContract):
    offers_again = False  # each feed comes once, as polls do

    def holding(self, told: Sequence[Told]) -> MemorySource:
        return MemorySource([MemoryFeed(INFO, [record(one) for one in told])])

    def with_a_bad_row(self, good: Sequence[Told], bad: Told) -> MemorySource:
        problem = RowProblem(4, "HEURE_RDV", "bad_hour", "heure illisible", bad.number)
        return MemorySource([MemoryFeed(INFO, [*(record(one) for one in good), problem])])

    def cut(self, told: Sequence[Told]) -> MemorySource:
        refusal = FeedRefused("truncated", "Le fichier s'arrête au milieu d'une ligne.")
        return MemorySource([MemoryFeed(INFO, [record(told[0])], fails_with=refusal)])

    def unreachable(self) -> MemorySource:
        failure = SourceUnavailable("gone", "La source ne répond pas.")
        return MemorySource([MemoryFeed(INFO, [], fails_with=failure)])
