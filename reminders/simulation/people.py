"""The invented patients of a simulated hospital. Names no one bears, numbers nobody has.

Mobiles: 06 39 98 xx xx, fixed lines: 01 99 00 xx xx (ranges Arcep keeps for fiction, decision
2018-0881); mail: example.org (RFC 2606).
"""

import re
import unicodedata
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from reminders.simulation.chance import stream

FAMILIES = (
    *("Exemple", "Testard", "Fictif", "Inventé", "Échantillon", "Maquette", "Modèle", "Prototype"),
    *("Imaginaire", "Démonet", "Simulard", "Brouillon", "Ébauche", "Spécimen", "Figurant"),
    *("Pseudonyme", "Unteleuf", "Quelconque", "Anonymat", "Lambda", "Doublure", "Gabarit"),
    *("Témoin", "Romanesque", "Cobaye", "Personnage", "Placebo", "Canevas", "Hypothèse", "Factice"),
)
PARTICLES = ("de ", "Le ", "Van den ", "Ben ", "Saint-")
LONGEST = ("de La Maquette-Échantillon des Exemples", "Saint-Prototype de Démonstration-Fictive")
WOMEN = (
    *("Zoé", "Anaïs", "Marie-Lou", "Françoise", "Inès", "Aïcha", "Solène", "Fatoumata", "Maëlle"),
    *("Jeanne", "Léa", "Chloé", "Andrée", "Noémie", "Yasmine", "Marie-Françoise", "Ngọc", "Célia"),
)
MEN = (
    *("Loïc", "Noël", "Jean-Baptiste", "Raphaël", "Théo", "Mehdi", "François", "Gaël", "Étienne"),
    *("Yaël", "Ousmane", "Hervé", "Jérôme", "Anatole", "Noé", "Jean-Christophe", "Tuấn", "Björn"),
)
WRITTEN = ("{0} {1} {2} {3} {4}", "{0}{1}{2}{3}{4}", "{0}.{1}.{2}.{3}.{4}", "+33{0:.1}{1}{2}{3}{4}")
NUMBERS = 9_990  # of the 10,000 of 06 39 98: the last ten belong to senders


@dataclass(frozen=True, slots=True)
class Line:
    """One address of a record, as a secretary typed it. `holder`: "self" or "parent"."""

    system: str  # "phone" or "email"
    value: str
    use: str = ""
    holder: str = "self"


@dataclass(frozen=True, slots=True)
class Person:
    """`tendency`: how much likelier than others to miss an appointment (log odds, mean 0)."""

    id: str
    family: str
    given: str
    sex: str
    birth_date: date
    language: str
    lines: tuple[Line, ...]
    tendency: float
    household: bool = False  # reached on a relative's number
    dead_number: bool = False  # the operator will say: not delivered
    identity: str = "VALI"  # HL7 table 0445
    active: bool = True
    deceased: bool = False
    new_mobile: str = ""  # taken when the number changes ...
    changes_after: timedelta | None = None  # ... so long after the life begins; None: never

    @property
    def name(self) -> str:
        return f"{self.given} {self.family.upper()}"


def people(seed: int, count: int, born_before: date) -> tuple[Person, ...]:
    """`count` patients, the same for the same seed; ages are counted at `born_before`."""
    everybody: list[Person] = []
    for number in range(count):
        everybody.append(_person(seed, number, born_before, everybody))
    return tuple(everybody)


def mobile(number: int) -> str:
    """The `number`th fiction mobile, ten digits; every number gives another one."""
    return f"063998{(number * 7919 + 13) % NUMBERS:04}"


def canonical(value: str) -> str:
    """How two spellings of one address compare: E.164 for a French number, lower case for mail."""
    if "@" in value:
        return value.strip().lower()
    return "+33" + re.sub(r"\D", "", value)[-9:]


def _person(seed: int, number: int, today: date, known: list[Person]) -> Person:
    chance = stream(seed, "person", number)
    sex = chance.choice(("female", "male"))
    given = chance.choice(WOMEN if sex == "female" else MEN)
    child = chance.random() < 0.2
    relative = chance.choice(known[-40:]) if known else None
    if relative is not None and (relative.household or (today - relative.birth_date).days < 7_000):
        relative = None  # households stay small
    child = child and relative is not None
    at_home = child or (relative is not None and chance.random() < 0.08)
    shared = relative.family if at_home and relative is not None else ""
    family = shared or _family(chance)
    age_days = chance.uniform(1, 16) * 365 if child else chance.triangular(18, 96, 63) * 365.25
    holder = "parent" if child else "self"
    lines = _lines(chance, number, given, family, holder)
    if at_home and relative is not None and (theirs := _mobile_of(relative)):
        lines = (
            Line("phone", theirs, "mobile", holder),
            *(x for x in lines if x.system != "phone"),
        )
    rare = chance.random()
    return Person(
        id=f"p{number:05}",
        family=family,
        given=given,
        sex=sex,
        birth_date=today - timedelta(days=round(age_days)),
        language="en" if chance.random() < 0.04 else "fr",
        lines=lines,
        household=at_home,
        tendency=chance.gauss(0.0, 0.8),
        dead_number=chance.random() < 0.02,
        identity="DOUT" if rare < 0.004 else "ANOM" if rare < 0.008 else "VALI",
        active=not 0.008 <= rare < 0.011,
        deceased=0.011 <= rare < 0.014,
        new_mobile=mobile(number + 4_000),
        changes_after=timedelta(days=chance.uniform(1, 14)) if chance.random() < 0.012 else None,
    )


def _family(chance: Random) -> str:
    kind = chance.random()
    if kind < 0.01:
        return chance.choice(LONGEST)
    first, second = chance.sample(FAMILIES, 2)
    if kind < 0.18:
        return f"{first}-{second}"
    if kind < 0.28:
        return chance.choice(PARTICLES) + first
    ending = chance.choice(("", "", "on", "eau", "et", "ier"))
    return first.rstrip("eé") + ending if ending else first


def _lines(chance: Random, number: int, given: str, family: str, holder: str) -> tuple[Line, ...]:
    kind = chance.random()
    if kind < 0.015:
        return ()  # nobody knows how to reach this person
    fixed = Line("phone", _written(chance, f"019900{number % 10_000:04}"), "home", holder)
    mail = Line("email", f"{_plain(given)}.{_plain(family)}.{number}@example.org", "home", holder)
    mails = (mail,) if chance.random() < 0.55 else ()
    if kind < 0.055:
        return (fixed, *mails)
    own = Line("phone", _written(chance, mobile(number)), "mobile", holder)
    if kind < 0.25:
        return (fixed, own, *mails)
    if kind < 0.29:
        other = Line("phone", _written(chance, mobile(number + 2_000)), "mobile", holder)
        return (own, other, *mails)
    return (own, *mails)


def _written(chance: Random, digits: str) -> str:
    """One of the ways in which secretaries type a number of ten digits."""
    pairs = [digits[place : place + 2] for place in range(0, 10, 2)]
    form = chance.choice(WRITTEN)
    if form.startswith("+"):
        return f"+33{digits[1:]}"
    return form.format(*pairs)


def _plain(name: str) -> str:
    letters = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z]+", "-", letters).strip("-")[:24].strip("-")


def _mobile_of(person: Person) -> str:
    return next((x.value for x in person.lines if canonical(x.value).startswith("+336")), "")
