"""Which template: its purpose, language, family and channel, and what staff call them."""

import re
from dataclasses import dataclass
from typing import Literal, cast, get_args

from reminders.domain.marking import N_
from reminders.domain.template import Channel, Family
from reminders.errors import TemplateError

PURPOSES = {
    "booking": N_("Rendez-vous enregistré"),
    "preparation": N_("Préparation"),
    "confirm": N_("Demande de confirmation"),
    "short": N_("Rappel court"),
    "correction": N_("Changement d’horaire"),
    "notice": N_("Annulation"),
    "rebook": N_("Après une absence"),
    "session_cancelled": N_("Séance annulée"),
    "session_moved": N_("Séance reportée"),
    "session_late": N_("Séance en retard"),
    "session_place": N_("Changement de lieu"),
    "session_doubtful": N_("Séance incertaine"),
    "ack_confirmed": N_("Réponse : venue notée"),
    "ack_cancelled": N_("Réponse : annulation notée"),
    "ack_cancelled_already": N_("Réponse : déjà annulé"),
    "ack_moved": N_("Réponse : l’horaire a changé"),
    "ack_human": N_("Réponse : le secrétariat va lire"),
    "ack_alert": N_("Réponse : en cas d’urgence"),
    "ack_stop": N_("Réponse : plus de messages"),
    "ack_start": N_("Réponse : messages repris"),
}
LANGUAGES = {
    "fr": N_("français"),
    "en": N_("anglais"),
    "ar": N_("arabe"),
    "falc": N_("facile à lire (FALC)"),
}
FAMILIES = {
    "link": N_("nom d’expéditeur, avec lien"),
    "reply": N_("numéro à réponse"),
    "any": N_("tous les expéditeurs"),
}
CHANNELS = {"sms": N_("SMS"), "email": N_("Courriel")}
_PURPOSE = re.compile(r"[a-z][a-z0-9_-]{0,39}")


@dataclass(frozen=True, slots=True, order=True)
class TemplateKey:
    """`slug`: confirm.fr.link.sms, in addresses and names of files."""

    purpose: str
    language: str
    family: Family
    channel: Channel

    @property
    def slug(self) -> str:
        return f"{self.purpose}.{self.language}.{self.family}.{self.channel}"

    @property
    def values(self) -> dict[str, str]:
        return {
            "purpose": self.purpose,
            "language": self.language,
            "family": self.family,
            "channel": self.channel,
        }


def key_of(purpose: str, language: str, family: str, channel: str) -> TemplateKey:
    """Raises TemplateError for a template that cannot be. An e-mail serves every sender."""
    known = (
        _PURPOSE.fullmatch(purpose)
        and language in LANGUAGES
        and family in get_args(Family)
        and channel in get_args(Channel)
        and (channel == "sms" or family == "any")
    )
    if not known:
        raise TemplateError("unknown_key", "Ce modèle n’existe pas.")
    return TemplateKey(purpose, language, cast(Family, family), cast(Channel, channel))


def key_from(slug: str) -> TemplateKey:
    """Raises TemplateError as `key_of` does."""
    parts = slug.split(".")
    if len(parts) != 4:
        raise TemplateError("unknown_key", "Ce modèle n’existe pas.")
    return key_of(*parts)


Part = Literal["subject", "body", "html"]
PARTS: dict[Part, str] = {
    "subject": N_("Objet"),
    "body": N_("Texte"),
    "html": N_("Mise en forme"),
}


@dataclass(frozen=True, slots=True)
class TemplateText:
    """What one writes. An SMS is its `body`; an e-mail without `html` is set out from it."""

    body: str
    subject: str = ""
    html: str = ""

    def normalised(self, channel: Channel) -> "TemplateText":
        """Line ends of one kind, no space around; an SMS has neither subject nor HTML."""
        body, subject, html = (
            part.replace("\r\n", "\n").replace("\r", "\n").strip()
            for part in (self.body, self.subject, self.html)
        )
        return TemplateText(body) if channel == "sms" else TemplateText(body, subject, html)
