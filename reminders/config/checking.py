"""What no table can see alone: references, duplicates, and what a mode needs."""

import re
from collections.abc import Iterator

from reminders.config.mistakes import Where
from reminders.config.tables import Settings
from reminders.errors import Problem

UNIQUE = (
    ("site", "id"),
    ("service", "uf"),
    ("protocol", "id"),
    ("dpi", "id"),
    ("sms", "id"),
    ("preparation", "id"),
    ("system", "id"),
)


def cross_check(settings: Settings, where: Where) -> Iterator[Problem]:
    yield from _needed(settings, where)
    yield from _duplicates(settings, where)
    yield from _references(settings, where)
    yield from _mode(settings, where)


def _needed(settings: Settings, where: Where) -> Iterator[Problem]:
    if not settings.site:
        yield Problem("[[site]]", "aucun site", "décrire au moins un site (docs/configuration.md)")
    if not settings.dpi:
        yield Problem("[[dpi]]", "aucune source de rendez-vous", "ajouter une table [[dpi]]")
    ca_file = settings.network.ca_file
    if ca_file and not (settings.base_dir / ca_file).is_file():
        yield Problem(
            where.place("network", "ca_file"), "fichier absent", "indiquer un certificat PEM"
        )
    web = settings.web
    if settings.system and not web.public_url:
        yield Problem(
            where.place("system", 0, "id"),
            "réponses d'un autre système, mais aucune écoute publique",
            "renseigner web › public_url",
        )
    if web.public_url and web.public_port == web.internal_port != 0:
        yield Problem(
            where.place("web", "public_port"),
            "le même port que internal_port",
            "donner un port à chacun : les pages internes ne doivent pas être publiques",
        )


def _duplicates(settings: Settings, where: Where) -> Iterator[Problem]:
    for name, key in UNIQUE:
        seen: set[str] = set()
        for index, item in enumerate(getattr(settings, name)):
            value = getattr(item, key)
            if value in seen:
                yield Problem(where.place(name, index, key), "déjà utilisé", "donner un nom unique")
            seen.add(value)
    if settings.email is not None and settings.email.id in {sender.id for sender in settings.sms}:
        yield Problem(
            where.place("email", "id"), "déjà utilisé par [[sms]]", "donner un nom unique"
        )


def _references(settings: Settings, where: Where) -> Iterator[Problem]:
    for index, service in enumerate(settings.service):
        if service.site not in settings.sites:
            yield Problem(
                where.place("service", index, "site"),
                "site inconnu",
                f"le déclarer en [[site]], ou choisir parmi : {', '.join(settings.sites)}",
            )
        if service.protocol not in settings.protocols:
            yield Problem(
                where.place("service", index, "protocol"),
                "protocole inconnu",
                f"le déclarer en [[protocol]], ou choisir parmi : {', '.join(settings.protocols)}",
            )
        senders = [sender.id for sender in settings.sms]
        if service.sender is not None and service.sender not in senders:
            yield Problem(
                where.place("service", index, "sender"),
                "expéditeur inconnu",
                f"choisir l'id d'une table [[sms]] : {', '.join(senders) or 'il n’y en a pas'}",
            )
    for index, sheet in enumerate(settings.preparation):
        if sheet.service is not None and sheet.service not in settings.services:
            yield Problem(
                where.place("preparation", index, "service"),
                "UF inconnue",
                "la déclarer en [[service]]",
            )


def _mode(settings: Settings, where: Where) -> Iterator[Problem]:
    if settings.mode != "rehearsal" and not settings.sms and settings.email is None:
        yield Problem(where.place("mode"), "aucun moyen d'envoi", "ajouter [[sms]] ou [email]")
    if settings.mode == "test" and not settings.only_to:
        yield Problem(
            where.place("only_to"), "vide en mode test", "lister les adresses qui peuvent recevoir"
        )
    for number, address in enumerate(settings.only_to, 1):
        if not re.fullmatch(r"\+\d{6,15}|[^@\s]+@[^@\s]+", address):
            yield Problem(
                where.place("only_to"),
                f"adresse n° {number} : ni numéro international ni courriel",
                "écrire « +33639980012 » ou « prenom.nom@example.org »",
            )
