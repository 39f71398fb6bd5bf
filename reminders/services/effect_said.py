"""The effect in French sentences, the first of which is the answer."""

from zoneinfo import ZoneInfo

from reminders.domain.holdout import Arm
from reminders.services.effect import Measured, Verdict
from reminders.services.holdout_protocol import day, number, percent, typeset
from reminders.statistics.design import MIN_CLUSTERS, MIN_EVENTS

NOT_MEASURED = "Pas encore mesurable"


def said(found: Measured, zone: ZoneInfo) -> tuple[str, ...]:
    """The answer first, then what it rests on. `zone`: whose civil days the sentences say."""
    answer = _ANSWERS[found.verdict](found, zone)
    return tuple(typeset(one) for one in (answer, *_arms(found), *_method(found)))


def _no_holdout(found: Measured, zone: ZoneInfo) -> str:
    return (
        "Aucun groupe témoin approuvé : l'effet des rappels n'est pas mesuré. Ce qui suit décrit, "
        "ou suppose."
    )


def _unbalanced(found: Measured, zone: ZoneInfo) -> str:
    assert found.balance is not None
    return (
        f"Aucun effet affiché : les groupes comptent {number(found.balance.held)} et "
        f"{number(found.balance.treated)} patients, ce que le tirage ne donne pas "
        f"({percent(found.balance.share)} attendus sans rappels). Prévenir le support."
    )


def _unknown_differs(found: Measured, zone: ZoneInfo) -> str:
    shares = [percent(found.arms[arm].tally.unknown_share or 0.0) for arm in Arm]
    return (
        f"Aucun effet affiché : l'issue manque pour {shares[0]} des rendez-vous avec rappels et "
        f"{shares[1]} sans rappels. Compléter qui est venu."
    )


def _too_small(found: Measured, zone: ZoneInfo) -> str:
    why = f"moins de {MIN_CLUSTERS} patients ou de {MIN_EVENTS} non-venues dans un groupe"
    return f"{NOT_MEASURED} : {why}.{_smallest(found)}"


def _underpowered(found: Measured, zone: ZoneInfo) -> str:
    assert found.expected is not None
    return (
        f"{NOT_MEASURED} : trop peu de rendez-vous pour voir l'effet attendu "
        f"({points(found.expected)}).{_smallest(found)}"
    )


def _smallest(found: Measured) -> str:
    if found.smallest is None:
        return ""
    return f" Plus petit effet détectable : {points(found.smallest)}."


def _measured(found: Measured, zone: ZoneInfo) -> str:
    assert found.since is not None
    assert found.until is not None
    assert found.avoided is not None
    assert found.low is not None
    assert found.high is not None
    period = f"Du {day(found.since, zone)} au {day(found.until, zone)}"
    avoided, low, high = (round(value) for value in found.avoided)
    if found.low <= 0 <= found.high:
        return (
            f"{period}, aucun effet établi : entre {signed(low)} et {signed(high)} non-venues "
            "évitées."
        )
    if avoided < 0:
        return (
            f"{period}, {number(-avoided)} non-venues de plus avec les rappels "
            f"({number(-high)} à {number(-low)})."
        )
    return f"{period}, {number(avoided)} non-venues évitées ({number(low)} à {number(high)})."


_ANSWERS = {
    Verdict.NO_HOLDOUT: _no_holdout,
    Verdict.UNBALANCED: _unbalanced,
    Verdict.UNKNOWN_DIFFERS: _unknown_differs,
    Verdict.TOO_SMALL: _too_small,
    Verdict.UNDERPOWERED: _underpowered,
    Verdict.MEASURED: _measured,
}


def _arms(found: Measured) -> list[str]:
    names = {Arm.REMINDED: "Avec rappels", Arm.HELD: "Sans rappels"}
    lines = []
    for arm, one in found.arms.items():
        rate = "—" if one.rate is None else percent(one.rate)
        lines.append(
            f"{names[arm]} : {number(one.missed)} non-venues sur {number(one.known)} rendez-vous "
            f"dont l'issue est connue ({rate}), {number(one.patients)} patients."
        )
    return lines


def _method(found: Measured) -> list[str]:
    if found.verdict is not Verdict.MEASURED:
        return []
    assert found.estimate is not None
    assert found.low is not None
    assert found.high is not None
    return [
        f"Différence : {change(found.estimate)} ({change(found.low)} à {change(found.high)}).",
        f"Méthode : {found.method}.",
    ]


def points(value: float) -> str:
    text = f"{100 * value:.1f}".replace(".", ",").replace("-", "−")
    return f"{text} {'point' if abs(value) < 0.0195 else 'points'}"


def change(value: float) -> str:
    return ("+" if value > 0 else "") + points(value)


def signed(value: int) -> str:
    return number(value).replace("-", "−")
