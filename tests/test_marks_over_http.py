"""What docs/service.md promises of marks, over every route that brings something up, for two companions of a world."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from serving import key_of, serving
from starlette.testclient import TestClient

DOOR = "The door code is 4471.\nfact: door.code = 4471\nfact: cellar.key = red"
ALL = {"search", "recall", "recalled", "said", "list", "get", "history", "export", "ask", "conflicts"}
KEPT = {"list", "get", "history", "export"}  # by its id, or all there is
NO_LONGER_RAISED = {"recall", "recalled", "said"}


class Scene:
    """One memory of a shared world, and where two companions of it come across that memory."""

    def __init__(self, client: TestClient) -> None:
        self._client = client
        self._sessions = count()
        self.id = self._remember({"text": DOOR, "speaker": "aya"})
        self._remember({"text": "The door is blue.", "speaker": "aya"})
        self._tell("fact: cellar.key = blue (conf=0.3)")  # of what no reply here speaks, and so mends

    def mark(self, agent: str, **marks: bool) -> None:
        path = f"/v1/memories/{self.id}?agent_id={agent}&world=scene"
        assert self._client.patch(path, json=marks, headers={"If-Match": "*"}).status_code == 200

    def comes_up(self, agent: str, speaker: str = "ben") -> set[str]:
        """Where the memory, or what it told, comes up for this companion and whoever is there."""
        there = {"agent_id": agent, "world": "scene"}
        heard = {**there, "present": speaker}
        asked = {**there, "query": "door code", "top_k": 50, "present": [speaker]}
        said = {**there, "text": "What is the door code?", "speaker": speaker, "session_id": str(next(self._sessions))}
        reply = self._post("contextualize", said)
        facts = self._get("knowledge", {**heard, "entity": "door", "attribute": "code"})
        found = {
            "search": self._among(self._post("search", asked)["hits"]),
            "recall": self._among(self._post("recall", asked)["hits"]),
            "recalled": self._among(reply["recalled"]),
            "said": "4471" in reply["text"],
            "list": self.id in {memory["id"] for memory in self._get("memories", heard)["memories"]},
            "get": "4471" in self._get(f"memories/{self.id}", there)["text"],
            "history": "4471" in self._get(f"memories/{self.id}/history", there)["versions"][-1]["text"],
            "export": "4471" in self._client.get("/v1/export").text,
            "ask": facts["value"] == "4471" and facts["status"] == "true",
            "conflicts": bool(self._get("knowledge/conflicts", heard)["conflicts"]),
        }
        assert found.keys() == ALL
        return {name for name, there in found.items() if there}

    def _among(self, hits: list[dict[str, Any]]) -> bool:
        return any(self.id in (hit["memory"]["id"], *hit["also"]) for hit in hits)

    def _remember(self, turn: dict[str, Any]) -> str:
        told = self._post("memories", {"agent_id": "relu", "world": "scene", "turns": [turn]})
        return str(told["ids"][0])

    def _tell(self, statement: str) -> None:
        self._post("knowledge", {"agent_id": "relu", "world": "scene", "statement": statement})

    def _post(self, route: str, body: dict[str, Any]) -> Any:
        answer = self._client.post(f"/v1/{route}", json=body)
        assert answer.status_code in (200, 201), answer.text
        return answer.json()

    def _get(self, route: str, query: dict[str, Any]) -> Any:
        answer = self._client.get(f"/v1/{route}", params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()


@pytest.fixture
def scene(database: Path) -> Iterator[Scene]:
    with serving(database) as (service, client):
        client.headers.update(key_of(service, "aya"))
        yield Scene(client)


def test_what_is_wrong_comes_up_nowhere(scene: Scene) -> None:
    """For no companion of the world, but by its id and among all there is; everywhere again once it is not wrong."""
    before = {agent: scene.comes_up(agent) for agent in ("relu", "neuro")}
    assert before == {"relu": ALL, "neuro": ALL}
    scene.mark("neuro", wrong=True)
    assert scene.comes_up("relu") == scene.comes_up("neuro") == KEPT
    scene.mark("relu", wrong=False)
    assert {agent: scene.comes_up(agent) for agent in ("relu", "neuro")} == before


def test_what_is_never_raised_is_found_by_who_asks(scene: Scene) -> None:
    """The companion that was told so brings it up nowhere by itself; another companion of the world as before."""
    scene.mark("neuro", raised=False)
    assert scene.comes_up("neuro") == ALL - NO_LONGER_RAISED
    assert scene.comes_up("relu") == ALL
    scene.mark("neuro", raised=True)
    assert scene.comes_up("neuro") == ALL


def test_what_is_private_comes_up_while_its_speaker_is_there(scene: Scene) -> None:
    """For each companion alike: for nobody else, but by its id and in an export."""
    scene.mark("relu", private=True)
    for agent in ("relu", "neuro"):
        assert scene.comes_up(agent) == KEPT - {"list"}
        assert scene.comes_up(agent, "aya") == ALL
    scene.mark("neuro", private=False)
    assert scene.comes_up("relu") == ALL
