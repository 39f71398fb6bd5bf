"""The CSV source keeps the promises of every source, and its options are checked."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from adapters.dpi.csv_file import create
from reminders.errors import ConfigurationError
from reminders.ports import AppointmentSource, Wiring
from tests.adapters.dpi.csv_export import Folder, cells, export
from tests.contracts.appointment_source import (
    FAMILY,
    GIVEN,
    PHONE,
    AppointmentSourceContract,
    Told,
)

WORDS = {"booked": "Planifié", "cancelled": "Annulé"}


def row(told: Told) -> dict[str, str]:
    local = told.starts_at.replace(hour=told.starts_at.hour + 2)  # Paris in October
    return cells(
        NUM_RDV=told.number,
        STATUT=WORDS[told.status],
        DATE_RDV=f"{local:%d/%m/%Y}",
        HEURE_RDV=f"{local:%H:%M}",
        IPP=told.ipp,
        NOM_NAISSANCE=FAMILY,
        PRENOM=GIVEN,
        TEL_PORTABLE=PHONE,
    )


class TestCsv(AppointmentSourceContract):
    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path: Path) -> None:
        self.folder = Folder(tmp_path)

    def _source(self, content: str) -> AppointmentSource:
        self.folder.drop(content)
        return self.folder.source()

    def holding(self, told: Sequence[Told]) -> AppointmentSource:
        return self._source(export(*(row(one) for one in told)))

    def with_a_bad_row(self, good: Sequence[Told], bad: Told) -> AppointmentSource:
        wrong = row(bad) | {"HEURE_RDV": f"{FAMILY} {PHONE}"}
        return self._source(export(*(row(one) for one in good), wrong))

    def cut(self, told: Sequence[Told]) -> AppointmentSource:
        return self._source(export(*(row(one) for one in told))[:-60])

    def unreachable(self) -> AppointmentSource:
        return Folder(self.folder.base / "elsewhere").source()


# --- options ---------------------------------------------------------------------------------


def refused(**options: Any) -> str:
    with pytest.raises(ConfigurationError) as raised:
        create({"path": "export/*.csv", **options}, Wiring(id="agenda"))
    return str(raised.value)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"mode": "full"}, "snapshot"),
        ({"path": "*/agenda.csv"}, "export/*.csv"),
        ({"path": ""}, "export/*.csv"),
        ({"path": 3}, "texte"),
        ({"encoding": "latin-99"}, "cp1252"),
        ({"encoding": "base64"}, "cp1252"),
        ({"separator": "/"}, "';'"),
        ({"timezone": "Paris"}, "Europe/Paris"),
        ({"headers": {"Ref": "NUMERO"}}, "NUM_RDV"),
        ({"columns": ["NUM_RDV", "STATUT"]}, "DATE_RDV"),
        ({"columns": ["NUM_RDV", "DATE_RDV", "MACHIN"]}, "MACHIN"),
        ({"columns": "NUM_RDV"}, "liste"),
        ({"statuses": {"Vu": "seen"}}, "fulfilled"),
        ({"ipp_width": -1}, "petit"),
        ({"ipp_width": "huit"}, "entier"),
        ({"dated_by": "nom"}, "'name'"),
        ({"marker": "ok"}, "forme"),
        ({"settle_seconds": 3600}, "grand"),
        ({"archive": ""}, "vide"),
        ({"archive": "../ailleurs/*"}, "dossier"),
        ({"quarantine": "archive"}, "différents"),
        ({"separateur": ";"}, "separator"),
        ({"entetes": {}}, "headers"),
    ],
)
def test_a_wrong_option_is_explained_in_french(options: dict[str, Any], says: str) -> None:
    assert says in refused(**options)


def test_every_mistake_is_told_at_once() -> None:
    with pytest.raises(ConfigurationError) as raised:
        create({"mode": "full", "encoding": "latin-99", "mark": ".ok"}, Wiring(id="agenda"))
    assert {problem.where for problem in raised.value.problems} == {
        "path",
        "mode",
        "encoding",
        "mark",
    }
