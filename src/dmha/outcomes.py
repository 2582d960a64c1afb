"""Replies and hits as JSON, so that a retried request is answered from what the first one came to."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import asdict
from hashlib import blake2b
from typing import Any

from dmha.errors import AnswerGone, InvalidInput
from dmha.faculties.recall import may_hear, memory_of
from dmha.protocols import Ledger
from dmha.records import Scope, State
from dmha.types import Affect, Conflict, Hit, Repair, Reply

Find = Callable[[str], State | None]
Asked = tuple[object, ...]

_REPLY_UID = re.compile("r_[0-9a-f]{32}")


def digest(asked: Asked) -> str:
    """What a request asked and for whose ears, so that a retry is known from another request under its key."""
    return blake2b(repr(asked).encode(), digest_size=16).hexdigest()


def check_same(field: str, outcome: dict[str, Any], asked: Asked) -> None:
    """Refuse another request that comes under the key of an earlier one, and one whose answer is gone."""
    if not outcome:
        raise AnswerGone(field)
    if outcome["asked"] != digest(asked):
        raise InvalidInput(field, "it was another request's", "Give every request an id of its own.")


def reply_uid(turn_uid: str, agent_id: str) -> str:
    """The id of a companion's answer to a turn: always the same, and no id that a caller would choose."""
    return "r_" + blake2b(f"{turn_uid}\x1f{agent_id}".encode(), digest_size=16).hexdigest()


def check_replaced(uid: str | None) -> None:
    """Refuse to take back a reply without its turn: what the reply did, it did as that turn's consequence."""
    if uid is not None and _REPLY_UID.fullmatch(uid):
        raise InvalidInput("replaces", f"{uid!r} is a reply", "Name the turn that it answers: both are said again.")


def finder(ledger: Ledger, scope: Scope, present: Sequence[str]) -> Find:
    """Finds what may still be brought back to those present; since then it may have gone, or been marked otherwise."""
    unraised = frozenset(ledger.reading.unraised(scope))

    def find(uid: str) -> State | None:
        state = ledger.reading.by_uid(scope, uid)
        if state is None or state.wrong or state.memory_id in unraised or not may_hear(state, present):
            return None
        return state

    return find


def reply_to(reply: Reply, asked: Asked) -> dict[str, Any]:
    """A reply without its trace; recalled memories by id, as they may change or be deleted."""
    return {
        "asked": digest(asked),
        "turn_id": reply.turn_id,
        "remembered": list(reply.remembered),
        "text": reply.text,
        "recalled": hits_to(reply.recalled),
        "consistency": reply.consistency,
        "conflicts": [asdict(conflict) for conflict in reply.conflicts],
        "repairs": [asdict(repair) for repair in reply.repairs],
        "mood": asdict(reply.mood),
        "confidence": reply.confidence,
    }


def reply_from(body: dict[str, Any], find: Find) -> Reply:
    """The reply again; a memory that is not found any more is no longer among the recalled."""
    return Reply(
        turn_id=body["turn_id"],
        remembered=tuple(body["remembered"]),
        text=body["text"],
        recalled=tuple(hits_from(body["recalled"], find)),
        consistency=body["consistency"],
        conflicts=tuple(_conflict(told) for told in body["conflicts"]),
        repairs=tuple(Repair(**(told | {"conflict": _conflict(told["conflict"])})) for told in body["repairs"]),
        mood=Affect(**body["mood"]),
        confidence=body["confidence"],
        trace={},
    )


def hits_to(hits: Sequence[Hit]) -> list[dict[str, Any]]:
    """Hits with their memories by id."""
    return [
        {
            "id": hit.memory.id,
            "score": hit.score,
            "reasons": dict(hit.reasons),
            "why": hit.why,
            "confidence": hit.confidence,
            "also": list(hit.also),
        }
        for hit in hits
    ]


def hits_from(told: Sequence[dict[str, Any]], find: Find) -> list[Hit]:
    """The hits again, with their memories as they are now; those not found any more are not named either."""
    found = [(entry, find(entry["id"])) for entry in told]
    return [
        Hit(memory_of(state), entry["score"], entry["reasons"], entry["why"], entry["confidence"], _left(entry, find))
        for entry, state in found
        if state is not None
    ]


def _left(entry: dict[str, Any], find: Find) -> tuple[str, ...]:
    """What else said the same, as far as it is still there; outcomes of older versions do not tell."""
    return tuple(uid for uid in entry.get("also", ()) if find(uid) is not None)


def _conflict(told: dict[str, Any]) -> Conflict:
    return Conflict(**(told | {"ways_out": tuple(told["ways_out"])}))
