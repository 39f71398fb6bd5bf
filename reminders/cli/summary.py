"""What one pass did: for a tired administrator at six, and for a program."""

from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from reminders.cli.common import MODES, amount, out
from reminders.cli.errors import DONE, HELD, REPAIR, errors
from reminders.config import Settings
from reminders.engine.tasks import Pass
from reminders.services.story import STATES
from reminders.services.sync import FeedSummary

STATUSES = {
    "accepted": "appliqué",
    "known": "déjà appliqué",
    "refused": "REFUSÉ",
    "held": "RETENU",
    "unavailable": "INACCESSIBLE",
}
ANSWERS = {
    "ACCEPTED": ("pris par l'opérateur", "pris par les opérateurs"),
    "REFUSED": ("refusé", "refusés"),
    "NOT_SENT": ("essai sans départ", "essais sans départ"),
    "UNKNOWN": ("peut-être parti", "peut-être partis"),
}
PROBLEMS_SHOWN = 10


def exit_code(done: Pass) -> int:
    """3 held, 1 an administrator must repair something, 0 done (tasks are in the summary)."""
    if done.held:
        return HELD
    return REPAIR if any(map(needs_repair, done.feeds)) or done.misconfigured else DONE


def needs_repair(feed: FeedSummary) -> bool:
    """An input that was only overtaken by a newer one asks nothing of anybody."""
    return feed.status in ("refused", "unavailable") and feed.code != "older"


def summary_of(done: Pass, settings: Settings) -> dict[str, object]:
    """Counts and codes only: nothing here names anybody."""
    return {
        "mode": settings.mode,
        "feeds": [
            {
                "source": feed.source,
                "name": feed.name,
                "status": feed.status,
                "code": feed.code,
                "rows": feed.rows,
                "problems": feed.problem_count,
                "created": feed.created,
                "changed": feed.changed,
                "vanished": feed.vanished,
            }
            for feed in done.feeds
        ],
        "patients_planned": done.plan.patients,
        "messages_planned": done.plan.planned,
        "withdrawn": done.plan.withdrawn,
        "suppressed": dict(done.plan.suppressed),
        "answers": dict(done.sent.answers),
        "rehearsed": done.sent.rehearsed,
        "repaired": done.repaired,
        "messages_today": done.today,
        "tasks_open": done.tasks_open,
        "held": [{"source": one.source_id, "code": one.code} for one in done.held],
        "purged": done.purged.total if done.purged else 0,
    }


def print_summary(done: Pass, settings: Settings) -> None:
    """One line a question: what came in, what is planned, what left, what waits for somebody."""
    _line("Mode", MODES[settings.mode])
    if not done.feeds:
        _line("Source", "rien de neuf à lire")
    tell_feeds(done.feeds)
    _line("Plan", _plan(done))
    _line("Envois", _sent(done))
    if done.today:
        told = STATES | (
            {"SUPPRESSED": STATES["REHEARSED"]} if settings.mode == "rehearsal" else {}
        )
        words = (f"{number} {told.get(state, state)}" for state, number in done.today.items())
        _line("Aujourd'hui", ", ".join(words))
    _line("À traiter", amount(done.tasks_open, "tâche ouverte", "tâches ouvertes"))
    if done.misconfigured:
        errors.print(
            "À RÉPARER    un opérateur refuse nos identifiants ou notre expéditeur : corriger sa "
            "table dans la configuration. Rien n'est perdu, les messages attendent."
        )
    for one in done.held:
        source = f"source « {one.source_id} »" if one.source_id else "tous les envois"
        errors.print(Text(f"RETENU       {source} : {one.sentence}"))
    if done.held:
        errors.print("             Voir ce qui attend et reprendre : reminders release")


def _line(title: str, text: str) -> None:
    out.print(Text(f"{title:<13}{text}"))


def tell_feeds(feeds: Sequence[FeedSummary], *, to: Console = out) -> None:
    """Each input, and the first rows of it that could not be read."""
    for feed in feeds:
        name = feed.name if feed.name.startswith(feed.source) else f"{feed.source} {feed.name}"
        status = "écarté" if feed.code == "older" else STATUSES[feed.status]
        what = feed.sentence or _counts(feed)
        to.print(Text(f"{'Source':<13}{name.strip()} : {status} — {what}"))
        for note in feed.notes if feed.status == "accepted" else ():
            to.print(Text(f"{'':<13}À savoir : {note}"))
        for problem in feed.problems[:PROBLEMS_SHOWN]:
            place = f"ligne {problem.row}" + (f", {problem.column}" if problem.column else "")
            to.print(Text(f"{'':<13}{place} : {problem.sentence}"))
        more = feed.problem_count - min(len(feed.problems), PROBLEMS_SHOWN)
        if more > 0:
            to.print(
                f"{'':<13}… et {amount(more, 'autre ligne écartée', 'autres lignes écartées')}"
            )


def _counts(feed: FeedSummary) -> str:
    if feed.status == "known":
        return "même contenu que la dernière fois"
    parts = [
        f"{feed.rows} rendez-vous",
        amount(feed.created, "nouveau", "nouveaux"),
        amount(feed.changed, "modifié", "modifiés"),
    ]
    if feed.vanished:
        parts.append(amount(feed.vanished, "disparu", "disparus"))
    if feed.problem_count:
        parts.append(amount(feed.problem_count, "ligne écartée", "lignes écartées"))
    return ", ".join(parts)


def _plan(done: Pass) -> str:
    plan = done.plan
    if not plan.patients:
        return "rien de changé"
    return (
        f"{amount(plan.planned, 'message prévu ou revu', 'messages prévus ou revus')}, "
        f"{amount(plan.withdrawn, 'retiré', 'retirés')}"
    )


def _sent(done: Pass) -> str:
    parts = [amount(number, *ANSWERS[name]) for name, number in sorted(done.sent.answers.items())]
    if done.sent.rehearsed:
        parts.append(amount(done.sent.rehearsed, "répété sans partir", "répétés sans partir"))
    if done.held and not parts:
        return "rien : les envois sont retenus"
    return ", ".join(parts) or "rien à envoyer maintenant"
