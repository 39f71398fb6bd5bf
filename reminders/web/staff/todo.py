"""What people must do: their lists, one task with all around it, and what becomes of it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

from fastapi import Response

from reminders.domain.access import May, narrowed
from reminders.domain.reply import interpret
from reminders.domain.worklist import TRIES, Ending
from reminders.services import worklist
from reminders.services.tabs import (
    COUNTED,
    Place,
    colleagues,
    next_after,
    of_viewer,
    tab,
)
from reminders.services.task_context import context
from reminders.services.worklist import TaskRefused, tend
from reminders.store.engine import Record
from reminders.store.types import instant
from reminders.web.staff import todo_words as say
from reminders.web.staff.asked import address, cursor, dotted, service_of, services
from reminders.web.staff.visit import Route, Visit

HOME = "/a-traiter"
TABS = {  # in the address: (name, what is asked of the store)
    "miennes": "mine",
    "services": "open",
    "retard": "late",
    "faites": "done",
}
FIRST = "services"


@dataclass(frozen=True, slots=True)
class Shelf:
    """Where in the lists a person is: kept in every address and form of these pages."""

    tab: str
    service: str
    after: str = ""

    def to(self, task: int | None = None, **more: object) -> str:
        path = HOME if task is None else f"{HOME}/{task}"
        tab = "" if self.tab == FIRST else self.tab
        return address(path, onglet=tab, service=self.service, apres=self.after, **more)

    @property
    def name(self) -> str:
        return TABS[self.tab]


def tasks(visit: Visit) -> Response:
    return visit.page("todo/list.html", **_list(visit, _place(visit)))


def task(visit: Visit) -> Response:
    return _shown(visit, chosen=visit.query.get("fin", ""))


def _shown(visit: Visit, status: int = 200, **typed: Any) -> Response:
    staff, place = visit.staff, _place(visit)
    key = int(visit.path["task"])
    found = context(staff.store, staff.rules, staff.secret, key, _scope(visit, May.SEE_TASKS))
    if found is None:
        return visit.missing(visit.words.gettext(say.GONE))
    visit.saw("task.view", f"task:{key}")
    reply = found.reply
    return visit.page(
        "todo/task.html", status, **_list(visit, place), one=found, row=found.task,
        about=found.about, can=_may_do(visit, found.task), mine=found.task.assignee,
        why=interpret(reply.body).why if reply else "", say=say, instant=instant,
        **{"problem": "", "chosen": "", "which": "", **typed},
    )  # fmt: skip


def _list(visit: Visit, place: Shelf) -> dict[str, Any]:
    """A tab's page, and the numbers of all."""
    staff = visit.staff
    found = tab(
        staff.store, staff.rules, place.name, _ufs(visit, place.service),
        me=visit.viewer.login, after=_after(place), now=visit.now,
    )  # fmt: skip
    return {
        "place": place,
        "tabs": [
            (_tab(place, name), visit.words.gettext(say.TABS[name]),
             _number(found.counts[asked]), name == place.tab)
            for name, asked in TABS.items()
        ],
        "tasks": found.tasks,
        "line": _line(visit, place),
        "following": (
            Shelf(place.tab, place.service, dotted(found.after)).to() if found.after else ""
        ),
        "services": services(visit, May.SEE_TASKS),
        "first": Shelf(place.tab, place.service).to() if place.after else "",
        "done_before": _done_before(visit),
        "empty": visit.words.gettext(say.EMPTY[place.tab]),
    }  # fmt: skip


def _tab(place: Shelf, name: str) -> str:
    return Shelf(name, place.service).to()


def _number(count: int) -> str:
    return f"{COUNTED - 1}+" if count >= COUNTED else str(count)


def _line(visit: Visit, place: Shelf) -> Callable[[Record], dict[str, Any]]:
    """What a line of the list says of a task."""
    words, offices = visit.words, visit.staff.rules.offices

    def told(row: Record) -> dict[str, Any]:
        office = offices.get(row.uf)
        starts = getattr(row, "starts_at", None)
        return {
            "tone": say.TONES[row.priority],
            "priority": words.gettext(say.PRIORITIES[row.priority]),
            "deadline": say.deadline(words, row),
            "late": say.is_late(row, visit.now),
            "service": office.label if office else row.uf,
            "patient": " ".join(
                one for one in (getattr(row, "family", ""), getattr(row, "given", "")) if one
            ),
            "when": words.moment(instant(starts)) if starts is not None else "",
            "ending": words.gettext(say.ENDINGS.get(row.resolution, "")) if row.resolution else "",
            "to": place.to(row.id),
            "mine": row.assignee == visit.viewer.login,
        }

    return told


def _done_before(visit: Visit) -> int:
    """The task that was just ended, which may be opened again."""
    text = visit.query.get("fait", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0


# --- what is done --------------------------------------------------------------------------------


def take(visit: Visit) -> Response:
    return _do(visit, lambda key: worklist.take(
        visit.staff.store, key, visit.viewer.login, now=visit.now
    ))  # fmt: skip


def release(visit: Visit) -> Response:
    return _do(visit, lambda key: worklist.release(
        visit.staff.store, key, visit.viewer.login, now=visit.now
    ))  # fmt: skip


def reopen(visit: Visit) -> Response:
    staff, row = visit.staff, _own(visit)
    if row is None:
        return visit.missing(visit.words.gettext(say.GONE))
    try:
        found = worklist.reopen(
            staff.store, staff.secret, row.id, visit.viewer.login, now=visit.now
        )
    except TaskRefused as refused:
        return _refused(visit, refused)
    tend(staff.store, staff.rules, now=visit.now)
    staff.changed()
    return visit.go(_place(visit).to(row.id), visit.words.gettext(say.REOPENED[found]))


def resolve(visit: Visit) -> Response:
    """End the task as the form says, and go to the next one."""
    staff, form = visit.staff, visit.form
    row = _own(visit)
    if row is None:
        return visit.missing(visit.words.gettext(say.GONE))
    ending = next((one for one in Ending if one.value == form.get("fin")), None)
    if ending is None:
        return _shown(visit, 422, problem=visit.words.gettext(say.CHOOSE))
    about, version = _read(visit, row)
    try:
        worklist.resolve(
            staff.store, staff.secret, row.id, ending, visit.viewer.login,
            appointment=about, version=version, now=visit.now,
        )  # fmt: skip
    except TaskRefused as refused:
        return _refused(visit, refused, chosen=ending.value, which=about)
    if ending in TRIES:  # when it comes back
        tend(staff.store, staff.rules, now=visit.now)
    staff.changed()
    visit.saw("task.end", f"task:{row.id}", ending.value)
    noted = say.TRIED if ending in TRIES else say.NOTED
    return _next(visit, row, visit.words.gettext(noted) % {
        "ending": visit.words.gettext(say.ENDINGS[ending.value])
    }, fait="" if ending in TRIES else row.id)  # fmt: skip


def _read(visit: Visit, row: Record) -> tuple[int | None, int]:
    """The appointment the form names and the version it showed, « 12.3 ». One not shown cannot be
    named; a form that names none has read none."""
    staff, named = visit.staff, cursor(visit.form.get("rdv", ""), 2)
    if not named:
        return None, 0
    found = context(staff.store, staff.rules, staff.secret, row.id, _scope(visit, May.DO_TASKS))
    shown = [one.id for one in found.about] if found else []
    return (named[0] if named[0] in shown else 0), named[1]


def hand_over_page(visit: Visit) -> Response:
    row = of_viewer(
        visit.staff.store, visit.staff.rules, visit.path["task"], _scope(visit, May.DO_TASKS)
    )
    if row is None:
        return visit.missing(visit.words.gettext(say.GONE))
    return _hand_over_form(visit, row)


def _hand_over_form(visit: Visit, row: Record, status: int = 200, problem: str = "") -> Response:
    rules = visit.staff.rules
    able = colleagues(visit.staff.store, rules, row.uf)
    able.pop(visit.viewer.login, None)
    offices = sorted(((one.label, uf) for uf, one in rules.offices.items()), key=lambda one: one[0])
    return visit.page(
        "todo/hand_over.html", status, row=row, place=_place(visit), people=able,
        offices=[(uf, label) for label, uf in offices], typed=visit.form, problem=problem,
        line=_line(visit, _place(visit)),
    )  # fmt: skip


def hand_over(visit: Visit) -> Response:
    """To a service, to a colleague who may do its tasks, or to oneself."""
    staff, form = visit.staff, visit.form
    row = _own(visit)
    if row is None:
        return visit.missing(visit.words.gettext(say.GONE))
    to, uf = form.get("a", ""), form.get("uf", "")
    uf = "" if uf == row.uf else uf
    if not to and not uf:
        return _hand_over_form(visit, row, 422, visit.words.gettext(say.TO_WHOM))
    if uf and uf not in staff.rules.offices:
        return _hand_over_form(visit, row, 422, visit.words.gettext(say.NO_SERVICE))
    if to and to not in colleagues(staff.store, staff.rules, uf or row.uf):
        return _hand_over_form(visit, row, 422, visit.words.gettext(say.NO_RIGHT))
    try:
        worklist.hand_over(
            staff.store, staff.rules, row.id, visit.viewer.login, to=to, uf=uf, now=visit.now
        )
    except TaskRefused as refused:
        return _refused(visit, refused)
    tend(staff.store, staff.rules, now=visit.now)
    if to == visit.viewer.login:  # taken over from a colleague, what was chosen kept
        return visit.go(_place(visit).to(row.id, fin=form.get("fin", "")))
    return _next(visit, row, visit.words.gettext("La tâche est passée."))


def _do(visit: Visit, verb: Callable[[int], None]) -> Response:
    row = _own(visit)
    if row is None:
        return visit.missing(visit.words.gettext(say.GONE))
    try:
        verb(row.id)
    except TaskRefused as refused:
        return _refused(visit, refused)
    return visit.go(_place(visit).to(row.id))


def _refused(visit: Visit, refused: TaskRefused, **typed: Any) -> Response:
    """Somebody was quicker, or it cannot be: why, with what was chosen still there."""
    key = int(visit.path["task"])
    row = of_viewer(visit.staff.store, visit.staff.rules, key, _scope(visit, May.SEE_TASKS))
    sentence = visit.words.gettext(say.REFUSED.get(refused.code, say.REFUSED["invalid"]))
    who = "" if row is None else row.doer if row.state == "done" else row.holder
    return _shown(visit, 409, problem=sentence % {"name": who or "…"}, **typed)


def _next(visit: Visit, row: Record, said: str, **more: object) -> Response:
    place = _place(visit)
    following = next_after(
        visit.staff.store, visit.staff.rules, place.name, _ufs(visit, place.service), row,
        me=visit.viewer.login, now=visit.now,
    )  # fmt: skip
    here = Shelf(place.tab, place.service)
    return visit.go(here.to(following, **more), said)


# --- parts ---------------------------------------------------------------------------------------


def _place(visit: Visit) -> Shelf:
    asked = visit.form if visit.request.method == "POST" else visit.query
    chosen = asked.get("onglet", "")
    return Shelf(
        chosen if chosen in TABS else FIRST,
        service_of(visit, May.SEE_TASKS, asked.get("service", "")),
        dotted(cursor(asked.get("apres", ""), 3)),
    )


def _after(place: Shelf) -> Place | None:
    return cast("Place | None", cursor(place.after, 3))


def _scope(visit: Visit, may: May) -> frozenset[str] | None:
    return visit.viewer.ufs(may)


def _ufs(visit: Visit, service: str) -> frozenset[str] | None:
    return narrowed(visit.viewer.ufs(May.SEE_TASKS), [service] if service else [])


def _own(visit: Visit) -> Record | None:
    """The task of the address, if this person may do it."""
    return of_viewer(
        visit.staff.store, visit.staff.rules, visit.path["task"], _scope(visit, May.DO_TASKS)
    )


def _may_do(visit: Visit, row: Record) -> bool:
    held = visit.viewer.ufs(May.DO_TASKS)
    return worklist.scope_of(visit.staff.rules, held).holds(row)


_TASK = HOME + "/{task:int}"
ROUTES = (
    Route("GET", HOME, May.SEE_TASKS, tasks),
    Route("GET", _TASK, May.SEE_TASKS, task),
    Route("POST", f"{_TASK}/prendre", May.DO_TASKS, take),
    Route("POST", f"{_TASK}/rendre", May.DO_TASKS, release),
    Route("POST", f"{_TASK}/terminer", May.DO_TASKS, resolve),
    Route("GET", f"{_TASK}/passer", May.DO_TASKS, hand_over_page),
    Route("POST", f"{_TASK}/passer", May.DO_TASKS, hand_over),
    Route("POST", f"{_TASK}/rouvrir", May.DO_TASKS, reopen),
)
