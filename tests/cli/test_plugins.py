"""A hospital's own adapter, brought by a wheel of its own, is found by its entry point."""

from pathlib import Path

import pytest

from tests.support.desk import SITE, Desk

METADATA = "Metadata-Version: 2.1\nName: maison\nVersion: 1.0\n"
ENTRY_POINTS = """\
[reminders.dpi]
maison = maison:source
gone = maison:gone

[reminders.sms]
maison = maison:sender
"""
MODULE = '''
"""As a hospital would write it: ports, domain and errors only."""
from datetime import UTC, datetime

from reminders.domain.appointment import AppointmentRecord, PatientRecord, ContactPoint, Status
from reminders.errors import ConfigurationError, Problem
from reminders.ports import Accepted, Capabilities, FeedInfo, Received


class Feed:
    def __init__(self, now):
        self.info = FeedInfo("maison", now, "snapshot")

    def rows(self):
        yield AppointmentRecord(
            "R1", Status.BOOKED, datetime(2026, 10, 14, 7, 30, tzinfo=UTC),
            PatientRecord("P1", family="EXEMPLE", given="Léa",
                          contacts=(ContactPoint("phone", "06 39 98 00 12"),)),
            uf="4220",
        )

    def accept(self):
        pass

    def reject(self, reasons):
        pass


class Source:
    def feeds(self, *, now, since):
        yield Feed(now)

    def forget(self, *, before):
        return 0


class Sender:
    capabilities = Capabilities(receipts=False)

    async def send(self, sms):
        with open("boite.txt", "a") as box:
            box.write(sms.to + "\\n")
        return Accepted("1")

    async def lookup(self, reference):
        return None

    async def poll(self, provider_ids):
        return Received()

    def receive(self, callback):
        return Received()

    async def aclose(self):
        pass


def source(options, wiring):
    if set(options) - {"couleur"}:
        raise ConfigurationError([Problem("autre", "clé inconnue", "seule couleur est permise")])
    return Source()


def sender(options, wiring):
    return Sender()
'''


@pytest.fixture
def house(desk: Desk, tmp_path: Path) -> Desk:
    wheel = tmp_path / "wheel"
    info = wheel / "maison-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(METADATA, encoding="utf-8")
    (info / "entry_points.txt").write_text(ENTRY_POINTS, encoding="utf-8")
    (wheel / "maison.py").write_text(MODULE, encoding="utf-8")
    desk.environment["PYTHONPATH"] = str(wheel)
    return desk


def configure(house: Desk, *, dpi: str = "", mode: str = "live") -> None:
    tables = (
        f'[[dpi]]\nid = "a"\nkind = "maison"\n{dpi}\n'
        '[[sms]]\nid = "b"\nkind = "maison"\nbase_url = "http://127.0.0.1"\n'
    )
    house.configure(mode=mode, tables=SITE + tables)


def typed(house: Desk, *words: str) -> tuple[int, str, str]:
    process = house.start(*words)
    out, err = process.communicate(timeout=100)
    return process.returncode, out, err


def test_it_reads_and_sends_like_any_other(house: Desk) -> None:
    configure(house, dpi='couleur = "bleu"')
    at = ("--at", "2026-10-13T10:05")
    assert typed(house, "check")[0] == 0, typed(house, "check")
    first = typed(house, "run", *at)
    assert first[0] == 3, first
    assert typed(house, "release", "--yes", *at)[0] == 0
    code, out, err = typed(house, "run", *at)
    assert code == 0, (out, err)
    assert (house.folder / "boite.txt").read_text("utf-8") == "+33639980012\n"


def test_its_mistakes_are_told_with_their_line(house: Desk) -> None:
    configure(house, dpi="autre = 1")
    code, _, err = typed(house, "check")
    assert code == 2
    assert "dpi « a » › autre (ligne " in err
    assert "seule couleur est permise" in err


def test_one_that_does_not_load_is_told(house: Desk) -> None:
    configure(house)
    house.change('id = "a"\nkind = "maison"', 'id = "a"\nkind = "gone"')
    code, _, err = typed(house, "run")
    assert code == 2
    assert "l'adaptateur « gone » ne se charge pas (AttributeError)" in err
