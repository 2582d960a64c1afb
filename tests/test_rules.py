"""What follows from what was told: exactly this, once, and never without end."""

from __future__ import annotations

import pytest
from knowing import derived, knowledge

from dmha.errors import OutOfBounds


@pytest.mark.parametrize(
    ("rule", "facts", "expected"),
    [
        (
            "rule: if ?x.age >= 18 then ?x.adult = yes",
            ["fact: a.age = 9", "fact: b.age = 18.0", "fact: c.age = old"],
            ["b.adult = yes"],
        ),
        (
            "rule: if ?x.age != 18 then ?x.odd = yes",
            ["fact: a.age = 9", "fact: b.age = 18.0", "fact: c.age = old"],
            ["a.odd = yes", "c.odd = yes"],
        ),
        (
            "rule: if ?x.a < ?y and ?z.b = ?y then ?x.less = ?y",
            ["fact: p.a = 2", "fact: q.b = 10", "fact: r.b = 1"],
            ["p.less = 10"],
        ),
        (
            "rule: if ?x.friend = ?y and ?y.city = ?c then ?x.knows = ?c",
            ["fact: a.friend = Ken", "fact: ken.city = Kobe"],
            ["a.knows = Kobe"],
        ),
        ("rule: if ?x.likes = ?x then ?x.vain = yes", ["fact: a.likes = A", "fact: b.likes = a"], ["a.vain = yes"]),
        (
            "rule: if not ?x.pet = cat then ?x.home = calm",
            ["fact: a.pet = dog", "deny: b.pet = cat"],
            ["b.home = calm"],
        ),
        ("rule: if ?x.a = 1 and ?x.b = 2 then ?x.c = 3", ["fact: p.a = 1 (scope=w)", "fact: p.b = 2"], []),
        (
            "rule: if ?x.a = 1 and ?x.b = 2 then ?x.c = 3",
            ["fact: p.a = 1 (scope=w)", "fact: p.b = 2 (scope=W)"],
            ["p.c = 3 (scope=w)"],
        ),
        ("rule: if sky.colour = red then aya.mood = awe", ["fact: sky.colour = RED"], ["aya.mood = awe"]),
    ],
)
def test_a_rule_concludes_exactly_this(rule: str, facts: list[str], expected: list[str]) -> None:
    """Comparison, joins, denial as a condition, one scope a conclusion."""
    assert derived(knowledge(facts, [rule])) == expected


def test_rules_that_feed_each_other_come_to_an_end() -> None:
    """A cycle derives each claim once, and no claim grows surer by standing on itself."""
    cycle = [
        "rule: if ?x.a = ?y then ?y.a = ?x",
        "rule: if ?x.a = ?y then ?x.b = ?y",
        "rule: if ?x.b = ?y then ?x.a = ?y",
    ]
    assert derived(knowledge(["fact: p.a = q (conf=0.5)"], cycle)) == [
        "p.b = q (conf=0.5)", "q.a = p (conf=0.5)", "q.b = p (conf=0.5)",
    ]  # fmt: skip


def test_of_two_grounds_the_surer_is_told() -> None:
    """A long sure way beats a short doubtful one, whichever is found first."""
    rules = [
        "rule: if ?x.a = 1 then ?x.d = 1 (conf=0.2)",
        "rule: if ?x.a = 1 then ?x.b = 1",
        "rule: if ?x.b = 1 then ?x.d = 1",
    ]
    assert derived(knowledge(["fact: p.a = 1"], rules)) == ["p.b = 1", "p.d = 1"]


@pytest.mark.parametrize(
    ("facts", "rules", "field"),
    [
        (
            [f"fact: p{i}.likes = q{i}" for i in range(101)],
            ["rule: if ?x.likes = ?y and ?a.likes = ?b then ?x.has = ?b"],
            "derived facts",
        ),
        (
            [f"fact: p{i}.parent = p{i + 1}" for i in range(80)],
            [
                "rule: if ?x.parent = ?y then ?x.above = ?y",
                "rule: if p0.above = ?y and ?y.parent = ?z then p0.above = ?z",
            ],
            "rounds of rules",
        ),
        (
            [f"fact: p{i}.likes = q{i}" for i in range(360)],
            ["rule: if ?x.likes = ?y and ?a.likes = ?b and ?c.likes = ?d and ?x.no = ?a then ?x.has = ?b"],
            "steps of rules",
        ),
    ],
)
def test_a_closure_without_end_is_refused(facts: list[str], rules: list[str], field: str) -> None:
    """Too many conclusions, rounds or steps raise OutOfBounds: half a closure is never given."""
    with pytest.raises(OutOfBounds) as error:
        knowledge(facts, rules).ask("p0", "has")
    assert error.value.field == field
