"""E-mail through the hospital's mail server (SMTP, RFC 5321), submitted over verified TLS.

Status codes: https://www.rfc-editor.org/rfc/rfc5321#section-4.2 and, where the server gives
them, the enhanced ones: https://www.rfc-editor.org/rfc/rfc3463

The server's 2xx to the final dot is its promise to deliver or to say otherwise. What becomes of
a message afterwards comes back as mail to the sender's address, not here: no receipts.
"""

import asyncio
import ipaddress
import re
import ssl
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, model_validator

from adapters.email.mime import Mailbox, build, check_header
from adapters.email.session import Pool, Progress, Reply, Server, ServerRefused
from adapters.options import parse_options
from reminders.errors import (
    BadRecipient,
    ConfigurationError,
    Misconfigured,
    NotSent,
    Problem,
    Refused,
    SendError,
    Unknown,
)
from reminders.ports import Accepted, Capabilities, Email, Wiring

# Without SMTPUTF8 and without quoted local parts, which no patient has and few servers take.
_LOCAL = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
_DOMAIN = r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z][A-Za-z0-9-]*[A-Za-z0-9]"
_ADDRESS = re.compile(rf"(?=.{{1,64}}@){_LOCAL}@{_DOMAIN}")
_NAMED = re.compile(r"\s*(.*?)\s*<([^<>]*)>\s*")
_HOST = r"^[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?$|^[0-9A-Fa-f:]+$"

CREDENTIALS = frozenset({530, 534, 535, 538})  # RFC 4954 §6: at any moment, our fault
# This address will never work (RFC 3463). 5.1.0 and a bare 550 may also mean a sender or a
# policy, so they blame nobody.
DEAD_ADDRESS = frozenset({"5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1"})
DEAD_ADDRESS_BARE = frozenset({551, 553})  # ... and without an enhanced code
TOO_BIG = frozenset({"5.2.3", "5.3.4"})


def _address(text: str) -> str:
    if not is_address(text):
        raise ValueError("adresse électronique attendue (lettres sans accent, un seul @)")
    return text


def _sender(text: str) -> str:
    mailbox = _mailbox(text)
    _address(mailbox.address)
    try:
        check_header(mailbox.name)
    except Refused:
        raise ValueError("nom sans retour à la ligne ni caractère de contrôle attendu") from None
    return text


def _unsubscribe(text: str) -> str:
    if not re.fullmatch(r"(https://|mailto:)[!-;=?-~]+", text):
        raise ValueError("adresse https:// ou mailto: attendue, sans espace ni accent")
    if text.startswith("https:") and "{reference}" not in text:
        raise ValueError(
            "« {reference} » attendu dans l'adresse : elle doit dire qui se désinscrit"
        )
    return text


class Options(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    host: str = Field(pattern=_HOST)
    port: int | None = Field(None, ge=1, le=65_535)  # None: 465 for "tls", else 587
    security: Literal["starttls", "tls", "none"] = "starttls"
    username: str | None = Field(None, min_length=1)
    password: SecretStr | None = Field(None, min_length=1)
    sender: Annotated[str, AfterValidator(_sender)]  # address, or Name <address>
    reply_to: Annotated[str, AfterValidator(_address)] | None = None
    helo: str | None = Field(None, pattern=_HOST)  # our name; None: the sender's domain
    connections: int = Field(4, ge=1, le=50)
    idle_seconds: float = Field(60, gt=0)  # a connection idle for longer is replaced
    list_unsubscribe: tuple[Annotated[str, AfterValidator(_unsubscribe)], ...] = ()

    @model_validator(mode="after")
    def _no_secret_in_clear(self) -> "Options":
        if self.security == "none" and not _is_loopback(self.host):
            raise ValueError(
                "security = « none » n'est permis que vers cette machine : "
                "choisir « starttls » ou « tls »"
            )
        if (self.username is None) != (self.password is None):
            raise ValueError("username et password vont ensemble")
        return self


def create(options: Mapping[str, Any], wiring: Wiring) -> "Smtp":
    return Smtp(parse_options(Options, options), wiring)


def _now() -> datetime:
    """The instant of the Date header, which mail servers compare with their own clock."""
    return datetime.now(UTC)


class Smtp:
    """One message at a time to one recipient over each of `connections` connections."""

    capabilities = Capabilities(receipts=False)

    def __init__(
        self, options: Options, wiring: Wiring, clock: Callable[[], datetime] = _now
    ) -> None:
        self._sender = _mailbox(options.sender)
        self._domain = self._sender.address.partition("@")[2].lower()
        self._reply_to = options.reply_to or ""
        self._unsubscribe = options.list_unsubscribe
        self._seconds = wiring.timeout_seconds
        self._clock = clock
        self.connections = options.connections
        self._pool = Pool(
            _server(options, wiring, self._domain),
            most=options.connections,
            idle_seconds=options.idle_seconds,
            seconds=wiring.timeout_seconds,
        )

    async def send(self, email: Email) -> Accepted:
        """Submit once. Until the final dot leaves, every failure is NotSent; from then on only
        a parsed answer decides, else Unknown. A cancelled task and the end of the time allowed
        (`wiring.timeout_seconds`, for all of it) count as failures."""
        if not is_address(email.to):
            raise BadRecipient("address")
        message_id = f"{email.reference}@{self._domain}"
        content = self._written(email, message_id)
        progress = Progress()
        try:
            async with asyncio.timeout(self._seconds):
                await self._submit(email.to, content, progress)
        except SendError:
            raise
        except ServerRefused as refused:
            raise sorted_refusal(refused.reply) from None
        except (Exception, asyncio.CancelledError) as error:
            # `from None`: what the server said may quote the address.
            raise (Unknown if progress.complete else NotSent)(_cause(error)) from None
        return Accepted(message_id)

    def _written(self, email: Email, message_id: str) -> bytes:
        return build(
            email,
            sender=self._sender,
            message_id=message_id,
            date=self._clock(),
            reply_to=self._reply_to,
            unsubscribe=self._stops(email),
        )

    def _stops(self, email: Email) -> tuple[str, ...]:
        """Where the recipient may object: the message's own addresses, else the configured ones;
        a configured mailto: beside either (RFC 8058 wants one https: address at most)."""
        configured = tuple(
            each.replace("{reference}", email.reference)
            for each in self._unsubscribe
            if each.startswith("mailto:") or not email.unsubscribe
        )
        return email.unsubscribe + configured

    async def _submit(self, to: str, content: bytes, progress: Progress) -> None:
        async with self._pool.begun(self._sender.address, len(content)) as session:
            await session.rcpt(to)
            await session.data(content, progress)

    async def aclose(self) -> None:
        self._pool.close()


def _cause(error: BaseException) -> str:
    """The class that says most: the network's own behind aiosmtplib's."""
    cause = None if isinstance(error, TimeoutError) else error.__cause__
    return type(cause or error).__name__


def is_address(text: str) -> bool:
    return len(text) <= 254 and _ADDRESS.fullmatch(text) is not None


def sorted_refusal(reply: Reply) -> SendError:
    """What must happen next after an answer that is no "yes"."""
    if reply.code in CREDENTIALS:
        return Misconfigured(str(reply))
    if not 400 <= reply.code < 600:  # no answer SMTP knows here
        return (Unknown if reply.stage == "dot" else NotSent)(str(reply))
    if reply.code < 500:
        return NotSent(str(reply))
    if reply.stage == "hello" or (reply.stage == "mail" and not _too_big(reply)):
        return Misconfigured(str(reply))  # us or our sender, whoever the recipient is
    if reply.stage == "rcpt" and _is_dead(reply):
        return BadRecipient(str(reply))
    return Refused(str(reply))


def _too_big(reply: Reply) -> bool:
    return reply.status in TOO_BIG or reply.code == 552


def _is_dead(reply: Reply) -> bool:
    if reply.status:
        return reply.status in DEAD_ADDRESS
    return reply.code in DEAD_ADDRESS_BARE


def _mailbox(text: str) -> Mailbox:
    named = _NAMED.fullmatch(text)
    return Mailbox(named[2], named[1].strip('"')) if named else Mailbox(text.strip())


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _server(options: Options, wiring: Wiring, domain: str) -> Server:
    tls = options.security == "tls"
    password = options.password
    return Server(
        host=options.host,
        port=options.port or (465 if tls else 587),
        helo=options.helo or domain,
        context=None if options.security == "none" else _trust(wiring),
        tls_at_once=tls,
        username=options.username,
        password=password.get_secret_value() if password is not None else None,
    )


def _trust(wiring: Wiring) -> ssl.SSLContext:
    """The system's roots and the hospital's own CA; names are checked."""
    context = ssl.create_default_context()
    if wiring.ca_file is not None:
        try:
            context.load_verify_locations(wiring.base_dir / wiring.ca_file)
        except OSError:  # ssl.SSLError is one
            raise ConfigurationError(
                [
                    Problem(
                        "ca_file",
                        "certificat d'autorité illisible",
                        "indiquer un fichier PEM lisible",
                    )
                ]
            ) from None
    return context
