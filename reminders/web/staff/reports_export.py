"""The no-show report as tables to take away: one long list for CSV, a sheet a part for XLSX."""

from collections.abc import Iterator, Sequence

from reminders import __version__
from reminders.domain.outcome import Denominator, Outcome
from reminders.domain.report import Breakdown, Figures, Hidden, Line, NoShowReport, Rate
from reminders.services.report_files import Cell, Share, Sheet
from reminders.web.staff.reports_shown import HIDDEN, full_point, steps
from reminders.web.staff.reports_words import (
    COLUMNS,
    DEFINED,
    DENOMINATORS,
    DIMENSIONS,
    MOTIVES,
    NOT_MEASURED,
    OUTCOMES,
    REACH,
    SIGNALS,
    answer,
    besides,
    left_out,
    line_name,
    period,
)
from reminders.web.staff.words import N_, Words

WHY_HIDDEN = N_(
    "masqué (< 5) : moins de cinq patients à l’issue connue, ou une ligne qui permettrait d’en "
    "retrouver une telle par soustraction."
)
ONLY_DESCRIBES = N_(
    "Ce rapport décrit ce qui s’est passé. Ce que les rappels changent se lit dans « Groupe témoin "
    "et effet », nulle part ici."
)
EACH_MONTH = N_("qui l’est deux mois, ou dans deux services choisis, compte deux fois")
PERCENT = "%"

Told = tuple[str, str, str, Cell, str, str]  # part, line, measure, value, unit, remark


def flat(
    words: Words, found: NoShowReport, scope: str, stands: Sequence[str], of: str = ""
) -> Sheet:
    """Everything in one table: a measure a row, with its unit and what it is of. `stands`: what
    may still change of it, and when it was counted."""
    tell = words.gettext
    heads = [
        tell("Partie"), tell("Ligne"), tell("Mesure"), tell("Valeur"), tell("Unité"),
        tell("Remarque"),
    ]  # fmt: skip
    return Sheet(tell("Rapport"), heads, _flat(words, found, scope, stands, of))


def _flat(
    words: Words, found: NoShowReport, scope: str, stands: Sequence[str], of: str = ""
) -> Iterator[Told]:
    tell = words.gettext
    about = tell("À lire d’abord")
    for label, text in _about(words, found, scope, stands, of):
        yield about, label, "", text, "", ""
    if found.figures is None:
        return
    whole = tell("Ensemble")
    yield from _figures(words, whole, "", found.figures)
    for one in found.trend.points:
        name = full_point(words, found.trend.every, one)
        part = tell("Évolution")
        if one.rate is None:
            yield part, name, tell("taux de non-venue"), None, PERCENT, _hidden(words, one.hidden)
            continue
        signal = tell(SIGNALS[one.signal])
        yield part, name, tell("taux de non-venue"), Share(one.rate), PERCENT, signal
        yield part, name, tell("limite basse"), _share(one.low), PERCENT, ""
        yield part, name, tell("limite haute"), _share(one.high), PERCENT, ""
        yield part, name, tell("issues connues"), one.among, tell("rendez-vous"), ""
    for breakdown in found.breakdowns:
        part = tell(DIMENSIONS[breakdown.dimension])
        for line in breakdown.lines:
            name = line_name(words, breakdown.dimension, line.value, line.label)
            if isinstance(line, Hidden):
                yield part, name, "", None, "", tell(HIDDEN)
            else:
                yield from _figures(words, part, name, line.figures)
    yield from _rest(words, found)


def _hidden(words: Words, hidden: bool) -> str:
    return words.gettext(HIDDEN) if hidden else ""


def _share(value: float | None) -> Cell:
    return None if value is None else Share(value)


def _figures(words: Words, part: str, name: str, figures: Figures) -> Iterator[Told]:
    tell = words.gettext
    for outcome in Outcome:
        count = figures.tally[outcome]
        yield part, name, tell(OUTCOMES[outcome]), count, tell("rendez-vous"), ""
    for rate, label in (
        (figures.primary, tell("taux de non-venue")),
        (figures.national, tell("taux à la manière nationale")),
    ):
        if rate is not None:
            of = tell("sur %(number)s rendez-vous", number=words.number(rate.among))
            yield part, name, label, Share(rate.value), PERCENT, of
            yield part, name, f"{label}, {tell('bas')}", Share(rate.low), PERCENT, "95 %"
            yield part, name, f"{label}, {tell('haut')}", Share(rate.high), PERCENT, "95 %"
    if figures.bounds is not None:
        for label, value in zip(
            (tell("si tous les inconnus étaient venus"), tell("si aucun n’était venu")),
            figures.bounds, strict=True,
        ):  # fmt: skip
            yield part, name, label, Share(value), PERCENT, ""


def _rest(words: Words, found: NoShowReport) -> Iterator[Told]:
    """Funnel, reachability, motives, handling, contacts, messages."""
    tell = words.gettext
    if found.funnel is not None:
        for step in steps(words, found.funnel):
            of = f"{words.percent(step.share)} {step.of}" if step.share is not None else ""
            yield tell("Du rappel à la venue"), step.name, "", step.number, tell("rendez-vous"), of
    for count in found.reach:
        name = tell(REACH[count.code]) if count.code in REACH else count.code  # type: ignore[index]
        yield (
            tell("Joignables"), name, "", count.number, tell("rendez-vous"),
            _hidden(words, count.number is None),
        )  # fmt: skip
    for count in found.motives:
        name = tell(MOTIVES.get(count.code, count.code))
        yield (
            tell("Ce que disent les réponses"), name, "", count.number, tell("réponses"),
            _hidden(words, count.number is None),
        )  # fmt: skip
    yield from _work(words, found)


def _work(words: Words, found: NoShowReport) -> Iterator[Told]:
    tell = words.gettext
    if found.handling is not None:
        part, one = tell("Traitement des réponses"), found.handling
        yield part, tell("confiées à une personne"), "", one.number, tell("réponses"), ""
        near = tell("à un dixième près")
        for name, time in (
            (tell("délai médian"), one.median), (tell("9 sur 10 en moins de"), one.ninetieth)
        ):  # fmt: skip
            yield part, name, "", time and _two_digits(time), tell("minutes"), near
    if found.contacts is not None:
        part, seen = tell("Contacts"), found.contacts
        yield part, tell("contacts"), "", seen.contacts, tell("contacts"), ""
        yield part, tell("patients suivis"), "", seen.in_care, tell("patients"), tell(EACH_MONTH)
        yield part, tell("relances sous 7 jours"), "", seen.recontacts, tell("rendez-vous"), ""
        yield part, tell("avec un contact"), "", seen.contacted, tell("rendez-vous"), ""
        yield part, tell("réponses closes sans personne"), "", seen.alone, tell("rendez-vous"), ""
        yield part, tell("avec une réponse"), "", seen.answered, tell("rendez-vous"), ""
    if found.sent is not None:
        part = tell("Messages")
        about = tell("au sujet de ces rendez-vous, à quelque date que ce soit")
        yield part, tell("messages partis"), "", found.sent.messages, tell("messages"), about
        yield part, tell("SMS facturés"), "", found.sent.segments, tell("SMS"), ""
        yield part, tell("prix des opérateurs"), "", round(found.sent.cost, 2), "€", ""
        yield part, tell("créneaux rendus"), "", found.freed, tell("créneaux"), ""
        yield part, tell("créneaux rendus puis repris"), "", found.refilled, tell("créneaux"), ""


def _two_digits(minutes: float) -> float:
    """180 for 179.58: waiting times are counted to within a tenth (domain/report_unit)."""
    return float(f"{minutes:.2g}")


def _about(
    words: Words, found: NoShowReport, scope: str, stands: Sequence[str], of: str = ""
) -> Iterator[tuple[str, str]]:
    tell = words.gettext
    yield tell("Réponse"), answer(words, found, of)
    yield tell("Période"), period(words, found.asked)
    yield tell("Portée"), scope
    for text in stands:
        yield tell("État des chiffres"), text
    for text in besides(words, found.figures) if found.figures else ():
        yield tell("À savoir"), text
    for text in left_out(words, found):
        yield tell("À savoir"), text
    yield tell("À savoir"), tell(ONLY_DESCRIBES)
    yield tell("Cases masquées"), tell(WHY_HIDDEN)
    for denominator, label in (
        (Denominator.ELIGIBLE, tell("taux de non-venue")),
        (Denominator.EXPECTED, tell("taux à la manière nationale")),
    ):
        yield tell("Dénominateur : %(rate)s", rate=label), tell(DENOMINATORS[denominator])
    for outcome in Outcome:
        yield tell(OUTCOMES[outcome]), tell(DEFINED[outcome])
    unseen = ", ".join(tell(NOT_MEASURED[one]) for one in found.not_measured)
    yield tell("Non mesuré ici"), tell("Seul le standard téléphonique le sait : %(what)s.",
                                       what=unseen)  # fmt: skip
    yield tell("Version du programme"), __version__


# --- XLSX ----------------------------------------------------------------------------------------


def workbook(
    words: Words, found: NoShowReport, scope: str, stands: Sequence[str], of: str = ""
) -> Iterator[Sheet]:
    """What it says first, then a sheet for each part, then everything in one list."""
    tell = words.gettext
    yield Sheet(tell("À lire d’abord"), [tell("Quoi"), tell("Texte")],
                _about(words, found, scope, stands, of), (28, 110))  # fmt: skip
    if found.figures is not None:
        yield _whole(words, found, found.figures)
        yield _trend(words, found)
        for one in found.breakdowns:
            yield _breakdown(words, one)
    yield flat(words, found, scope, stands, of)


def _trend(words: Words, found: NoShowReport) -> Sheet:
    tell = words.gettext
    heads = [
        tell("Période"), tell("taux de non-venue"), tell("issues connues"), tell("limite basse"),
        tell("limite haute"), tell("Remarque"),
    ]  # fmt: skip
    rows: list[list[Cell]] = []
    for one in found.trend.points:
        name = full_point(words, found.trend.every, one)
        if one.hidden:
            rows.append([name, None, None, None, None, tell(HIDDEN)])
        else:
            said = tell(SIGNALS[one.signal]) if one.rate is not None else ""
            shares = [_share(one.low), _share(one.high)]
            rows.append([name, _share(one.rate), one.among, *shares, said])
    return Sheet(tell("Évolution"), heads, rows, (28, 14, 14, 14, 14, 28))


def _heads(words: Words, first: str) -> list[str]:
    tell = words.gettext
    return [
        first,
        *(tell(OUTCOMES[outcome]) for outcome in Outcome),
        tell("issues connues"), tell("taux de non-venue"), tell("bas"), tell("haut"),
        tell("taux à la manière nationale"), tell("Remarque"),
    ]  # fmt: skip


WIDTHS = (40, *(13,) * 11, 32)
LONGEST_NAME = 31  # letters of a sheet's name, in a workbook


def _whole(words: Words, found: NoShowReport, figures: Figures) -> Sheet:
    tell = words.gettext
    row = _cells(period(words, found.asked), figures, "")
    return Sheet(tell("Ensemble"), _heads(words, tell("Rendez-vous")), [row], WIDTHS)


def _breakdown(words: Words, one: Breakdown) -> Sheet:
    tell = words.gettext
    column = tell(COLUMNS[one.dimension])
    heads = _heads(words, column)
    rows = [_line(words, one, line) for line in one.lines]
    if one.masked:
        told = tell("rendez-vous du total que ce tableau ne montre pas : %(number)s",
                    number=words.number(one.masked))  # fmt: skip
        rows.append(["", *(None for _ in range(len(heads) - 2)), told])
    title = tell(DIMENSIONS[one.dimension])
    return Sheet(title if len(title) <= LONGEST_NAME else column, heads, rows, WIDTHS)


def _line(words: Words, one: Breakdown, line: Line | Hidden) -> list[Cell]:
    if isinstance(line, Hidden):
        name = line_name(words, one.dimension, line.value, line.label)
        return [name, *(None for _ in range(11)), words.gettext(HIDDEN)]
    name = line_name(words, one.dimension, line.value, line.label)
    remark = words.gettext("certains mois masqués") if line.partial else ""
    return _cells(name, line.figures, remark)


def _cells(name: str, figures: Figures, remark: str) -> list[Cell]:
    rate: list[Cell] = [None, None, None, None]
    if figures.primary is not None:
        rate = [figures.primary.among, *_bounds(figures.primary)]
    national = figures.national
    return [
        name,
        *(figures.tally[outcome] for outcome in Outcome),
        *rate,
        None if national is None else Share(national.value),
        remark,
    ]


def _bounds(rate: Rate) -> list[Cell]:
    return [Share(rate.value), Share(rate.low), Share(rate.high)]
