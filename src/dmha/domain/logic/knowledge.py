"""What follows from all that was told, as of one moment: the closure, the answers with their reasons, the conflicts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import cached_property

from dmha.domain.logic.chaining import Closure, close
from dmha.domain.logic.claims import Claim, Key, Rule, Told, claim_told
from dmha.domain.logic.conflicts import Clash, Contest, contest
from dmha.domain.logic.forms import format_slot
from dmha.domain.logic.vocabulary import fold, single_valued
from dmha.errors import OutOfBounds
from dmha.types import Answer, Fact, Status

LONGEST_NAME = 1_024  # no statement holds a longer one
_FIRST = datetime.min.replace(tzinfo=UTC)  # nothing can be looked up before it
FALLS = 8  # moments looked back on, the latest first, for what an answer once stood on: each costs a closure


class Knowledge:
    """Facts and rules of one tenant at `now`. `facts` are all that are not retracted, those that ended included."""

    def __init__(self, facts: Sequence[Told], rules: Sequence[Rule], now: datetime) -> None:
        self._claims = tuple(claim_told(told) for told in facts)
        self._rules = tuple(rules)
        self._now = now

    def closure(self) -> tuple[Fact, ...]:
        """Every live fact, and every fact that the rules conclude from those that stand, with its premises."""
        return tuple(claim.fact for claim in (*self._live, *self._closed.derived))

    def conflicts(self) -> tuple[Clash, ...]:
        """Each pair of live claims that cannot both hold, the one that gives way first."""
        return self._contest.clashes

    def ask(self, entity: str, attribute: str, scope: str = "") -> Answer:
        """What holds of `entity.attribute` in the scope, since when and why; `unknown` comes with its reason."""
        if max(len(entity), len(attribute), len(scope)) > LONGEST_NAME:
            return _unknown(f"no name is longer than {LONGEST_NAME:,} characters")
        slot = fold(entity), fold(attribute), fold(scope)
        concerned = [claim for claim in (*self._live, *self._closed.derived) if _slot(claim.key) == slot]
        if not concerned:
            return _unknown(*self._why_unknown(slot))
        stands = set(map(id, self._contest.standing))
        standing = [claim for claim in concerned if id(claim) in stands] or concerned
        winner = _winner(standing)
        clashes = [clash for clash in self.conflicts() if slot in map(_slot, clash.keys)]
        status: Status = "conflicted" if clashes else "false" if winner.fact.negated else "true"
        others = [c for c in standing if c is not winner and (c.key == winner.key or not single_valued(slot[1]))]
        lines, sources = _explain([winner, *sorted(others, key=lambda claim: claim.age_order, reverse=True)])
        against = [f"conflict: {c.conflict.left} gives way to {c.conflict.right}: {c.conflict.rule}" for c in clashes]
        fact = winner.fact
        return Answer(fact.value, status, fact.valid_from, (*lines, *against), sources, fact.confidence)

    @cached_property
    def _live(self) -> tuple[Claim, ...]:
        return tuple(claim for claim in self._claims if _holds(claim.fact, self._now))

    @cached_property
    def _closed(self) -> Closure:
        """Rules see what stands among the told; what they conclude must not be outweighed by any of it."""
        standing = contest(self._live).standing
        return close(tuple(standing), self._rules, standing.overrules)

    @cached_property
    def _contest(self) -> Contest:
        return contest((*self._live, *self._closed.derived, *self._closed.overruled))

    def _why_unknown(self, slot: tuple[str, str, str]) -> Iterator[str]:
        """What was once told or concluded here, and what became of it."""
        yield from self._once_told(slot)
        try:
            once = self._once_concluded(slot)
        except OutOfBounds as bound:
            yield f"what it stood on before was not looked up: {bound}"
            return
        if once is not None:
            yield from (f"{format_slot(*slot[:2])} stood on {fallen}" for fallen in self._fallen(once))
        elsewhere = sorted({claim.scope for claim in self._live if _slot(claim.key)[:2] == slot[:2]})
        for scope in elsewhere:
            yield f"it is known in the scope {scope!r}" if scope else "it is known outside this scope"

    def _once_told(self, slot: tuple[str, str, str]) -> Iterator[str]:
        for claim in sorted(self._claims, key=lambda claim: claim.age_order):
            if _slot(claim.key) == slot:
                yield f"{claim.text} {_when(claim, self._now)}"

    def _once_concluded(self, slot: tuple[str, str, str]) -> Claim | None:
        """The latest conclusion of this slot, as it was just before one of its grounds fell."""
        attributes = self._feeding(slot[1])
        claims = [claim for claim in self._claims if claim.scope == slot[2] and claim.attribute in attributes]
        rules = [rule for rule in self._rules if rule.conclusion.attribute in attributes]
        falls = {claim.fact.valid_to for claim in claims if claim.fact.valid_to}
        falls |= {clash.since for clash in self.conflicts() if clash.keys[0][1] in attributes}
        past = sorted((at for at in falls if _FIRST < at <= self._now), reverse=True)
        facts = [claim.told for claim in claims if claim.told]
        for fall in past[:FALLS] if rules else ():
            before = Knowledge(facts, rules, fall - timedelta(microseconds=1))
            once = [claim for claim in before._closed.derived if _slot(claim.key) == slot]
            if once:
                return _winner(once)
        return None

    def _feeding(self, attribute: str) -> set[str]:
        """The attributes that the rules read, at any remove, to conclude this one."""
        found, grown = {attribute}, True
        while grown:
            read = {
                condition.attribute
                for rule in self._rules
                if rule.conclusion.attribute in found
                for condition in rule.conditions
            }
            grown = not read <= found
            found |= read
        return found

    def _fallen(self, once: Claim) -> Iterator[str]:
        """The grounds of a former conclusion that hold no more."""
        gave_way = {clash.keys[0]: clash.conflict.right for clash in self.conflicts()}
        for claim in _tree(once):
            if claim.told and not _holds(claim.fact, self._now):
                yield f"{claim.text}, which {_when(claim, self._now)}"
            elif claim.key in gave_way:
                yield f"{claim.text}, which gave way to {gave_way[claim.key]}"


def _unknown(*why: str) -> Answer:
    return Answer(None, "unknown", None, why or ("nothing was told of it, and no rule concludes it",), ())


def _slot(key: Key) -> tuple[str, str, str]:
    return key[0], key[1], key[4]


def _winner(claims: Sequence[Claim]) -> Claim:
    """An assertion before a denial; of the newest value, the surest claim."""
    newest = max(claims, key=lambda claim: (not claim.fact.negated, claim.age_order))
    return min((claim for claim in claims if claim.key == newest.key), key=lambda claim: claim.strength_order)


def _holds(fact: Fact, now: datetime) -> bool:
    """Whether `now` is in [valid_from, valid_to)."""
    return (fact.valid_from is None or fact.valid_from <= now) and (fact.valid_to is None or now < fact.valid_to)


def _when(claim: Claim, now: datetime) -> str:
    fact = claim.fact
    if fact.valid_to is not None and fact.valid_to <= now:
        wrong = claim.told is not None and claim.told.taken_back
        return f"{'was told wrongly, which was said' if wrong else 'ended'} {_day(fact.valid_to)}"
    return f"begins {_day(fact.valid_from or now)}"


def _day(at: datetime) -> str:
    return at.astimezone(UTC).date().isoformat()


def _tree(root: Claim) -> Iterator[Claim]:
    """The claim and all it stands on, each once."""
    seen, pending = {id(root)}, [root]
    while pending:
        claim = pending.pop()
        yield claim
        fresh = [premise for premise in reversed(claim.premises) if id(premise) not in seen]
        seen.update(map(id, fresh))
        pending += fresh


def _explain(claims: Sequence[Claim]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The derivation as lines, premises indented under what stands on them, and the turns at its leaves."""
    lines: list[str] = []
    sources: dict[str, None] = {}
    seen: set[int] = set()
    pending = [(claim, 0) for claim in reversed(claims)]
    while pending:
        claim, depth = pending.pop()
        again = id(claim) in seen and bool(claim.premises)
        seen.add(id(claim))
        lines.append("  " * depth + _line(claim) + (" (as above)" if again else ""))
        if claim.fact.source is not None:
            sources[claim.fact.source] = None
        if not again:
            pending += [(premise, depth + 1) for premise in reversed(claim.premises)]
    return tuple(lines), tuple(sources)


def _line(claim: Claim) -> str:
    ground = (
        f"by {claim.fact.rule}" if claim.fact.rule else f"told in {claim.fact.source}" if claim.fact.source else "told"
    )
    since = f" since {_day(claim.fact.valid_from)}" if claim.fact.valid_from else ""
    return f"{claim.text} (conf={claim.fact.confidence:.3g}){since}: {ground}"
