"""Sentences of tables and rules that the staff's pages translate where they show them.

Here they are French. A sentence with values stays its form and the values until it is shown:
`filled(N_("Le service %(uf)s est fermé."), uf=uf)` is that sentence for a log, a table or a
French page, and another language fills its own form.
"""

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache

_VALUE = re.compile(r"%\((\w+)\)s")


def N_(sentence: str) -> str:
    """Mark a sentence for the catalogues (templates/locale); it stays the French one here."""
    return sentence


class Filled(str):
    """A French sentence that still knows its form and its values (themselves marked, or not)."""

    __slots__ = ("form", "values")

    form: str
    values: Mapping[str, object]


def filled(form: str, **values: object) -> Filled:
    """`form % values`, for a form marked N_ whose values are all `%(name)s`."""
    whole = Filled(form % values)
    whole.form, whole.values = form, values
    return whole


def recognised(sentence: str, forms: Iterable[str]) -> str:
    """A sentence kept in a table, with its form again if one of these made it; else as it is."""
    for form in forms:
        found = _pattern(form).fullmatch(sentence)
        if found is not None:
            return filled(form, **found.groupdict())
    return sentence


@lru_cache(maxsize=256)
def _pattern(form: str) -> re.Pattern[str]:
    literal = iter(_VALUE.split(form))
    parts = [re.escape(next(literal))]
    for name in literal:
        parts.append(f"(?P<{name}>.*?){re.escape(next(literal))}")
    return re.compile("".join(parts), re.DOTALL)
