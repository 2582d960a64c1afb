"""Which memories an answer tells of: what is kept of it goes with the first of them that is deleted."""

from __future__ import annotations

from collections.abc import Iterable

from dmha.records import Grounded, Telling
from dmha.server.models import Found, Imported, Remembered, Told
from dmha.types import Hit, Memory, Reply

Kept = Reply | Found | Remembered | Memory | Told | Imported | None
"""What requests come to that may be repeated."""


def telling(answer: Kept) -> Telling | None:
    """What it tells of; None where that is not known: a reply made before is not told anew, but looked up again."""
    match answer:
        case Grounded():
            named = _of_hits(answer.recalled)
            return Telling(
                named.uids.union(answer.remembered), answer.memory_ids, answer.turn_ids,
                named.characters + len(answer.text),
            )  # fmt: skip
        case Reply():
            return None
        case Found():
            return _of_hits(answer.hits)
        case Remembered():
            return Telling(frozenset(answer.ids))
        case Memory():
            return Telling(frozenset([answer.id]), characters=len(answer.text))
        case Told() | Imported() | None:  # a statement is no turn's; a number, and nothing, are nobody's words
            return Telling()


def _of_hits(hits: Iterable[Hit]) -> Telling:
    uids, characters = set[str](), 0
    for hit in hits:
        uids.update((hit.memory.id, *hit.also))
        characters += len(hit.memory.text)
    return Telling(frozenset(uids), characters=characters)
