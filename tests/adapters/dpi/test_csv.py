"""The CSV source keeps the promises of every source, and its options are checked."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from adapters.dpi.csv_cells import Cells
from adapters.dpi.csv_file import create
from adapters.dpi.csv_layout import SYNONYMS, field_of
from adapters.dpi.csv_options import CsvOptions
from reminders.bootstrap import check_adapters
from reminders.config import load
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
        ({"encoding": "idna"}, "cp1252"),
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


# --- the documentation -----------------------------------------------------------------------

PAGE = Path(__file__).parents[3] / "docs" / "configuration.md"


def csv_section() -> str:
    return PAGE.read_text(encoding="utf-8").split('### `kind = "csv"`')[1].split("### ")[0]


def test_every_option_is_explained_with_its_default() -> None:
    explained = set(re.findall(r"`([a-z_]+)`", csv_section()))
    assert set(CsvOptions.model_fields) - explained == set()
    stated = dict(re.findall(r"^\| `(\w+)` \| `([\w.]+)` \|", csv_section(), re.MULTILINE))
    defaults = CsvOptions(path="export/*.csv").model_dump()
    assert stated
    assert {key: str(defaults[key]).removesuffix(".0") for key in stated} == stated


def test_every_column_the_documentation_names_is_known() -> None:
    named = set(re.findall(r"`([A-Z][A-Z_]+)`", csv_section()))
    assert {name for name in named if field_of(name) is None} == set()
    read = {names.split()[0].upper() for ours, names in SYNONYMS.items() if ours in Cells._fields}
    assert read - named == {"LIBELLE_AGENDA"}  # stands in for CODE_AGENDA where there is none


def test_the_documented_example_starts(tmp_path: Path) -> None:
    (example,) = re.findall(r"```toml\n(.*?)```", csv_section(), re.DOTALL)
    site = '[[site]]\nid = "sud"\nname = "CH"\nshort_name = "CH"\nphone = "01 99 00 12 34"\n'
    (tmp_path / "hospital.toml").write_text(site + example, encoding="utf-8")
    settings = load(tmp_path / "hospital.toml", {})
    assert check_adapters(settings) == []
