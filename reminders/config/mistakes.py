"""A mistake of the configuration in French: where it stands, what is wrong, what to write."""

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any, get_args

from pydantic import BaseModel

from reminders.config.tables import KeyPath, Settings, nearest_line
from reminders.errors import Problem

_SENTENCES = {
    "missing": "clé obligatoire absente",
    "extra_forbidden": "clé inconnue",
    "string_type": "un texte entre guillemets est attendu",
    "string_too_short": "ne peut pas être vide",
    "string_too_long": "trop long",
    "string_pattern_mismatch": "lettres, chiffres, tiret et souligné seulement",
    "literal_error": "valeur inconnue",
    "bool_type": "true ou false est attendu",
    "bool_parsing": "true ou false est attendu",
    "int_type": "un nombre entier est attendu",
    "int_parsing": "un nombre entier est attendu",
    "int_from_float": "un nombre entier est attendu",
    "float_type": "un nombre est attendu",
    "float_parsing": "un nombre est attendu",
    "greater_than": "trop petit",
    "greater_than_equal": "trop petit",
    "less_than": "trop grand",
    "less_than_equal": "trop grand",
    "tuple_type": "une liste [ … ] est attendue",
    "model_type": "une table est attendue",
    "dict_type": "une table est attendue",
    "time_type": "heure attendue sous la forme « 10:00 »",
}
_LIMITS = {
    "greater_than": "plus de {gt}",
    "greater_than_equal": "au moins {ge}",
    "less_than": "moins de {lt}",
    "less_than_equal": "au plus {le}",
    "string_too_long": "au plus {max_length} caractères",
}


class Where:
    """Names places of one file: sms « main » › sender (ligne 31)."""

    def __init__(self, data: Mapping[str, Any], lines: dict[KeyPath, int]) -> None:
        self._data = data
        self._lines = lines

    def place(self, *path: str | int) -> str:
        shown: list[str] = []
        here: Any = self._data
        for part in path:
            here = inside(here, part)
            if isinstance(part, int) and shown:
                name = here.get("id") or here.get("uf") if isinstance(here, dict) else None
                shown[-1] += f" « {name} »" if name else f" n° {part + 1}"
            else:
                shown.append(str(part))
        line = nearest_line(self._lines, path)
        return " › ".join(shown) + (f" (ligne {line})" if line else "")

    def known(self, path: KeyPath) -> KeyPath:
        """The path without what only the reader of types says ("int", "constrained-int")."""
        here: Any = self._data
        for depth, part in enumerate(path):
            here = inside(here, part)
            if here is None:
                return path[: depth + 1]
            if not isinstance(here, dict | list | tuple):
                return path[: depth + 1]
        return path


def inside(container: Any, part: str | int) -> Any:
    if isinstance(container, dict):
        return container.get(part)
    if isinstance(container, list | tuple) and isinstance(part, int) and part < len(container):
        return container[part]
    return None


def explain(error: Any, where: Where) -> Problem:
    path = where.known(tuple(error["loc"]))
    place, kind, context = where.place(*path), str(error["type"]), error.get("ctx", {})
    if len(path) == 1 and kind in ("tuple_type", "model_type"):
        right = f"[[{path[0]}]]" if kind == "tuple_type" else f"[{path[0]}]"
        return Problem(place, "mauvaise sorte de table", f"écrire {right}")
    if kind == "value_error":
        return Problem(place, str(context["error"]))
    what = _SENTENCES.get(kind, f"valeur refusée ({kind})")
    if kind == "extra_forbidden":
        return Problem(place, what, _nearest(path))
    if kind == "literal_error":
        return Problem(place, what, f"choisir parmi {_or(str(context['expected']))}")
    limit = _LIMITS.get(kind)
    return Problem(place, what, limit.format(**context) if limit else "")


def sentence(error: Any) -> str:
    """The same for a form, where the field itself says the place: what is wrong, what to write."""
    kind, context = str(error["type"]), error.get("ctx", {})
    if kind == "value_error":
        return str(context["error"])
    what = _SENTENCES.get(kind, "valeur refusée")
    limit = _LIMITS.get(kind)
    return what + (f" ({limit.format(**context)})" if limit else "")


def _or(expected: str) -> str:
    return expected.replace("'", "").replace(" or ", ", ")


def _nearest(path: KeyPath) -> str:
    """The key that was probably meant, else those the table knows."""
    model = _model_at(path[:-1])
    if model is None:
        return "la retirer ou corriger son nom (docs/configuration.md)"
    keys = [key for key in model.model_fields if key != "base_dir"]
    close = get_close_matches(str(path[-1]), keys, n=1)
    if close:
        return f"vouliez-vous écrire « {close[0]} » ?"
    return f"clés permises : {', '.join(sorted(keys))}"


def _model_at(path: KeyPath) -> type[BaseModel] | None:
    model: type[BaseModel] | None = Settings
    for part in path:
        if isinstance(part, str) and model is not None:
            model = (
                _model_in(model.model_fields[part].annotation)
                if part in model.model_fields
                else None
            )
    return model


def _model_in(annotation: Any) -> type[BaseModel] | None:
    for one in (annotation, *get_args(annotation)):
        if isinstance(one, type) and issubclass(one, BaseModel):
            return one
    return None
