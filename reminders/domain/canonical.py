"""One text for one value: what is frozen is compared, and proved unchanged, by its bytes."""

import json
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import fields, is_dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from hashlib import sha256

DIGITS = 9  # significant: what another machine's arithmetic may differ in is below
Plain = None | bool | int | float | str | list["Plain"] | dict[str, "Plain"]
Change = tuple[str, Plain, Plain]  # (place, before, after)
MOST_CHANGES = 500


def plain(value: object) -> Plain:
    """Dataclasses, mappings, enums and dates as JSON has them. Raises TypeError for others, and
    for a naive datetime: an instant without zone is none."""
    if value is None or (isinstance(value, bool | str) and not isinstance(value, Enum)):
        return value
    if isinstance(value, Enum):
        return plain(value.value)
    if isinstance(value, int):
        return value
    if isinstance(value, Decimal):  # PostgreSQL's sums
        return int(value) if value == value.to_integral_value() else _rounded(float(value))
    if isinstance(value, float):
        return _rounded(value)
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise TypeError("naive datetime refused: an instant needs its zone")
        return value.isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if is_dataclass(value) and not isinstance(value, type):
        return {one.name: plain(getattr(value, one.name)) for one in fields(value)}
    if isinstance(value, Mapping):
        return {_name(key): plain(one) for key, one in value.items()}
    if isinstance(value, AbstractSet):
        return sorted((plain(one) for one in value), key=lambda one: json.dumps(one))
    if isinstance(value, Sequence):
        return [plain(one) for one in value]
    if hasattr(value, "item"):  # numpy's numbers
        return plain(value.item())
    raise TypeError(f"{type(value).__name__} has no canonical form")


def _rounded(value: float) -> float | str:
    if value != value or value in (float("inf"), float("-inf")):
        return str(value)
    return float(f"{value:.{DIGITS}g}")


def _name(key: object) -> str:
    found = plain(key)
    return found if isinstance(found, str) else json.dumps(found)


def canonical(value: object) -> str:
    """Sorted keys, no spaces: equal values give equal texts."""
    return json.dumps(plain(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def digest_of(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def differences(before: Plain, after: Plain, place: str = "") -> list[Change]:
    """Every leaf that is not the same, by its place (« savings.total.central »), at most
    MOST_CHANGES of them. Lines of a list are compared by what names them, else by their rank."""
    return list(_differing(before, after, place))[:MOST_CHANGES]


def _differing(before: Plain, after: Plain, place: str) -> Iterable[Change]:
    if isinstance(before, dict) and isinstance(after, dict):
        for name in sorted(before.keys() | after.keys()):
            inner = f"{place}.{name}" if place else name
            yield from _differing(before.get(name), after.get(name), inner)
    elif isinstance(before, list) and isinstance(after, list):
        yield from _differing(_by_name(before), _by_name(after), place)
    elif before != after:
        yield place, before, after


def in_common(before: Plain, after: Plain) -> tuple[Plain, Plain]:
    """Both without the names only one of them has: two versions of a program may tell the same
    figures under more names or fewer. Lines of a list stay: those are data."""
    if isinstance(before, dict) and isinstance(after, dict):
        both = {n: in_common(before[n], after[n]) for n in before.keys() & after.keys()}
        return {n: one for n, (one, _) in both.items()}, {n: one for n, (_, one) in both.items()}
    if isinstance(before, list) and isinstance(after, list):
        one, other = _by_name(before), _by_name(after)
        assert isinstance(one, dict)
        assert isinstance(other, dict)
        both = {n: in_common(one[n], other[n]) for n in one.keys() & other.keys()}
        return (
            {n: both[n][0] if n in both else line for n, line in one.items()},
            {n: both[n][1] if n in both else line for n, line in other.items()},
        )
    return before, after


NAMES = ("component", "uf", "dimension", "name", "value", "code", "start")


def _by_name(those: list[Plain]) -> Plain:
    """Lines under names of their own: one that is new does not shift the others."""
    found: dict[str, Plain] = {}
    for rank, one in enumerate(those):
        parts = []
        if isinstance(one, dict):
            parts = [str(one[name]) for name in NAMES if isinstance(one.get(name), str)]
        name = "/".join(part for part in parts if part) or str(rank)
        found[name if name not in found else f"{name}#{rank}"] = one
    return found
