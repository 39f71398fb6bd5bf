"""What patients must be told of what is done with their data (RGPD art. 13 and 14), from the
configuration alone: nothing is made up, and what is missing is named."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from reminders.config import EmailTable, RetentionTable, Settings, SmsTable
from reminders.domain.marking import N_, filled

# The European Economic Area, where no transfer has to be justified.
EEA = frozenset({
    "AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE", "IS",
    "IT", "LI", "LT", "LU", "LV", "MT", "NL", "NO", "PL", "PT", "RO", "SE", "SI", "SK",
})  # fmt: skip
Basis = Literal["public-task", "legitimate-interest"]


@dataclass(frozen=True, slots=True)
class Blank:
    """A key somebody still has to fill in: its place in the file, what is wanted, an example."""

    place: str
    what: str
    example: str


@dataclass(frozen=True, slots=True)
class Provider:
    """Somebody messages go through."""

    channel: Literal["sms", "email"]
    company: str  # "" where nobody said
    country: str  # ISO 3166-1; "" where nobody said
    transfer: str

    @property
    def is_outside(self) -> bool:
        return self.country not in EEA if self.country else False


@dataclass(frozen=True, slots=True)
class Place:
    name: str
    phone: str


@dataclass(frozen=True, slots=True)
class Notice:
    controller: str
    dpo: str
    legal_basis: Basis | None
    hosting: str
    accessibility: str
    places: Sequence[Place]
    providers: Sequence[Provider]
    retention: RetentionTable
    answers_stop: bool  # an SMS of ours can be answered STOP
    public_url: str
    blanks: Sequence[Blank]


def notice_of(settings: Settings) -> Notice:
    privacy = settings.privacy
    return Notice(
        controller=privacy.controller or (settings.site[0].name if settings.site else ""),
        dpo=privacy.dpo,
        legal_basis=privacy.legal_basis,
        hosting=privacy.hosting,
        accessibility=privacy.accessibility,
        places=[Place(site.name, site.phone) for site in settings.site],
        providers=[
            *(_provider("sms", table) for table in settings.sms),
            *(_provider("email", table) for table in [settings.email] if table is not None),
        ],
        retention=settings.retention,
        answers_stop=any(table.replies for table in settings.sms),
        public_url=settings.web.public_url or "",
        blanks=list(blanks(settings)),
    )


def _provider(channel: Literal["sms", "email"], table: SmsTable | EmailTable) -> Provider:
    return Provider(channel, table.company, table.country or "", table.transfer)


def blanks(settings: Settings) -> Iterator[Blank]:
    """Every key the notice and the statement still need, in the order of the file."""
    for index, sender in enumerate(settings.sms):
        yield from _of_provider(
            settings, filled(N_("sms « %(id)s »"), id=sender.id), ("sms", index), sender
        )
    if settings.email is not None:
        yield from _of_provider(settings, "email", ("email",), settings.email)
    for key, what, example in (
        ("dpo", N_("comment joindre le délégué à la protection des données"), "dpo@ch-exemple.fr"),
        ("legal_basis", N_("la base légale"), "public-task"),
        ("hosting", N_("qui héberge le service, et où"), "l’établissement lui-même, à Exemple"),
        ("accessibility", N_("à qui signaler un défaut d’accessibilité"), "accueil@ch-exemple.fr"),
    ):
        if not getattr(settings.privacy, key):
            yield Blank(_place(settings, "privacy", ("privacy",), key), what, example)


def _of_provider(
    settings: Settings, name: str, path: tuple[str | int, ...], table: SmsTable | EmailTable
) -> Iterator[Blank]:
    wanted = [
        ("company", N_("le nom de la société, comme au contrat"), "OPÉRATEUR EXEMPLE SAS"),
        ("country", N_("le pays où elle garde ce que nous envoyons"), "FR"),
    ]
    if table.country and table.country not in EEA:
        wanted.append(
            ("transfer", N_("ce qui protège les données là-bas"), "décision d’adéquation")
        )
    for key, what, example in wanted:
        if not getattr(table, key):
            yield Blank(_place(settings, name, path, key), what, example)


def _place(settings: Settings, name: str, path: tuple[str | int, ...], key: str) -> str:
    line = settings.line_of(*path)
    if not line:
        return filled(N_("%(table)s › %(key)s"), table=name, key=key)
    return filled(N_("%(table)s › %(key)s (ligne %(line)s)"), table=name, key=key, line=line)
