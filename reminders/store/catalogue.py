"""What an export holds, said column by column: nothing that is not described here leaves.

A column is a line `name marks description`. Marks: `!` says who a patient is, or what was written
to or by one; `~` says which member of staff; `x` is a secret and never leaves. A table that no
one described is not exported, and a test says so.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Float, LargeBinary
from sqlalchemy.types import Text, TypeEngine

from reminders.store.schema import metadata
from reminders.store.types import UtcDateTime

# Conditions on a row `m`: whose it is. `:ufs` are services, `:people` keys of patients.
APPOINTMENTS = "SELECT id FROM appointment WHERE uf IN :ufs"
DECISIONS = f"SELECT id FROM decision WHERE appointment_id IN ({APPOINTMENTS})"
MESSAGES = f"SELECT message_id FROM message_item WHERE decision_id IN ({DECISIONS})"
ATTEMPTS = f"SELECT id FROM attempt WHERE message_id IN ({MESSAGES})"
PATIENTS = "SELECT patient_id FROM appointment WHERE uf IN :ufs"
TASKS = "SELECT id FROM task WHERE uf IN :ufs"
OWN_APPOINTMENTS = "SELECT id FROM appointment WHERE patient_id IN :people"
OWN_MESSAGES = "SELECT id FROM message WHERE patient_id IN :people"
OWN_ATTEMPTS = f"SELECT id FROM attempt WHERE message_id IN ({OWN_MESSAGES})"
OWN_SUBJECTS = (
    "SELECT 'patient:' || id FROM patient WHERE id IN :people UNION ALL "
    "SELECT 'appointment:' || id FROM appointment WHERE patient_id IN :people"
)
OWN_TASKS = (
    f"SELECT id FROM task WHERE appointment_id IN ({OWN_APPOINTMENTS}) "
    f"OR subject IN ({OWN_SUBJECTS})"
)
EVERYBODY = "1 = 1"
NOBODY = ""


@dataclass(frozen=True, slots=True)
class Column:
    name: str
    about: str
    kind: str  # integer | number | string | datetime | hex
    personal: bool = False
    staff: bool = False
    secret: bool = False
    nullable: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """`within`: which rows belong to some services; `own`: which are about some patients. NOBODY:
    none, the table is left out there."""

    name: str
    about: str
    columns: tuple[Column, ...]
    keys: tuple[str, ...]
    within: str = NOBODY
    own: str = NOBODY


def described(
    name: str, about: str, text: str, *, within: str = NOBODY, own: str = NOBODY
) -> Table:
    """A table of the catalogue. A column the database does not have is passed over, and a test
    says so: a page must not fail for a word of its dictionary."""
    table = metadata.tables[name]
    columns = []
    for line in filter(None, map(str.strip, text.splitlines())):
        column, _, rest = line.partition(" ")
        marks, _, told = rest.rpartition("  ")
        if column not in table.c:
            continue
        columns.append(
            Column(
                column,
                told.strip(),
                _kind(table.c[column].type),
                personal="!" in marks,
                staff="~" in marks,
                secret="x" in marks.split(),
                nullable=bool(table.c[column].nullable),
            )
        )
    return Table(name, about, tuple(columns), tuple(c.name for c in table.primary_key), within, own)


def _kind(of: TypeEngine[object]) -> str:
    if isinstance(of, UtcDateTime):
        return "datetime"
    if isinstance(of, LargeBinary):
        return "hex"
    if isinstance(of, Float):
        return "number"
    return "string" if isinstance(of, Text) else "integer"


LEFT_OUT: Mapping[str, str] = {
    "patient_key": "noms et dates sous la forme où on les cherche, refaits de la table patient",
    "setting": "clés et secrets du service",
    "sequence": "prochaines clés libres, sans valeur ailleurs",
    "staff_session": "sessions ouvertes : ce sont des secrets",
    "request": "demandes d’autres systèmes, gardées trente jours pour ne pas les refaire",
    "pacer": "rythme d’envoi du moment",
    "send_hour": "nombre de messages par heure, gardé quatre semaines pour freiner une boucle",
    "rollup_dirty": "rendez-vous à recompter dans les secondes qui viennent",
    "rollup_month": "mois à recompter",
    "template_draft": "brouillons, qui sont à leurs auteurs tant qu’ils ne les proposent pas",
    "sheet_draft": "brouillons, qui sont à leurs auteurs tant qu’ils ne les proposent pas",
    "savings_estimate": "dernier calcul des économies, refait à la demande",
    "template_test": "essais envoyés au téléphone de leur auteur, faits de valeurs inventées",
}
