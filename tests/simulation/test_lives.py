"""A small simulated hospital lived in by the real service, over the real protocols."""

import re
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal

import pytest

from reminders.cli.living import Scene, Working, inhabited
from reminders.cli.serving import listening
from reminders.clock import SimulatedClock
from reminders.simulation.client import LedgerSummary
from reminders.simulation.demo import START
from reminders.simulation.driver import Counts, Life, live
from reminders.simulation.ledger import Entry, read

SMALL = Scene(seed=7, start=START, days=3, patients=150, busy=0.2)


async def lived(
    scene: Scene, *, mode: Literal["live", "rehearsal"] = "live"
) -> tuple[Life, list[Entry]]:
    """The whole life and the providers' ledger."""
    clock = SimulatedClock(scene.start)
    until = scene.start + timedelta(days=scene.days)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        async with (
            inhabited(scene, clock, folder, mode=mode) as (world, application),
            listening(application),
        ):
            life = await live(Working(application), world, clock, until)
            truth = await world.truth(scene.start, until)
        assert life.outcomes["no-show"] <= truth["missed"] <= truth["without"]
        if mode == "rehearsal":  # nobody was told anything: nothing was changed
            assert truth["missed"] == truth["without"]
        return life, list(read(folder / "ledger.jsonl"))


@pytest.mark.anyio
async def test_the_service_and_the_providers_tell_the_same_story() -> None:
    life, ledger = await lived(SMALL)
    assert life.differences() == []
    left = [entry for entry in ledger if entry.channel == "sms"]
    assert life.ledger.accepted("sms") == len(left) > 30
    assert life.service.messages["sms", "DELIVERED"] > 30
    assert life.service.receipts > 30
    assert life.service.replies > 0
    assert life.service.outcomes["attended"] > 10
    assert life.service.held == 0
    # Accidents happened (too many requests, refused credentials) and another provider helped.
    assert life.ledger.providers.keys() >= {"twilio", "ovh"}
    # Nobody is told of one day twice on one day (two answers may be thanked for alike).
    about = [(*told_as(entry), entry.at[:10]) for entry in ledger if "/10" in entry.text]
    assert len(about) > 30
    assert len(set(about)) == len(about)


@pytest.mark.anyio
async def test_one_seed_gives_one_life_and_another_seed_another() -> None:
    short = replace(SMALL, days=2)
    first, ledger = await lived(short)
    again, same = await lived(short)
    other, _ = await lived(replace(short, seed=8))
    assert (again.service, again.ledger, again.outcomes) == (
        first.service,
        first.ledger,
        first.outcomes,
    )
    assert told(same) == told(ledger)
    assert (other.service, other.outcomes) != (first.service, first.outcomes)


def told(ledger: list[Entry]) -> list[tuple[str, str, str]]:
    """Who was told what, by whom, in order of neither."""
    return sorted(told_as(entry) for entry in ledger)


def told_as(entry: Entry) -> tuple[str, str, str]:
    """What is random on purpose, references and links, left out."""
    return entry.provider, entry.to, re.sub(r"https?://\S+", "…", entry.text)


@pytest.mark.anyio
async def test_in_rehearsal_nobody_is_written_to_and_everything_is_decided() -> None:
    life, ledger = await lived(SMALL, mode="rehearsal")
    assert ledger == []
    assert life.differences() == []
    assert life.service.messages["sms", "SUPPRESSED"] > 30


@pytest.mark.nightly
@pytest.mark.anyio
@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_reminders_bring_patients_and_early_cancellations(seed: int) -> None:
    scene = Scene(seed, START, 42, faults=False)
    on, _ = await lived(scene)
    off, _ = await lived(scene, mode="rehearsal")
    assert on.differences() == off.differences() == []
    assert missed(on) < 0.85 * missed(off)
    assert on.outcomes["cancelled-early"] > off.outcomes["cancelled-early"]


def missed(life: Life) -> float:
    no_shows = life.outcomes["no-show"]
    return no_shows / (no_shows + life.outcomes["attended"])


def account(
    *, service: Mapping[str, int] | None = None, receipts: int = 0, replies: int = 0
) -> Counts:
    messages = {("sms", state): count for state, count in (service or {}).items()}
    return Counts(0, messages, replies, {}, receipts=receipts)


def life_of(
    counts: Counts,
    ledger: Mapping[tuple[str, str], int],
    outcomes: Mapping[str, int] | None = None,
) -> Life:
    now = datetime.fromisoformat("2026-10-13T10:00+02:00")
    return Life(now, now, counts, LedgerSummary(dict(ledger), {}, 0, 0), outcomes or {}, 1)


@pytest.mark.parametrize(
    ("hospital", "agrees"),
    [
        ({"cancelled-early": 1, "cancelled-late": 2}, True),  # one was told to us before
        ({"cancelled-early": 2, "cancelled-late": 1}, True),
        ({"cancelled-early": 3}, False),  # the desk cannot know before the patient says so
        ({"cancelled-early": 2, "cancelled-late": 2}, False),
        ({"cancelled-early": 2, "no-show": 1}, False),
    ],
)
def test_a_cancellation_may_only_count_sooner_at_the_service(
    hospital: Mapping[str, int], agrees: bool
) -> None:
    counted = replace(account(), outcomes={"cancelled-early": 2, "cancelled-late": 1})
    assert (life_of(counted, {}, hospital).differences() == []) is agrees


def test_a_message_only_the_ledger_knows_is_a_difference() -> None:
    assert life_of(account(), {("sms", "accepted"): 1}).differences()


def test_a_message_only_the_service_calls_delivered_is_a_difference() -> None:
    assert life_of(account(service={"DELIVERED": 1}), {}).differences()


def test_a_message_perhaps_sent_may_be_in_the_ledger_or_not() -> None:
    perhaps = account(service={"UNKNOWN": 1})
    assert life_of(perhaps, {}).differences() == []
    assert life_of(perhaps, {("sms", "accepted"): 1}).differences() == []
    assert life_of(perhaps, {("sms", "accepted"): 2}).differences()


def test_receipts_and_replies_are_compared_as_well() -> None:
    assert life_of(account(), {}).differences() == []
    assert life_of(account(receipts=1), {}).differences()
    assert life_of(account(replies=1), {}).differences()
