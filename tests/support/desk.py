"""A hospital as its administrator has it: a folder with a configuration, exports and commands.

Commands run inside the test's process through the same function as `reminders` itself; `start`
runs one as a process of its own.
"""

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path

import pytest

from reminders.cli import execute
from tests.support.providers import TWILIO, Providers

MORNING = "2026-10-13T10:05"  # a Tuesday; the export of six o'clock is there
EXPORT = "agenda_20261013_060000.csv"
HEADER = (
    "NUM_RDV;STATUT;DATE_RDV;HEURE_RDV;IPP;NOM_NAISSANCE;PRENOM;DATE_NAISSANCE;SEXE;"
    "TEL_PORTABLE;EMAIL;CODE_UF;DATE_CREATION"
)
SITE = """
[[site]]
id = "sud"
name = "Centre hospitalier Exemple"
short_name = "CH Exemple"
phone = "01 99 00 12 34"

[[service]]
uf = "4220"
site = "sud"
label = "Consultations, accueil B2"
"""
CSV = """
[[dpi]]
id = "agenda"
kind = "csv"
path = "export/*.csv"
settle_seconds = 0
"""


def visit(
    number: int,
    *,
    date: str = "14/10/2026",
    hour: str = "9h30",
    given: str = "Léa",
    family: str = "EXEMPLE",
    mobile: str | None = None,
    email: str = "",
    uf: str = "4220",
    status: str = "Confirmé",
) -> str:
    """One line of an export; each number is somebody else unless told otherwise."""
    phone = f"06 39 98 {number // 100 % 100:02d} {number % 100:02d}" if mobile is None else mobile
    return (
        f"R{number};{status};{date};{hour};{number:07d};{family};{given};28/03/1979;F;"
        f"{phone};{email};{uf};01/09/2026 10:12"
    )


@dataclass(frozen=True)
class Answer:
    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()


class _Keyboard(StringIO):
    def __init__(self, answer: str | Callable[[], str]) -> None:
        super().__init__(answer if isinstance(answer, str) else "")
        self._typed = None if isinstance(answer, str) else answer

    def readline(self, size: int | None = -1) -> str:  # type: ignore[override]
        return super().readline() if self._typed is None else self._typed()


@dataclass
class Desk:
    folder: Path
    monkeypatch: pytest.MonkeyPatch
    peers: Providers | None = None
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def config(self) -> Path:
        return self.folder / "hospital.toml"

    @property
    def database(self) -> Path:
        return self.folder / "hospital.db"

    def configure(self, text: str = "", *, mode: str = "live", tables: str = SITE + CSV) -> None:
        """Write hospital.toml: `text` comes first (root keys and tables), then `tables`."""
        senders = "" if self.peers is None else self.senders()
        self.config.write_text(f'mode = "{mode}"\n{text}\n{tables}\n{senders}', encoding="utf-8")

    def senders(self) -> str:
        assert self.peers is not None
        return f"""
[[sms]]
id = "main"
kind = "twilio"
base_url = "{self.peers.sms_url}"
account_sid = "{TWILIO.account_sid}"
auth_token = "{TWILIO.auth_token}"
sender = "+33639989999"
replies = true
max_per_second = 0

[email]
host = "127.0.0.1"
port = {self.peers.smtp_port}
security = "none"
sender = "rdv@example.org"
"""

    def export(self, rows: Sequence[str], name: str = EXPORT) -> Path:
        file = self.folder / "export" / name
        file.parent.mkdir(exist_ok=True)
        file.write_text("\r\n".join([HEADER, *rows]) + "\r\n", encoding="utf-8")
        return file

    def run(self, *words: str, answer: str | Callable[[], str] | None = None) -> Answer:
        """One command, as typed in the folder; `answer` is what its user types, or what makes
        them type it at the moment they are asked."""
        out, err = StringIO(), StringIO()
        with self.monkeypatch.context() as patch:
            patch.chdir(self.folder)
            patch.setattr(sys, "stdout", out)
            patch.setattr(sys, "stderr", err)
            patch.setattr(sys, "stdin", _Keyboard(answer or ""))
            for name, value in self.environment.items():
                patch.setenv(name, value)
            code = execute(words)
        return Answer(code, out.getvalue(), err.getvalue())

    def run_at(
        self,
        *words: str,
        at: str = MORNING,
        answer: str | Callable[[], str] | None = None,
    ) -> Answer:
        return self.run(*words, "--at", at, answer=answer)

    def change(self, old: str, new: str) -> None:
        """Edit hospital.toml."""
        text = self.config.read_text(encoding="utf-8")
        assert old in text
        self.config.write_text(text.replace(old, new), encoding="utf-8")

    def start(self, *words: str, **options: int | None) -> "subprocess.Popen[str]":
        """The same as a process of its own."""
        return subprocess.Popen(
            [sys.executable, "-m", "reminders.cli", *words],
            cwd=self.folder,
            env=os.environ | self.environment,
            stdin=options.get("stdin", subprocess.DEVNULL),
            stdout=options.get("stdout", subprocess.PIPE),
            stderr=options.get("stderr", subprocess.PIPE),
            text=True,
        )
