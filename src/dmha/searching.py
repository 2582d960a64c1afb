"""The calls that bring memories back: a search, which only reads, and a recall, which strengthens what it finds.

What a reply ranks by is here too: the main path brings back as a recall does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Unpack
from zoneinfo import ZoneInfo

from dmha.asking import Asking, request_of, told
from dmha.checks import check_name
from dmha.domain import affect
from dmha.errors import Unavailable
from dmha.faculties import recall as recalling
from dmha.faculties import reranking
from dmha.ground import Ground
from dmha.outcomes import Asked, check_same, digest, finder, hits_from, hits_to
from dmha.patience import Patience
from dmha.protocols import Also, Ledger, Still, always, nothing_else
from dmha.records import Scope, State
from dmha.types import Affect, Hit

# Impulses older than this have decayed to under a thousandth (see domain/affect).
_MOOD_HORIZON = 12 * affect.MOOD_HALF_LIFE
_MOODS = {"mood_joy", "mood_aversion"}  # what a ranking reads of it; most read nothing


class Searching(Ground):
    """Search and recall."""

    def search(
        self,
        query: str,
        *,
        user_id: str,
        agent_id: str = "default",
        world: str | None = None,
        deadline_ms: int | None = None,
        still: Still = always,
        **asking: Unpack[Asking],
    ) -> list[Hit]:
        """The memories that fit the query best, best first. Reads only: nothing is strengthened, nothing recorded.

        When the deadline has passed nothing is reranked.
        """
        patience = Patience(deadline_ms, still)
        place, request = self._place(user_id, agent_id, world), self._request(query, asking)
        with self._truth.read() as ledger:
            scope = ledger.places.find(place)
            if scope is None:
                return []
            patience.ask()
            found = self._rank(ledger, scope, request)
        return [hit for _, hit in self._best(found, scope, request, patience)]

    def recall(
        self,
        query: str,
        *,
        user_id: str,
        agent_id: str = "default",
        world: str | None = None,
        key: str | None = None,
        deadline_ms: int | None = None,
        still: Still = always,
        also: Also[list[Hit]] = nothing_else,
        **asking: Unpack[Asking],
    ) -> list[Hit]:
        """As `search`, and what comes back is strengthened; the same `key` again strengthens nothing."""
        patience = Patience(deadline_ms, still)
        place, request = self._place(user_id, agent_id, world), self._request(query, asking)
        asked = (query, *told(request))
        earlier = None if key is None else self._outcome(place, "recall", check_name("key", key))
        patience.ask()
        with self._truth.read() as ledger:
            scope = ledger.places.find(place)
            again = None if scope is None or earlier is None else _again(ledger, scope, earlier, asked, request)
            if scope is not None:
                request = replace(request, exclude=tuple(ledger.reading.unraised(scope)))
            found = [] if scope is None or again is not None else self._rank(ledger, scope, request)
        if again is not None:
            return self._unchanged(again, also)
        if scope is None and key is None:
            return self._unchanged([], also)
        best = [] if scope is None else self._best(found, scope, request, patience)
        patience.ask()

        def strengthen(ledger: Ledger) -> list[Hit]:
            here = ledger.places.ensure(place, self._zone, request.now)
            hits = [hit for _, hit in best]
            meanwhile = None if key is None else ledger.life.outcome(here, "recall", key)
            if meanwhile is not None:
                hits = _again(ledger, here, meanwhile, asked, request)
            else:
                if key is not None:
                    outcome = {"asked": digest(asked), "hits": hits_to(hits)}
                    ledger.life.conclude(here, "recall", key, outcome, request.now)
                self._strengthen(ledger, here, [state.memory_id for state, _ in best], request.now, key=key)
            also(ledger, hits)
            return hits

        return self._truth.write(strengthen)

    def _strengthen(
        self, ledger: Ledger, scope: Scope, memory_ids: Sequence[int], now: float, *,
        turn_uid: str | None = None, key: str | None = None,
    ) -> None:  # fmt: skip
        """What recall does to these memories, from what they are inside this very transaction; not to a wrong one."""
        states = [state for state in ledger.reading.states(scope, memory_ids) if not state.wrong]
        ledger.life.reinforce(scope, recalling.reinforcements(states, now), now, turn_uid=turn_uid, key=key)

    def _worded(self, ledger: Ledger, scope: Scope, request: recalling.Request) -> recalling.Request:
        """The request with what this snapshot's dictionary, and readings where they are asked for, add to its words."""
        query = self._segmentations.of(ledger, scope.tenant_id, scope.dictionary).widened(
            request.query, by_reading=request.by_reading
        )
        if query is request.query:
            return request
        return replace(request, query=query, question=replace(request.question, terms=query.weights))

    def _request(self, query: str, asking: Asking) -> recalling.Request:
        return request_of(self._perception, query, asking, now=self._now().timestamp(), seed=self._seed)

    def _widened(self, request: recalling.Request) -> recalling.Request:
        """The request for as many as the reranker reads, where there is one."""
        return request if self._reranker is None else replace(request, top_k=max(request.top_k, reranking.RERANKED))

    def _rank(self, ledger: Ledger, scope: Scope, request: recalling.Request) -> list[list[tuple[State, Hit]]]:
        """What the ranking finds, best first: one list, or the joyful and the averse apart where both are wanted."""
        request, mood = self._widened(self._worded(ledger, scope, request)), Affect()
        if request.ranking.needs & _MOODS:
            mood = self._mood(ledger, scope)
        if request.filters.polarity != "both":
            return [recalling.rank(ledger, self._index, scope, request, mood)]
        sides = [replace(request, filters=replace(request.filters, polarity=side)) for side in ("joy", "aversion")]
        return [recalling.rank(ledger, self._index, scope, side, mood) for side in sides]

    def _best(
        self, found: Sequence[list[tuple[State, Hit]]], scope: Scope, request: recalling.Request, patience: Patience
    ) -> list[tuple[State, Hit]]:
        """The best of what was found, by the reranker where there is one: a model, so inside no snapshot."""
        patience.ask()
        if self._reranker is not None:
            query, zone = request.query.text, ZoneInfo(scope.zone)
            try:
                reranker = patience.within(self._reranker)
                found = [reranking.rerank(reranker, query, side, request.top_k, zone) for side in found]
            except Unavailable:
                if not patience.over:
                    raise
        best = found[0] if len(found) == 1 else recalling.alternate(*found)
        return best[: request.top_k]

    def _mood(self, ledger: Ledger, scope: Scope) -> Affect:
        now = self._now().timestamp()
        felt = ledger.life.impulses(scope, now - _MOOD_HORIZON)
        return affect.mood(
            [affect.Impulse(at, Affect(joy, aversion, trauma)) for at, joy, aversion, trauma in felt], now
        )


def _again(
    ledger: Ledger, scope: Scope, outcome: dict[str, Any], asked: Asked, request: recalling.Request
) -> list[Hit]:
    """What a recall under this key brought back before."""
    check_same("key", outcome, asked)
    return hits_from(outcome["hits"], finder(ledger, scope, request.filters.present))
