"""The no-show report: the sentence, the pictures, the tables, the method; and taken away."""

from collections.abc import Callable, Iterator
from typing import IO

from fastapi import Response

from reminders import __version__
from reminders.domain.access import May
from reminders.domain.outcome import Outcome
from reminders.domain.report import HIDDEN_BELOW, RECONTACT_DAYS, NoShowReport
from reminders.services.export_files import while_written
from reminders.services.months import closed_until
from reminders.services.no_show_report import label_of, listed, no_show_report
from reminders.services.report_files import CSV, XLSX, csv_pieces, write_xlsx
from reminders.web.staff.asked import address as linked
from reminders.web.staff.asked import cursor, dotted, services
from reminders.web.staff.reports_asked import Choices, Wanted, address, choices, wanted
from reminders.web.staff.reports_export import flat, workbook
from reminders.web.staff.reports_shown import (
    full_point,
    funnel_drawn,
    section,
    steps,
    trend_drawn,
)
from reminders.web.staff.reports_tabs import report_tabs
from reminders.web.staff.reports_words import (
    DEFINED,
    DENOMINATORS,
    MOTIVES,
    NOT_MEASURED,
    OUTCOMES,
    REACH,
    SIGNALS,
    answer,
    besides,
    interval,
    left_out,
    period,
)
from reminders.web.staff.visit import Route, Visit

FORMATS = ("xlsx", "csv")
LIST = "/rapports/liste"


def report(visit: Visit) -> Response:
    sought = wanted(visit, visit.request.query_params.multi_items())
    if (refused := _not_theirs(visit, sought)) is not None:
        return refused
    if sought.asked is None:
        return _problem(visit, sought)
    found = _found(visit, sought)
    words = visit.words
    told = [section(words, found, one) for one in found.breakdowns]
    stages = steps(words, found.funnel) if found.funnel else []
    return visit.page(
        "reports/no_shows.html",
        found=found,
        sought=sought,
        form=choices(visit, sought),
        tabs=report_tabs(visit),
        period=period(words, found.asked),
        provisional=str(found.asked.last) > closed_until(visit.staff.store),
        answer=answer(words, found),
        besides=besides(words, found.figures) if found.figures else [],
        left_out=left_out(words, found),
        trend=trend_drawn(words, found.trend),
        points=[(full_point(words, found.trend.every, one), one) for one in found.trend.points],
        sections=told,
        stages=stages,
        funnel=funnel_drawn(words, stages) if stages else None,
        address=address,
        interval=interval,
        behind=_behind(visit, sought),
        scope=_scope(visit, sought),
        truth=visit.staff.truth(),
        not_measured_said=", ".join(words.gettext(NOT_MEASURED[one]) for one in found.not_measured),
        **_tables(visit),
    )


def _tables(visit: Visit) -> dict[str, object]:
    """The words and numbers every report carries."""
    return {
        "outcomes": OUTCOMES,
        "defined": DEFINED,
        "denominators": DENOMINATORS,
        "reach_words": REACH,
        "motive_words": MOTIVES,
        "signals": SIGNALS,
        "fewest": HIDDEN_BELOW,
        "days": RECONTACT_DAYS,
        "establishments": [one.name for one in visit.staff.settings.site],
        "version": __version__,
    }


def _found(visit: Visit, sought: Wanted) -> NoShowReport:
    assert sought.asked is not None
    staff = visit.staff
    return no_show_report(
        staff.store, staff.rules, sought.asked, ufs=visit.viewer.ufs(May.SEE_REPORTS),
        now=visit.now, every=sought.asked.every,
    )  # fmt: skip


def _not_theirs(visit: Visit, sought: Wanted) -> Response | None:
    """A link somebody with wider rights shared: said, never silently narrowed."""
    if not sought.foreign:
        return None
    return visit.refuse(
        visit.words.gettext(
            "Ce rapport porte sur des services qui ne sont pas les vôtres (%(ufs)s). Demander à "
            "qui l’a partagé, ou ouvrir le rapport de vos services.",
            ufs=", ".join(sorted(sought.foreign)),
        )
    )


def _problem(visit: Visit, sought: Wanted) -> Response:
    return visit.page(
        "reports/asked.html", 422, sought=sought, form=choices(visit, sought),
        tabs=report_tabs(visit),
    )  # fmt: skip


def _scope(visit: Visit, sought: Wanted) -> str:
    """Which sites, services and appointments the report is of, in words."""
    words, form = visit.words, choices(visit, sought)
    parts = [*_places(visit, sought, form)]
    if sought.only:
        named = {value: name for _, those in form.only for value, name in those}
        parts.append(named.get(sought.only, sought.only))
    return words.gettext("%(scope)s.", scope=" ; ".join(parts))


def _places(visit: Visit, sought: Wanted, form: Choices) -> Iterator[str]:
    words, held = visit.words, visit.viewer.ufs(May.SEE_REPORTS)
    sites, units = dict(form.sites), dict(form.services)
    if sought.sites:
        yield words.gettext(
            "Sites : %(names)s", names=", ".join(sites.get(s, s) for s in sought.sites)
        )
    if sought.ufs:
        nobody = words.gettext("UF %(uf)s, sans réglage")
        names = ", ".join(units.get(uf, nobody % {"uf": uf}) for uf in sought.ufs)
        yield words.gettext("Services : %(names)s", names=names)
    elif held is not None:
        names = ", ".join(name for _, name in form.services)
        yield words.gettext("Vos services : %(names)s", names=names)
    elif not sought.sites:
        yield words.gettext("Tous les services")


def export(visit: Visit) -> Response:
    sought = wanted(visit, visit.fields)
    if (refused := _not_theirs(visit, sought)) is not None:
        return refused
    kind = visit.form.get("format", "")
    if sought.asked is None or kind not in FORMATS:
        return _problem(visit, sought)
    found, words = _found(visit, sought), visit.words
    visit.saw("report.export")
    name = f"non-venues-{found.asked.first}-{found.asked.last}.{kind}"
    scope = _scope(visit, sought)
    if kind == "csv":
        return visit.download(csv_pieces(flat(words, found, scope)), name, CSV)
    made = visit.now.astimezone(visit.staff.zone)

    def write(stream: IO[bytes]) -> None:
        write_xlsx(stream, workbook(words, found, scope), made=made)

    return visit.download(while_written(write, visit.staff.settings.base_dir), name, XLSX)


def listing(visit: Visit) -> Response:
    """The appointments behind a count of one service, for whoever sees its patients."""
    sought = wanted(visit, visit.request.query_params.multi_items())
    word = visit.query.get("issue", Outcome.NO_SHOW.value)
    outcome = next((one for one in OUTCOMES if one.value == word), None)
    after = cursor(visit.query.get("apres", "0.0"), 2)
    uf = next(iter(sought.ufs or [code for code, _ in services(visit, May.SEE_REPORTS)]), "")
    if sought.asked is None or outcome is None or after is None or not _lists(visit, uf):
        return visit.missing()
    found = listed(visit.staff.store, sought.asked, uf, outcome, after=(after[0], after[1]))
    visit.saw("report.list", f"uf:{uf}", outcome.value)
    here = {"du": sought.first, "au": sought.last, "service": uf}
    return visit.page(
        "reports/behind.html", found=found, outcome=OUTCOMES[outcome],
        label=label_of(visit.staff.rules, uf), period=period(visit.words, sought.asked),
        back=linked("/rapports", **here),
        first=linked(LIST, **here, issue=outcome) if after[1] else "",
        following=linked(LIST, **here, issue=outcome, apres=dotted(found.after))
        if found.after else "",
    )  # fmt: skip


def _lists(visit: Visit, uf: str) -> bool:
    return all(visit.viewer.may_in(one, uf) for one in (May.SEE_PATIENTS, May.SEE_REPORTS))


def _behind(visit: Visit, sought: Wanted) -> Callable[[str, Outcome], str]:
    """(UF, outcome) -> the list behind that count; "" for whoever sees none of its patients."""

    def place(uf: str, outcome: Outcome) -> str:
        if not _lists(visit, uf):
            return ""
        return linked(LIST, du=sought.first, au=sought.last, service=uf, issue=outcome)

    return place


ROUTES = (
    Route("GET", "/rapports", May.SEE_REPORTS, report),
    Route("GET", LIST, May.SEE_PATIENTS, listing),
    Route("POST", "/rapports/export", May.SEE_REPORTS, export),
)
