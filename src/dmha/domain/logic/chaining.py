"""Forward chaining: everything that rules conclude from claims, until nothing new follows.

Each round derives at once all that follows from what the round before brought, so the result depends on no order. A
scope is a world of its own: the premises of one conclusion share it. Of several grounds for the same claim the best is
kept, which also ends cycles: standing on itself makes a claim no surer and less direct.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from dmha.domain.logic.claims import Claim, Key, Rule, claim_derived
from dmha.domain.logic.forms import Pattern, Variable
from dmha.domain.logic.vocabulary import compare, fold, value_key
from dmha.errors import OutOfBounds

MOST_DERIVED = 10_000
MOST_ROUNDS = 64
# Claims tried and conclusions drawn: 9,000 facts under one rule take 18,000 (0.5-1.0 s on a 2-core machine),
# and the worst rules tried (three joins, every step a conclusion) come to this limit in 1.5 s there.
MOST_STEPS = 100_000

Binding = dict[Variable, str]
_FIX = "Give the rules more conditions, or take out the rule that feeds on itself."


@dataclass(frozen=True, slots=True)
class Closure:
    """`derived` follows and stands; `overruled` follows too, but what was told outweighs it: nothing stands on it."""

    derived: tuple[Claim, ...]
    overruled: tuple[Claim, ...]


def close(claims: Sequence[Claim], rules: Sequence[Rule], overruled: Callable[[Claim], bool]) -> Closure:
    """All conclusions of the rules over the claims. Raises `OutOfBounds` rather than stop half-way."""
    known: dict[Key, Claim] = {}
    rejected: dict[Key, Claim] = {}
    chase = _Chase(rules)
    fresh = _best(claims)
    for _ in range(MOST_ROUNDS):
        known |= fresh
        settled = [claim for key, claim in known.items() if key not in fresh]
        found = list(chase.conclusions(settled, list(fresh.values())))
        rejected |= _best(claim for claim in found if overruled(claim))
        best = _best(claim for claim in found if not overruled(claim))
        fresh = {key: claim for key, claim in best.items() if _better(claim, known.get(key))}
        if not fresh:
            derived = tuple(claim for claim in known.values() if claim.told is None)
            return Closure(derived, tuple(claim for key, claim in rejected.items() if key not in known))
        if sum(claim.told is None for claim in known.values()) + len(fresh) > MOST_DERIVED:
            raise OutOfBounds("derived facts", MOST_DERIVED, MOST_DERIVED + 1, _FIX)
    raise OutOfBounds("rounds of rules", MOST_ROUNDS, MOST_ROUNDS + 1, _FIX)


def _best(claims: Iterable[Claim]) -> dict[Key, Claim]:
    best: dict[Key, Claim] = {}
    for claim in claims:
        if _better(claim, best.get(claim.key)):
            best[claim.key] = claim
    return best


def _better(claim: Claim, rival: Claim | None) -> bool:
    return rival is None or _grounds(claim) < _grounds(rival)


def _grounds(claim: Claim) -> tuple[object, ...]:
    return *claim.strength_order, tuple(premise.strength_order for premise in claim.premises)


class _Chase:
    """One chase for conclusions: counts its steps over all rounds."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._steps = 0
        self._readers: dict[tuple[bool, str], list[tuple[Rule, int]]] = defaultdict(list)
        for rule in rules:
            for place, condition in enumerate(rule.conditions):
                self._readers[condition.negated, condition.attribute].append((rule, place))

    def conclusions(self, settled: list[Claim], fresh: list[Claim]) -> Iterator[Claim]:
        """What the rules conclude in one step from claims of which at least one is fresh."""
        old, new, both = _by_scope(settled), _by_scope(fresh), _by_scope(settled + fresh)
        nothing = _Index(())
        for scope, world in new.items():
            for attribute in world.attributes:
                for rule, place in self._readers.get(attribute, ()):
                    # Before the place only old claims, so that no set of claims is met twice.
                    before, after = (
                        [old.get(scope, nothing)] * place,
                        [both[scope]] * (len(rule.conditions) - place - 1),
                    )
                    yield from self._conclude(rule, [*before, world, *after], place)

    def _conclude(self, rule: Rule, worlds: Sequence[_Index], place: int) -> Iterator[Claim]:
        """The conclusions in which each condition is satisfied from its world; the one at `place` has fewest claims."""
        # Comparisons last: what they compare with is bound by then.
        order = sorted(range(len(worlds)), key=lambda i: (rule.conditions[i].operator != "=", i != place))
        conditions = [(rule.conditions[i], worlds[i]) for i in order]
        for binding, satisfied in self._satisfy(conditions, {}, ()):
            premises = tuple(claim for _, claim in sorted(zip(order, satisfied, strict=True), key=lambda pair: pair[0]))
            entity, value = _bound(rule.conclusion.entity, binding), _bound(rule.conclusion.value, binding)
            if entity is not None and value is not None:
                self._count_step()
                yield claim_derived(rule, entity, value, premises)

    def _satisfy(
        self, conditions: Sequence[tuple[Pattern, _Index]], binding: Binding, premises: tuple[Claim, ...]
    ) -> Iterator[tuple[Binding, tuple[Claim, ...]]]:
        if not conditions:
            yield binding, premises
            return
        (pattern, index), *rest = conditions
        for claim in index.candidates(pattern, binding):
            self._count_step()
            extended = _match(pattern, claim, binding)
            if extended is not None:
                yield from self._satisfy(rest, extended, (*premises, claim))

    def _count_step(self) -> None:
        self._steps += 1
        if self._steps > MOST_STEPS:
            raise OutOfBounds("steps of rules", MOST_STEPS, self._steps, _FIX)


def _by_scope(claims: Iterable[Claim]) -> dict[str, _Index]:
    worlds: dict[str, list[Claim]] = defaultdict(list)
    for claim in claims:
        worlds[claim.scope].append(claim)
    return {scope: _Index(world) for scope, world in worlds.items()}


class _Index:
    """The claims of one scope by what a condition knows of them: the attribute, and its entity or value if bound."""

    def __init__(self, claims: Iterable[Claim]) -> None:
        self.attributes: dict[tuple[bool, str], list[Claim]] = defaultdict(list)
        self._by: dict[tuple[bool, str, str, str], list[Claim]] = defaultdict(list)
        for claim in claims:
            attribute = claim.fact.negated, claim.attribute
            self.attributes[attribute].append(claim)
            self._by[*attribute, "entity", claim.entity].append(claim)
            self._by[*attribute, "value", claim.value].append(claim)

    def candidates(self, pattern: Pattern, binding: Binding) -> Sequence[Claim]:
        attribute = pattern.negated, pattern.attribute
        entity, value = _bound(pattern.entity, binding), _bound(pattern.value, binding)
        if entity is not None:
            return self._by.get((*attribute, "entity", fold(entity)), ())
        if value is not None and pattern.operator == "=":
            return self._by.get((*attribute, "value", value_key(value)), ())
        return self.attributes.get(attribute, ())


def _bound(term: str | Variable, binding: Binding) -> str | None:
    return binding.get(term) if isinstance(term, Variable) else term


def _match(pattern: Pattern, claim: Claim, binding: Binding) -> Binding | None:
    """The binding under which the claim, whose attribute fits, satisfies the pattern."""
    if isinstance(pattern.entity, Variable) and pattern.entity not in binding:
        binding = {**binding, pattern.entity: claim.entity}
    value = _bound(pattern.value, binding)
    if value is None and isinstance(pattern.value, Variable):
        return {**binding, pattern.value: claim.fact.value}
    if value is None:
        return None
    if pattern.operator == "=":  # by key: `compare` says the same, five times slower
        return binding if claim.value == value_key(value) else None
    return binding if compare(claim.fact.value, pattern.operator, value) else None
