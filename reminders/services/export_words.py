"""What an export says about itself: a data package for programs, a page for people."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from reminders import __version__
from reminders.store.catalogue import LEFT_OUT, Column

if TYPE_CHECKING:
    from reminders.services.export import Exported, File, Held

TYPES = {"hex": "string"}  # others are named alike in the specification
GUARD = "Un texte qui commence par une apostrophe : en retirer une."


def data_package(done: Exported) -> bytes:
    """datapackage.json: the Data Package standard (specs.frictionlessdata.io)."""
    package = {
        "profile": "tabular-data-package",
        "name": "rappels-de-rendez-vous",
        "created": done.at.isoformat(),
        "version": __version__,
        "resources": [one for held in done.tables for one in _resources(held)],
    }
    return json.dumps(package, ensure_ascii=False, indent=1).encode() + b"\n"


def _resources(held: Held) -> list[dict[str, object]]:
    table = held.part.table
    schema = {
        "fields": [_field(one) for one in held.part.columns],
        "primaryKey": list(table.keys),
        "missingValues": [""],
    }
    return [
        _resource(held.csv, table.name, table.about, "csv", "text/csv")
        | {
            "profile": "tabular-data-resource",
            "dialect": {"delimiter": ",", "lineTerminator": "\r\n", "doubleQuote": True},
            "guard": GUARD,
            "schema": schema,
        },
        _resource(held.lines, f"{table.name}-lines", table.about, "jsonl", "application/jsonl")
        | {"schema": schema},
    ]


def _resource(file: File, name: str, about: str, form: str, media: str) -> dict[str, object]:
    return {
        "name": name.replace("_", "-"),
        "path": file.name,
        "description": about,
        "format": form,
        "mediatype": media,
        "encoding": "utf-8",
        "bytes": file.size,
        "hash": f"sha256:{file.hash}",
        "rows": file.rows,
    }


def _field(column: Column) -> dict[str, object]:
    found: dict[str, object] = {
        "name": column.name,
        "type": TYPES.get(column.kind, column.kind),
        "description": column.about,
    }
    if column.kind == "datetime":
        found["format"] = "any"  # ISO 8601 with an offset
    if not column.nullable and column.kind != "string":
        found["constraints"] = {"required": True}
    return found


def read_me(done: Exported, zone: ZoneInfo) -> bytes:
    """LISEZ-MOI.md: what this is, how to read it, and each column."""
    parts = [_opening(done, zone), *(_dictionary(held) for held in done.tables)]
    if done.wanted.patient is None:
        parts.append(_absent())
    return "\n".join(parts).encode()


def _opening(done: Exported, zone: ZoneInfo) -> str:
    at = done.at.astimezone(zone)
    wanted = done.wanted
    if wanted.patient is not None:
        title = "Vos données dans le service de rappels de rendez-vous"
        what = (
            "Tout ce que le service garde sur une personne, fiches fusionnées comprises (RGPD, "
            "article 15). Les noms des agents n’y sont pas. Ce qui a passé sa durée de "
            "conservation a été effacé. Le dossier médical n’est pas ici : il se demande à "
            "l’établissement."
        )
    else:
        title = "Export du service de rappels de rendez-vous"
        what = "Toutes les données de valeur du service, telles qu’elles étaient à un même instant."
        if wanted.ufs is not None:
            what += " Limité aux UF : " + ", ".join(sorted(wanted.ufs)) + "."
        if not wanted.names:
            what += (
                " Sans ce qui dit qui est un patient : noms, adresses, dates de naissance, numéros "
                "et textes. Ces données restent personnelles : une clé relie les lignes d’un même "
                "patient."
            )
    return f"""# {title}

Fait le {at:%d/%m/%Y} à {at:%H:%M} ({at.isoformat()}), version {__version__}, {done.rows} lignes.

{what}

**À protéger comme un dossier de soins** : chiffrer pour transporter, effacer après usage.

## Lire les fichiers

- Chaque table est deux fois dans `data/` : en CSV (RFC 4180, UTF-8 sans marque, virgules, une
  ligne de titres) et en JSON Lines (un objet par ligne).
- Les instants sont en ISO 8601 avec leur décalage ({zone.key}) : `2026-10-14T09:30:00+02:00`.
  Une date seule est `AAAA-MM-JJ`.
- En CSV, une cellule vide est une valeur inconnue pour un nombre ou un instant, un texte vide pour
  un texte.
- En CSV, **un texte qu’un tableur pourrait exécuter, ou qui commence par une apostrophe, est
  précédé d’une apostrophe** : en retirer une au début de chaque texte qui en porte une rend la
  valeur exacte. Les numéros de téléphone (`+33…`) en portent donc une. Le JSON n’en a pas besoin.
- Une colonne `…_id` renvoie à la clé `id` de la table de ce nom ; la ligne visée peut avoir passé
  sa durée de conservation.
- Les empreintes et clés binaires sont en hexadécimal.
- `datapackage.json` dit la même chose aux programmes (Data Package), avec la taille, l’empreinte
  SHA-256 et le nombre de lignes de chaque fichier.
"""


def _dictionary(held: Held) -> str:
    table = held.part.table
    lines = "\n".join(
        f"| `{one.name}` | {_TYPES[one.kind]} | {one.about} |" for one in held.part.columns
    )
    return f"""## {table.name} ({held.csv.rows} lignes)

{table.about}

| colonne | type | sens |
|---|---|---|
{lines}
"""


_TYPES = {
    "integer": "entier",
    "number": "nombre",
    "string": "texte",
    "datetime": "instant",
    "hex": "hexadécimal",
}


def _absent() -> str:
    lines = "\n".join(f"- `{name}` : {why}" for name, why in LEFT_OUT.items())
    return f"""## Ce qui n’y est pas

Les mots de passe, seconds facteurs, jetons et clés ne sortent jamais, même en empreinte. Tables
laissées de côté :

{lines}
"""
