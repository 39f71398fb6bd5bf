"""Who came: the day list of a service, a mark a line, filled in with one key."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any, cast

from fastapi import Response

from reminders.domain.access import May
from reminders.domain.marking import N_
from reminders.domain.outcome import Attendance
from reminders.services.attendance import Presence
from reminders.services.day_list import Agenda, Fate, Line, Wish, day_list, lines_of, mark_day
from reminders.web.staff.asked import address, cursor, day_of, dotted, today
from reminders.web.staff.visit import Route, Visit

HOME = "/presences"
REST = f"{HOME}/reste"
START = (-1, 0)
MOST = 100  # lines one form may mark
WORDS = {
    Presence.CAME: N_("venu"),
    Presence.ABSENT: N_("absent"),
    Presence.EXCUSED: N_("excusé"),
    Presence.CANCELLED: N_("annulé"),
    Presence.ASKED: N_("annulé par le patient, à entrer dans le DPI"),
    Presence.EXPECTED: N_("attendu"),
    Presence.TO_VALIDATE: N_("à renseigner"),
}
TONES = {
    Presence.CAME: "done",
    Presence.ABSENT: "problem",
    Presence.EXCUSED: "held",
    Presence.CANCELLED: "neutral",
    Presence.ASKED: "neutral",
    Presence.EXPECTED: "neutral",
    Presence.TO_VALIDATE: "waiting",
}
CHOICES = (  # (mark, its key, what the button says)
    (Attendance.CAME, "v", N_("venu")),
    (Attendance.ABSENT, "a", N_("absent")),
    (Attendance.EXCUSED, "x", N_("excusé")),
)
FATES = {
    Fate.CHANGED: N_("Quelqu’un a noté autre chose entre-temps : vérifier, puis enregistrer."),
    Fate.DPI: N_("Le DPI dit déjà ce qu’il en est : c’est lui qui compte, le corriger là-bas."),
    Fate.EARLY: N_("Ce rendez-vous n’a pas encore commencé."),
}
ALL = {
    Attendance.CAME: N_("venus"),
    Attendance.ABSENT: N_("absents"),
    Attendance.EXCUSED: N_("excusés"),
}


class Asked:
    """What the address or the form asks for."""

    def __init__(self, visit: Visit) -> None:
        asked = visit.form if visit.request.method == "POST" else visit.query
        self.day: date = day_of(visit, asked.get("jour", ""))
        self.today = today(visit)
        held = visit.viewer.ufs(May.MARK_ATTENDANCE)
        uf, parted, agenda = asked.get("liste", "").partition("|")
        self.uf = uf if held is None or uf in held else ""
        self.agenda = agenda if parted and self.uf else None
        self.rest = asked.get("reste", "") == "1"
        self.after = cast("tuple[int, int]", cursor(asked.get("apres", ""), 2) or START)

    @property
    def chosen(self) -> str:
        return self.uf if self.agenda is None else f"{self.uf}|{self.agenda}"

    def to(self, **changes: Any) -> str:
        day = changes.pop("day", self.day)
        known = {
            "jour": "" if day == self.today else day.isoformat(),
            "liste": self.chosen,
            "reste": "1" if self.rest else "",
        }
        return address(HOME, **{**known, **changes})


def day_page(visit: Visit) -> Response:
    return _shown(visit)


def _shown(
    visit: Visit,
    status: int = 200,
    *,
    fates: Mapping[int, Fate] | None = None,
    typed: Mapping[int, str] | None = None,
    problem: str = "",
) -> Response:
    asked, staff = Asked(visit), visit.staff
    found = day_list(
        staff.store, staff.rules, asked.day, staff.zone, visit.viewer.ufs(May.MARK_ATTENDANCE),
        uf=asked.uf, agenda=asked.agenda, silent=asked.rest, after=asked.after, now=visit.now,
    )  # fmt: skip
    visit.saw("attendance.view", "", asked.day.isoformat())
    mine = [one for one in found.agendas if _is_chosen(one, asked)]
    return visit.page(
        "attendance/day.html", status, asked=asked, lines=found.lines, lists=_lists(found.agendas),
        totals={name: sum(getattr(one, name) for one in mine) for name in
                ("number", "came", "absent", "excused", "silent")},
        before=asked.to(day=asked.day - timedelta(days=1)),
        after=asked.to(day=asked.day + timedelta(days=1)),
        now_day=asked.to(day=asked.today),
        first=asked.to() if asked.after != START else "",
        following=asked.to(apres=dotted(found.after)) if found.after else "",
        cursor=dotted(asked.after) if asked.after != START else "",
        rest=asked.to(reste="" if asked.rest else "1"),
        left=[one for one in found.lines if _is_left(one)], problem=problem,
        several=not asked.uf and len({one.uf for one in found.agendas}) > 1,
        **_line_words(visit, fates or {}, typed or {}),
    )  # fmt: skip


def _line_words(
    visit: Visit, fates: Mapping[int, Fate], typed: Mapping[int, str]
) -> dict[str, Any]:
    """What the template of one line needs."""
    words = visit.words
    offices = visit.staff.rules.offices

    def told(line: Line) -> str:
        if line.told_by == "dpi":
            return words.gettext("le DPI")
        return words.gettext("le patient") if line.told_by == "patient" else visit.who(line.told_by)

    return {
        "presence": WORDS, "tone": TONES, "choices": CHOICES, "told": told,
        "fate": {key: words.gettext(FATES[fate]) for key, fate in fates.items() if fate in FATES},
        "typed": typed,
        "service": lambda uf: offices[uf].label if uf in offices else uf,
        "Presence": Presence,
    }  # fmt: skip


def _is_chosen(one: Agenda, asked: Asked) -> bool:
    return asked.uf in ("", one.uf) and asked.agenda in (None, one.agenda)


def _is_left(line: Line) -> bool:
    return line.can_mark and line.presence in (Presence.EXPECTED, Presence.TO_VALIDATE)


def _lists(found: Sequence[Agenda]) -> list[tuple[str, str, list[tuple[str, str, int]], int]]:
    """(UF, service, [(value, agenda, silent)], silent) for the choice of a list."""
    services: dict[str, list[Agenda]] = {}
    for one in found:
        services.setdefault(one.uf, []).append(one)
    return [
        (
            uf,
            those[0].service or uf,
            [(f"{uf}|{one.agenda}", one.agenda, one.silent) for one in those if one.agenda],
            sum(one.silent for one in those),
        )
        for uf, those in services.items()
    ]


# --- marking -------------------------------------------------------------------------------------


def mark(visit: Visit) -> Response:
    """Keep the marks of a page; with « ligne » those of one line, answered by that line."""
    wishes = _wishes(visit)
    fates, lines = _kept(visit, wishes)
    wrong = {key: fate for key, fate in fates.items() if fate in FATES or fate is Fate.UNKNOWN}
    typed = {key: wishes[key].word.value for key in wrong}
    if visit.form.get("ligne"):
        return _one_line(visit, lines, wrong, typed)
    if wrong:
        return _shown(visit, 409, fates=wrong, typed=typed, problem=_problem(visit, fates, wrong))
    number = sum(fate is Fate.KEPT for fate in fates.values())
    said = visit.words.ngettext(
        "%(num)s ligne enregistrée.", "%(num)s lignes enregistrées.", number
    )
    asked = Asked(visit)
    back = asked.to(apres=dotted(asked.after) if asked.after != START else "")
    return visit.go(back, said if number else visit.words.gettext("Rien n’était à enregistrer."))


def _one_line(
    visit: Visit, lines: Sequence[Line], wrong: Mapping[int, Fate], typed: Mapping[int, str]
) -> Response:
    if not lines:
        return visit.missing()
    return visit.page(
        "attendance/_line.html", 409 if wrong else 200, line=lines[0],
        several=bool(visit.form.get("plusieurs")), **_line_words(visit, wrong, typed),
    )  # fmt: skip


def _problem(visit: Visit, fates: Mapping[int, Fate], wrong: Mapping[int, Fate]) -> str:
    kept = sum(fate is Fate.KEPT for fate in fates.values())
    words = visit.words
    return " ".join(
        (
            words.ngettext(
                "%(num)s ligne n’a pas été enregistrée : voir pourquoi ci-dessous.",
                "%(num)s lignes n’ont pas été enregistrées : voir pourquoi ci-dessous.",
                len(wrong),
            ),
            words.ngettext("%(num)s autre l’a été.", "%(num)s autres l’ont été.", kept)
            if kept
            else "",
        )
    ).strip()


def _wishes(visit: Visit) -> dict[int, Wish]:
    """appointment -> what the form marks, where that is not what the page showed."""
    found: dict[int, Wish] = {}
    for name, value in visit.form.items():
        key = name.removeprefix("p_")
        if not name.startswith("p_") or not (key.isascii() and key.isdigit() and len(key) < 19):
            continue
        seen = visit.form.get(f"vu_{key}", "")
        if value != seen and {value, seen} <= {one.value for one in Attendance}:
            found[int(key)] = Wish(Attendance(value), Attendance(seen))
    return dict(list(found.items())[:MOST])


def _kept(visit: Visit, wishes: Mapping[int, Wish]) -> tuple[dict[int, Fate], list[Line]]:
    staff = visit.staff
    fates, lines = mark_day(
        staff.store, staff.rules, wishes, staff.zone, visit.viewer.ufs(May.MARK_ATTENDANCE),
        by=visit.viewer.login, now=visit.now,
    )  # fmt: skip
    for key, fate in fates.items():
        if fate is Fate.KEPT:
            visit.saw("attendance.mark", f"appointment:{key}", wishes[key].word.value)
    return fates, lines


# --- what remains, together ----------------------------------------------------------------------


def rest(visit: Visit) -> Response:
    """Ask before all lines of a page that nobody filled in are marked alike: whom it is about."""
    word = _common(visit)
    staff = visit.staff
    keys = [int(one) for one in visit.values("reste_ligne") if one.isascii() and one.isdigit()]
    lines = [
        one
        for one in lines_of(
            staff.store, staff.rules, keys[:MOST], staff.zone,
            visit.viewer.ufs(May.MARK_ATTENDANCE), now=visit.now,
        )
        if _is_left(one)
    ]  # fmt: skip
    asked = Asked(visit)
    if word is None or not lines:
        return visit.go(asked.to(), visit.words.gettext("Rien n’était à enregistrer."))
    rebooks = word is Attendance.ABSENT and any(one.uf in staff.rules.rebooks for one in lines)
    return visit.page(
        "attendance/rest.html", asked=asked, lines=lines, word=word, all=ALL, rebooks=rebooks,
        cursor=dotted(asked.after) if asked.after != START else "",
        service=_line_words(visit, {}, {})["service"],
    )  # fmt: skip


def _common(visit: Visit) -> Attendance | None:
    return next((one for one in ALL if one.value == visit.form.get("mot")), None)


ROUTES = (
    Route("GET", HOME, May.MARK_ATTENDANCE, day_page),
    Route("POST", HOME, May.MARK_ATTENDANCE, mark),
    Route("POST", REST, May.MARK_ATTENDANCE, rest),
)
