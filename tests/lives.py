"""A life with something in every table that travels; how to break off its journey, spoil it, compare what came."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from stubs import ManualClock, StubEmbedder
from tables import rows

import dmha
from dmha import InvalidInput, Turn
from dmha.mind import Mind
from dmha.protocols import Progress
from dmha.stores import schema
from dmha.stores.truth import Truth

HERE: dict[str, Any] = {"user_id": "aya", "agent_id": "relu"}


def open_mind(path: Path, embedder: StubEmbedder | None = None, clock: ManualClock | None = None) -> Mind:
    return dmha.open(path, embedder=embedder or StubEmbedder(), chat="extractive", clock=clock or ManualClock())


def live(mind: Mind, clock: ManualClock) -> None:
    """A life with something in every table that travels."""
    turns = [Turn(f"turn {n} of a long day", "aya", id=f"t{n}", metadata={"n": n, "場所": "大阪"}) for n in range(45)]
    ids = mind.add(turns, session_id="long", **HERE)
    mind.add(Turn("a secret 😀", "ben", id="secret", private=True), **HERE)
    clock.forward(hours=1)
    mind.contextualize("fact: aya.city = Osaka", turn_id="c1", speaker="aya", **HERE)
    clock.forward(hours=1)
    mind.contextualize("fact: aya.city = Sapporo", turn_id="c1b", speaker="aya", **HERE)
    mind.contextualize("rule: if aya.city = Sapporo then aya.country = Japan", turn_id="c2", speaker="aya", **HERE)
    mind.contextualize("I love tea, it makes me so happy!", turn_id="c3", speaker="aya", **HERE)
    mind.recall("long day", key="k", **HERE)
    mind.update(ids[-2], text="turn 3, told better", **HERE)
    mind.update(ids[4], pinned=True, **HERE)
    mind.delete(ids[40], **HERE)
    mind.teach("Who are you?", "relu", **HERE)
    mind.add("I speak softly, 私はレルです。", kind="persona", session_id="cradle", **HERE)
    mind.add("塔是红色的。", kind="lore", session_id="cradle", **HERE)
    mind.contextualize("I hate rain", turn_id="c5", speaker="aya", **HERE)
    mind.contextualize("I love rain ☔", turn_id="c6", replaces="c5", speaker="aya", **HERE)
    words = mind.dictionary(**HERE)
    words.put("長い日", "ながいひ")
    words.put("红色的塔")
    words.remove("红色的塔")
    mind.add(Turn("large", "aya", metadata={"large": "大" * 20_000}), **HERE)


def as_left(mind: Mind) -> set[tuple[str, bool, str, str]]:
    """What an export leaves to be found again: of each turn whether it is in the window, its branch and its tree."""
    turns, branches = schema.turns, schema.branches
    truth = mind._truth
    assert isinstance(truth, Truth)
    with truth._engine.connect() as connection:
        query = select(turns.c.uid, turns.c.in_window, turns.c.branch_id, branches.c.root_id).join(branches)
        rows = connection.execute(query.order_by(turns.c.id.desc())).all()
    first = {row.branch_id: row.uid for row in rows}  # a branch is known by the turn that began it
    return {(row.uid, row.in_window, first[row.branch_id], first[row.root_id]) for row in rows}


def one_of_each_table(lines: list[str]) -> dict[str, int]:
    """The position of a row of each table: the last, which carries the most references."""
    return {json.loads(line).get("table", "header"): place for place, line in enumerate(lines)}


def refused(lines: list[str], path: Path, mind: Mind) -> None:
    """The file of these lines is refused as invalid, and leaves no row behind."""
    path.write_text("".join(line + "\n" for line in lines), encoding="utf-8", errors="surrogatepass")
    before = rows(mind)
    with pytest.raises(InvalidInput):
        mind.import_(path, **HERE)
    assert rows(mind) == before


class Broken(BaseException):
    """What stands for Ctrl-C: nobody catches it."""


def breaking_at(place: int) -> Progress:
    """A progress that breaks off when so much is done."""

    def progress(done: int, total: int) -> None:
        if done >= place:
            raise Broken

    return progress
