"""`reminders calls import`: bad lines named with their remedy, good ones kept once."""

import json

from tests.support.desk import Desk, visit


def test_a_file_is_read_once_and_its_bad_lines_are_named(desk: Desk) -> None:
    desk.configure(mode="rehearsal")
    desk.export([visit(n) for n in range(1, 4)])
    desk.run_at("run")
    file = desk.folder / "appels.csv"
    file.write_text(
        "Date;Heure;Service;Motif;RDV\r\n"
        "01/10/2026;9:30;4220;Annulation;R1\r\n"
        "hier;;4220;;R2\r\n"
        "02/10/2026;;Consultations, accueil B2;;R3\r\n",
        encoding="cp1252",
    )
    done = desk.run_at("calls", "import", str(file))
    assert done.code == 1
    assert "3 lignes lues, 2 appels gardés" in done.out
    assert "appels.csv, ligne 3 : date ou heure illisible" in done.err
    assert "a déjà été lu" in desk.run_at("calls", "import", str(file)).out
    file.write_text(file.read_text("cp1252").replace("hier", "03/10/2026"), encoding="utf-8")
    told = json.loads(desk.run_at("calls", "import", str(file), "--json").out)
    assert (told["kept"], told["repeated"], told["refused"]) == (1, 2, 0)
    assert desk.run_at("calls", "import", str(desk.folder / "absent.csv")).code == 1
