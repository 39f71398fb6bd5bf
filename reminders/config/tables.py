"""The shape of the configuration file: its tables, their keys, their defaults.

Keys an adapter owns are handed to it untouched (`options`); it names its own mistakes.
"""

import re
from datetime import time
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, available_timezones

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    SecretStr,
    model_validator,
)

# Words that name care a message must not betray; a service whose label holds one is excluded
# unless its sensitivity is said explicitly (DESIGN 7.6: excluded by default).
SENSITIVE_WORDS = frozenset(
    {
        "ivg",
        "orthogenie",
        "amp",
        "cegidd",
        "vih",
        "infectiologie",
        "hepatite",
        "addictologie",
        "csapa",
        "psychiatrie",
        "cmp",
        "cattp",
        "oncologie",
        "chimiotherapie",
        "cancerologie",
        "genetique",
        "umj",
        "uaped",
        "usmp",
        "penitentiaire",
        "palliatif",
        "palliatifs",
        "sexologie",
        "transidentite",
        "alcoologie",
        "toxicomanie",
    }
)


def _clock_time(value: object) -> object:
    if isinstance(value, str):
        match = re.fullmatch(r"(\d{1,2})[:hH](\d{2})?", value.strip())
        if match and int(match[1]) < 24 and int(match[2] or 0) < 60:
            return time(int(match[1]), int(match[2] or 0))
        raise ValueError("heure attendue sous la forme « 10:00 »")
    return value


_MINUTES = {"min": 1.0, "h": 60.0, "j": 24 * 60.0}


def _duration(value: object) -> object:
    """« 26 h », « 30 min », « 2 j » in minutes. A bare number is refused: minutes or hours?"""
    found = re.fullmatch(r"(\d+(?:[.,]\d+)?)\s*(min|h|j)", str(value).strip().lower())
    if not isinstance(value, str) or found is None or not float(found[1].replace(",", ".")):
        raise ValueError("durée attendue avec son unité, par exemple « 26h », « 30min » ou « 2j »")
    return float(found[1].replace(",", ".")) * _MINUTES[found[2]]


def _zone_name(value: str) -> str:
    if value not in available_timezones():
        raise ValueError("fuseau horaire inconnu, par exemple « Europe/Paris »")
    return value


def _web_address(value: str) -> str:
    if not re.match(r"https?://[^/\s]+", value):
        raise ValueError("adresse attendue sous la forme « https://… »")
    return value.rstrip("/")


ClockTime = Annotated[time, BeforeValidator(_clock_time)]
ZoneName = Annotated[str, AfterValidator(_zone_name)]
WebAddress = Annotated[str, AfterValidator(_web_address)]
Identifier = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,39}$")]


def _is_long(value: SecretStr) -> SecretStr:
    if len(value.get_secret_value()) < 32:
        raise ValueError("secret de 32 caractères au moins attendu, tiré au hasard")
    return value


Secret = Annotated[SecretStr, AfterValidator(_is_long)]


class Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class StoreTable(Table):
    url: str = "sqlite:///hospital.db"


class WebTable(Table):
    public_url: WebAddress | None = None  # absent: link-free templates and polling
    public_host: str = "127.0.0.1"
    public_port: Annotated[int, Field(ge=0, le=65535)] = 8001
    internal_host: str = "127.0.0.1"
    internal_port: Annotated[int, Field(ge=0, le=65535)] = 8000
    api_token: Secret | None = None  # absent: /api/tasks and /api/calls do not exist
    internal_url: WebAddress | None = None  # what the staff type; https: cookies say so
    second_factor: Literal["required", "optional"] = "required"
    session_idle_minutes: Annotated[float, Field(gt=0, le=24 * 60)] = 60.0
    session_hours: Annotated[float, Field(gt=0, le=24)] = 12.0


class NetworkTable(Table):
    proxy: WebAddress | None = None
    ca_file: str | None = None


class DeliveryTable(Table):
    """How sending recovers. Durations in seconds unless named otherwise."""

    lease_seconds: Annotated[float, Field(gt=0, le=3600)] = 60.0
    send_timeout_seconds: Annotated[float, Field(gt=0, le=120)] = 10.0
    in_flight: Annotated[int, Field(ge=1, le=1000)] = 100
    unknown_minutes: Annotated[float, Field(gt=0, le=24 * 60)] = 16.0
    retry_first_seconds: Annotated[float, Field(gt=0)] = 20.0
    retry_most_seconds: Annotated[float, Field(gt=0)] = 900.0
    provider_pause_seconds: Annotated[float, Field(gt=0)] = 10.0
    brake_least: Annotated[int, Field(ge=1)] = 500
    brake_times: Annotated[float, Field(ge=1)] = 3.0

    @model_validator(mode="after")
    def _lease_outlives_the_send(self) -> "DeliveryTable":
        if self.lease_seconds <= self.send_timeout_seconds * 1.2:
            raise ValueError(
                "lease_seconds doit dépasser send_timeout_seconds de 20 % au moins, "
                "sinon un envoi lent serait repris par un autre processus"
            )
        return self


class GateTable(Table):
    """When a feed is too strange to act on (DESIGN R11). Shares are fractions of 1."""

    least_share: Annotated[float, Field(ge=0)] = 0.5
    most_share: Annotated[float, Field(ge=0)] = 2.0
    vanished_at_least: Annotated[int, Field(ge=0)] = 10
    vanished_share: Annotated[float, Field(ge=0)] = 0.10
    moved_share: Annotated[float, Field(ge=0)] = 0.05


class RetentionTable(Table):
    """Days kept, counted from the appointment (DOMAIN 4: proposed defaults)."""

    bodies_days: Annotated[int, Field(ge=1)] = 90
    identity_days: Annotated[int, Field(ge=1)] = 90
    delivery_days: Annotated[int, Field(ge=1)] = 365
    replies_days: Annotated[int, Field(ge=1)] = 365
    appointments_days: Annotated[int, Field(ge=1)] = 396
    audit_days: Annotated[int, Field(ge=1, le=1096)] = 365  # CNIL: six months to a year, at most 3
    inputs_days: Annotated[int, Field(ge=1)] = 30
    archive_days: Annotated[int, Field(ge=1)] = 30


# Whose public holidays apply: the table is domain/holidays.py, and a test compares the names.
Region = Literal[
    "metropole", "alsace-moselle", "guadeloupe", "martinique", "guyane", "reunion", "mayotte",
    "saint-pierre-et-miquelon", "saint-martin", "saint-barthelemy", "nouvelle-caledonie",
    "polynesie", "wallis-et-futuna",
]  # fmt: skip
REGION_OF_ZONE: dict[str, Region] = {
    "America/Guadeloupe": "guadeloupe", "America/Martinique": "martinique",
    "America/Cayenne": "guyane", "Indian/Reunion": "reunion", "Indian/Mayotte": "mayotte",
    "America/Miquelon": "saint-pierre-et-miquelon", "America/Marigot": "saint-martin",
    "America/St_Barthelemy": "saint-barthelemy", "Pacific/Noumea": "nouvelle-caledonie",
    "Pacific/Tahiti": "polynesie", "Pacific/Marquesas": "polynesie",
    "Pacific/Gambier": "polynesie", "Pacific/Wallis": "wallis-et-futuna",
}  # fmt: skip


class SiteTable(Table):
    id: Identifier
    name: Annotated[str, Field(min_length=1, max_length=80)]
    short_name: Annotated[str, Field(min_length=1, max_length=20)]
    timezone: ZoneName = "Europe/Paris"
    phone: Annotated[str, Field(min_length=4, max_length=30)]
    region: Region = "metropole"
    earliest: ClockTime = time(9)
    latest: ClockTime = time(20)
    days: tuple[Annotated[int, Field(ge=1, le=6)], ...] = (1, 2, 3, 4, 5, 6)  # 1 = Monday
    address: str = ""

    @model_validator(mode="before")
    @classmethod
    def _holidays_follow_the_zone(cls, data: Any) -> Any:
        if isinstance(data, dict) and "region" not in data:
            found = REGION_OF_ZONE.get(str(data.get("timezone")))
            return data | {"region": found} if found else data
        return data

    @model_validator(mode="after")
    def _hours_make_a_day(self) -> "SiteTable":
        if self.earliest >= self.latest:
            raise ValueError("earliest doit précéder latest")
        if not self.days:
            raise ValueError("days ne peut pas être vide")
        return self

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)


class ServiceTable(Table):
    uf: Annotated[str, Field(min_length=1, max_length=40)]
    site: str
    label: Annotated[str, Field(min_length=1, max_length=80)]
    sensitivity: Literal["normal", "neutral", "excluded"] | None = None
    protocol: str = "default"
    slot_cost_eur: Annotated[float, Field(ge=0)] | None = None  # nobody said: no price
    phone: str | None = None  # the desk patients call; absent: the site's
    manager_email: Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+$")] | None = None
    escalation_desk: str = ""  # who gets what stays undone past its deadline
    sender: str | None = None  # the [[sms]] tried first for its texts; absent: the file's order
    desk_opens: ClockTime = time(8, 30)
    desk_closes: ClockTime = time(17, 30)
    desk_days: tuple[Annotated[int, Field(ge=1, le=7)], ...] = (1, 2, 3, 4, 5)  # 1 = Monday

    @model_validator(mode="after")
    def _desk_hours_make_a_day(self) -> "ServiceTable":
        if self.desk_opens >= self.desk_closes:
            raise ValueError("desk_opens doit précéder desk_closes")
        if not self.desk_days:
            raise ValueError("desk_days ne peut pas être vide")
        return self

    @property
    def effective_sensitivity(self) -> Literal["normal", "neutral", "excluded"]:
        if self.sensitivity is not None:
            return self.sensitivity
        return "excluded" if names_sensitive_care(self.label) else "normal"


def names_sensitive_care(label: str) -> bool:
    plain = label.lower().translate(str.maketrans("éèêëàâîïôûùç", "eeeeaaiiouuc"))
    return any(word in SENSITIVE_WORDS for word in re.findall(r"[a-z]+", plain))


def _step_day(value: object) -> object:
    if isinstance(value, str):
        if value == "booking":
            return None
        match = re.fullmatch(r"[Jj]\s*-\s*(\d{1,2})", value.strip())
        if not match:
            raise ValueError("jour attendu sous la forme « J-3 », ou « booking »")
        return int(match[1])
    return value


class StepTable(Table):
    """`day` counts civil days before the appointment; None (« booking ») = when it is booked."""

    id: Identifier = ""
    day: Annotated[Annotated[int, Field(ge=0, le=60)] | None, BeforeValidator(_step_day)]
    hour: ClockTime = time(10)
    latest: ClockTime | None = None
    channels: tuple[Literal["sms", "email"], ...] = ("sms", "email")
    template: str
    condition: Literal["always", "unless_answered"] = "always"
    booked_days_before: Annotated[int, Field(ge=0, le=365)] = 0

    @model_validator(mode="before")
    @classmethod
    def _named_by_its_day(cls, data: Any) -> Any:
        if isinstance(data, dict) and "id" not in data and isinstance(data.get("day"), str):
            return {**data, "id": data["day"].replace(" ", "")}
        return data

    @model_validator(mode="after")
    def _has_a_channel(self) -> "StepTable":
        if not self.channels or len(set(self.channels)) != len(self.channels):
            raise ValueError("channels : un canal au moins, chacun une fois")
        return self


class ProtocolTable(Table):
    id: Identifier
    step: tuple[StepTable, ...] = ()
    after_no_show: bool = False  # a text the day after invites who missed it to book again

    @model_validator(mode="after")
    def _steps_differ(self) -> "ProtocolTable":
        names = [step.id for step in self.step]
        if len(set(names)) != len(names):
            raise ValueError("deux étapes portent le même id")
        return self


# J-7 preparation (only if booked ten days ahead or more), J-3 confirm, J-1 short: DOMAIN 6,
# cadence of Steiner 2018 (EVIDENCE 1).
DEFAULT_PROTOCOL = ProtocolTable(
    id="default",
    step=(
        StepTable(id="J-7", day=7, template="preparation", booked_days_before=10),
        StepTable(id="J-3", day=3, template="confirm"),
        StepTable(id="J-1", day=1, template="short"),
    ),
)


class TranslationTable(Table):
    """What a sheet says in one other language; what is empty leaves in French."""

    instructions: str = ""
    sms: Annotated[str, Field(max_length=60)] = ""
    documents: tuple[str, ...] = ()


class PreparationTable(Table):
    """What a patient must know and bring: the one source for SMS, e-mail and page."""

    id: Identifier
    service: str | None = None  # UF code
    type: str | None = None  # appointment type of the DPI
    instructions: str = ""
    sms: Annotated[str, Field(max_length=60)] = ""
    documents: tuple[str, ...] = ()
    arrival_point: str = ""
    building: str = ""
    floor: str = ""
    door: str = ""
    address: str = ""
    map_url: WebAddress | None = None
    preadmission_url: WebAddress | None = None
    arrive_minutes_before: Annotated[int, Field(ge=0, le=240)] = 0
    acknowledge: bool = False  # who has not said « J'ai lu » by J-2 is called
    en: TranslationTable = TranslationTable()
    ar: TranslationTable = TranslationTable()
    falc: TranslationTable = TranslationTable()  # easy French

    @property
    def translations(self) -> dict[str, TranslationTable]:
        found = {"en": self.en, "ar": self.ar, "falc": self.falc}
        return {language: one for language, one in found.items() if one != TranslationTable()}

    @model_validator(mode="after")
    def _has_a_subject(self) -> "PreparationTable":
        if self.service is None and self.type is None:
            raise ValueError("service (UF) ou type est nécessaire")
        return self


class AdapterTable(BaseModel):
    """Common keys of a table an adapter reads; its own keys stay in `options`."""

    model_config = ConfigDict(frozen=True, extra="allow")

    @property
    def options(self) -> dict[str, object]:
        return dict(self.model_extra or {})


class DpiTable(AdapterTable):
    id: Identifier
    kind: str
    max_age: Annotated[float, BeforeValidator(_duration)] | None = None  # in minutes, once read
    max_age_minutes: Annotated[float, Field(gt=0)] | None = None
    full_every_hours: Annotated[float, Field(gt=0)] = 24.0
    every_seconds: Annotated[float, Field(gt=0)] = 300.0
    write_back: bool = False  # live mode: patients' answers are written into the DPI

    @model_validator(mode="after")
    def _has_one_age(self) -> "DpiTable":
        if self.max_age is not None and self.max_age_minutes is not None:
            raise ValueError("max_age ou max_age_minutes, pas les deux")
        return self

    @property
    def oldest_minutes(self) -> float:
        """CSV 26 h, a polled source 30 min (DESIGN R7), unless said otherwise."""
        told = self.max_age if self.max_age is not None else self.max_age_minutes
        if told is not None:
            return told
        return 26 * 60.0 if self.kind == "csv" else 30.0


def _country(value: str) -> str:
    if not re.fullmatch("[A-Z]{2}", value):
        raise ValueError("code de pays à deux lettres attendu, par exemple « FR »")
    return value


Country = Annotated[str, AfterValidator(_country)]  # ISO 3166-1 alpha-2


class SmsTable(AdapterTable):
    id: Identifier
    kind: str
    company: str = ""  # who it is, for the patients' notice
    country: Country | None = None  # where it keeps what we send
    transfer: str = ""  # outside the EEA: what guards the data there
    replies: bool = False
    max_per_second: Annotated[float, Field(ge=0)] = 10.0  # 0 = unlimited
    price_per_segment_eur: Annotated[float, Field(ge=0)] = 0.06
    poll_seconds: Annotated[float, Field(gt=0)] = 300.0

    @model_validator(mode="after")
    def _a_name_cannot_be_answered(self) -> "SmsTable":
        sender = str((self.model_extra or {}).get("sender", ""))
        if self.replies and re.search(r"[A-Za-z]", sender) and not sender.startswith("MG"):
            raise ValueError(
                "replies = true, mais un nom d'expéditeur ne peut pas recevoir de réponse"
            )
        return self

    @property
    def family(self) -> Literal["reply", "link"]:
        return "reply" if self.replies else "link"


class EmailTable(AdapterTable):
    id: Identifier = "email"
    kind: str = "smtp"
    company: str = ""
    country: Country | None = None
    transfer: str = ""
    max_per_second: Annotated[float, Field(ge=0)] = 0.0


class SystemTable(Table):
    """Another system that gives answers: a voice server, a portal. Two secrets may be in use."""

    id: Identifier
    secret: Secret
    next_secret: Secret | None = None


class PrivacyTable(Table):
    """What the patients' notice and the accessibility statement say of the hospital. Nothing is
    made up: what is missing is named on the page and by `check`."""

    controller: str = ""  # the hospital's full name and postal address
    dpo: str = ""  # how to reach the data protection officer
    legal_basis: Literal["public-task", "legitimate-interest"] | None = None
    hosting: str = ""  # who runs the machine, and where
    accessibility: str = ""  # whom to tell that a page cannot be used


class LogsTable(Table):
    """What `run` and `serve` write on standard error, one JSON object a line."""

    level: Literal["debug", "info", "warning", "error"] = "info"


class TemplatesTable(Table):
    """Who puts a text in service. False: its author may, and the version says so."""

    two_people: bool = True


class ReportsTable(Table):
    """The months a report freezes."""

    # Of the month after: by then the agenda says who came, almost always.
    closes_on_day: Annotated[int, Field(ge=1, le=28)] = 10


KeyPath = tuple[str | int, ...]  # ("sms", 0, "sender")


class Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    mode: Literal["rehearsal", "test", "live"] = "rehearsal"
    only_to: tuple[str, ...] = ()  # the only addresses test mode writes to
    store: StoreTable = StoreTable()
    web: WebTable = WebTable()
    network: NetworkTable = NetworkTable()
    delivery: DeliveryTable = DeliveryTable()
    gate: GateTable = GateTable()
    retention: RetentionTable = RetentionTable()
    logs: LogsTable = LogsTable()
    privacy: PrivacyTable = PrivacyTable()
    templates: TemplatesTable = TemplatesTable()
    reports: ReportsTable = ReportsTable()
    site: tuple[SiteTable, ...] = ()
    service: tuple[ServiceTable, ...] = ()
    protocol: tuple[ProtocolTable, ...] = ()
    preparation: tuple[PreparationTable, ...] = ()
    dpi: tuple[DpiTable, ...] = ()
    sms: tuple[SmsTable, ...] = ()
    email: EmailTable | None = None
    system: tuple[SystemTable, ...] = ()
    base_dir: Path = Path()

    @property
    def protocols(self) -> dict[str, ProtocolTable]:
        return {DEFAULT_PROTOCOL.id: DEFAULT_PROTOCOL} | {one.id: one for one in self.protocol}

    @property
    def sites(self) -> dict[str, SiteTable]:
        return {site.id: site for site in self.site}

    @property
    def services(self) -> dict[str, ServiceTable]:
        return {service.uf: service for service in self.service}

    # Where the file says what, for errors found later; filled by `reading`.
    _lines: dict[KeyPath, int] = PrivateAttr(default_factory=dict)
    _secret_files: dict[KeyPath, Path] = PrivateAttr(default_factory=dict)

    def line_of(self, *path: str | int) -> int | None:
        """The line of a key, or of the nearest table around it; None if the file has neither."""
        return nearest_line(self._lines, path)

    @property
    def secret_files(self) -> dict[KeyPath, Path]:
        """Every `…_file` that was read, by the key it stands for."""
        return self._secret_files

    def remember(self, lines: dict[KeyPath, int], secret_files: dict[KeyPath, Path]) -> None:
        self._lines.update(lines)
        self._secret_files.update(secret_files)


def nearest_line(lines: dict[KeyPath, int], path: KeyPath) -> int | None:
    """A key may stand in the file under its own name or as `<key>_file`."""
    for length in range(len(path), 0, -1):
        part = path[:length]
        for one in (part, (*part[:-1], f"{part[-1]}_file")):
            if one in lines:
                return lines[one]
    # [[email]] where [email] is meant stands in the file as the first of several.
    return next((line for one, line in lines.items() if one[: len(path)] == path), None)
