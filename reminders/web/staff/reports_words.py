"""The words of the no-show report: names of lines, and the sentences that answer first."""

from collections.abc import Mapping
from datetime import date, datetime

from babel import Locale, UnknownLocaleError
from babel.dates import format_date

from reminders.domain.answer import AnswerKind
from reminders.domain.outcome import Denominator, Outcome
from reminders.domain.report import (
    Asked,
    Dimension,
    Every,
    Figures,
    Month,
    NoShowReport,
    NotMeasured,
    Rate,
    Reach,
    Signal,
)
from reminders.domain.template_key import PURPOSES
from reminders.services.months import Closed, Standing
from reminders.web.staff.words import N_, Words

DIMENSIONS: Mapping[Dimension, str] = {
    Dimension.SITE: N_("Par site"),
    Dimension.SERVICE: N_("Par service"),
    Dimension.WEEKDAY: N_("Par jour de la semaine"),
    Dimension.HOUR: N_("Par heure du rendez-vous"),
    Dimension.LEAD: N_("Par délai entre la prise du rendez-vous et sa date"),
    Dimension.KNOWN: N_("Selon que le patient était connu du service, ou nouveau"),
    Dimension.AGE: N_("Par tranche d’âge"),
    Dimension.CHANNEL: N_("Par canal du premier rappel"),
    Dimension.LANGUAGE: N_("Par langue"),
    Dimension.TEMPLATE: N_("Par texte du premier rappel"),
}
COLUMNS: Mapping[Dimension, str] = {
    Dimension.SITE: N_("Site"),
    Dimension.SERVICE: N_("Service"),
    Dimension.WEEKDAY: N_("Jour"),
    Dimension.HOUR: N_("Heure"),
    Dimension.LEAD: N_("Délai"),
    Dimension.KNOWN: N_("Patient"),
    Dimension.AGE: N_("Âge"),
    Dimension.CHANNEL: N_("Canal"),
    Dimension.LANGUAGE: N_("Langue"),
    Dimension.TEMPLATE: N_("Texte"),
}
OUTCOMES: Mapping[Outcome, str] = {
    Outcome.ATTENDED: N_("Venus"),
    Outcome.NO_SHOW: N_("Non venus"),
    Outcome.CANCELLED_EARLY: N_("Annulés 48 h avant"),
    Outcome.CANCELLED_LATE: N_("Annulés plus tard"),
    Outcome.CANCELLED_BY_HOSPITAL: N_("Annulés par l’hôpital"),
    Outcome.UNKNOWN: N_("Issue inconnue"),
}
BECAME: Mapping[Outcome | None, str] = {  # of one appointment; None: nothing yet
    Outcome.ATTENDED: N_("venu"),
    Outcome.NO_SHOW: N_("non venu"),
    Outcome.CANCELLED_EARLY: N_("annulé au moins 48 h avant"),
    Outcome.CANCELLED_LATE: N_("annulé tard"),
    Outcome.CANCELLED_BY_HOSPITAL: N_("annulé par l’hôpital"),
    Outcome.UNKNOWN: N_("issue inconnue"),
    None: N_("à venir"),
}
DEFINED: Mapping[Outcome, str] = {
    Outcome.ATTENDED: N_("Le DPI dit que le patient est venu ; s’il ne dit rien, une personne du "
                         "service l’a noté."),
    Outcome.NO_SHOW: N_("Attendu, absent, et personne n’était prévenu (NVNE). Le DPI le dit, ou "
                        "une personne du service l’a noté ; jamais déduit du silence."),
    Outcome.CANCELLED_EARLY: N_("Annulés par le patient 48 heures avant l’heure, ou plus tôt."),
    Outcome.CANCELLED_LATE: N_("Annulés par le patient, ou sans qu’on sache par qui, à moins de 48 "
                               "heures ; ou à un moment que personne ne connaît."),
    Outcome.CANCELLED_BY_HOSPITAL: N_("Annulés par l’hôpital avant toute demande du patient."),
    Outcome.UNKNOWN: N_("L’heure est passée et personne ne dit si le patient est venu. Dans aucun "
                        "taux : les bornes disent ce qu’ils y changeraient."),
}  # fmt: skip
REACH: Mapping[Reach, str] = {
    Reach.MOBILE: N_("Un mobile"),
    Reach.EMAIL: N_("Un courriel, pas de mobile"),
    Reach.LANDLINE: N_("Seulement un téléphone fixe"),
    Reach.NONE: N_("Ni téléphone ni courriel utilisable"),
    Reach.OBJECTION: N_("S’oppose à tout message"),
    Reach.BLOCKED: N_("Le DPI interdit d’écrire"),
}
MOTIVES: Mapping[str, str] = {
    AnswerKind.CONFIRMED: N_("Confirme sa venue"),
    AnswerKind.CANCELLED: N_("Annule"),
    AnswerKind.RESCHEDULE: N_("Demande une autre date"),
    AnswerKind.QUESTION: N_("Pose une question"),
    AnswerKind.NOT_ME: N_("N’est pas la bonne personne"),
    AnswerKind.READ: N_("A lu les consignes"),
    # Why not, where the patient said so on the page.
    "health": N_("Annule : sa santé ne le lui permet pas"),
    "work": N_("Annule : travail ou garde d’enfant"),
    "transport": N_("Annule : pas de transport"),
    "forgot": N_("Annule : avait oublié"),
    "better": N_("Annule : n’en a plus besoin"),
    "other": N_("Annule : autre raison"),
}
NOT_MEASURED: Mapping[NotMeasured, str] = {
    NotMeasured.PICK_UP: N_("la part des appels décrochés"),
    NotMeasured.WAITING: N_("l’attente au téléphone"),
    NotMeasured.ABANDON: N_("les appels abandonnés avant qu’on décroche"),
}
SIGNALS: Mapping[Signal, str] = {
    Signal.WITHIN: N_("dans les limites"),
    Signal.ABOVE: N_("au-dessus des limites"),
    Signal.BELOW: N_("au-dessous des limites"),
}
CHANNELS: Mapping[str, str] = {
    "sms": N_("SMS"),
    "email": N_("Courriel"),
    "": N_("Aucun rappel parti"),
}


def line_name(words: Words, dimension: Dimension, value: str, label: str) -> str:
    """What a line is about, in the reader's language."""
    named = _NAMES.get(dimension)
    if named is not None:
        return named(words, value)
    if dimension is Dimension.TEMPLATE:
        return _template(words, value, label)
    if not label:
        return words.gettext("Inconnu") if value in ("", "?") else value
    return f"{label} ({value})" if dimension is Dimension.SERVICE else label


WAYS = {"link": N_("SMS avec lien"), "reply": N_("SMS à réponse")}


def _template(words: Words, value: str, label: str) -> str:
    """« À confirmer · SMS avec lien · français · version 1 », of
    « confirm · sms · link · fr · 1 »."""
    if value == "0":
        return _channel(words, "")
    parts = label.split(" · ")
    if len(parts) != 5:
        return label or value
    purpose, channel, family, language, number = parts
    said = words.gettext(PURPOSES[purpose]) if purpose in PURPOSES else purpose
    version = words.gettext("version %(number)s", number=number)
    way = words.gettext(WAYS[family]) if family in WAYS else _channel(words, channel)
    return " · ".join((said, way, _language(words, language), version))


def _weekday(words: Words, value: str) -> str:
    day = date(2024, 1, int(value))  # the first of January 2024 is a Monday
    return format_date(day, "EEEE", locale=Locale(words.language)).capitalize()


def _hour(words: Words, value: str) -> str:
    if words.language == "en":
        return f"{value}:00 to {value}:59"
    return f"{value}\u00a0h à {value}\u00a0h\u00a059"


def _lead(words: Words, value: str) -> str:
    return _band(words, value, words.gettext("jour"), words.gettext("jours"))


def _age(words: Words, value: str) -> str:
    return _band(words, value, words.gettext("an"), words.gettext("ans"))


def _band(words: Words, value: str, one: str, many: str) -> str:
    """« <1 », « 7-13 », « 56+ », « ? »"""
    if value.startswith("<"):
        unit = one if value == "<1" else many
        return words.gettext("Moins de %(number)s %(unit)s", number=value[1:], unit=unit)
    if value.endswith("+"):
        return words.gettext("%(number)s %(unit)s ou plus", number=value[:-1], unit=many)
    low, dash, high = value.partition("-")
    if not dash:
        return words.gettext("Inconnu")
    return words.gettext("%(low)s à %(high)s %(unit)s", low=low, high=high, unit=many)


def _known(words: Words, value: str) -> str:
    return words.gettext(KNOWN.get(value, value))


KNOWN = {"known": N_("Connu du service"), "new": N_("Nouveau dans le service")}


def _channel(words: Words, value: str) -> str:
    return words.gettext(CHANNELS[value]) if value in CHANNELS else value


def _language(words: Words, value: str) -> str:
    if not value:
        return words.gettext("Inconnue")
    try:
        return (Locale(value).get_display_name(words.language) or value).capitalize()
    except (UnknownLocaleError, ValueError):
        return value


_NAMES = {
    Dimension.WEEKDAY: _weekday,
    Dimension.HOUR: _hour,
    Dimension.LEAD: _lead,
    Dimension.AGE: _age,
    Dimension.KNOWN: _known,
    Dimension.CHANNEL: _channel,
    Dimension.LANGUAGE: _language,
}


# --- periods -------------------------------------------------------------------------------------


def month_name(words: Words, first: date) -> str:
    """octobre 2026"""
    return format_date(first, "MMMM yyyy", locale=Locale(words.language))


def period(words: Words, asked: Asked) -> str:
    """En octobre 2026; d’août à octobre 2026."""
    return between(words, asked.first, asked.last)


def between(words: Words, since: Month, until: Month) -> str:
    first, last = since.first_day, until.first_day
    if first == last:
        return words.gettext("En %(month)s", month=month_name(words, first))
    pattern = "MMMM" if first.year == last.year else "MMMM yyyy"
    begun = format_date(first, pattern, locale=Locale(words.language))
    elided = words.language == "fr" and begun[0] in "ao"
    told = N_("D’%(first)s à %(last)s") if elided else N_("De %(first)s à %(last)s")
    return words.gettext(told, first=begun, last=month_name(words, last))


def point_name(words: Words, every: Every, start: date, *, dated: bool = True) -> str:
    """A place on the axis; `dated`: a month with its year."""
    pattern = "d MMM" if every is Every.WEEK else "MMM yy" if dated else "MMM"
    return format_date(start, pattern, locale=Locale(words.language))


# --- sentences -----------------------------------------------------------------------------------


def answer(words: Words, found: NoShowReport, of: str = "") -> str:
    """The report in one sentence. It says a rate with its interval and its denominator, or why
    there is none; never what reminders changed. `of`: of which appointments alone, where it is
    not all of them: the sentence is copied without its page."""
    figures = found.figures
    if figures is None and not found.silent:
        return words.gettext(
            "%(when)s : aucun rendez-vous n’est compté.",
            when=_of(period(words, found.asked), of),
        )
    when = _of(between(words, *_told(found)), of)
    if figures is None:
        return words.gettext(
            "%(when)s : trop peu de patients pour dire un taux sans désigner personne.", when=when
        )
    rate = figures.primary
    if rate is None:
        return words.gettext("%(when)s : aucune issue connue pour le moment.", when=when)
    return missed(words, when, rate)


def missed(words: Words, when: str, rate: Rate) -> str:
    """En octobre 2026, 7,9 % des rendez-vous suivis ont été manqués…"""
    return words.gettext(
        "%(when)s, %(rate)s des rendez-vous suivis ont été manqués sans prévenir : %(missed)s sur "
        "%(among)s dont l’issue est connue (intervalle à 95 %% : %(low)s à %(high)s).",
        when=when,
        rate=words.percent(rate.value),
        missed=words.number(rate.missed),
        among=words.number(rate.among),
        low=words.percent(rate.low),
        high=words.percent(rate.high),
    )


def _of(when: str, of: str) -> str:
    return f"{when} ({of})" if of else when


def _told(found: NoShowReport) -> tuple[Month, Month]:
    """The first and the last month of which anything is told; the period asked for, if none."""
    first, last = found.asked.first, found.asked.last
    months = [Month.of_number(one) for one in range(first.number, last.number + 1)]
    told = [one for one in months if one not in found.silent]
    return (told[0], told[-1]) if told else (first, last)


def left_out(words: Words, found: NoShowReport) -> list[str]:
    """What no figure here counts, because it may not be told."""
    if found.figures is None:
        return []
    told = []
    if found.silent:
        months = ", ".join(month_name(words, one.first_day) for one in found.silent)
        told.append(words.gettext("Masqué, et compté nulle part ici : %(months)s.", months=months))
    if found.masked:
        told.append(
            words.ngettext(
                "Une fois, un service n’est pas compté un mois : trop petit, ou le complément d’un "
                "tel.",
                "%(num)s fois, un service n’est pas compté un mois : trop petit, ou le complément "
                "d’un tel.",
                found.masked,
            )
        )
    return told


def standing(words: Words, found: Standing, now: datetime) -> list[str]:
    """May these figures still change, and are they those of a closed month? When they were
    counted, so that two prints can be told apart."""
    counted = words.dated(now)
    told = []
    if len(found.closed) == 1 and not found.provisional:
        one = found.closed[0]
        said = N_(
            "Mois clos, révision %(number)s, arrêté le %(day)s : ces chiffres, comptés le "
            "%(counted)s, comptent aussi ce qui est arrivé depuis."
        )
        day = words.short_date(one.at)
        told.append(words.gettext(said, number=one.revision, day=day, counted=counted))
    elif found.closed:
        said = N_(
            "Mois clos : %(months)s. Ces chiffres, comptés le %(counted)s, comptent aussi ce qui "
            "est arrivé depuis."
        )
        months = ", ".join(_closed(words, one) for one in found.closed)
        told.append(words.gettext(said, months=months, counted=counted))
    if found.provisional:
        said = N_(
            "Provisoire au %(counted)s : tant qu’un mois n’est pas clos, ses chiffres changent."
        )
        told.append(words.gettext(said, counted=counted))
    return told


def _closed(words: Words, one: Closed) -> str:
    return words.gettext(
        "%(month)s (révision %(number)s, arrêté le %(day)s)",
        month=month_name(words, Month.parse(one.month).first_day),
        number=one.revision,
        day=words.short_date(one.at),
    )


def outside(words: Words, unmapped: Mapping[str, int]) -> list[str]:
    """Appointments of UFs without settings: in no figure, and reminded by nobody."""
    if not unmapped:
        return []
    names = ", ".join(uf or words.gettext("sans UF") for uf in list(unmapped)[:10])
    told = names + (", …" if len(unmapped) > 10 else "")
    return [
        words.ngettext(
            "%(num)s rendez-vous n’est dans aucun total : son UF n’a pas de réglage (%(ufs)s).",
            "%(num)s rendez-vous ne sont dans aucun total : leur UF n’a pas de réglage (%(ufs)s).",
            sum(unmapped.values()),
            ufs=told,
        )
    ]


def besides(words: Words, figures: Figures) -> list[str]:
    """What must be read with the rate: what is unknown, and the national-style one."""
    told = []
    share = figures.tally.unknown_share
    if figures.bounds is not None and share:
        low, high = figures.bounds
        told.append(
            words.gettext(
                "L’issue manque pour %(share)s des rendez-vous : le taux serait de %(low)s si tous "
                "ces patients étaient venus, de %(high)s si aucun.",
                share=words.percent(share),
                low=words.percent(low),
                high=words.percent(high),
            )
        )
    if figures.national is not None:
        told.append(
            words.gettext(
                "À la manière des chiffres nationaux, annulations exclues : %(rate)s (%(missed)s "
                "sur %(among)s venus ou attendus en vain).",
                rate=words.percent(figures.national.value),
                missed=words.number(figures.national.missed),
                among=words.number(figures.national.among),
            )
        )
    if figures.pending:
        told.append(
            words.ngettext(
                "%(num)s rendez-vous suivi est encore à venir : il n’est dans aucun taux.",
                "%(num)s rendez-vous suivis sont encore à venir : ils ne sont dans aucun taux.",
                figures.pending,
            )
        )
    return told


def interval(words: Words, rate: Rate) -> str:
    """7,6 à 8,9 %"""
    low = words.number(100 * rate.low, 1)
    return words.gettext("%(low)s à %(high)s", low=low, high=words.percent(rate.high))


DENOMINATORS: Mapping[Denominator, str] = {
    Denominator.ELIGIBLE: N_(
        "Tous les rendez-vous encore prévus quand leur premier rappel était dû, et dont l’issue "
        "est connue, annulations comprises. Les rappels changent des absences en annulations : "
        "laisser les annulations de côté cacherait la moitié de ce qu’ils font."
    ),
    Denominator.EXPECTED: N_(
        "Seulement les patients venus ou attendus en vain, comme dans les chiffres nationaux "
        "(NHS England). À n’employer que pour se comparer."
    ),
}
