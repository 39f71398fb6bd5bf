"""The hold-out: where it stands, its protocol, who answers for it; and what reminders change."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from fastapi import Response
from markupsafe import Markup

from reminders.domain.access import May
from reminders.domain.holdout import LARGEST_SHARE, PROPOSED_SHARE, Arm, Excluded
from reminders.domain.report import HIDDEN_BELOW
from reminders.errors import RepairNeeded
from reminders.services import holdout, money
from reminders.services.behind import ENTERED, arms_open
from reminders.services.effect import Earlier, Measured, Verdict, earlier_ones, effect
from reminders.services.effect_said import answer, change, difference, method, points
from reminders.services.holdout import Standing, State, needed
from reminders.services.holdout_protocol import protocol_text
from reminders.services.voices import LEAST
from reminders.statistics.design import IMBALANCE
from reminders.web.charts import WHOLE_PERCENT, Difference, forest
from reminders.web.staff.asked import address, services
from reminders.web.staff.reports_figures import ARMS_SAID, EFFECT_SAID
from reminders.web.staff.reports_tabs import report_tabs
from reminders.web.staff.visit import Route, Truth, Visit
from reminders.web.staff.words import N_, Words

STATES: Mapping[State, tuple[str, str]] = {  # tone, words
    State.NONE: ("neutral", N_("Aucun groupe témoin n’est proposé : tout le monde reçoit ses "
                               "rappels.")),
    State.PROPOSED: ("waiting", N_("Groupe témoin proposé, pas encore approuvé : rien n’est "
                                   "retenu.")),
    State.APPROVED: ("done", N_("Groupe témoin en cours.")),
    State.ENDED: ("neutral", N_("Groupe témoin terminé : sa date finale est passée, plus personne "
                                "n’y entre.")),
    State.STOPPED: ("neutral", N_("Groupe témoin arrêté : tout le monde reçoit ses rappels.")),
}  # fmt: skip
ARMS: Mapping[Arm, str] = {Arm.REMINDED: N_("Avec rappels"), Arm.HELD: N_("Sans rappels")}
LEFT_OUT: Mapping[Excluded, str] = {
    Excluded.SERVICE: N_("Service laissé de côté"),
    Excluded.NEUTRAL: N_("Service sensible"),
    Excluded.PREPARATION: N_("Consignes à suivre"),
    Excluded.PROTECTED: N_("Majeur protégé"),
    Excluded.INTERPRETER: N_("Autre langue que le français"),
}


@dataclass(frozen=True, slots=True)
class ReadersVoice:
    """`effect_said` and the protocol in the language of whoever reads the page."""

    words: Words

    def gettext(self, sentence: str, /, **values: object) -> str:
        return self.words.gettext(sentence, **values)

    def whole(self, value: int) -> str:
        return self.words.number(value)

    def share(self, value: float) -> str:
        return self.words.percent(value)

    def part(self, value: float) -> str:
        return self.words.percent(value, 0 if round(1_000 * value) % 10 == 0 else 1)

    def decimal(self, value: float) -> str:
        return self.words.number(value, 1)

    def chance(self, p: float) -> str:
        least = self.words.number(LEAST, 3)
        return f"< {least}" if p < LEAST else f"= {self.words.number(p, 3)}"

    def date(self, moment: datetime) -> str:
        return self.words.short_date(moment)


def show(visit: Visit) -> Response:
    return _show(visit)


def _show(
    visit: Visit,
    status: int = 200,
    *,
    problems: tuple[tuple[str, str], ...] = (),
    typed: Mapping[str, str] | None = None,
    left: tuple[str, ...] = (),
) -> Response:
    staff, words = visit.staff, visit.words
    where = holdout.standing(staff.store, now=visit.now)
    found, at = _effect(visit, where)
    voice, truth = ReadersVoice(words), staff.truth()
    told = _differences(found, truth, voice)
    tone, sentence = STATES[where.state]
    return visit.page(
        "reports/holdout.html",
        status,
        tabs=report_tabs(visit),
        where=where,
        tone=tone,
        state=words.gettext(sentence),
        found=found,
        at=at,
        measured=found.verdict is Verdict.MEASURED,
        answer=answer(found, voice),
        method=method(found, voice),
        drawn=_drawn(told, voice),
        effect_rows=[(one.name, one.said) for one in told],
        arms=[(arm, words.gettext(ARMS[arm]), found.arms.get(arm)) for arm in Arm],
        arm_names=ARMS,
        left_out=LEFT_OUT,
        checks=_checks(found, voice),
        earlier=[(one, _ended(one, voice)) for one in earlier_ones(staff.store)],
        protocol=_protocol(visit, where),
        manages=_manages(visit),
        open_state=where.state.value,
        needed=needed(where.share or PROPOSED_SHARE),
        form=_form(visit, typed),
        left=left,
        services=services(visit, May.SEE_REPORTS),
        problems=problems,
        behind=_behind(visit, where),
        patients=visit.viewer.everywhere(May.SEE_PATIENTS),
        formulas=ARMS_SAID + (EFFECT_SAID if found.verdict is Verdict.MEASURED else ()),
        fewest=HIDDEN_BELOW,
        largest=round(100 * LARGEST_SHARE),
        truth=truth,
    )


def _behind(visit: Visit, where: Standing) -> Callable[..., str]:
    """(what, arm, why it was left out) -> the list behind a count; "" for whoever does not see
    every patient it counts, and for who is in an arm while they may still come."""
    everybody = visit.viewer.everywhere(May.SEE_PATIENTS)
    over = arms_open(where, visit.now)

    def place(what: str, arm: str = "", why: str = "") -> str:
        if not everybody or (what in ENTERED and not over):
            return ""
        return address("/rapports/economies/liste", quoi=what, bras=arm, pourquoi=why)

    return place


def _effect(visit: Visit, where: Standing) -> tuple[Measured, datetime]:
    """That of which the savings and the first page tell; measured now, where none is kept."""
    staff = visit.staff
    if (seen := money.seen(staff.store, now=visit.now)) is not None:
        return seen.effect, seen.at
    found = staff.effects.get(
        (where.id, where.state), lambda: effect(staff.store, now=visit.now), now=visit.now
    )
    return found.value, found.at


def _ended(one: Earlier, voice: ReadersVoice) -> str:
    if one.measured is not None:
        return difference(one.measured, voice)
    tell = voice.words.gettext
    if one.early:
        return tell("arrêtée avant sa date : pas de regard final")
    return tell("aucun effet mesurable, ou mois pas encore clos")


def _protocol(visit: Visit, where: Standing) -> str:
    if where.until is None:
        return ""
    return protocol_text(where, visit.staff.rules, ReadersVoice(visit.words))


def _form(visit: Visit, typed: Mapping[str, str] | None) -> Mapping[str, str]:
    usual = {
        "part": f"{100 * PROPOSED_SHARE:g}",
        "fin": (visit.now.astimezone(visit.staff.zone).date() + timedelta(days=364)).isoformat(),
        "nom": visit.viewer.name,
    }
    return usual | dict(typed or {})


def _manages(visit: Visit) -> bool:
    """The draw is over the whole hospital: so must be the right."""
    return visit.viewer.everywhere(May.MANAGE_REPORTS)


# --- the picture and the checks ------------------------------------------------------------------


def _drawn(rows: list[Difference], voice: ReadersVoice) -> Markup | None:
    if not rows:
        return None
    words = voice.words
    return forest(
        "effet",
        words.gettext("Écart des taux de non-venue, avec rappels moins sans rappels"),
        "; ".join(f"{one.name}: {one.said}" for one in rows),
        rows,
        show=lambda value: words.number(round(100 * value)),
        whole=WHOLE_PERCENT,
        better=words.gettext("moins de non-venues"),
        worse=words.gettext("plus de non-venues"),
    )


def _difference(found: Measured, voice: ReadersVoice) -> str:
    """−2,4 points (−3,5 à −1,3)"""
    assert found.estimate is not None
    assert found.low is not None
    assert found.high is not None
    return voice.gettext(
        "%(estimate)s (%(low)s à %(high)s)",
        estimate=change(found.estimate, voice),
        low=_signed(found.low, voice),
        high=_signed(found.high, voice),
    )


def _signed(value: float, voice: ReadersVoice) -> str:
    return ("+" if value > 0 else "") + voice.decimal(100 * value)


def _differences(found: Measured, truth: Truth | None, voice: ReadersVoice) -> list[Difference]:
    tell = voice.words.gettext
    rows = []
    if found.estimate is not None:
        rows.append(
            Difference(
                tell("Mesuré par tirage au sort"), _difference(found, voice), found.estimate,
                found.low, found.high,
            )
        )  # fmt: skip
    if found.smallest is not None and found.estimate is None:
        rows.append(
            Difference(
                tell("Ce que l’on ne saurait distinguer du hasard"),
                f"± {points(found.smallest, voice)}", None, -found.smallest, found.smallest,
                "range",
            )
        )  # fmt: skip
    if found.expected is not None and rows:
        rows.append(
            Difference(
                tell("Hypothèse, d’après les études"),
                change(-found.expected, voice), -found.expected, kind="supposed",
            )
        )  # fmt: skip
    if truth is not None and rows:
        real = -truth.points / 100 / _reminded(found)
        rows.append(
            Difference(
                tell("La vérité de cet hôpital simulé"), change(real, voice), real, kind="truth"
            )
        )
    return rows


def _reminded(found: Measured) -> float:
    """The share of appointments that are reminded: only they can owe anything to reminders."""
    sizes = {arm: one.units for arm, one in found.arms.items()}
    whole = sum(sizes.values())
    return sizes.get(Arm.REMINDED, 0) / whole if sizes.get(Arm.REMINDED) else 1.0


@dataclass(frozen=True, slots=True)
class Check:
    """One condition for an effect to be told. tone: done | problem | waiting."""

    tone: str
    what: str
    told: str


def _checks(found: Measured, voice: ReadersVoice) -> list[Check]:
    """Every condition, looked at before the difference; those not reached yet wait."""
    if found.verdict is Verdict.NO_HOLDOUT:
        return []
    return [_balance(found, voice), _events(found, voice), _unknown(found, voice),
            _power(found, voice)]  # fmt: skip


def _balance(found: Measured, voice: ReadersVoice) -> Check:
    tell, balance = voice.words.gettext, found.balance
    what = tell("Les groupes ont la taille que donne le tirage")
    if balance is None or not balance.held + balance.treated:
        return Check("waiting", what, tell("aucun patient n’y est entré encore"))
    if balance.few:
        return Check(
            "problem" if balance.alarming else "waiting", what, tell("trop peu de patients")
        )
    told = tell(
        "%(held)s patients sans rappels pour %(expected)s attendus, p = %(p)s, alarme sous "
        "%(limit)s",
        held=voice.whole(balance.held),
        expected=voice.whole(round(balance.expected)),
        p=voice.words.number(balance.p, 3),
        limit=voice.words.number(IMBALANCE, 3),
    )
    return Check("problem" if balance.alarming else "done", what, told)


def _events(found: Measured, voice: ReadersVoice) -> Check:
    tell = voice.words.gettext
    what = tell("Au moins 30 patients et 10 non-venues dans chaque groupe")
    small = found.verdict is Verdict.TOO_SMALL
    if found.verdict is Verdict.UNBALANCED:
        return Check("waiting", what, tell("pas regardé : la condition précédente manque"))
    return Check("waiting" if small else "done", what, tell("pas encore") if small else "")


def _unknown(found: Measured, voice: ReadersVoice) -> Check:
    tell = voice.words.gettext
    what = tell("L’issue manque autant dans les deux groupes")
    if found.unknown_p is None:
        return Check("waiting", what, tell("pas regardé : une condition précédente manque"))
    shares = [found.arms[arm].tally.unknown_share or 0.0 for arm in Arm]
    told = tell(
        "%(reminded)s avec rappels, %(held)s sans, p = %(p)s, alarme sous %(limit)s",
        reminded=voice.share(shares[0]),
        held=voice.share(shares[1]),
        p=voice.words.number(found.unknown_p, 3),
        limit=voice.words.number(IMBALANCE, 3),
    )
    return Check("problem" if found.unknown_p < IMBALANCE else "done", what, told)


def _power(found: Measured, voice: ReadersVoice) -> Check:
    tell = voice.words.gettext
    what = tell("Assez de rendez-vous pour voir l’effet attendu")
    if found.smallest is None or found.expected is None:
        return Check("waiting", what, tell("pas encore calculable"))
    told = tell(
        "plus petit effet détectable %(smallest)s, effet attendu %(expected)s",
        smallest=points(found.smallest, voice),
        expected=points(found.expected, voice),
    )
    return Check("done" if found.smallest <= found.expected else "waiting", what, told)


# --- what a person decides -----------------------------------------------------------------------


def decide(visit: Visit) -> Response:
    """Propose, approve or stop, as the path says; by a named person, for the whole hospital."""
    if not _manages(visit):
        return visit.refuse(
            visit.words.gettext(
                "Le groupe témoin vaut pour tout l’établissement : seul quelqu’un dont le rôle "
                "vaut partout peut en décider."
            )
        )
    act = {"proposer": _propose, "approuver": _approve, "arreter": _stop}.get(
        str(visit.path["geste"])
    )
    if act is None:
        return visit.missing()
    if visit.form.get("numero", "0") != str(holdout.standing(visit.staff.store, now=visit.now).id):
        return _again(visit, ("", visit.words.gettext(MEANWHILE)), status=409)
    try:
        return act(visit)
    except RepairNeeded as refused:
        field, sentence = REFUSED[refused.problem.where]
        days = visit.staff.settings.retention.appointments_days
        return _again(visit, (field, visit.words.gettext(sentence, days=days)))


MEANWHILE = N_("Quelqu’un vient d’en décider : voici ce qui vaut maintenant.")
# What the service refuses, by the place it names: the field, and what to do on this page.
REFUSED = {
    "--share": ("part", N_("Part hors de 0 à 50 %%.")),
    "--until": (
        "fin",
        N_("La date finale est passée, ou au-delà des %(days)s jours pendant lesquels les "
           "rendez-vous sont gardés. Finir plus tôt."),
    ),
    "--by": ("nom", N_("Écrire le nom de la personne qui en répond.")),
    "--without": ("sans", N_("Un service choisi n’est plus réglé. Choisir dans la liste.")),
    "groupe témoin": ("", MEANWHILE),
}  # fmt: skip
UNREAD = N_("Cocher d’abord : le protocole a été lu.")
UNSEEN = N_("Cocher d’abord : la conséquence a été lue.")
NO_SHARE = N_("Part illisible : écrire un nombre entre 1 et 50, par exemple 10.")
NO_END = N_("Date illisible : écrire par exemple 2027-10-01.")


def _again(visit: Visit, *problems: tuple[str, str], status: int = 422) -> Response:
    """What was typed is kept."""
    return _show(
        visit, status, problems=problems, typed=visit.form, left=tuple(visit.values("sans"))
    )


def _propose(visit: Visit) -> Response:
    staff, tell = visit.staff, visit.words.gettext
    share, until = _share(visit.form.get("part", "")), _end(visit, visit.form.get("fin", ""))
    wrong = []
    if share is None:
        wrong.append(("part", tell(NO_SHARE)))
    if until is None:
        wrong.append(("fin", tell(NO_END)))
    if share is None or until is None:
        return _again(visit, *wrong)
    holdout.propose(
        staff.store, staff.rules, share=share, ufs=frozenset(visit.values("sans")), until=until,
        kept=timedelta(days=staff.settings.retention.appointments_days), now=visit.now,
        by=visit.viewer.login,
    )  # fmt: skip
    return _done(visit, tell("Groupe témoin proposé. Rien ne change avant son approbation."))


def _share(text: str) -> float | None:
    try:
        value = float(text.replace(",", ".").replace("%", "").strip())
    except ValueError:
        return None
    return value / 100 if 0 < value <= 100 * LARGEST_SHARE else None


def _end(visit: Visit, text: str) -> datetime | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    if not 2000 <= day.year <= 2200:  # of a calendar, but of no hold-out
        return None
    return datetime.combine(day, time(0), visit.staff.zone).astimezone(UTC)


def _approve(visit: Visit) -> Response:
    tell = visit.words.gettext
    if visit.form.get("lu") != "oui":
        return _again(visit, ("lu", tell(UNREAD)))
    holdout.approve(
        visit.staff.store, now=visit.now, by=visit.form.get("nom", ""), typed_by=visit.viewer.login
    )
    return _done(visit, tell("Groupe témoin approuvé : le tirage commence au prochain passage."))


def _stop(visit: Visit) -> Response:
    tell = visit.words.gettext
    if visit.form.get("vu") != "oui":
        return _again(visit, ("vu", tell(UNSEEN)))
    stopped = holdout.stop(visit.staff.store, now=visit.now, by=visit.viewer.login)
    told = N_("Groupe témoin arrêté : les rappels reprennent au prochain passage.")
    return _done(visit, tell(told if stopped else N_("Il n’y avait aucun groupe témoin.")))


def _done(visit: Visit, said: str) -> Response:
    visit.staff.effects.forget()
    visit.staff.changed()
    return visit.go("/rapports/temoin", said)


ROUTES = (
    Route("GET", "/rapports/temoin", May.SEE_REPORTS, show),
    Route("POST", "/rapports/temoin/{geste}", May.MANAGE_REPORTS, decide),
)
