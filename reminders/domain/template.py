"""The language of message templates: data, not programs (ADR 0004).

Staff write `{{ heure_rdv }}` and `{% if consignes %}…{% else %}…{% endif %}`. Jinja2 parses; then
every node must be on a short list: text, a known variable, if/elif/else on a variable or on its
absence, one of two filters. Everything else is refused with its line, at save and again before a
text is rendered.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from jinja2 import Environment, TemplateSyntaxError, nodes

from reminders.domain.marking import N_, filled
from reminders.domain.sms import transliterate
from reminders.errors import TemplateError

LONGEST = {"sms": 4_000, "email": 20_000}
OPENINGS = re.compile(r"\{[{%#]")
MOST_OPENINGS = 400  # a longer list of markers is an attack or an accident
DEEPEST = 8  # conditions inside conditions; Python itself gives up at 100


Family = Literal["link", "reply", "any"]
Channel = Literal["sms", "email"]


@dataclass(frozen=True, slots=True)
class Variable:
    """`optional`: may be absent, so a text must guard it with {% if … %}."""

    description: str
    example: str
    channels: frozenset[str] = frozenset({"sms", "email"})
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Filter:
    """One way a value may be spelt, written `{{ variable | filter }}`."""

    description: str
    example: str
    apply: Callable[[str], str]


FILTERS: dict[str, Filter] = {
    "capitale": Filter(
        N_("La première lettre en majuscule, pour commencer une phrase"),
        "{{ jour_rdv | capitale }} : Mercredi 14 octobre",
        lambda value: value[:1].upper() + value[1:],
    ),
    "sans_accents": Filter(
        N_("Sans les lettres qui rendent un SMS plus cher"),
        "{{ point_accueil | sans_accents }} : Batiment B",
        lambda value: transliterate(value[:]),
    ),
}

BOTH = frozenset({"sms", "email"})
MAIL = frozenset({"email"})
VARIABLES: dict[str, Variable] = {
    "etablissement": Variable(N_("Nom de l'établissement"), "Centre hospitalier Exemple"),
    "etablissement_court": Variable(N_("Nom court de l'établissement"), "CH Exemple"),
    "telephone_secretariat": Variable(N_("Téléphone du secrétariat"), "01 99 00 12 34"),
    "date_rdv": Variable(N_("Date, jour et mois"), "14/10"),
    "date_rdv_courte": Variable(N_("Date courte"), "mer. 14/10"),
    "jour_rdv": Variable(N_("Date en toutes lettres"), "mercredi 14 octobre"),
    "heure_rdv": Variable(N_("Heure, ou heures du même jour"), "9h30 et 14h"),
    "nb_rdv": Variable(N_("Nombre de rendez-vous s'il y en a plusieurs"), "2", BOTH, True),
    "prenom": Variable(N_("Prénom, si le numéro sert à plusieurs patients"), "Léa", BOTH, True),
    "proche": Variable(
        N_("« enfant » ou « proche » si le message va à un représentant"), "enfant", BOTH, True
    ),
    "ancienne_date": Variable(N_("Date annoncée auparavant"), "12/10", BOTH, True),
    "ancien_jour": Variable(
        N_("Date annoncée auparavant, en lettres"), "lundi 12 octobre", BOTH, True
    ),
    "ancienne_heure": Variable(N_("Heure annoncée auparavant"), "11h", BOTH, True),
    "retard": Variable(N_("Retard prévu d'une séance"), "30 min", BOTH, True),
    "nouveau_lieu": Variable(N_("Nouveau lieu d'une séance"), "Bâtiment C, porte 4", BOTH, True),
    "point_accueil": Variable(N_("Où se présenter"), "Accueil B2", BOTH, True),
    "consignes_sms": Variable(
        N_("Consigne en une phrase"), "Venir à jeun.", frozenset({"sms"}), True
    ),
    "consignes": Variable(N_("Consignes complètes"), "Ne rien manger après minuit.", MAIL, True),
    "documents_a_apporter": Variable(
        N_("Documents à apporter"), "carte Vitale et ordonnance", MAIL, True
    ),
    "batiment": Variable(N_("Bâtiment"), "Bâtiment B", MAIL, True),
    "etage": Variable(N_("Étage"), "2e étage", MAIL, True),
    "porte": Variable(N_("Porte"), "porte 12", MAIL, True),
    "adresse": Variable(N_("Adresse"), "1 rue du Test, 75001 Paris", MAIL, True),
    "lien_itineraire": Variable(N_("Lien vers le plan"), "https://example.org/plan", MAIL, True),
    "lien_preadmission": Variable(
        N_("Lien de préadmission"), "https://example.org/dossier", MAIL, True
    ),
    "heure_arrivee": Variable(N_("Heure à laquelle arriver"), "9h15", MAIL, True),
    "lien_confirmation": Variable(N_("Lien de réponse"), "https://rdv.example.org/r/…", BOTH, True),
    "lien_opposition": Variable(
        N_("Lien pour ne plus recevoir de courriels"), "https://rdv.example.org/u/…", MAIL, True
    ),
}
GUARDED = frozenset({"praticien", "service", "type_rdv", "nom"})  # e-mail and page, later
FORBIDDEN = frozenset(
    {"specialite", "motif", "examen", "diagnostic", "ins", "nir", "ipp", "date_naissance"}
)
LINKS = frozenset({"lien_confirmation"})
# Present or absent together: a guard on one guards them all.
TOGETHER = (frozenset({"ancienne_date", "ancien_jour", "ancienne_heure"}),)

# What is wrong, and what to write instead.
SHAPES = {"printed": "{{ variable }}", "guarded": "{% if variable %}…{% endif %}"}
TOO_LONG = N_("Texte trop long (plus de %(most)s caractères).")
BADLY_WRITTEN = N_(
    "Ligne %(line)s : accolades ou balise mal écrites. Écrire %(printed)s ou %(guarded)s."
)
COMMENT = N_("Ligne %(line)s : les commentaires {# … #} ne sont pas permis.")
TAG = N_("Ligne %(line)s : cette balise n'est pas permise.")
ONLY_TAGS = N_(
    "Ligne %(line)s : cette balise n'est pas permise. Seuls %(printed)s et %(guarded)s le sont."
)
INVISIBLE = N_("Ligne %(line)s : un caractère invisible est à retirer (%(code)s).")
TOO_DEEP = N_("Ligne %(line)s : trop de conditions les unes dans les autres.")
FILTER = N_("Ligne %(line)s : filtre « %(name)s » non permis ainsi. Seuls le sont : %(known)s.")
ONLY_NAMES = N_(
    "Ligne %(line)s : écrire seulement le nom d'une variable entre accolades, sans calcul ni point."
)
FORBIDS = N_("Ligne %(line)s : la variable « %(name)s » est interdite : elle révélerait des soins.")
UNKNOWN = N_("Ligne %(line)s : variable « %(name)s » inconnue.")
ELSEWHERE = N_("Ligne %(line)s : « %(name)s » n'existe pas pour ce canal.")

_parser = Environment(autoescape=False)  # noqa: S701  parses only; rendering.py renders


def parse(source: str, channel: Channel = "email") -> nodes.Template:
    """The tree of a template whose every node is allowed.

    Raises TemplateError naming the line and what to write instead. Linear in the input's size.
    """
    if len(source) > LONGEST[channel]:
        raise TemplateError("too_long", filled(TOO_LONG, most=LONGEST[channel]))
    if len(OPENINGS.findall(source)) > MOST_OPENINGS:
        raise TemplateError("too_many", N_("Trop de variables dans ce texte."))
    try:
        tree = _parser.parse(source)
    except TemplateSyntaxError as error:
        raise TemplateError(
            "syntax",
            filled(BADLY_WRITTEN, line=error.lineno, **SHAPES),
            line=error.lineno,
        ) from None
    except RecursionError:
        raise TemplateError("too_many", N_("Trop de conditions imbriquées.")) from None
    _refuse_unseen(source)
    _refuse_lone(source)
    _refuse_unreadable(source)
    for node in tree.body:
        _check(node, channel)
    return tree


# What somebody meant as a variable and the patient would read as it stands.
_LONE = re.compile(r"(?<![{%#])\{\s*([A-Za-z_]\w*)\s*\}(?!\})|\[\[\s*(\w+)\s*\]\]")


def _refuse_lone(source: str) -> None:
    for found in _LONE.finditer(source):
        if (found[1] or found[2]) not in VARIABLES:
            continue  # braces of the text's own
        line = source.count("\n", 0, found.start()) + 1
        raise TemplateError("syntax", filled(BADLY_WRITTEN, line=line, **SHAPES), line=line)


# Neither leaves a node behind: a comment vanishes, what is raw becomes text.
_UNSEEN = re.compile(r"\{#|\{%[-+]?\s*raw\b")


def _refuse_unseen(source: str) -> None:
    found = _UNSEEN.search(source)
    if found is None:
        return
    line = source.count("\n", 0, found.start()) + 1
    if found[0] == "{#":
        sentence = filled(COMMENT, line=line)
        raise TemplateError("comment", sentence, line=line)
    raise TemplateError("forbidden_tag", filled(TAG, line=line), line=line)


# What no patient sees: controls, halves of characters, and signs that turn the reading around
# without ever turning it back (Arabic uses the isolates, which end by themselves).
_TURNS = frozenset("\u202a\u202b\u202c\u202d\u202e")


def _refuse_unreadable(source: str) -> None:
    for place, character in enumerate(source):
        if character in _TURNS or (
            character not in "\n\r\t"
            and unicodedata.category(character) in ("Cc", "Cs", "Co", "Cn")
        ):
            line = source.count("\n", 0, place) + 1
            raise TemplateError(
                "invisible_character",
                filled(INVISIBLE, line=line, code=f"U+{ord(character):04X}"),
                line=line,
            )


def _check(node: nodes.Node, channel: Channel, depth: int = 0) -> None:
    if depth > DEEPEST:
        raise TemplateError(
            "too_many",
            filled(TOO_DEEP, line=node.lineno),
            line=node.lineno,
        )
    if isinstance(node, nodes.Output):
        for piece in node.nodes:
            if isinstance(piece, nodes.TemplateData):
                _refuse_left_brace(piece)
                continue
            _check_printed(piece, channel)
    elif isinstance(node, nodes.If):
        test = node.test.node if isinstance(node.test, nodes.Not) else node.test
        _check_name(test, channel)
        for inner in (*node.body, *node.else_):
            _check(inner, channel, depth + 1)
        for other in node.elif_:  # one below the other, not inside
            _check(other, channel, depth)
    else:
        # Jinja2 gives no line to some nodes it makes up itself; what they hold has one.
        inside = (inner.lineno for inner in node.find_all(nodes.Node) if inner.lineno)
        line = node.lineno or min(inside, default=1)
        raise TemplateError(
            "forbidden_tag",
            filled(ONLY_TAGS, line=line, **SHAPES),
            line=line,
        )


_LEFT = re.compile(r"\{\{|\}\}|\{%|%\}")


def _refuse_left_brace(piece: nodes.TemplateData) -> None:
    """Half a tag would be a text with a hole: the renderer would send nothing."""
    found = _LEFT.search(piece.data)
    if found is not None:
        line = piece.lineno + piece.data.count("\n", 0, found.start())
        raise TemplateError(
            "syntax",
            filled(BADLY_WRITTEN, line=line, **SHAPES),
            line=line,
        )


def _check_printed(node: nodes.Node, channel: Channel) -> None:
    if isinstance(node, nodes.Filter):
        plain = not (node.args or node.kwargs or node.dyn_args or node.dyn_kwargs)
        if node.name not in FILTERS or not plain or node.node is None:
            raise TemplateError(
                "unknown_filter",
                filled(
                    FILTER, line=node.lineno, name=node.name[:40], known=", ".join(sorted(FILTERS))
                ),
                line=node.lineno,
            )
        node = node.node
    _check_name(node, channel)


def _check_name(node: nodes.Node, channel: Channel) -> None:
    if not isinstance(node, nodes.Name):
        raise TemplateError(
            "forbidden_expression",
            filled(ONLY_NAMES, line=node.lineno),
            line=node.lineno,
        )
    name = node.name
    known = VARIABLES.get(name)
    if name in FORBIDDEN or (name in GUARDED and channel == "sms"):
        raise TemplateError(
            "forbidden_variable", filled(FORBIDS, line=node.lineno, name=name), line=node.lineno
        )
    if known is None:
        raise TemplateError(
            "unknown_variable",
            filled(UNKNOWN, line=node.lineno, name=name[:40]),
            line=node.lineno,
        )
    if channel not in known.channels:
        raise TemplateError(
            "wrong_channel",
            filled(ELSEWHERE, line=node.lineno, name=name),
            line=node.lineno,
        )


@lru_cache(maxsize=1_024)  # a page asks it of all that is in service, several times
def variables_used(source: str, channel: Channel = "email") -> frozenset[str]:
    """Names printed or tested. Raises TemplateError as `parse` does."""
    return frozenset(node.name for node in parse(source, channel).find_all(nodes.Name))


def unguarded(source: str, channel: Channel = "email") -> dict[str, int]:
    """Optional variables printed outside an {% if %} of their own, an empty gap waiting, with
    the line of each."""
    found: dict[str, int] = {}
    for name, line in _unguarded(parse(source, channel).body, frozenset()):
        found.setdefault(name, line)
    return found


def _unguarded(body: list[nodes.Node], sure: frozenset[str]) -> Iterator[tuple[str, int]]:
    for node in body:
        if isinstance(node, nodes.Output):
            for piece in _printed(node):
                if VARIABLES[piece.name].optional and piece.name not in sure:
                    yield piece.name, piece.lineno
        elif isinstance(node, nodes.If):
            negated, name = _tested(node)
            with_it = sure | _vouched(name)
            yield from _unguarded(node.body, sure if negated else with_it)
            yield from _unguarded([*node.elif_, *node.else_], with_it if negated else sure)


def _printed(node: nodes.Output) -> list[nodes.Name]:
    found = (piece.node if isinstance(piece, nodes.Filter) else piece for piece in node.nodes)
    return [piece for piece in found if isinstance(piece, nodes.Name)]


def _tested(node: nodes.If) -> tuple[bool, str]:
    """(whether its absence is asked, the variable)"""
    negated = isinstance(node.test, nodes.Not)
    test = node.test.node if isinstance(node.test, nodes.Not) else node.test
    assert isinstance(test, nodes.Name)
    return negated, test.name


def always_printed(source: str, channel: Channel = "email") -> frozenset[str]:
    """Variables that stand in the text whatever its conditions."""
    return _always(parse(source, channel).body)


def _always(body: list[nodes.Node]) -> frozenset[str]:
    found: frozenset[str] = frozenset()
    for node in body:
        if isinstance(node, nodes.Output):
            found |= frozenset(piece.name for piece in _printed(node))
        elif isinstance(node, nodes.If):
            branches = [node.body, *(other.body for other in node.elif_), node.else_]
            found |= frozenset.intersection(*(_always(branch) for branch in branches))
    return found


def _vouched(name: str) -> frozenset[str]:
    return next((group for group in TOGETHER if name in group), frozenset({name}))


Case = frozenset[str]  # the optional variables that are there


def optional_used(source: str, channel: Channel = "email") -> frozenset[str]:
    """The variables of a text that may be missing, printed or tested."""
    return frozenset(name for name in variables_used(source, channel) if VARIABLES[name].optional)
