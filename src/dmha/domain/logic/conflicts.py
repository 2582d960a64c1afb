"""What cannot hold together: finding it, saying which side stands, and how it may be mended.

Walked from the oldest claim to the newest: the newer one stands, unless it is less than half as sure as what it
contradicts. So each claim gives way at most once, and the outcome does not depend on the order of telling it here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from dmha.domain.logic.claims import Claim, Key, Told
from dmha.domain.logic.vocabulary import antonyms, single_valued
from dmha.types import Conflict, Fact

# How badly two claims clash, 0..1. A denial leaves no room; a rule may have an exception; two values may both be
# partly right (a second home), and so may love and hate.
NEGATION, DENIED_CONCLUSION, TWO_VALUES, ANTONYMS = 1.0, 0.9, 0.8, 0.8


@dataclass(frozen=True, slots=True)
class Clash:
    """Who gives way to whom. `losers` are the told facts that say what gives way: none when only a rule says it."""

    conflict: Conflict
    losers: tuple[Told, ...]
    winner: Told | Fact
    since: datetime
    keys: tuple[Key, Key]


@dataclass(frozen=True, slots=True)
class Mend:
    """End the valid time of the facts `ids` at `valid_to`; each keeps its row. No `ids`: a person must choose.

    `because` is the told fact that stands, None where a rule's conclusion does.
    """

    ids: tuple[int, ...]
    valid_to: datetime
    reason: str
    because: int | None


class Standing:
    """Claims of which none contradicts another, found by what would contradict them."""

    def __init__(self) -> None:
        self._by_key: dict[Key, list[Claim]] = {}
        self._value: dict[tuple[str, str, str], Key] = {}

    def __iter__(self) -> Iterator[Claim]:
        return (claim for group in self._by_key.values() for claim in group)

    def add(self, claim: Claim) -> None:
        self._by_key.setdefault(claim.key, []).append(claim)
        if not claim.fact.negated:
            self._value[_slot(claim)] = claim.key

    def rivals(self, claim: Claim) -> list[Claim]:
        """What cannot stand beside the claim."""
        entity, attribute, value, negated, scope = claim.key
        keys = [(entity, attribute, value, not negated, scope)]
        if not negated:
            current = self._value.get(_slot(claim))
            keys += [current] if single_valued(attribute) and current not in (None, claim.key) else []
            keys += [(entity, antonym, value, False, scope) for antonym in sorted(antonyms(attribute))]
        return [rival for key in keys for rival in self._by_key.get(key, ())]

    def overrules(self, claim: Claim) -> bool:
        return any(outweighs(rival, claim) for rival in self.rivals(claim))

    def remove(self, claims: Iterable[Claim]) -> None:
        for key in {claim.key for claim in claims}:
            del self._by_key[key]


@dataclass(frozen=True, slots=True)
class Contest:
    """The clashes among claims, and the claims that stand after them."""

    clashes: tuple[Clash, ...]
    standing: Standing


def contest(claims: Iterable[Claim]) -> Contest:
    """Let the claims, from the oldest to the newest, contend for their place."""
    standing = Standing()
    lost: dict[tuple[Key, Key], list[tuple[Claim, Claim]]] = defaultdict(list)
    for claim in sorted(claims, key=lambda claim: claim.age_order):
        rivals = standing.rivals(claim)
        strongest = min(rivals, key=lambda rival: rival.strength_order, default=None)
        if strongest is not None and outweighs(strongest, claim):
            lost[claim.key, strongest.key].append((claim, strongest))
            continue
        for rival in rivals:
            lost[rival.key, claim.key].append((rival, claim))
        standing.remove(rivals)
        standing.add(claim)
    return Contest(tuple(_clash(pairs) for pairs in lost.values()), standing)


def outweighs(claim: Claim, other: Claim) -> bool:
    """Newest wins, but not at less than half of the older one's confidence."""
    newer, older = (claim, other) if claim.age_order > other.age_order else (other, claim)
    stands = newer if 2 * newer.fact.confidence >= older.fact.confidence else older
    return stands is claim


def mend(clash: Clash, now: datetime) -> Mend:
    """End what gave way where the winner begins, or before it began if it is the newer one."""
    begun = [told.fact.valid_from or told.recorded_at for told in clash.losers]
    valid_to = min(max([clash.since, *begun]), now)
    if not clash.losers:
        reason = f"{clash.conflict.left} is a rule's conclusion: it is withheld while {clash.conflict.right} stands"
    else:
        reason = f"{clash.conflict.left} ends {valid_to.date()}: {clash.conflict.right} stands ({clash.conflict.rule})"
    because = clash.winner.id if isinstance(clash.winner, Told) else None
    return Mend(tuple(told.id for told in clash.losers), valid_to, reason, because)


def consistency(conflicts: Iterable[Conflict]) -> float:
    """prod(1 - severity * confidence): 1 when nothing conflicts."""
    product = 1.0
    for conflict in conflicts:
        product *= 1.0 - conflict.severity * conflict.confidence
    return product


def _slot(claim: Claim) -> tuple[str, str, str]:
    return claim.entity, claim.attribute, claim.scope


def _clash(pairs: Sequence[tuple[Claim, Claim]]) -> Clash:
    """One clash of one claim with another, however often either was told."""
    losers = [loser for loser, _ in pairs]
    winner = max((winner for _, winner in pairs), key=lambda claim: claim.age_order)
    loser = min(losers, key=lambda claim: claim.strength_order)
    rule, severity = _kind(loser, winner)
    confidence = min(loser.fact.confidence, winner.fact.confidence)
    conflict = Conflict(loser.text, winner.text, rule, severity, confidence, _ways_out(loser, winner))
    told = tuple(claim.told for claim in losers if claim.told)
    return Clash(conflict, told, winner.told or winner.fact, winner.since, (loser.key, winner.key))


def _kind(loser: Claim, winner: Claim) -> tuple[str, float]:
    derived = next((claim for claim in (loser, winner) if claim.premises), None)
    if loser.fact.negated != winner.fact.negated:
        if derived:
            return f"a rule's conclusion is denied ({derived.fact.rule})", DENIED_CONCLUSION
        return "the same is asserted and denied", NEGATION
    if loser.attribute == winner.attribute:
        return f"{loser.attribute} has one value at a time", TWO_VALUES
    return f"{loser.attribute} and {winner.attribute} exclude each other", ANTONYMS


def _ways_out(loser: Claim, winner: Claim) -> tuple[str, ...]:
    """What a person can do about it."""
    derived = next((claim for claim in (loser, winner) if claim.premises), None)
    ends = max(loser.since, winner.since).date()
    first = _opposite(loser.premises[0]) if loser.premises else f"end '{loser.text}' on {ends}"
    return first, _opposite(winner), f"change '{derived.fact.rule}'" if derived else "give one of them a scope"


def _opposite(claim: Claim) -> str:
    return f"fact: {claim.text.removeprefix('deny: ')}" if claim.fact.negated else f"deny: {claim.text}"
