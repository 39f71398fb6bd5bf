"""`reminders recount`: the counts of the reports made anew, the same as they were."""

from tests.support.desk import Desk, visit


def test_what_was_counted_is_counted_again(desk: Desk) -> None:
    desk.configure(mode="rehearsal")
    desk.export([visit(1), visit(2, hour="10h00")])
    assert desk.run_at("run").code == 0
    for _ in range(2):
        done = desk.run_at("recount")
        assert done.code == 0, done.err
        assert done.out.startswith("Recompté : ")


def test_a_wrong_configuration_is_said_as_everywhere(desk: Desk) -> None:
    assert desk.run("recount", "--config", "nowhere.toml").code == 2
