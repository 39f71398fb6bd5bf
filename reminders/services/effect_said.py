"""The effect in sentences, the first of which is the answer: in French, or in a reader's voice."""

from collections.abc import Callable, Mapping
from zoneinfo import ZoneInfo

from reminders.domain.holdout import Arm
from reminders.domain.marking import N_
from reminders.services.effect import EVERY_LOOK, FINAL_LOOK, Measured, Verdict
from reminders.services.voices import French, Voice, typeset
from reminders.statistics.clustered import ADJUSTED, PLAIN
from reminders.statistics.design import MIN_CLUSTERS, MIN_EVENTS

METHODS = {
    PLAIN: N_("en intention de traiter (ITT), variance par patient"),
    ADJUSTED: N_("en intention de traiter (ITT), ajustée sur le passé (Lin), variance par patient"),
    FINAL_LOOK: N_("intervalle à 95 %, regard final"),
    EVERY_LOOK: N_("intervalle à 95 % valable à chaque regard"),
}
FROM_TWO = 0.0195  # in French, what is written « 2,0 » is the first plural


def said(found: Measured, zone: ZoneInfo) -> tuple[str, ...]:
    """The answer first, then what it rests on. `zone`: whose civil days the sentences say."""
    voice = French(zone)
    return (answer(found, voice), *_arms(found, voice), *method(found, voice))


def answer(found: Measured, voice: Voice) -> str:
    """The effect in one sentence, or why there is none."""
    return _ANSWERS[found.verdict](found, voice)


def _no_holdout(found: Measured, voice: Voice) -> str:
    return voice.gettext(
        N_(
            "Aucun groupe témoin approuvé : l'effet des rappels n'est pas mesuré. Ce qui suit "
            "décrit, ou suppose."
        )
    )


def _unbalanced(found: Measured, voice: Voice) -> str:
    assert found.balance is not None
    if found.balance.few:
        few = N_(
            "Aucun effet affiché : un groupe compte si peu de patients que le tirage ne le donne "
            "pas. Prévenir le support."
        )
        return voice.gettext(few)
    told = N_(
        "Aucun effet affiché : les groupes comptent %(held)s et %(reminded)s patients, ce que le "
        "tirage ne donne pas (%(share)s attendus sans rappels). Prévenir le support."
    )
    return voice.gettext(
        told,
        held=voice.whole(found.balance.held),
        reminded=voice.whole(found.balance.treated),
        share=voice.share(found.balance.share),
    )


def _unknown_differs(found: Measured, voice: Voice) -> str:
    shares = [voice.share(found.arms[arm].tally.unknown_share or 0.0) for arm in Arm]
    told = N_(
        "Aucun effet affiché : l'issue manque pour %(reminded)s des rendez-vous avec rappels et "
        "%(held)s sans rappels. Compléter qui est venu."
    )
    return voice.gettext(told, reminded=shares[0], held=shares[1])


def _too_small(found: Measured, voice: Voice) -> str:
    if found.hidden:
        return voice.gettext(N_("Pas encore mesurable : trop peu de patients."))
    told = N_(
        "Pas encore mesurable : moins de %(patients)s patients ou de %(events)s non-venues dans un "
        "groupe."
    )
    first = voice.gettext(told, patients=MIN_CLUSTERS, events=MIN_EVENTS)
    return " ".join((first, *_smallest(found, voice)))


def _underpowered(found: Measured, voice: Voice) -> str:
    assert found.expected is not None
    told = N_(
        "Pas encore mesurable : trop peu de rendez-vous pour voir l'effet attendu (%(points)s)."
    )
    first = voice.gettext(told, points=points(found.expected, voice))
    return " ".join((first, *_smallest(found, voice)))


def _smallest(found: Measured, voice: Voice) -> list[str]:
    if found.smallest is None:
        return []
    told = N_("Plus petit effet détectable : %(points)s.")
    return [voice.gettext(told, points=points(found.smallest, voice))]


def _measured(found: Measured, voice: Voice) -> str:
    assert found.since is not None
    assert found.until is not None
    assert found.avoided is not None
    assert found.low is not None
    assert found.high is not None
    period = {"since": voice.date(found.since), "until": voice.date(found.until)}
    avoided, low, high = (round(value) for value in found.avoided)
    if found.low <= 0 <= found.high:
        told = N_(
            "Du %(since)s au %(until)s, aucun effet établi : entre %(low)s et %(high)s non-venues "
            "évitées (intervalle à 95 %%)."
        )
        return voice.gettext(told, low=voice.whole(low), high=voice.whole(high), **period)
    if avoided < 0:
        told = N_(
            "Du %(since)s au %(until)s, %(number)s non-venues de plus avec les rappels (intervalle "
            "à 95 %% : %(low)s à %(high)s)."
        )
        avoided, low, high = -avoided, -high, -low
    else:
        told = N_(
            "Du %(since)s au %(until)s, %(number)s non-venues évitées (intervalle à 95 %% : "
            "%(low)s à %(high)s)."
        )
    numbers = {"number": avoided, "low": low, "high": high}
    return voice.gettext(told, **{name: voice.whole(n) for name, n in numbers.items()}, **period)


_ANSWERS: Mapping[Verdict, Callable[[Measured, Voice], str]] = {
    Verdict.NO_HOLDOUT: _no_holdout,
    Verdict.UNBALANCED: _unbalanced,
    Verdict.UNKNOWN_DIFFERS: _unknown_differs,
    Verdict.TOO_SMALL: _too_small,
    Verdict.UNDERPOWERED: _underpowered,
    Verdict.MEASURED: _measured,
}


def _arms(found: Measured, voice: French) -> list[str]:
    names = {Arm.REMINDED: "Avec rappels", Arm.HELD: "Sans rappels"}
    lines = []
    for arm, one in found.arms.items():
        if found.hidden:
            lines.append(
                typeset(f"{names[arm]} : masqué, trop peu de patients sont venus ou non venus.")
            )
            continue
        rate = "—" if one.rate is None else voice.share(one.rate)
        lines.append(
            typeset(
                f"{names[arm]} : {voice.whole(one.missed)} non-venues sur {voice.whole(one.known)} "
                f"rendez-vous dont l'issue est connue ({rate}), {voice.whole(one.patients)} "
                "patients."
            )
        )
    return lines


def method(found: Measured, voice: Voice) -> list[str]:
    """The difference of rates with its interval, and how it was computed; nothing unmeasured."""
    if found.verdict is not Verdict.MEASURED:
        return []
    return [
        voice.gettext(N_("Différence : %(difference)s."), difference=difference(found, voice)),
        *_certainty(found, voice),
        voice.gettext(N_("Méthode : %(method)s."), method=method_said(found.method, voice)),
        *_taken(found, voice),
    ]


def _taken(found: Measured, voice: Voice) -> list[str]:
    if found.taken_at is None:
        return []
    told = N_(
        "Regard final pris le %(day)s : ce qui a été corrigé depuis se lit dans les effectifs et "
        "ne le change pas."
    )
    return [voice.gettext(told, day=voice.date(found.taken_at))]


def _certainty(found: Measured, voice: Voice) -> list[str]:
    if found.p is None or found.design_effect is None:
        return []
    told = N_("p %(p)s ; effet de grappe (plusieurs rendez-vous d'un même patient) : %(deff)s.")
    return [voice.gettext(told, p=voice.chance(found.p), deff=voice.decimal(found.design_effect))]


def method_said(method: str, voice: Voice) -> str:
    """How it was computed, of what `services.effect` and the estimators name it."""
    return " ; ".join(voice.gettext(METHODS.get(one, one)) for one in method.split(" ; "))


def difference(found: Measured, voice: Voice) -> str:
    """−2,4 points (−3,5 points à −1,3 points). Of a measured effect."""
    assert found.estimate is not None
    assert found.low is not None
    assert found.high is not None
    return voice.gettext(
        N_("%(estimate)s (%(low)s à %(high)s)"),
        estimate=change(found.estimate, voice),
        low=change(found.low, voice),
        high=change(found.high, voice),
    )


def points(value: float, voice: Voice) -> str:
    form = N_("%(number)s point") if abs(value) < FROM_TWO else N_("%(number)s points")
    return voice.gettext(form, number=voice.decimal(100 * value))


def change(value: float, voice: Voice) -> str:
    return ("+" if value > 0 else "") + points(value, voice)
