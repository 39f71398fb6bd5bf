"""A small hospital for the proofs: its export, its configuration, its passes, its accounts.

Every patient has one appointment on Wednesday 14 October 2026 and is due one reminder, the
short one of the day before, from 10:00. Each has a number of their own, so that two entries of
the providers' ledger for one number are a duplicate, whatever else they say.
"""

import shutil
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from reminders.simulation.ledger import Entry
from reminders.store.engine import Record, Store, open_engine, rows
from reminders.store.types import micros
from tests.faults.processes import PATIENCE, TWILIO, Child, Ended, Provider
from tests.support.nursery import MAIN

PARIS = ZoneInfo("Europe/Paris")
TUESDAY = datetime(2026, 10, 13, 10, 5, tzinfo=PARIS)
A_PASS = timedelta(minutes=2)  # between two passes of the cron job: longer than any lease
UNDECIDED = timedelta(minutes=20)  # longer than an UNKNOWN waits for its receipt
HEADER = (
    "num_rdv;statut;date_rdv;heure_rdv;ipp;nom;prenom;date_naissance;tel_portable;email;"
    "code_uf;date_creation"
)
CONFIGURATION = """
mode = "live"
[store]
url = "{store}"
[web]
public_url = "http://127.0.0.1:{public_port}"
public_port = {public_port}
internal_port = {internal_port}
[delivery]
lease_seconds = {lease}
send_timeout_seconds = {timeout}
in_flight = {in_flight}
[[site]]
id = "sud"
name = "Centre hospitalier Exemple"
short_name = "CH Exemple"
phone = "01 99 00 12 34"
[[service]]
uf = "4220"
site = "sud"
label = "Consultations, accueil B2"
sensitivity = "normal"
[[dpi]]
id = "agenda"
kind = "csv"
path = "export/*.csv"
mode = "snapshot"
[[sms]]
id = "main"
kind = "twilio"
base_url = "{sms}"
account_sid = "{sid}"
auth_token = "{token}"
sender = "CHExemple"
max_per_second = {rate}
"""


@dataclass(frozen=True, slots=True)
class Patient:
    number: int
    hour: str = "14:30"
    day: str = "14/10/2026"
    status: str = "planifié"
    email: bool = False

    @property
    def phone(self) -> str:
        return f"+3363998{self.number:04d}"

    @property
    def address(self) -> str:
        return f"patient{self.number}@example.org" if self.email else ""

    def line(self) -> str:
        """Booked long ago: only the step of the day before is still to come."""
        return (
            f"R{self.number};{self.status};{self.day};{self.hour};I{self.number};FICTIF;"
            f"Camille;01/02/1960;0{self.phone[3:]};{self.address};4220;01/09/2026"
        )


def patients(count: int, first: int = 0) -> list[Patient]:
    return [Patient(number) for number in range(first, first + count)]


@dataclass(slots=True)
class Hospital:
    """One installation in one folder. `at` is the hour of its next pass."""

    folder: Path
    sms: Provider
    store_url: str = "sqlite:///hospital.db"
    lease: float = 1.0
    timeout: float = 0.8
    in_flight: int = 4
    rate: float = 0.0
    public_port: int = 1
    internal_port: int = 2
    mail: Provider | None = None
    at: datetime = TUESDAY
    _commands: int = field(default=0)
    _before: int = field(default=0)  # entries of the ledger that belong to earlier tests

    def __post_init__(self) -> None:
        self._before = len(self.sms.entries())
        (self.folder / "export").mkdir(parents=True, exist_ok=True)
        self.configure()

    def configure(self) -> None:
        text = CONFIGURATION.format(
            store=self.store_url,
            public_port=self.public_port,
            internal_port=self.internal_port,
            lease=self.lease,
            timeout=self.timeout,
            in_flight=self.in_flight,
            rate=self.rate,
            sms=self.sms.url,
            sid=TWILIO.account_sid,
            token=TWILIO.auth_token,
        )
        if self.mail is not None:
            text += (
                f'[email]\nkind = "smtp"\nhost = "127.0.0.1"\nport = {self.mail.port}\n'
                'security = "none"\nsender = "rdv@ch-exemple.example.org"\n'
            )
        (self.folder / "hospital.toml").write_text(text, encoding="utf-8")

    def exports(self, people: Sequence[Patient], name: str = "rdv.csv") -> None:
        """Put an export down as careful hospitals do: whole, then under its name."""
        text = "\r\n".join([HEADER, *(one.line() for one in people), ""])
        draft = self.folder / "export" / (name + ".tmp")
        draft.write_text(text, encoding="utf-8")
        draft.rename(self.folder / "export" / name)

    # --- its commands

    @contextmanager
    def starts(self, *arguments: str, point: str = "", program: str = MAIN) -> Iterator[Child]:
        self._commands += 1
        place = self.folder / f"command-{self._commands}"
        place.mkdir()
        config = ("--config", str(self.folder / "hospital.toml"))
        hour = ("--at", self.at.isoformat())
        child = Child([*arguments, *config, *hour], place, point, program)
        try:
            yield child
        finally:
            child.close()

    def command(self, *arguments: str) -> Ended:
        with self.starts(*arguments) as child:
            return child.ends()

    def passes(self, after: timedelta = A_PASS) -> Ended:
        """One pass of the daily run, `after` the one before."""
        ended = self.command("run", "--json")
        self.at += after
        assert ended.code in (0, 3), ended.err
        return ended

    def killed_at(self, point: str) -> bool:
        """One pass, killed by -9 at a named point. False: it ended without coming there."""
        with self.starts("run", "--json", point=point) as child:
            reached = child.dies_at_its_point()
        self._is_forgotten()
        self.at += A_PASS
        return reached

    def _is_forgotten(self) -> None:
        """Wait until PostgreSQL knows that who was killed is dead: until then its locks stand, and
        a pass that begins within milliseconds, as none of cron's does, finds one at work."""
        others = (
            "SELECT COUNT(*) AS n FROM pg_stat_activity WHERE datname = current_database() "
            "AND pid <> pg_backend_pid()"
        )
        deadline = time.monotonic() + PATIENCE
        while not self.store_url.startswith("sqlite") and self.asks(others)[0].n:
            assert time.monotonic() < deadline, "a dead process is still known"
            time.sleep(0.02)

    def opens(self) -> None:
        """The first pass of a live hospital is held until a person has looked."""
        assert self.passes().code == 3
        released = self.command("release", "--yes")
        assert released.code == 0, released.err

    def settles(self) -> None:
        """Passes until nothing moves any more, then what stays UNKNOWN is decided. What is planned
        for another day does not move."""
        tomorrow = micros(self.at + timedelta(days=1))
        moves = f"state IN ('LEASED', 'SENDING') OR state = 'PLANNED' AND opens_at < {tomorrow}"
        for _ in range(20):
            self.passes()
            if not self.count(moves):
                break
        self.at += UNDECIDED
        self.passes()

    # --- its accounts

    @contextmanager
    def store(self) -> Iterator[Store]:
        store = Store(open_engine(self.store_url, self.folder))
        try:
            yield store
        finally:
            store.close()

    def asks(self, sql: str, **values: object) -> list[Record]:
        with self.store() as store, store.read() as connection:
            return list(rows(connection, sql, **values))

    def count(self, condition: str) -> int:
        return int(self.asks(f"SELECT COUNT(*) AS n FROM message WHERE {condition}")[0].n)

    def submissions(self) -> list[Entry]:
        return self.sms.entries()[self._before :]

    def check(self, people: Sequence[Patient]) -> Counter[str]:
        """R1 and R2: no number was written to twice; whoever was not written to is UNKNOWN or on
        the staff list, and whoever was is not waiting to be written to again. Texts that answer
        a patient's own are counted apart, one a number."""
        answering = {
            row.reference
            for row in self.asks(
                "SELECT a.reference FROM attempt a JOIN message m ON m.id = a.message_id "
                "WHERE m.kind = 'ack'"
            )
        }
        told = self.submissions()
        answers = Counter(entry.to for entry in told if entry.reference in answering)
        assert not answers or max(answers.values()) == 1, "somebody was answered twice"
        entries = [entry for entry in told if entry.reference not in answering]
        twice = [to for to, times in Counter(entry.to for entry in entries).items() if times > 1]
        assert not twice, f"{len(twice)} numbers were written to twice"
        state = {
            row.recipient: row
            for row in self.asks(
                "SELECT m.id, m.recipient, m.state, d.appointment_id AS appointment "
                "FROM message m JOIN message_item i ON i.message_id = m.id "
                "JOIN decision d ON d.id = i.decision_id WHERE m.channel = 'sms' "
                "AND m.kind <> 'ack'"
            )
        }
        mailed = {entry.to for entry in self.mail.entries()} if self.mail else set()
        called = {row.subject for row in self.asks("SELECT subject FROM task WHERE state = 'open'")}
        written = {entry.to for entry in entries}
        fates: Counter[str] = Counter()
        for one in people:
            row = state[one.phone]
            listed = {f"message:{row.id}", f"appointment:{row.appointment}"} & called
            if one.phone in written:
                assert row.state in ("ACCEPTED", "DELIVERED", "UNKNOWN"), row.state
            else:
                assert row.state == "UNKNOWN" or listed, row.state
            if row.state == "UNKNOWN":
                assert listed or one.address in mailed, "an undecided message nobody is told of"
            fates[("in the ledger, " if one.phone in written else "") + row.state] += 1
        assert len(mailed) == len(self.mail.entries() if self.mail else ()), "mailed twice"
        self._check_texts(told)
        return fates

    def _check_texts(self, entries: Sequence[Entry]) -> None:
        """What each number received is what the store says was submitted to it."""
        kept = {
            row.reference: (row.address, row.body)
            for row in self.asks("SELECT reference, address, body FROM attempt")
        }
        for entry in entries:
            assert kept[entry.reference] == (entry.to, entry.text)


def copy_of(template: Hospital, folder: Path, sms: Provider) -> Hospital:
    """Another hospital with the same database, closed at the same moment."""
    copied = Hospital(folder, sms, at=template.at, in_flight=template.in_flight)
    for name in ("hospital.db", "hospital.db-wal"):
        if (template.folder / name).exists():
            shutil.copyfile(template.folder / name, folder / name)
    return copied
