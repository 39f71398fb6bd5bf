"""Every address of the staff's pages, and the menu."""

from itertools import chain

from reminders.domain.access import May
from reminders.domain.marking import N_
from reminders.web.staff import (
    account,
    accounts,
    appointments,
    attendance,
    audit,
    baseline,
    calls,
    costs,
    documents,
    export,
    holds,
    home,
    messages,
    months,
    objections,
    patients,
    phonecalls,
    protocols,
    reports,
    reports_holdout,
    reports_list,
    savings,
    sheets,
    templates,
    todo,
    units,
    writing,
)
from reminders.web.staff.visit import Route

ROUTES: tuple[Route, ...] = tuple(
    chain(
        home.ROUTES,
        messages.ROUTES,
        holds.ROUTES,
        account.ROUTES,
        accounts.ROUTES,
        todo.ROUTES,
        calls.ROUTES,
        attendance.ROUTES,
        patients.ROUTES,
        objections.ROUTES,
        appointments.ROUTES,
        writing.ROUTES,
        units.ROUTES,
        protocols.ROUTES,
        sheets.ROUTES,
        templates.ROUTES,
        reports.ROUTES,
        reports_list.ROUTES,
        reports_holdout.ROUTES,
        baseline.ROUTES,
        savings.ROUTES,
        phonecalls.ROUTES,
        costs.ROUTES,
        months.ROUTES,
        audit.ROUTES,
        documents.ROUTES,
        export.ROUTES,
    )
)

MENU: tuple[tuple[str, tuple[tuple[str, str, May], ...]], ...] = (
    (
        N_("Le travail du jour"),
        (
            ("/", N_("Accueil"), May.SEE_HOME),
            ("/a-traiter", N_("À traiter"), May.SEE_TASKS),
            ("/appels", N_("Appels"), May.SEE_TASKS),
            ("/rendez-vous", N_("Rendez-vous"), May.SEE_PATIENTS),
            ("/presences", N_("Présences"), May.MARK_ATTENDANCE),
            ("/patients", N_("Patients"), May.SEE_PATIENTS),
            ("/ecrire", N_("Écrire à une séance"), May.WRITE_TO_SESSION),
        ),
    ),
    (
        N_("Ce que nous écrivons"),
        (
            ("/modeles", N_("Modèles"), May.SEE_TEMPLATES),
            ("/consignes", N_("Consignes"), May.SEE_TEMPLATES),
            ("/services", N_("Services"), May.SEE_SERVICES),
            ("/protocoles", N_("Protocoles"), May.SEE_SERVICES),
        ),
    ),
    (
        N_("Le suivi"),
        (
            ("/rapports", N_("Rapports"), May.SEE_REPORTS),
            ("/oppositions", N_("Oppositions"), May.SEE_PATIENTS),
            ("/journal", N_("Journal"), May.SEE_AUDIT),
            ("/export", N_("Export"), May.EXPORT),
            ("/documents", N_("Documents"), May.SEE_HOME),
            ("/comptes", N_("Comptes"), May.MANAGE_ACCOUNTS),
        ),
    ),
)

# Addresses of pages about the whole hospital.
WHOLE = frozenset(one.path for one in ROUTES if one.everywhere)
