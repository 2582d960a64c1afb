"""The calls about one memory at a time: to read, change, delete and list them, and what stood in their place before."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from dmha.checks import (
    MOST_NAME,
    check_choice,
    check_count,
    check_metadata,
    check_name,
    check_names,
    check_number,
    check_text,
)
from dmha.errors import NotFound, Stale
from dmha.faculties import recall as recalling
from dmha.ground import Ground
from dmha.protocols import Also, Ledger, nothing_else
from dmha.records import Place, Scope, State, Version
from dmha.types import Memory, Page, Turn

MOST_LISTED = 1_000  # of one call; more is an export


class SingleMemories(Ground):
    """What a caller does with a memory whose id it has."""

    def get(self, id: str, *, user_id: str, agent_id: str = "default", world: str | None = None) -> Memory:
        """One memory by its id."""
        with self._truth.read() as ledger:
            _, state = self._find(ledger, id, self._place(user_id, agent_id, world))
            return recalling.memory_of(state)

    def memories(
        self,
        *,
        user_id: str,
        agent_id: str = "default",
        world: str | None = None,
        present: Iterable[str] = (),
        limit: int = 50,
        after: str | None = None,
    ) -> Page:
        """What is remembered, what was learned last first, `limit` at a time; `after` is `next` of the page before.

        Private ones only of who is `present`; what is wrong or never raised is among them.
        """
        place, hearing = self._place(user_id, agent_id, world), check_names("present", present)
        check_count("limit", limit, MOST_LISTED, "Ask for fewer at a time, or use export.")
        before = None if after is None else check_number("after", after, "Give `next` of the page before.")
        with self._truth.read() as ledger:
            scope = ledger.places.find(place)
            states = [] if scope is None else ledger.reading.page(scope, hearing, limit + 1, before)
        more, states = len(states) > limit, states[:limit]
        return Page(tuple(map(recalling.memory_of, states)), str(states[-1].memory_id) if more else None)

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
        wrong: bool | None = None,
        raised: bool | None = None,
        private: bool | None = None,
        version: int | None = None,
        also: Also[Memory] = nothing_else,
    ) -> Memory:
        """Change a memory; its words before stay in `history`. With `version`, only if nobody changed it meanwhile.

        What is `wrong` is kept, and brought back to nobody; what it told holds no more, and summaries made of it are
        out of sight, until it is not wrong. What is not `raised` this companion never brings up by itself. What is
        `private` is as if it had been told in private. All three are so from the next turn on.
        """
        place, now = self._place(user_id, agent_id, world), self._now().timestamp()
        if metadata is not None:
            check_metadata(metadata)
        for field, value in (("pinned", pinned), ("wrong", wrong), ("raised", raised), ("private", private)):
            if value is not None:
                check_choice(field, value, (True, False))
        held = {name: value for name, value in (("pinned", pinned), ("raised", raised)) if value is not None}
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
            ledger.memories.change(
                scope, id, version=version, said=said, metadata=metadata, embedder_id=ledger.embedder_id, now=now,
                wrong=wrong, private=private,
            )  # fmt: skip
            if held:
                here = ledger.places.ensure(place, self._zone, now)  # to pin may be the first thing it does here
                ledger.memories.set_perspective(here, id, **held)
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
        """A memory's versions, oldest first, each as it was then; the last is what it is now.

        What is this companion's own (pinned, raised, how it fades and feels) has no versions: it is as it is now.
        """
        with self._truth.read() as ledger:
            scope, state = self._find(ledger, id, self._place(user_id, agent_id, world))
            now = recalling.memory_of(state)
            return [*(_as_it_was(now, then) for then in ledger.reading.history(scope, id)), now]

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
                raise NotFound("turn", turn_id, field="turn_id")
            return ledger.reading.variants(scope, turn_id)

    def _find(self, ledger: Ledger, id: str, place: Place) -> tuple[Scope, State]:
        check_text("id", id, most=MOST_NAME)
        scope = ledger.places.find(place)
        if scope is None:
            raise NotFound("memory", id)
        return scope, _known(ledger, scope, id)


def _as_it_was(now: Memory, then: Version) -> Memory:
    return replace(
        now, version=then.version, recorded_at=datetime.fromtimestamp(then.recorded_at, UTC), wrong=then.wrong,
        private=then.private, metadata=then.metadata, text=then.text,
    )  # fmt: skip


def _known(ledger: Ledger, scope: Scope, id: str) -> State:
    """The memory of that id, or `NotFound`."""
    state = ledger.reading.by_uid(scope, id)
    if state is None:
        raise NotFound("memory", id)
    return state
