"""The first page's estimates: told only where the hold-out measures, each labelled as one."""

from collections.abc import Mapping, Sequence
from typing import Any

from reminders.domain.access import May
from reminders.domain.savings import Component
from reminders.services import money
from reminders.web.staff.home_words import Tile
from reminders.web.staff.visit import Visit
from reminders.web.staff.words import N_, Words

EFFECT, SAVINGS = "/rapports/temoin", "/rapports/economies"
NOT_YET = N_("pas encore mesurable")
ESTIMATE = N_("estimation, par tirage au sort")


def estimates(visit: Visit) -> list[Tile]:
    """Nothing for whoever sees no report, or those of some services only: the comparison is of
    the whole hospital. One statement, seldom."""
    viewer = visit.viewer
    if not viewer.everywhere(May.SEE_REPORTS):
        return []
    staff = visit.staff
    kept = staff.figures.estimates.get("", lambda: money.kept(staff.store), now=visit.now)
    value = kept.value.value
    if value is None or value.get("verdict") == "no-holdout":
        return [_none(visit.words)]
    return [*_tiles(visit.words, value)]


def _none(words: Words) -> Tile:
    note = words.gettext("aucun groupe témoin n’est en cours : rien n’est une estimation")
    return Tile(words.gettext("Ce que les rappels changent"), words.gettext("pas mesuré"),
                (note,), EFFECT)  # fmt: skip


def _tiles(words: Words, value: Mapping[str, Any]) -> list[Tile]:
    return [
        _avoided(words, value),
        _again(words, value),
        _calls(words, value),
    ]


def _avoided(words: Words, value: Mapping[str, Any]) -> Tile:
    title, found = words.gettext("Non-venues évitées"), value.get("avoided")
    if value.get("verdict") == "measured" and found:
        return _told(words, title, found, EFFECT)
    smallest = value.get("smallest")
    notes: tuple[str, ...] = ()
    if value.get("hidden"):
        notes = (words.gettext("trop peu de patients"),)
    elif smallest and "hidden" in value:  # a value kept by an earlier release hides nothing
        points = words.number(100 * float(smallest), 1)
        notes = (words.gettext("plus petit effet détectable : %(points)s points", points=points),)
    return Tile(title, words.gettext(NOT_YET), notes, EFFECT)


def _told(words: Words, title: str, found: Sequence[float], to: str) -> Tile:
    """(central, low, high), never a number where chance alone would do."""
    central, low, high = (round(float(one)) for one in found)
    between = words.gettext(
        "entre %(low)s et %(high)s (intervalle à 95 %%)",
        low=words.number(low),
        high=words.number(high),
    )
    if found[1] <= 0 <= found[2]:
        return Tile(title, words.gettext("aucun effet établi"), (between,), to)
    return Tile(title, words.number(central), (words.gettext(ESTIMATE), between), to)


def _again(words: Words, value: Mapping[str, Any]) -> Tile:
    title = words.gettext("Créneaux redonnés en plus")
    for driver in value.get("drivers", ()):
        if driver["name"] == "refilled" and "low" in driver:
            found = [float(driver[name]) for name in ("number", "low", "high")]
            if not any(found):  # no event in either group: chance has no width to tell
                note = words.gettext("aucun créneau repris dans les deux groupes")
                return Tile(title, words.gettext(NOT_YET), (note,), SAVINGS)
            return _told(words, title, found, SAVINGS)
    return Tile(title, words.gettext(NOT_YET), (), SAVINGS)


def _calls(words: Words, value: Mapping[str, Any]) -> Tile:
    title = words.gettext("Appels évités")
    if not value["calls"]["measured"]:
        note = words.gettext("les appels ne sont pas reliés aux rendez-vous des deux groupes")
        return Tile(title, words.gettext("non mesuré"), (note,), "/rapports/appels")
    for driver in value.get("drivers", ()):
        if driver["name"] == Component.CALL.value and "low" in driver:
            fewer = [-float(driver[name]) for name in ("number", "high", "low")]
            return _told(words, title, fewer, SAVINGS)
    return Tile(title, words.gettext(NOT_YET), (), SAVINGS)
