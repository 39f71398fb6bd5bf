"""What somebody typed into the one search field: a number, a name, a birth date, an identifier.

The shape decides: nobody chooses among four fields with a caller on the line. What was read is
told back, so that a wrong guess is seen at once. Names are compared by keys without accents,
case, spaces or signs; `keys_of` makes those of a patient, `asked` those of a search.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from reminders.domain.patient import mail_address
from reminders.domain.phone import Kind, classify

LONGEST = 120  # characters; a longer text is no name
SHORTEST_PREFIX = 3  # shorter words are compared whole: Ng, Yu
OLDEST, LATEST = 1880, 2100  # years of birth
MOST_WORDS = 6
MOST_TURNS = 3  # orders of one name's parts besides the one typed
BORN = frozenset({"ne", "nee", "le", "born"})  # what is said around a date
TITLES = frozenset({"m", "mr", "mme", "mlle", "monsieur", "madame"})
PARTICLES = frozenset({"de", "du", "des", "d", "la", "le", "les", "l", "da", "do", "dos", "van"})


@dataclass(frozen=True, slots=True)
class NameKeys:
    """`family` and `given`: all their words as one. `second`, `middle` and `third`: a family name
    of several parts from its second, its third and its last part on, particles aside, "" for none:
    Martin is found in Dupont-Martin, Silva and Pereira in Da Silva Pereira. `given_second` and the
    like: the same of given names."""

    family: str = ""
    second: str = ""
    third: str = ""
    given: str = ""
    middle: str = ""
    given_second: str = ""
    given_middle: str = ""
    given_third: str = ""

    @property
    def families(self) -> tuple[str, ...]:
        return tuple(one for one in (self.family, self.second, self.middle, self.third) if one)

    @property
    def givens(self) -> tuple[str, ...]:
        found = (self.given, self.given_second, self.given_middle, self.given_third)
        return tuple(one for one in found if one)


@dataclass(frozen=True, slots=True)
class Asked:
    """One reading of a search. `numbers` and `identifiers` are alternatives of each other; names
    and a birth date or year hold together.

    `problem`: why nothing can be looked for, or what to doubt ("" if nothing): empty, too_long,
    too_short, year_alone, bad_mail, landline, bad_number.
    """

    phone: str = ""  # E.164
    mail: str = ""
    names: tuple[str, ...] = ()  # folded words, in the order typed
    born: tuple[date, ...] = ()  # several where the century was left out
    year: int | None = None
    identifiers: tuple[str, ...] = ()
    problem: str = ""

    @property
    def kinds(self) -> tuple[str, ...]:
        """How it was read: phone, mail, name, birth, year, identifier; what the audit keeps."""
        found = {
            "phone": self.phone, "mail": self.mail, "name": self.names, "birth": self.born,
            "year": self.year, "identifier": self.identifiers,
        }  # fmt: skip
        return tuple(kind for kind, value in found.items() if value)

    @property
    def splits(self) -> Iterator[tuple[str, str]]:
        """(family, given) prefixes the words may stand for, "" for either: in both orders, cut
        wherever they can be; the same without particles, and with the parts of one name turned:
        Pereira da Silva is Da Silva Pereira."""
        bare = tuple(one for one in self.names if one not in PARTICLES) or self.names
        turned = [bare[by:] + bare[:by] for by in range(1, len(bare))][:MOST_TURNS]
        apart = [(first, rest) for words in (self.names, bare) for first, rest in _cuts(words)]
        yield from dict.fromkeys(
            pair
            for first, rest in [*apart, *(("".join(words), "") for words in turned)]
            for pair in ((first, rest), (rest, first))
        )


def _cuts(words: Sequence[str]) -> Iterator[tuple[str, str]]:
    for cut in range(len(words), 0, -1):
        yield "".join(words[:cut]), "".join(words[cut:])


def folded(text: str) -> str:
    """Lower case, without accents; every other character than a letter or digit is a space."""
    plain = unicodedata.normalize("NFKD", text.casefold().translate(_LIGATURES))
    kept = (one for one in plain if not unicodedata.combining(one))
    return " ".join("".join(one if one.isalnum() else " " for one in kept).split())


_LIGATURES = str.maketrans(
    {"œ": "oe", "æ": "ae", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i", "’": " "}
)


def keys_of(family: str, given: str) -> NameKeys:
    whole, second, middle, third = _parts(folded(family).split())
    given_whole, *later = _parts(folded(given).split())
    return NameKeys(whole, second, third, given_whole, middle, *later)


def _parts(words: Sequence[str]) -> tuple[str, str, str, str]:
    """A name, and from its second, third and last part on; "" for what it does not have."""
    starts = [place for place, word in enumerate(words) if place and word not in PARTICLES]
    parts = ["".join(words[place:]) for place in starts]
    return (
        "".join(words),
        parts[0] if parts else "",
        parts[1] if len(parts) > 2 else "",
        parts[-1] if len(parts) > 1 else "",
    )


def identifier_key(identifier: str) -> str:
    """Letters and digits, without the zeros a spreadsheet drops in front."""
    plain = folded(identifier).replace(" ", "")
    return plain.lstrip("0") or plain


def asked(typed: str, today: date = date(LATEST, 12, 31)) -> Asked:
    """Read one search made `today`: nobody is born later. Never raises; nothing in it is kept."""
    text = unicodedata.normalize("NFKC", typed).strip()
    if len(text) <= LONGEST and (said := _LABELLED.match(folded(text))):
        label, digits = said.groups()
        if label in _OF_FILES:
            return Asked(identifiers=(identifier_key(digits),))
        text = digits
    if not text:
        return Asked(problem="empty")
    if len(text) > LONGEST:
        return Asked(problem="too_long")
    if "@" in text:
        mail = mail_address(text)
        return Asked(mail=mail) if mail else Asked(problem="bad_mail")
    if not any(one.isalpha() for one in text) and (found := _number(text)) is not None:
        return found
    born, rest = _birth_date(text, today)
    return _of_words(text, rest, born)


# « IPP 8000236 » as our pages print it, « tél : 06… » as a note says it.
_OF_FILES = frozenset({"ipp", "nip", "dossier"})
_LABELLED = re.compile(
    r"(ipp|nip|dossier|tel|telephone|portable|mobile|numero|num|n) "
    r"(?:n |no |numero )?((?:\w*\d\w*)(?: \w*\d\w*)*)$"
)


def _number(text: str) -> Asked | None:
    """All of it is one telephone number; None: it is not."""
    digits = re.sub(r"\D", "", text)
    if len(digits) < 9:
        return None
    phone = classify(text)
    if phone.e164 is None:
        return None
    identifiers = (identifier_key(digits),) if digits == text else ()
    problem = "landline" if phone.kind in (Kind.LANDLINE, Kind.VOIP) else ""
    return Asked(phone=phone.e164, identifiers=identifiers, problem=problem)


_MONTHS = tuple(
    (name, number)
    for names in (
        "janvier fevrier mars avril mai juin juillet aout septembre octobre novembre decembre",
        "january february march april may june july august september october november december",
    )
    for number, name in enumerate(names.split(), 1)
)
_DATES = (  # and which group is the year, the month, the day
    (re.compile(r"(?<!\d)(\d{1,2})\s*[/.\- ]\s*(\d{1,2})\s*[/.\- ]\s*(\d{4})(?!\d)"), (2, 1, 0)),
    (re.compile(r"(?<!\d)(\d{4})\s*[/.\-]\s*(\d{1,2})\s*[/.\-]\s*(\d{1,2})(?!\d)"), (0, 1, 2)),
    (re.compile(r"(?<!\w)(\d{2})(\d{2})(\d{4})(?!\w)"), (2, 1, 0)),
    (re.compile(r"(?<![\d/.\-])(\d{1,2})[/.\-](\d{1,2})[/.\-](\d{2})(?![\d/.\-])"), (2, 1, 0)),
)
_SPELT = re.compile(r"(?<!\d)(\d{1,2})(?:er)?\s*([^\W\d_]{3,9})\.?\s*(\d{4})(?!\d)")
CENTURIES = (1900, 2000)


def _birth_date(text: str, today: date) -> tuple[tuple[date, ...], str]:
    """The first date of a text that is not to come, day before month, and what stands around."""
    for pattern, places in _DATES:
        for found in pattern.finditer(text):
            year, month, day = (found.groups()[place] for place in places)
            years = [int(year)] if len(year) == 4 else [one + int(year) for one in CENTURIES]
            if days := [
                one for y in years if (one := _day(y, int(month), int(day))) and one <= today
            ]:
                return tuple(days), f"{text[: found.start()]} {text[found.end() :]}"
    for found in _SPELT.finditer(text):
        one = _day(int(found[3]), _month(found[2]), int(found[1]))
        if one is not None and one <= today:
            return (one,), f"{text[: found.start()]} {text[found.end() :]}"
    return (), text


def _month(word: str) -> int:
    """1 to 12 for a month's name or what people leave of it (oct, sept); 0 for no month's."""
    found = {number for name, number in _MONTHS if name.startswith(folded(word))}
    return found.pop() if len(found) == 1 else 0


def _day(year: int, month: int, day: int) -> date | None:
    if not OLDEST <= year <= LATEST:
        return None
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _of_words(text: str, rest: str, born: tuple[date, ...]) -> Asked:
    tokens = folded(rest).split()
    names = tuple(one for one in tokens if not any(c.isdigit() for c in one))[:MOST_WORDS]
    around = TITLES | BORN if born else TITLES
    names = tuple(one for one in names if one not in around) or (() if born else names)
    numbers = [one for one in tokens if any(c.isdigit() for c in one)]
    year = None
    years = [] if born else [one for one in numbers if _is_year(one)]
    if years and (names or len(numbers) == 1):
        year = int(years[0])
        numbers.remove(years[0])
    phone = _phone_among(numbers)
    identifiers = () if phone else _identifiers(text, numbers)
    problem = _problem(names, numbers, phone, identifiers, born, year)
    return Asked(phone, "", names, born, year, identifiers, problem)


def _is_year(token: str) -> bool:
    return len(token) == 4 and token.isdigit() and OLDEST <= int(token) <= LATEST


def _phone_among(numbers: Sequence[str]) -> str:
    """The telephone number what is left spells, in however many pieces."""
    whole = "".join(numbers)
    return (classify(whole).e164 or "") if len(whole) >= 9 and whole.isdigit() else ""


def _identifiers(text: str, numbers: Sequence[str]) -> tuple[str, ...]:
    """What may be an identifier; a date or year typed as digits alone may be one too."""
    found = [identifier_key(one) for one in numbers]
    if len(numbers) > 1:
        found.append(identifier_key("".join(numbers)))
    if text.isdigit():
        found.append(identifier_key(text))
    return tuple(dict.fromkeys(one for one in found if one))


def _problem(
    names: Sequence[str],
    numbers: Sequence[str],
    phone: str,
    identifiers: Sequence[str],
    born: Sequence[date],
    year: int | None,
) -> str:
    if not (names or phone or identifiers or born or year):
        return "empty"
    if names and not (born or year or identifiers or phone) and len("".join(names)) < 2:
        return "too_short"
    if year and not (names or phone):
        return "year_alone"
    whole = "".join(numbers)
    if not phone and whole.isdigit() and whole.startswith("0") and len(whole) >= 6:
        return "bad_number"  # perhaps a number with a digit too few or too many
    return ""
