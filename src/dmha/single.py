"""The calls about one memory at a time: to read, change and delete it, and what stood in its place before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from dmha.checks import MOST_NAME, check_choice, check_metadata, check_name, check_text
from dmha.errors import NotFound, Stale
from dmha.faculties import recall as recalling
from dmha.ground import Ground
from dmha.protocols import Also, Ledger, nothing_else
from dmha.records import Place, Scope, State
from dmha.types import Memory, Turn


class SingleMemories(Ground):
    """What a caller does with a memory whose id it has."""

    def get(self, id: str, *, user_id: str, agent_id: str = "default", world: str | None = None) -> Memory:
        """One memory by its id."""
        with self._truth.read() as ledger:
            _, state = self._find(ledger, id, self._place(user_id, agent_id, world))
            return recalling.memory_of(state)

    def update(
        self,
        id: str,
        *,
        user_id: str,
        agent_id: str = "default",
        world: str | None = None,
        text: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        pinned: bool | None = None,
        version: int | None = None,
        also: Also[Memory] = nothing_else,
    ) -> Memory:
        """Change a memory; its words before stay in `history`. With `version`, only if nobody changed it meanwhile."""
        place, now = self._place(user_id, agent_id, world), self._now().timestamp()
        if metadata is not None:
            check_metadata(metadata)
        if pinned is not None:
            check_choice("pinned", pinned, (True, False))
        with self._truth.read() as ledger:
            scope, state = self._find(ledger, id, place)
        if version is not None and version != state.version:
            raise Stale(f"memory {id!r}", version, state.version)
        said = None
        if text is not None:
            turn = Turn(text, state.speaker, recalling.memory_of(state).at, source=state.source)
            (said,), _ = self._perception.perceive(
                [turn], user_id=user_id, world=place.world, kind=state.kind, now=self._now(),
                segmentation=self._segmentation(place),
            )  # fmt: skip

        def change(ledger: Ledger) -> Memory:
            here = scope
            if text is not None or metadata is not None:
                ledger.memories.change(
                    scope, id, version=version, said=said, metadata=metadata, embedder_id=ledger.embedder_id, now=now
                )
            if pinned is not None:
                here = ledger.places.ensure(place, self._zone, now)  # to pin may be the first thing it does here
                ledger.memories.set_perspective(here, id, pinned=pinned)
            memory = recalling.memory_of(_known(ledger, here, id))
            also(ledger, memory)
            return memory

        return self._truth.write(change)

    def delete(
        self,
        id: str,
        *,
        user_id: str,
        agent_id: str = "default",
        world: str | None = None,
        also: Also[None] = nothing_else,
    ) -> None:
        """Delete a memory for good, with its history, what was told in its turn and the gists that quote it."""
        place = self._place(user_id, agent_id, world)
        with self._truth.read() as ledger:
            scope, _ = self._find(ledger, id, place)

        def forget(ledger: Ledger) -> None:
            ledger.memories.forget(scope, id)
            also(ledger, None)

        self._truth.write(forget)

    def history(self, id: str, *, user_id: str, agent_id: str = "default", world: str | None = None) -> list[Memory]:
        """A memory's versions, oldest first; the last is what it is now."""
        with self._truth.read() as ledger:
            scope, state = self._find(ledger, id, self._place(user_id, agent_id, world))
            now = recalling.memory_of(state)
            return [
                *(
                    replace(now, text=text, metadata=metadata, version=version)
                    for version, _, text, metadata in ledger.reading.history(scope, id)
                ),
                now,
            ]

    def variants(
        self, turn_id: str, *, user_id: str, agent_id: str = "default", world: str | None = None
    ) -> list[Turn]:
        """What was said in the place of this turn before it was replaced, in the order of rejection: turns and replies.

        Nothing recalls them; they go when the memory of the turn is deleted.
        """
        place = self._place(user_id, agent_id, world)
        check_name("turn_id", turn_id)
        with self._truth.read() as ledger:
            scope = ledger.places.find(place)
            if scope is None or ledger.reading.turn(scope, turn_id) is None:
                raise NotFound("turn", turn_id)
            return ledger.reading.variants(scope, turn_id)

    def _find(self, ledger: Ledger, id: str, place: Place) -> tuple[Scope, State]:
        check_text("id", id, most=MOST_NAME)
        scope = ledger.places.find(place)
        if scope is None:
            raise NotFound("memory", id)
        return scope, _known(ledger, scope, id)


def _known(ledger: Ledger, scope: Scope, id: str) -> State:
    """The memory of that id, or `NotFound`."""
    state = ledger.reading.by_uid(scope, id)
    if state is None:
        raise NotFound("memory", id)
    return state
