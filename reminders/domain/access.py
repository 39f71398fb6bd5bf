"""Who may do what: roles, the permissions they give, and where.

A role is granted everywhere, for one site, or for one service (UF). What an account may see is
the union of its grants; a permission is always asked together with the service it is about.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Role(StrEnum):
    AGENT = "agent"
    AUTHOR = "author"
    APPROVER = "approver"
    MANAGER = "manager"
    ADMINISTRATOR = "administrator"
    READER = "reader"


class May(StrEnum):
    """One thing a route asks for."""

    SEE_HOME = "see-home"
    SEE_TASKS = "see-tasks"
    DO_TASKS = "do-tasks"
    SEE_PATIENTS = "see-patients"  # names, numbers, texts
    ACT_FOR_PATIENTS = "act-for-patients"  # answers by phone, objections, recipients, notes
    MARK_ATTENDANCE = "mark-attendance"
    WRITE_TO_SESSION = "write-to-session"
    SEE_TEMPLATES = "see-templates"
    EDIT_TEMPLATES = "edit-templates"
    APPROVE_TEMPLATES = "approve-templates"
    SEE_SERVICES = "see-services"
    EDIT_SERVICES = "edit-services"
    RELEASE_HOLDS = "release-holds"
    SEE_REPORTS = "see-reports"
    MANAGE_REPORTS = "manage-reports"  # unit costs, closing a month, the hold-out
    SEE_AUDIT = "see-audit"
    EXPORT = "export"
    MANAGE_ACCOUNTS = "manage-accounts"


_ALL = frozenset({May.SEE_HOME, May.SEE_TEMPLATES, May.SEE_SERVICES})
_DESK = frozenset(
    {
        May.SEE_TASKS,
        May.DO_TASKS,
        May.SEE_PATIENTS,
        May.ACT_FOR_PATIENTS,
        May.MARK_ATTENDANCE,
        May.WRITE_TO_SESSION,
    }
)
GIVES: Mapping[Role, frozenset[May]] = {
    Role.AGENT: _ALL | _DESK,
    Role.AUTHOR: _ALL | {May.EDIT_TEMPLATES},
    Role.APPROVER: _ALL | {May.EDIT_TEMPLATES, May.APPROVE_TEMPLATES},
    Role.MANAGER: _ALL
    | _DESK
    | {May.EDIT_SERVICES, May.RELEASE_HOLDS, May.SEE_REPORTS, May.MANAGE_REPORTS, May.EXPORT},
    # An administrator runs the service and is no carer: no patient's name without another role.
    Role.ADMINISTRATOR: _ALL
    | {
        May.EDIT_SERVICES,
        May.RELEASE_HOLDS,
        May.SEE_AUDIT,
        May.EXPORT,
        May.SEE_REPORTS,
        May.MANAGE_REPORTS,
        May.MANAGE_ACCOUNTS,
    },
    Role.READER: _ALL | {May.SEE_REPORTS},
}


@dataclass(frozen=True, slots=True)
class Grant:
    """A role and where it holds: `uf` set: that service; else `site` set: that site; else all."""

    role: Role
    site: str = ""
    uf: str = ""

    def covers(self, uf: str, site: str) -> bool:
        if self.uf:
            return self.uf == uf
        return not self.site or self.site == site


@dataclass(frozen=True, slots=True)
class Viewer:
    """Somebody signed in. `sites` says which site each mapped service belongs to."""

    account: int
    login: str  # what the audit and a task's assignee hold
    name: str
    grants: tuple[Grant, ...]
    sites: Mapping[str, str] = field(default_factory=dict)  # uf -> site
    language: str = "fr"

    def may(self, what: May) -> bool:
        """Anywhere at all: what a route and the menu ask."""
        return any(what in GIVES[grant.role] for grant in self.grants)

    def may_in(self, what: May, uf: str) -> bool:
        """For this service. A service nobody mapped belongs to those granted everything."""
        site = self.sites.get(uf, "")
        return any(what in GIVES[grant.role] and grant.covers(uf, site) for grant in self.grants)

    def ufs(self, what: May) -> frozenset[str] | None:
        """The services it holds for; None: all, unmapped ones too."""
        holding = [grant for grant in self.grants if what in GIVES[grant.role]]
        if any(not grant.uf and not grant.site for grant in holding):
            return None
        return frozenset(
            uf
            for uf, site in self.sites.items()
            if any(grant.covers(uf, site) for grant in holding)
        ) | frozenset(grant.uf for grant in holding if grant.uf)

    def everywhere(self, what: May) -> bool:
        """Does it hold for the whole hospital, not for some sites or services only?"""
        return self.ufs(what) is None


def narrowed(ufs: frozenset[str] | None, wanted: Iterable[str]) -> frozenset[str] | None:
    """What may be seen of what is asked for; nothing asked for: all that may be seen."""
    asked = frozenset(wanted)
    if not asked:
        return ufs
    return asked if ufs is None else asked & ufs
