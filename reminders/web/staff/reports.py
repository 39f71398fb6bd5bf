"""The no-show report: the sentence, the pictures, the tables, the method; and taken away."""

from typing import IO

from fastapi import Response

from reminders.domain.access import May
from reminders.domain.report import HIDDEN_BELOW, RECONTACT_DAYS, NoShowReport
from reminders.services.export_files import while_written
from reminders.services.months import Standing, standing_of
from reminders.services.no_show_report import no_show_report
from reminders.services.report_files import CSV, XLSX, csv_pieces, write_xlsx
from reminders.web.staff.reports_asked import (
    Wanted,
    address,
    choices,
    narrowed,
    scope_said,
    wanted,
)
from reminders.web.staff.reports_export import flat, workbook
from reminders.web.staff.reports_figures import RATES, formulas
from reminders.web.staff.reports_list import Opener
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
    standing,
)
from reminders.web.staff.visit import Route, Visit

FORMATS = ("xlsx", "csv")


def report(visit: Visit) -> Response:
    sought = wanted(visit, visit.request.query_params.multi_items())
    if (refused := _not_theirs(visit, sought)) is not None:
        return refused
    if sought.asked is None:
        return _problem(visit, sought)
    found = _found(visit, sought)
    words = visit.words
    behind = Opener(visit, sought)
    stands = _stands(visit, found)
    whole = visit.viewer.ufs(May.SEE_REPORTS) is None  # closed months are the whole hospital's
    told = [section(words, found, one) for one in found.breakdowns]
    stages = steps(words, found.funnel) if found.funnel else []
    return visit.page(
        "reports/no_shows.html",
        found=found,
        sought=sought,
        form=choices(visit, sought),
        tabs=report_tabs(visit),
        period=period(words, found.asked),
        stands=standing(words, stands, visit.now),
        closed=[one.month for one in stands.closed] if whole else [],
        answer=answer(words, found, narrowed(visit, sought)),
        besides=besides(words, found.figures) if found.figures else [],
        left_out=left_out(words, found),
        trend=trend_drawn(words, found.trend),
        points=[
            (full_point(words, found.trend.every, one), one, behind.point(found.trend.every, one))
            for one in found.trend.points
        ],
        sections=told,
        stages=stages,
        funnel=funnel_drawn(words, stages) if stages else None,
        address=address,
        interval=interval,
        behind=behind,
        scope=scope_said(visit, sought),
        truth=visit.staff.truth(),
        not_measured_said=", ".join(words.gettext(NOT_MEASURED[one]) for one in found.not_measured),
        formulas=formulas(words) if stages else [],
        **_tables(visit),
    )


def _stands(visit: Visit, found: NoShowReport) -> Standing:
    return standing_of(visit.staff.store, found.asked.first, found.asked.last)


def _tables(visit: Visit) -> dict[str, object]:
    """The words and numbers every report carries."""
    return {
        "outcomes": OUTCOMES,
        "defined": DEFINED,
        "denominators": DENOMINATORS,
        "reach_words": REACH,
        "motive_words": MOTIVES,
        "signals": SIGNALS,
        "rates": RATES,
        "fewest": HIDDEN_BELOW,
        "days": RECONTACT_DAYS,
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


def export(visit: Visit) -> Response:
    sought = wanted(visit, visit.fields)
    if (refused := _not_theirs(visit, sought)) is not None:
        return refused
    kind = visit.form.get("format", "")
    if sought.asked is None or kind not in FORMATS:
        return _problem(visit, sought)
    found, words = _found(visit, sought), visit.words
    visit.saw("report.export")
    of = narrowed(visit, sought)
    name = f"non-venues-{found.asked.first}-{found.asked.last}.{kind}"
    scope, stands = scope_said(visit, sought), standing(words, _stands(visit, found), visit.now)
    if kind == "csv":
        return visit.download(csv_pieces(flat(words, found, scope, stands, of)), name, CSV)
    made = visit.now.astimezone(visit.staff.zone)

    def write(stream: IO[bytes]) -> None:
        write_xlsx(stream, workbook(words, found, scope, stands, of), made=made)

    return visit.download(while_written(write, visit.staff.settings.base_dir), name, XLSX)


ROUTES = (
    Route("GET", "/rapports", May.SEE_REPORTS, report),
    Route("POST", "/rapports/export", May.SEE_REPORTS, export),
)
