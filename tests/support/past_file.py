"""An export of past appointments as large as one likes, written line by line: the same for a seed.

Invented people only: numbers, no names. Services differ in how often patients do not come; long
delays and new patients miss more, as published (EVIDENCE 1). Some lines have the usual defects.
"""

import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

HEADER = (
    "NUM_RDV;STATUT;DATE_RDV;HEURE_RDV;IPP;DATE_NAISSANCE;CODE_UF;CODE_AGENDA;DATE_CREATION;"
    "DATE_MODIF\r\n"
)
SERVICES = (("4220", 0.09, 150), ("4230", 0.06, 90), ("4240", 0.13, 120), ("4250", 0.20, 60))
LAST_DAY = datetime(2026, 9, 30)  # noqa: DTZ001 - a civil day of the hospital


def write_past(path: Path, rows: int, *, seed: int = 1, days: int = 364) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(HEADER)
        file.writelines(lines(rows, seed=seed, days=days))
    return path


def lines(rows: int, *, seed: int = 1, days: int = 364) -> Iterator[str]:
    draw = random.Random(seed)
    for number in range(rows):
        patient = int(draw.random() ** 1.7 * rows / 3)
        uf, base, _ = draw.choices(SERVICES, [one[2] for one in SERVICES])[0]
        day = LAST_DAY - timedelta(days=draw.randrange(days))
        while day.weekday() > 4:
            day -= timedelta(days=1)
        start = day + timedelta(
            hours=draw.choice((8, 9, 10, 11, 14, 15, 16)), minutes=15 * draw.randrange(4)
        )
        ahead = draw.choice((0, 0, 1, 5, 10, 20, 35, 70))
        booked = start - timedelta(days=ahead, minutes=draw.randrange(1, 400))
        if draw.random() < 0.001:
            booked = start + timedelta(days=3)
        status, modified = _outcome(draw, base * (0.4 if not ahead else 0.8 + ahead / 100), start)
        age = 2026 - (patient * 37) % 90
        agenda = f"AG{patient % 7}"
        line = (
            f"P{number};{status};{start:%d/%m/%Y};{start:%H:%M};{patient:07};15/06/{age};{uf};"
            f"{agenda};{booked:%d/%m/%Y %H:%M};{modified}\r\n"
        )
        yield line
        if draw.random() < 0.02:  # a second resource
            yield line.replace(f";{agenda};", ";AG9;")


def _outcome(draw: random.Random, missed: float, start: datetime) -> tuple[str, str]:
    lot = draw.random()
    if lot < missed:
        return "Non venu", ""
    if lot < missed + 0.05:
        return (
            "Annulé par patient",
            f"{start - timedelta(hours=draw.randrange(1, 40)):%d/%m/%Y %H:%M}",
        )
    if lot < missed + 0.09:
        return "Annulé", f"{start - timedelta(days=draw.randrange(2, 20)):%d/%m/%Y %H:%M}"
    if lot < missed + 0.11:
        return "Annulé par l'hôpital", f"{start - timedelta(days=1):%d/%m/%Y %H:%M}"
    if lot < missed + 0.14:
        return draw.choice(("Planifié", "Bof")), ""
    return "Venu", ""
