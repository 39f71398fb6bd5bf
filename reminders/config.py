"""The configuration file: its shape, its defaults, and every mistake named at once.

TOML in, frozen settings out. Any key may be replaced by `<key>_file` (a path whose content is
the value) or by an environment variable: REMINDERS_<TABLE>_<KEY>, or
REMINDERS_<TABLE>_<ID>_<KEY> for a table that repeats (REMINDERS_SMS_MAIN_AUTH_TOKEN).
Keys an adapter owns are handed to it untouched (`options`); it names its own mistakes.
"""

import os
import re
import tomllib
from collections.abc import Iterator, Mapping
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
    ValidationError,
    model_validator,
)

from reminders.errors import ConfigurationError, Problem

FILE_KEYS_KEPT = frozenset({"ca_file"})  # keys ending in _file that are paths, not secrets

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

    least_share: float = 0.5
    most_share: float = 2.0
    vanished_at_least: int = 10
    vanished_share: float = 0.10
    moved_share: float = 0.05


class RetentionTable(Table):
    """Days kept, counted from the appointment (DOMAIN 4: proposed defaults)."""

    bodies_days: Annotated[int, Field(ge=1)] = 90
    identity_days: Annotated[int, Field(ge=1)] = 90
    delivery_days: Annotated[int, Field(ge=1)] = 365
    replies_days: Annotated[int, Field(ge=1)] = 365
    appointments_days: Annotated[int, Field(ge=1)] = 396
    inputs_days: Annotated[int, Field(ge=1)] = 30
    archive_days: Annotated[int, Field(ge=1)] = 30


class SiteTable(Table):
    id: Identifier
    name: Annotated[str, Field(min_length=1, max_length=80)]
    short_name: Annotated[str, Field(min_length=1, max_length=20)]
    timezone: ZoneName = "Europe/Paris"
    phone: Annotated[str, Field(min_length=4, max_length=30)]
    region: str = "metropole"
    earliest: ClockTime = time(9)
    latest: ClockTime = time(20)
    days: tuple[Annotated[int, Field(ge=1, le=7)], ...] = (1, 2, 3, 4, 5, 6)  # 1 = Monday
    address: str = ""

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
    slot_cost_eur: Annotated[float, Field(ge=0)] = 50.0
    phone: str | None = None  # the desk patients call; absent: the site's

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
    max_age_minutes: Annotated[float, Field(gt=0)] | None = None
    full_every_hours: Annotated[float, Field(gt=0)] = 24.0
    every_seconds: Annotated[float, Field(gt=0)] = 300.0

    @property
    def oldest_minutes(self) -> float:
        """CSV 26 h, a polled source 30 min (DESIGN R7), unless said otherwise."""
        if self.max_age_minutes is not None:
            return self.max_age_minutes
        return 26 * 60.0 if self.kind == "csv" else 30.0


class SmsTable(AdapterTable):
    id: Identifier
    kind: str
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
    max_per_second: Annotated[float, Field(ge=0)] = 0.0


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
    site: tuple[SiteTable, ...] = ()
    service: tuple[ServiceTable, ...] = ()
    protocol: tuple[ProtocolTable, ...] = ()
    preparation: tuple[PreparationTable, ...] = ()
    dpi: tuple[DpiTable, ...] = ()
    sms: tuple[SmsTable, ...] = ()
    email: EmailTable | None = None
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


def load(path: Path, environment: Mapping[str, str] | None = None) -> Settings:
    """Read and check a configuration file.

    Raises ConfigurationError with every mistake found, each naming its table, key and, where
    the file shows it, its line. A relative path in the file starts at the file's folder.
    """
    text = _read(path)
    try:
        data: dict[str, Any] = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(
            [Problem(path.name, f"ce n'est pas du TOML valable ({error})", "corriger cette ligne")]
        ) from None
    base_dir = path.resolve().parent
    problems: list[Problem] = []
    lines = dict(_lines(text))
    _apply_environment(data, os.environ if environment is None else environment)
    _apply_files(data, base_dir, problems, lines)
    try:
        settings = Settings.model_validate(data | {"base_dir": base_dir})
    except ValidationError as error:
        problems += [_explain(one, data, lines) for one in error.errors()]
        raise ConfigurationError(problems) from None
    problems += _cross_check(settings, lines)
    if problems:
        raise ConfigurationError(problems)
    return settings


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise ConfigurationError(
            [Problem(str(path), "fichier introuvable", "l'indiquer avec --config FICHIER")]
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        reason = "n'est pas en UTF-8" if isinstance(error, UnicodeDecodeError) else "illisible"
        raise ConfigurationError([Problem(str(path), reason, "vérifier le fichier")]) from None


def _lines(text: str) -> Iterator[tuple[tuple[str | int, ...], int]]:
    """Where each table and key stands: ("sms", 0, "sender") -> line, from 1."""
    counts: dict[str, int] = {}
    place: tuple[str | int, ...] = ()
    for number, line in enumerate(text.splitlines(), 1):
        if header := re.match(r"\s*\[(\[?)\s*([\w.\-]+)\s*\]", line):
            name = header[2]
            if header[1]:
                counts[name] = counts.get(name, -1) + 1
                for inner in [key for key in counts if key.startswith(name + ".")]:
                    del counts[inner]
            place = _path(name, counts)
            yield place, number
        elif key := re.match(r"\s*([\w\-]+)\s*=", line):
            yield (*place, key[1]), number


def _path(name: str, counts: Mapping[str, int]) -> tuple[str | int, ...]:
    path: list[str | int] = []
    parts = name.split(".")
    for depth, part in enumerate(parts, 1):
        path.append(part)
        if (number := counts.get(".".join(parts[:depth]))) is not None:
            path.append(number)
    return tuple(path)


def _tables(data: Mapping[str, Any]) -> Iterator[tuple[tuple[str | int, ...], dict[str, Any]]]:
    for name, value in data.items():
        if isinstance(value, dict):
            yield (name,), value
        elif isinstance(value, list):
            for index, item in enumerate(value):
                if isinstance(item, dict):
                    yield (name, index), item


def _apply_environment(data: dict[str, Any], environment: Mapping[str, str]) -> None:
    for name in ("store", "email"):
        if name in data or any(key.startswith(f"REMINDERS_{name.upper()}_") for key in environment):
            data.setdefault(name, {})
    for path, table in _tables(data):
        words = ["REMINDERS", str(path[0])]
        if len(path) > 1:
            words.append(str(table.get("id", path[1])))
        prefix = re.sub(r"\W", "_", "_".join(words)).upper() + "_"
        for key, value in environment.items():
            if key.startswith(prefix):
                table[key.removeprefix(prefix).lower()] = value
    if mode := environment.get("REMINDERS_MODE"):
        data["mode"] = mode


def _apply_files(
    data: dict[str, Any],
    base_dir: Path,
    problems: list[Problem],
    lines: Mapping[tuple[str | int, ...], int],
) -> None:
    for path, table in _tables(data):
        for key in [k for k in table if k.endswith("_file") and k not in FILE_KEYS_KEPT]:
            name = table.pop(key)
            try:
                table.setdefault(
                    key.removesuffix("_file"),
                    (base_dir / str(name)).read_text(encoding="utf-8").strip(),
                )
            except (OSError, UnicodeDecodeError):
                problems.append(
                    Problem(
                        _place((*path, key), data, lines),
                        "fichier illisible ou absent",
                        "créer ce fichier, lisible par le service seul (chmod 600)",
                    )
                )


def _place(
    path: tuple[str | int, ...], data: Mapping[str, Any], lines: Mapping[tuple[str | int, ...], int]
) -> str:
    shown: list[str] = []
    here: Any = data
    for part in path:
        here = _inside(here, part)
        if isinstance(part, int):
            name = here.get("id") or here.get("uf") if isinstance(here, dict) else None
            shown[-1] += f" « {name} »" if name else f" n° {part + 1}"
        else:
            shown.append(part)
    known = next((lines[path[:n]] for n in range(len(path), 0, -1) if path[:n] in lines), None)
    return " › ".join(shown) + (f" (ligne {known})" if known else "")


def _inside(container: Any, part: str | int) -> Any:
    if isinstance(container, dict):
        return container.get(part)
    if isinstance(container, list | tuple) and isinstance(part, int) and part < len(container):
        return container[part]
    return None


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
    "float_type": "un nombre est attendu",
    "float_parsing": "un nombre est attendu",
    "greater_than": "trop petit",
    "greater_than_equal": "trop petit",
    "less_than_equal": "trop grand",
    "tuple_type": "une liste [ … ] est attendue",
}


def _explain(
    error: Any, data: Mapping[str, Any], lines: Mapping[tuple[str | int, ...], int]
) -> Problem:
    path = tuple(part for part in error["loc"] if isinstance(part, int) or part.isidentifier())
    kind = str(error["type"])
    if kind == "value_error":
        what = str(error["ctx"]["error"])
    else:
        what = _SENTENCES.get(kind, f"valeur refusée ({kind})")
    if kind == "literal_error":
        return Problem(_place(path, data, lines), what, f"choisir parmi {error['ctx']['expected']}")
    remedy = "la retirer ou corriger son nom (docs/configuration.md)" if "extra" in kind else ""
    return Problem(_place(path, data, lines), what, remedy)


def _cross_check(
    settings: Settings, lines: Mapping[tuple[str | int, ...], int]
) -> Iterator[Problem]:
    """References between tables, duplicates, and what a mode needs."""
    data = settings.model_dump()

    def place(*path: str | int) -> str:
        return _place(path, data, lines)

    if not settings.site:
        yield Problem("[[site]]", "aucun site", "décrire au moins un site (docs/configuration.md)")
    if not settings.dpi:
        yield Problem("[[dpi]]", "aucune source de rendez-vous", "ajouter une table [[dpi]]")
    for name, key in (
        ("site", "id"),
        ("service", "uf"),
        ("protocol", "id"),
        ("dpi", "id"),
        ("sms", "id"),
        ("preparation", "id"),
    ):
        seen: set[str] = set()
        for index, item in enumerate(getattr(settings, name)):
            value = getattr(item, key)
            if value in seen:
                yield Problem(place(name, index, key), "déjà utilisé", "donner un nom unique")
            seen.add(value)
    for index, service in enumerate(settings.service):
        if service.site not in settings.sites:
            yield Problem(
                place("service", index, "site"), "site inconnu", "le déclarer en [[site]]"
            )
        if service.protocol not in settings.protocols:
            yield Problem(
                place("service", index, "protocol"),
                "protocole inconnu",
                "le déclarer en [[protocol]]",
            )
    for index, sheet in enumerate(settings.preparation):
        if sheet.service is not None and sheet.service not in settings.services:
            yield Problem(
                place("preparation", index, "service"), "UF inconnue", "la déclarer en [[service]]"
            )
    if settings.mode != "rehearsal" and not settings.sms and settings.email is None:
        yield Problem("mode", "aucun moyen d'envoi", "ajouter [[sms]] ou [email]")
    if settings.mode == "test" and not settings.only_to:
        yield Problem("only_to", "vide en mode test", "lister les adresses qui peuvent recevoir")
