"""Cursors: what they tell of the file is nothing, and whoever changes a sign of one has none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from itsdangerous.encoding import base64_decode
from live import key_to, live
from serving import SECRET, key_of, serving

from dmha.domain.ranking import keyed_uniform
from dmha.server.cursors import Cursors
from dmha.server.problems import Problem

OLDER = "Zq8Wm4Rt1Yp6Lk3Jh9Gf2Ds7Aa5Xc0Vb"


def test_a_cursor_tells_nothing_of_its_place() -> None:
    """Two of one place differ, and of every place each bit is as often set as not; all are of one length."""
    cursors = Cursors([SECRET])
    for place in ("1", "9" * 19):
        made = [cursors.made(place, "aya", "relu", None) for _ in range(400)]
        assert len({len(each) for each in made} | {len(cursors.made("7" * 57, "kenji"))}) == 1
        sealed = np.array([list(base64_decode(each.partition(".")[0])) for each in made], np.uint8)
        often = np.unpackbits(sealed, axis=1).mean(axis=0)
        assert ((often > 0.35) & (often < 0.65)).all()


def test_a_cursor_is_opened_for_its_list_by_any_secret_that_is_believed() -> None:
    """A rotation leaves it good until its secret goes; nothing opens it for another list."""
    made = Cursors([OLDER]).made("12", "aya", "relu", None, "kenji")
    assert Cursors([SECRET, OLDER]).read(made, "aya", "relu", None, "kenji") == "12"
    for cursors, of in (
        (Cursors([SECRET]), ("aya", "relu", None, "kenji")),
        (Cursors([OLDER]), ("aya", "relu", "kenji", None)),
        (Cursors([OLDER]), ("zoe", "relu", None, "kenji")),
    ):
        with pytest.raises(Problem):
            cursors.read(made, *of)


def test_a_changed_cursor_is_none() -> None:
    """Any one sign another, cut at any place, or made up of anything: refused."""
    cursors = Cursors([SECRET])
    made = cursors.made("12", "aya")
    changed = [made[:at] + ("A" if made[at] != "A" else "B") + made[at + 1 :] for at in range(len(made) - 1)]
    cut = [made[:at] for at in range(len(made) - 1)]
    for bad in (*changed, *cut, ".", "A." + made, "é.é", "\ud800", "AAAAA.AAAAA"):
        with pytest.raises(Problem):
            cursors.read(bad, "aya")


def test_pages_do_not_tell_how_much_others_write(database: Path) -> None:
    """The numbers of the file's memories and a job's moment stand in no cursor that a client is sent."""
    with serving(database) as (service, client):
        mine = key_of(service, "aya")
        client.post("/v1/memories", json={"turns": [{"text": f"note {n}"} for n in range(3)]}, headers=mine)
        for key in "abc":
            service.scheduler.put("sweep", key=key, user_id="aya", delay_s=1e6)
        for path in ("/v1/memories", "/v1/jobs"):
            sent = client.get(f"{path}?limit=1", headers=mine).json()["next"]
            assert b"aya" not in base64_decode(sent.partition(".")[0])
            assert sent != client.get(f"{path}?limit=1", headers=mine).json()["next"]
            assert client.get(path, params={"limit": 1, "cursor": sent}, headers=mine).status_code == 200


def test_chance_in_a_ranking_is_drawn_from_the_services_secret(database: Path) -> None:
    """What a client is shown of `random()` is of no seed that it could know."""
    headers = key_to(database, "aya")
    with live(database) as service, service.client(headers) as client:
        client.post("/v1/memories", json={"turns": [{"text": f"hello {n}"} for n in range(3)]})
        hits = client.post("/v1/search", json={"query": "hello", "ranking": "random()"}).json()["hits"]
    assert len(hits) == 3
    known = keyed_uniform(0, "hello", np.arange(1_000))
    assert not np.isin([hit["score"] for hit in hits], known).any()
