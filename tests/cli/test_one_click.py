"""A mail program's one-click, from the header of a real letter to the story `why` tells."""

import re

import httpx

from tests.cli.test_serve import public_of, serving, wait_for
from tests.support.desk import Desk, visit


def test_the_address_in_a_letter_s_header_stops_the_next_ones(hospital: Desk) -> None:
    assert hospital.peers is not None
    public, _ = public_of(hospital)
    hospital.export([visit(1, date="16/10/2026", mobile="", email="lea.exemple@example.org")])
    assert hospital.run_at("run").code == 3
    with serving(hospital) as service:
        assert hospital.run_at("release", "--yes").code == 0
        wait_for('"event": "delivered"', hospital.folder / "serve.err")
        [letter] = hospital.peers.taken
        found = re.fullmatch(rf"<({public}/u/[A-Za-z0-9_-]{{22}})>", letter.unsubscribe)
        assert found
        assert f"Pour ne plus recevoir ces courriels : {found[1]}" in letter.text
        asked = httpx.get(found[1], trust_env=False)
        assert asked.status_code == 200
        assert "opposition" not in hospital.run("why", "R1").out
        told = httpx.post(found[1], data={"List-Unsubscribe": "One-Click"}, trust_env=False)
        assert (told.status_code, told.history) == (200, [])
        story = hospital.run("why", "R1").out
        assert "opposition reçue par le lien d'un courriel (courriel)" in story
        assert "J-1, version 1 : pas envoyé par courriel — opposition du patient" in story
        assert service.stop() == 0
    kept = (hospital.folder / "serve.err").read_text("utf-8")
    assert found[1].rpartition("/")[2] not in kept
