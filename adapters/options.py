"""Reading an adapter's own table: every mistake at once, in French, with what to write instead."""

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from reminders.errors import ConfigurationError, Problem

M = TypeVar("M", bound=BaseModel)

_SENTENCES = {
    "missing": "clé obligatoire absente",
    "extra_forbidden": "clé inconnue",
    "string_type": "un texte entre guillemets est attendu",
    "string_too_short": "ne peut pas être vide",
    "string_too_long": "trop long",
    "bool_type": "true ou false est attendu",
    "bool_parsing": "true ou false est attendu",
    "int_type": "un nombre entier est attendu",
    "int_parsing": "un nombre entier est attendu",
    "float_type": "un nombre est attendu",
    "float_parsing": "un nombre est attendu",
    "greater_than": "trop petit",
    "greater_than_equal": "trop petit",
    "less_than": "trop grand",
    "less_than_equal": "trop grand",
    "tuple_type": "une liste [ … ] est attendue",
    "list_type": "une liste [ … ] est attendue",
    "string_pattern_mismatch": "forme inattendue",
    "dict_type": "une table { … } est attendue",
}


def parse_options(model: type[M], options: Mapping[str, object]) -> M:
    """The options as the adapter's model reads them.

    Raises ConfigurationError naming every wrong key at once; no value is quoted, one may be a
    secret. Models forbid unknown keys (`extra="forbid"`).
    """
    try:
        return model.model_validate(dict(options))
    except ValidationError as error:
        raise ConfigurationError(
            [_explain(one, model) for one in error.errors(include_input=False)]
        ) from None


def _explain(error: Any, model: type[BaseModel]) -> Problem:
    where = " › ".join(str(part) for part in error["loc"]) or "table"
    kind = str(error["type"])
    if kind == "extra_forbidden":
        return Problem(where, _SENTENCES[kind], _nearest(str(error["loc"][0]), model))
    if kind == "literal_error":
        return Problem(where, "valeur inconnue", f"choisir parmi {error['ctx']['expected']}")
    if kind == "value_error":
        return Problem(where, str(error["ctx"]["error"]))
    return Problem(where, _SENTENCES.get(kind, f"valeur refusée ({kind})"))


def _nearest(key: str, model: type[BaseModel]) -> str:
    close = get_close_matches(key, model.model_fields, n=1)
    if close:
        return f"vouliez-vous écrire « {close[0]} » ?"
    return f"clés permises : {', '.join(sorted(model.model_fields))}"
