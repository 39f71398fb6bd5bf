"""Everything in open formats as one ZIP file, and what is held about one patient."""

import threading
from collections.abc import Iterator
from typing import IO

from fastapi import Response

from reminders.domain.access import May
from reminders.domain.marking import N_
from reminders.services.export import Wanted, export, whole_for
from reminders.services.export_files import Zip, while_written
from reminders.store.exporting import parts
from reminders.web.staff.visit import Route, Visit

ZIP = "application/zip"
_one_at_a_time = threading.Lock()


def show(visit: Visit) -> Response:
    return _show(visit)


def _show(visit: Visit, status: int = 200, problem: str = "") -> Response:
    wanted = _allowed(visit)
    tables = parts(names=wanted.names, ufs=None if wanted.ufs is None else sorted(wanted.ufs))
    return visit.page(
        "export/whole.html",
        status,
        wanted=wanted,
        ufs=sorted(wanted.ufs or ()),
        tables=[one.table for one in tables],
        problem=problem,
    )


def download(visit: Visit) -> Response:
    allowed = _allowed(visit)
    if _one_at_a_time.locked():
        return _show(visit, 409, visit.words.gettext(BUSY))
    wanted = Wanted(allowed.names and visit.form.get("noms") == "oui", allowed.ufs)
    name = f"rappels-{visit.now.astimezone(visit.staff.zone):%Y-%m-%d}.zip"
    return visit.download(_in_turn(_pieces(visit, wanted)), name, ZIP)


BUSY = N_("Un export est déjà en cours. Attendre qu’il finisse, puis recommencer.")


def _in_turn(pieces: Iterator[bytes]) -> Iterator[bytes]:
    with _one_at_a_time:
        yield from pieces


def _allowed(visit: Visit) -> Wanted:
    """All that this person may take away. Names need the right to see patients wherever the export
    reaches: who runs the service and sees no patient exports none."""
    ufs, seen = visit.viewer.ufs(May.EXPORT), visit.viewer.ufs(May.SEE_PATIENTS)
    names = seen is None or (ufs is not None and ufs <= seen)
    return Wanted(names, ufs)


def _pieces(visit: Visit, wanted: Wanted) -> Iterator[bytes]:
    staff = visit.staff

    def write(stream: IO[bytes]) -> None:
        sink = Zip(stream)
        export(staff.store, sink, wanted, staff.zone, now=visit.now, by=visit.viewer.login)
        sink.close()

    return while_written(write, staff.settings.base_dir)


# --- one patient ---------------------------------------------------------------------------------


def show_patient(visit: Visit) -> Response:
    refused = _may_not_hand_over(visit)
    return refused or visit.page("export/patient.html", patient=visit.path["patient"])


def download_patient(visit: Visit) -> Response:
    if (refused := _may_not_hand_over(visit)) is not None:
        return refused
    patient = int(visit.path["patient"])
    return visit.download(_pieces(visit, Wanted(patient=patient)), f"patient-{patient}.zip", ZIP)


def _may_not_hand_over(visit: Visit) -> Response | None:
    """Why this person may not hand over what is held about a patient; None: they may."""
    ufs = visit.viewer.ufs(May.SEE_PATIENTS)
    whole = whole_for(visit.staff.store, int(visit.path["patient"]), ufs)
    if whole is None:
        return visit.missing()
    if not whole:
        return visit.refuse(
            visit.words.gettext(
                "Ce patient a aussi des rendez-vous dans d’autres services que les vôtres, et une "
                "demande d’accès porte sur tout. La transmettre au délégué à la protection des "
                "données, ou à quelqu’un dont le rôle vaut partout."
            )
        )
    return None


ROUTES = (
    Route("GET", "/export", May.EXPORT, show),
    Route("POST", "/export", May.EXPORT, download),
    Route("GET", "/patients/{patient:int}/export", May.EXPORT, show_patient),
    Route("POST", "/patients/{patient:int}/export", May.EXPORT, download_patient),
)
