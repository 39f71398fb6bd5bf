"""The language of message templates: data, not programs (ADR 0004).

Staff write `{{ heure_rdv }}` and `{% if consignes %}…{% else %}…{% endif %}`. Jinja2 parses; then
every node must be on a short list: text, a known variable, if/elif/else on a variable or on its
absence. Everything else is refused with its line, at save and again before a text is rendered.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from jinja2 import Environment, TemplateSyntaxError, nodes

from reminders.domain.sms import measure, replacement
from reminders.errors import TemplateError

LONGEST = {"sms": 4_000, "email": 20_000}
OPENINGS = re.compile(r"\{[{%#]")
MOST_OPENINGS = 400  # a longer list of markers is an attack or an accident

Family = Literal["link", "reply", "any"]
Channel = Literal["sms", "email"]


@dataclass(frozen=True, slots=True)
class Variable:
    """`optional`: may be absent, so a text must guard it with {% if … %}."""

    description: str
    example: str
    channels: frozenset[str] = frozenset({"sms", "email"})
    optional: bool = False


BOTH = frozenset({"sms", "email"})
MAIL = frozenset({"email"})
VARIABLES: dict[str, Variable] = {
    "etablissement": Variable("Nom de l'établissement", "Centre hospitalier Exemple"),
    "etablissement_court": Variable("Nom court de l'établissement", "CH Exemple"),
    "telephone_secretariat": Variable("Téléphone du secrétariat", "01 99 00 12 34"),
    "date_rdv": Variable("Date, jour et mois", "14/10"),
    "date_rdv_courte": Variable("Date courte", "mer. 14/10"),
    "jour_rdv": Variable("Date en toutes lettres", "mercredi 14 octobre"),
    "heure_rdv": Variable("Heure, ou heures du même jour", "9h30 et 14h"),
    "nb_rdv": Variable("Nombre de rendez-vous s'il y en a plusieurs", "2", BOTH, True),
    "prenom": Variable("Prénom, si le numéro sert à plusieurs patients", "Léa", BOTH, True),
    "proche": Variable(
        "« enfant » ou « proche » si le message va à un représentant", "enfant", BOTH, True
    ),
    "ancienne_date": Variable("Date annoncée auparavant", "12/10", BOTH, True),
    "ancien_jour": Variable("Date annoncée auparavant, en lettres", "lundi 12 octobre", BOTH, True),
    "ancienne_heure": Variable("Heure annoncée auparavant", "11h", BOTH, True),
    "point_accueil": Variable("Où se présenter", "Accueil B2", BOTH, True),
    "consignes_sms": Variable("Consigne en une phrase", "Venir à jeun.", frozenset({"sms"}), True),
    "consignes": Variable("Consignes complètes", "Ne rien manger après minuit.", MAIL, True),
    "documents_a_apporter": Variable(
        "Documents à apporter", "carte Vitale et ordonnance", MAIL, True
    ),
    "batiment": Variable("Bâtiment", "Bâtiment B", MAIL, True),
    "etage": Variable("Étage", "2e étage", MAIL, True),
    "porte": Variable("Porte", "porte 12", MAIL, True),
    "adresse": Variable("Adresse", "1 rue du Test, 75001 Paris", MAIL, True),
    "lien_itineraire": Variable("Lien vers le plan", "https://example.org/plan", MAIL, True),
    "lien_preadmission": Variable(
        "Lien de préadmission", "https://example.org/dossier", MAIL, True
    ),
    "heure_arrivee": Variable("Heure à laquelle arriver", "9h15", MAIL, True),
    "lien_confirmation": Variable("Lien de réponse", "https://rdv.example.org/r/…", BOTH, True),
}
GUARDED = frozenset({"praticien", "service", "type_rdv", "nom"})  # e-mail and page, later
FORBIDDEN = frozenset(
    {"specialite", "motif", "examen", "diagnostic", "ins", "nir", "ipp", "date_naissance"}
)
LINKS = frozenset({"lien_confirmation"})
# Present or absent together: a guard on one guards them all.
TOGETHER = (frozenset({"ancienne_date", "ancien_jour", "ancienne_heure"}),)

_parser = Environment(autoescape=False)  # noqa: S701  parses only; rendering.py renders


@dataclass(frozen=True, slots=True)
class Finding:
    """One remark of the lint. Refused ones block; warned ones are ticked by the approver."""

    level: Literal["refused", "warned"]
    code: str
    sentence: str
    line: int | None = None


def parse(source: str, channel: Channel = "email") -> nodes.Template:
    """The tree of a template whose every node is allowed.

    Raises TemplateError naming the line and what to write instead. Linear in the input's size.
    """
    if len(source) > LONGEST[channel]:
        raise TemplateError("too_long", f"Texte trop long (plus de {LONGEST[channel]} caractères).")
    if len(OPENINGS.findall(source)) > MOST_OPENINGS:
        raise TemplateError("too_many", "Trop de variables dans ce texte.")
    try:
        tree = _parser.parse(source)
    except TemplateSyntaxError as error:
        raise TemplateError(
            "syntax",
            f"Ligne {error.lineno} : accolades ou balise mal écrites. "
            "Écrire {{ variable }} ou {% if variable %}…{% endif %}.",
            line=error.lineno,
        ) from None
    except RecursionError:
        raise TemplateError("too_many", "Trop de conditions imbriquées.") from None
    if "{#" in source:
        raise TemplateError("comment", "Les commentaires {# … #} ne sont pas permis.")
    for node in tree.body:
        _check(node, channel)
    return tree


def _check(node: nodes.Node, channel: Channel) -> None:
    if isinstance(node, nodes.Output):
        for piece in node.nodes:
            if isinstance(piece, nodes.TemplateData):
                continue
            _check_name(piece, channel)
    elif isinstance(node, nodes.If):
        test = node.test.node if isinstance(node.test, nodes.Not) else node.test
        _check_name(test, channel)
        for inner in (*node.body, *node.elif_, *node.else_):
            _check(inner, channel)
    else:
        raise TemplateError(
            "forbidden_tag",
            f"Ligne {node.lineno} : cette balise n'est pas permise. "
            "Seuls {{ variable }} et {% if variable %}…{% endif %} le sont.",
            line=node.lineno,
        )


def _check_name(node: nodes.Node, channel: Channel) -> None:
    if not isinstance(node, nodes.Name) or node.ctx != "load":
        raise TemplateError(
            "forbidden_expression",
            f"Ligne {node.lineno} : écrire seulement le nom d'une variable entre accolades, "
            "sans calcul, point ni filtre.",
            line=node.lineno,
        )
    name = node.name
    known = VARIABLES.get(name)
    if name in FORBIDDEN or (name in GUARDED and channel == "sms"):
        sentence = f"la variable « {name} » est interdite : elle révélerait des soins."
        raise TemplateError(
            "forbidden_variable", f"Ligne {node.lineno} : {sentence}", line=node.lineno
        )
    if known is None:
        raise TemplateError(
            "unknown_variable",
            f"Ligne {node.lineno} : variable « {name[:40]} » inconnue.",
            line=node.lineno,
        )
    if channel not in known.channels:
        raise TemplateError(
            "wrong_channel",
            f"Ligne {node.lineno} : « {name} » n'existe pas pour ce canal.",
            line=node.lineno,
        )


def variables_used(source: str, channel: Channel = "email") -> frozenset[str]:
    """Names printed or tested. Raises TemplateError as `parse` does."""
    return frozenset(node.name for node in parse(source, channel).find_all(nodes.Name))


def unguarded(source: str, channel: Channel = "email") -> frozenset[str]:
    """Optional variables printed outside an {% if %} of their own: an empty gap waits there."""
    return frozenset(_unguarded(parse(source, channel).body, frozenset()))


def _unguarded(body: list[nodes.Node], sure: frozenset[str]) -> Iterator[str]:
    for node in body:
        if isinstance(node, nodes.Output):
            for piece in node.nodes:
                if isinstance(piece, nodes.Name):
                    name = piece.name
                    if VARIABLES[name].optional and name not in sure:
                        yield name
        elif isinstance(node, nodes.If):
            negated = isinstance(node.test, nodes.Not)
            test = node.test.node if isinstance(node.test, nodes.Not) else node.test
            assert isinstance(test, nodes.Name)
            with_it = sure | _vouched(test.name)
            yield from _unguarded(node.body, sure if negated else with_it)
            yield from _unguarded([*node.elif_, *node.else_], with_it if negated else sure)


def _vouched(name: str) -> frozenset[str]:
    return next((group for group in TOGETHER if name in group), frozenset({name}))


REPLY_WORDS = re.compile(r"(?i)\br[ée]pond(?:ez|re|s)?\b|\breply\b|\btext (?:yes|no)\b")
OPT_OUT_WORDS = re.compile(r"(?i)\b(?:stop|end|quit|cancel|arret|arrêt|unsubscribe)\b")
ANSWER_VERB = re.compile(r"(?i)\b(?:r[ée]pondez|envoyez|tapez|reply|text|send)\b[^.\n]{0,30}")
SENSITIVE = re.compile(
    r"(?i)\b(?:cardio\w*|onco\w*|chimio\w*|psychi\w*|addicto\w*|ivg|vih|hiv|gynéco\w*|gyneco\w*|"
    r"uro\w{3,}|dermato\w*|cancer\w*|dialys\w*|scanner|irm|mri|génétique|orthogénie|maternité)\b"
)
LONG_SENTENCE = 30  # words


def lint(source: str, *, channel: Channel, family: Family, html: bool = False) -> list[Finding]:
    """Every remark on a text, refusals first. An unreadable template is one refusal."""
    try:
        used = variables_used(source, channel)
        gaps = unguarded(source, channel)
    except TemplateError as error:
        return [Finding("refused", error.code, error.sentence, error.line)]
    findings = [*_refusals(source, channel, family, used, gaps)]
    return findings + ([] if html else [*_warnings(source, channel)])


def _refusals(
    source: str, channel: Channel, family: Family, used: frozenset[str], gaps: frozenset[str]
) -> Iterator[Finding]:
    if channel == "sms" and "telephone_secretariat" not in used:
        yield Finding(
            "refused", "no_phone", "Aucun téléphone : ajouter {{ telephone_secretariat }}."
        )
    if family != "reply" and REPLY_WORDS.search(source):
        yield Finding("refused", "mixed_family", "Ce message ne peut pas recevoir de réponse.")
    if family != "link" and used & LINKS:
        yield Finding("refused", "mixed_family", "Un numéro à réponse n'envoie pas de lien.")
    for asked in ANSWER_VERB.findall(source):
        if OPT_OUT_WORDS.search(asked):
            yield Finding(
                "refused", "opt_out_word", "STOP, CANCEL, END, QUIT arrêtent tout : autre mot."
            )
    for name in sorted(gaps):
        yield Finding(
            "refused",
            "unguarded",
            f"« {name} » peut manquer : l'écrire dans {{% if {name} %}}…{{% endif %}}.",
        )


def _warnings(source: str, channel: Channel) -> Iterator[Finding]:
    text = re.sub(r"\{[{%].*?[}%]\}", " ", source)
    if found := SENSITIVE.search(text):
        yield Finding("warned", "sensitive", f"« {found[0]} » peut révéler des soins.")
    if channel == "sms":
        for character in measure(text).costly:
            other = replacement(character)
            advice = f" : écrire « {other} »" if other else ""
            yield Finding("warned", "costly", f"« {character} » double le coût{advice}.")
    if any(len(sentence.split()) > LONG_SENTENCE for sentence in re.split(r"[.!?\n]", text)):
        yield Finding("warned", "long_sentence", "Une phrase dépasse trente mots.")
