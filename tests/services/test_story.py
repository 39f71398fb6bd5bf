"""`why`: the whole story of an appointment, in French a person reads without a manual."""

import ast
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from reminders.domain.appointment import CancelledBy, Status
from reminders.domain.outbox import State
from reminders.errors import FeedRefused
from reminders.ports import InboundSms, Receipt, ReceiptState, Received
from reminders.services.receive import receive
from reminders.services.story import REASONS, STATES, Story, stories_of
from reminders.services.tasks import CALLS, DOUBTS, SENTENCES
from reminders.store.engine import Store, insert_rows
from reminders.store.types import micros
from tests.support.clinic import PARIS, Clinic, visit

CODE = Path(__file__).parents[2] / "reminders"
WORD = re.compile(r"[a-z]+(_[a-z]+)*")
NAMED = re.compile(r"reason|problem")


# --- every code has its words -----------------------------------------------------------------


def constants(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


PLANNING = ("protocol", "caps", "interval", "booking", "recipient", "patient")
TOLD_BY_THE_PLAN = {"deceased", "merged"}  # words of a patient's row, given in services/plan.py
NO_REASONS = {"failed", "parent", "guardian", "sms", "email"}


def of_decisions() -> set[str]:
    """What the planning rules return, assign or pass on as a reason."""
    found: set[str] = set()
    for name in PLANNING:
        path = CODE / "domain" / f"{name}.py"
        for node in ast.walk(ast.parse(path.read_text())) if path.exists() else ():
            found |= {word for place in _reasons_in(node) for word in constants(place)}
    return {code for code in found if WORD.fullmatch(code)} - NO_REASONS | TOLD_BY_THE_PLAN


def _reasons_in(node: ast.AST) -> Iterator[ast.AST]:
    match node:
        case ast.Call(func=ast.Name(id="_suppressed" | "_whole"), args=args):
            yield from args
        case ast.Call(args=args):
            yield from (one for one in args if any("_" in word for word in constants(one)))
        case ast.keyword(arg="reason", value=value):
            yield value
        case ast.Assign(targets=[target], value=value) if NAMED.search(ast.unparse(target)):
            yield value
        case ast.FunctionDef(returns=ast.Name(id="str"), body=body):
            for inner in (one for statement in body for one in ast.walk(statement)):
                if isinstance(inner, ast.Return) and inner.value is not None:
                    yield inner.value


def of_messages() -> set[str]:
    """What statements and the services write as the reason of a message or attempt."""
    found: set[str] = set()
    for path in [*CODE.glob("store/*.py"), *CODE.glob("services/*.py")]:
        text = path.read_text()
        if path.name not in ("holds.py", "sources.py"):
            found |= set(re.findall(r"(?:\bcode|\breason) = '([a-z_]+)'", text))
        found |= set(re.findall(r'"reason": "([a-z_]+)"', text))
        found |= set(re.findall(r'(?<!, )\breason = "([a-z_]+)"', text))
    return found


def of_texts() -> set[str]:
    """Why a text cannot be composed when it is about to leave."""
    found: set[str] = set()
    for name in ("services/compose.py", "rendering.py"):
        found |= set(
            re.findall(r'(?:TemplateError|NoTemplate)\(\s*"([a-z_]+)"', (CODE / name).read_text())
        )
    return found


def test_the_codes_are_found_in_the_code() -> None:
    """Else the test below would be content with nothing."""
    assert {
        "booked_late",
        "cap_day",
        "deceased",
        "no_moment_call",
        "landline_only",
    } <= of_decisions()
    assert {"no_result", "undecided", "leases"} <= of_messages()
    assert {"empty_variable", "no_template"} <= of_texts()


@pytest.mark.parametrize("code", sorted(of_decisions() | of_messages() | of_texts()))
def test_every_reason_has_a_sentence(code: str) -> None:
    sentence = REASONS.get(code, "")
    assert len(sentence) > 10, f"services/story.py does not say what {code!r} means"
    assert "_" not in sentence


def test_every_state_has_a_word() -> None:
    assert {state.value for state in State} <= set(STATES)
    assert {"NOT_SENT", "REHEARSED"} <= set(STATES)


def test_every_task_has_a_sentence() -> None:
    assert set(CALLS.values()) | set(DOUBTS) <= set(SENTENCES)
    for path in CODE.glob("services/*.py"):
        kinds = set(re.findall(r'_task\([^)"]*"([a-z_]+)"', path.read_text()))
        assert kinds <= set(SENTENCES), path.name


# --- a story ----------------------------------------------------------------------------------


def story(clinic: Clinic, number: int = 1) -> Story:
    (found,) = stories_of(clinic.store, f"R{number}", PARIS)
    return found


def told(clinic: Clinic, number: int = 1) -> list[str]:
    """Each line as it is printed."""
    return [
        entry.what + (f" — {entry.why}" if entry.why else "")
        for entry in story(clinic, number).entries
    ]


def test_a_plan_is_told_step_by_step_in_civil_time(store: Store) -> None:
    clinic = Clinic(store)
    clinic.read(visit(1, "2026-10-16 15:00"))
    clinic.plan()
    assert told(clinic) == [
        "lu de la source « agenda »",
        "étape J-7, version 1 : pas envoyé — son moment est passé",
        "étape J-3, version 1 : prévu par SMS (à partir du 13/10/2026 à 10:00)",
        "étape J-1, version 1 : prévu par SMS (à partir du 15/10/2026 à 10:00)",
    ]
    found = story(clinic)
    assert (found.source, found.status, found.uf, found.version) == ("agenda", "booked", "4220", 1)


def test_an_appointment_nobody_is_told_of_says_why(store: Store) -> None:
    clinic = Clinic(store)
    clinic.read(visit(1, uf="9999"), visit(2))
    clinic.plan()
    assert told(clinic)[1:] == [
        "rendez-vous entier, version 1 : pas envoyé — "
        "l'UF n'a pas de réglage : aucun message sans réglage",
    ]


def test_a_move_a_cancellation_and_their_withdrawals_are_told(store: Store) -> None:
    clinic = Clinic(store)
    clinic.read(visit(1, "2026-10-16 15:00"), visit(2))
    clinic.plan()
    clinic.now += timedelta(minutes=5)
    clinic.read(visit(1, "2026-10-17 15:00"), visit(2))
    clinic.plan()
    clinic.now += timedelta(minutes=5)
    off = visit(1, "2026-10-17 15:00", status=Status.CANCELLED, cancelled_by=CancelledBy.HOSPITAL)
    clinic.read(off, visit(2))
    clinic.plan()
    lines = told(clinic)
    assert any("de nouveau prévu (version 2)" in line for line in lines)
    assert "annulé dans le DPI" in lines
    first = [line for line in lines if line.startswith("étape J-1, version 1")]
    assert first[0].endswith("pas envoyé par SMS — remplacé : le rendez-vous a changé")
    second = [line for line in lines if line.startswith("étape J-1, version 2")]
    assert second[0].endswith("le rendez-vous n'est plus prévu dans le DPI")


def test_attempt_receipt_reply_and_task_are_told_without_a_whole_address(store: Store) -> None:
    clinic = Clinic(store)
    clinic.read(visit(1, "2026-10-13 15:00"))
    clinic.plan()
    clinic.now += timedelta(hours=2)
    at = micros(clinic.now)
    message = clinic.rows("SELECT id, recipient_key FROM message")[0]
    with store.write() as connection:
        insert_rows(
            connection,
            "attempt",
            ("id", "message_id", "reference", "provider", "channel", "address", "body", "state",
             "code", "provider_id", "started_at"),
            [(1, message.id, "r1", "main", "sms", "+33639980001", "x", "ACCEPTED", "", "SM1", at)],
        )  # fmt: skip
        insert_rows(
            connection,
            "told",
            ("attempt_id", "appointment_id", "starts_at"),
            [(1, clinic.appointment(1).id, at)],
        )
        insert_rows(
            connection,
            "task",
            ("id", "kind", "subject", "sentence", "created_at"),
            [(1, "bad_recipient", f"message:{message.id}", SENTENCES["bad_recipient"], at + 9)],
        )
    clinic.now += timedelta(minutes=1)
    reply = InboundSms("IN1", "+33639980001", "+33199001234", "OUI")
    receipt = Receipt("SM1:failed", ReceiptState.UNDELIVERED, provider_id="SM1", code="30003")
    receive(store, clinic.secret, "main", Received((receipt,), (reply,)), now=clinic.now)
    lines = told(clinic)
    assert "envoi r1 par « main » à 06 •• •• •• 01 : non remis — code « 30003 »" in lines
    assert "accusé de « main » : non remis — code « 30003 »" in lines
    assert "réponse du patient reçue" in lines
    assert any(line.startswith("tâche : L'adresse ne fonctionne pas") for line in lines)
    assert not any("0639980001" in line or "+33639980001" in line for line in lines)
    moments = [entry.at for entry in story(clinic).entries]
    assert moments == sorted(moment for moment in moments if moment is not None)


def test_an_erased_address_is_said_to_be_erased(store: Store) -> None:
    clinic = Clinic(store)
    clinic.read(visit(1))
    with store.write() as connection:
        insert_rows(
            connection,
            "attempt",
            ("id", "message_id", "reference", "provider", "state", "started_at"),
            [(1, 1, "r1", "main", "DELIVERED", 1)],
        )
        insert_rows(
            connection,
            "told",
            ("attempt_id", "appointment_id", "starts_at"),
            [(1, clinic.appointment(1).id, 1)],
        )
    assert "envoi r1 par « main » à adresse effacée : remis" in told(clinic)


def test_a_held_message_says_so(store: Store) -> None:
    clinic = Clinic(store)
    clinic.read(visit(1, "2026-10-13 15:00"))
    clinic.plan()
    clinic.now += timedelta(hours=2)
    clinic.read(fails_with=FeedRefused("truncated", "Fichier coupé."))
    clinic.leave()
    assert any(line.startswith("étape J-1, version 1 : retenu par SMS") for line in told(clinic))
    assert any(line.endswith("— envois suspendus") for line in told(clinic))


def test_each_source_that_uses_a_number_has_its_story(store: Store) -> None:
    clinic = Clinic(store)
    clinic.read(visit(1))
    clinic.read(visit(1), source="imagerie")
    assert [one.source for one in stories_of(store, "R1")] == ["agenda", "imagerie"]
    assert stories_of(store, "R404") == []
