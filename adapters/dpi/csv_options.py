"""The keys of a `[[dpi]]` table of kind "csv", each mistake explained."""

import codecs
import re
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from adapters.dpi.csv_layout import SYNONYMS, field_of
from adapters.dpi.csv_words import TARGETS


class CsvOptions(BaseModel):
    """The keys of a `[[dpi]]` table of kind "csv"."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: str  # export/*.csv
    mode: Literal["snapshot", "delta"] = "snapshot"
    encoding: str = ""  # "" = found out
    separator: Literal["", ";", ",", "|", "\t"] = ""
    headers: dict[str, str] = Field(default_factory=dict)  # theirs -> one this adapter knows
    columns: tuple[str, ...] = ()  # of files without header, in order; "" = not used
    statuses: dict[str, str] = Field(default_factory=dict)  # their word -> FHIR's
    ipp_width: int = Field(0, ge=0, le=32)  # digits; gives back zeros that Excel ate
    timezone: str = ""  # of dates and hours; "" = the site's
    dated_by: Literal["name", "file"] = "name"
    marker: str = Field("", pattern=r"^(\.[A-Za-z0-9]+)?$")  # ".ok": taken once a.ok is there
    settle_seconds: float = Field(2.0, ge=0, le=60)
    archive: str = Field("archive", min_length=1)
    quarantine: str = Field("quarantaine", min_length=1)

    @field_validator("path")
    @classmethod
    def _one_folder(cls, value: str) -> str:
        path = Path(value)
        if not path.name or re.search(r"[*?\[]", str(path.parent)):
            raise ValueError(
                "un dossier et un nom de fichier, par exemple export/*.csv ; * et ? ne sont permis "
                "que dans le nom"
            )
        return value

    @field_validator("encoding")
    @classmethod
    def _text(cls, value: str) -> str:
        try:
            if value:
                "é".encode(codecs.lookup(value).name)
                b"\xff\xfe".decode(value, errors="replace")
        except (LookupError, UnicodeError):
            raise ValueError("encodage inconnu, par exemple utf-8, cp1252 ou cp850") from None
        return value

    @field_validator("timezone")
    @classmethod
    def _zone(cls, value: str) -> str:
        try:
            ZoneInfo(value or "UTC")
        except (KeyError, ValueError, OSError):
            raise ValueError("fuseau inconnu, par exemple Europe/Paris") from None
        return value

    @field_validator("headers")
    @classmethod
    def _known_headers(cls, value: dict[str, str]) -> dict[str, str]:
        if unknown := [ours for ours in value.values() if ours and field_of(ours) is None]:
            raise ValueError(f"« {unknown[0]} » n'est pas une colonne connue ; {_names()}")
        return value

    @field_validator("columns")
    @classmethod
    def _with_a_date(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if unknown := [one for one in value if one and field_of(one) is None]:
            raise ValueError(f"« {unknown[0]} » n'est pas une colonne connue ; {_names()}")
        if value and "date" not in {field_of(one) for one in value}:
            raise ValueError("il manque la colonne DATE_RDV")
        return value

    @field_validator("statuses")
    @classmethod
    def _known_statuses(cls, value: dict[str, str]) -> dict[str, str]:
        if unknown := [ours for ours in value.values() if ours not in TARGETS]:
            raise ValueError(f"« {unknown[0]} » : choisir parmi {', '.join(TARGETS)}")
        return value

    @field_validator("archive", "quarantine")
    @classmethod
    def _a_folder(cls, value: str) -> str:
        if re.search(r"[*?]", value):
            raise ValueError("un nom de dossier, sans * ni ?")
        return value

    @model_validator(mode="after")
    def _apart(self) -> "CsvOptions":
        if self.archive == self.quarantine:
            raise ValueError("archive et quarantine doivent être deux dossiers différents")
        return self


def _names() -> str:
    return "écrire " + ", ".join(names.split()[0].upper() for names in SYNONYMS.values())
