"""From a draft to a text in service: states, who may do what, and why a proposal is turned down."""

from collections.abc import Collection, Mapping, Sequence

from reminders.domain.lint import Finding
from reminders.domain.marking import N_

STATES: Mapping[str, str] = {
    "proposed": N_("proposée"),
    "approved": N_("approuvée"),
    "rejected": N_("refusée"),
    "withdrawn": N_("retirée"),
    "replaced": N_("remplacée par une autre proposition"),
}
REASONS: Mapping[str, str] = {
    "unclear": N_("Difficile à comprendre"),
    "wrong": N_("Ce qui est dit n’est pas exact"),
    "reveals": N_("Peut révéler des soins"),
    "costly": N_("Coûte trop cher"),
    "translation": N_("La traduction est à revoir"),
    "other": N_("Autre raison"),
}
REASON_TEXT = 200  # characters
NOTE = 300
MANY_PATIENTS = 500  # beyond, the number is said first and somebody agrees to it
REACH_MAY_GROW = 1.1  # what was agreed to holds until the number is a tenth larger
SHOWN = 10  # real renderings an approver sees


def may_approve(author: str, by: str, *, two_people: bool) -> bool:
    """Nobody approves what they wrote, unless the hospital has decided otherwise."""
    return author != by or not two_people


def unticked(findings: Sequence[Finding], ticked: Collection[str]) -> list[Finding]:
    """Warnings the approver has not accepted."""
    return [one for one in findings if one.level == "warned" and one.mark not in ticked]


def agreed_to(reach: int, confirmed: int | None) -> bool:
    """Does what somebody agreed to cover this many patients?"""
    if reach <= MANY_PATIENTS:
        return True
    return confirmed is not None and reach <= confirmed * REACH_MAY_GROW
