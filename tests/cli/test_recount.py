"""`reminders recount`: the counts of the reports made anew, the same as they were."""

import sqlite3

from reminders.domain.report_unit import FATE
from tests.support.desk import Desk, visit


def test_what_was_counted_is_counted_again(desk: Desk) -> None:
    desk.configure(mode="rehearsal")
    desk.export([visit(1), visit(2, hour="10h00")])
    assert desk.run_at("run").code == 0
    for words in (("recount",), ("recount", "--look-again")):
        done = desk.run_at(*words)
        assert done.code == 0, done.err
        assert done.out.startswith("Recompté : ")


def test_counts_are_made_anew_from_units_and_units_on_request(desk: Desk) -> None:
    desk.configure(mode="rehearsal")
    desk.export([visit(n, hour="10h00") for n in range(1, 4)])
    assert desk.run_at("run").code == 0
    with sqlite3.connect(desk.database) as database:
        whole = database.execute("SELECT * FROM rollup ORDER BY 1, 2, 3, 4").fetchall()
        units = database.execute("SELECT * FROM report_unit").fetchall()
        assert whole
        database.execute("DELETE FROM rollup")
    assert desk.run_at("recount").code == 0
    with sqlite3.connect(desk.database) as database:
        assert database.execute("SELECT * FROM rollup ORDER BY 1, 2, 3, 4").fetchall() == whole
        alone = 1 << FATE["alone"].shift
        database.execute("UPDATE report_unit SET fate = fate | ?", (alone,))
    assert desk.run_at("recount").code == 0
    with sqlite3.connect(desk.database) as database:
        assert database.execute("SELECT * FROM report_unit").fetchall() != units
    assert desk.run_at("recount", "--look-again").code == 0
    with sqlite3.connect(desk.database) as database:
        assert database.execute("SELECT * FROM report_unit").fetchall() == units


def test_a_wrong_configuration_is_said_as_everywhere(desk: Desk) -> None:
    assert desk.run("recount", "--config", "nowhere.toml").code == 2
