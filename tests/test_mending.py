"""Mending: what gives way ends and is not deleted, the newest stands, and order changes nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from knowing import DIALECT, NOW, REGION, START, derived, knowledge, mended, ruled, told

from dmha.domain.logic import (
    Knowledge,
    mend,
)

FACT = st.builds(
    "{} {}.{} = {} (conf={}{})".format,
    st.sampled_from(["fact:", "deny:"]), st.sampled_from("pqr"), st.sampled_from(["a", "b", "likes", "dislikes"]),
    st.sampled_from("pqr1"), st.sampled_from(["1", "0.9", "0.3"]),
    st.sampled_from(["", ", scope=w", ", until=2024-01-20"]),
)  # fmt: skip
RULES = [
    "rule: if ?x.a = ?y then ?y.b = ?x (conf=0.9)",
    "rule: if ?x.b = ?y and ?x.likes = ?z then ?y.a = ?z",
    "rule: if ?x.likes = ?y then ?y.likes = ?x (conf=0.5)",
    "rule: if ?x.dislikes = ?y then not ?x.likes = ?y",
    "rule: if not ?x.a = ?y and ?x.b != ?y then ?x.b = ?y (conf=0.7)",
]


@pytest.mark.parametrize(
    ("texts", "answer", "ends"),
    [
        (["fact: aya.city = Osaka", "fact: aya.city = Kobe"], ("Kobe", "true"), {0: 1}),
        (["fact: aya.city = Osaka", "fact: aya.city = Kobe (conf=0.3)"], ("Osaka", "true"), {1: 1}),
        (["fact: aya.city = Osaka", "deny: aya.city = Osaka"], ("Osaka", "false"), {0: 1}),
        (
            ["fact: aya.city = Osaka", "deny: aya.city = Osaka", "fact: aya.city = Osaka"],
            ("Osaka", "true"),
            {0: 1, 1: 2},
        ),
        (["fact: aya.city = Osaka", "fact: aya.city = Osaka", "fact: aya.city = Kobe"], ("Kobe", "true"), {0: 2, 1: 2}),
        (
            ["fact: aya.city = Osaka", "fact: aya.city = Kobe", "fact: aya.city = Osaka"],
            ("Osaka", "true"),
            {0: 1, 1: 2},
        ),
    ],
)
def test_mending_ends_what_gives_way_and_deletes_nothing(
    texts: list[str], answer: tuple[str, str], ends: dict[int, int]
) -> None:
    """The loser's valid time ends where the winner's begins; then nothing conflicts and the answer is plain."""
    facts = [told(text, day) for day, text in enumerate(texts)]
    after = mended(facts, Knowledge(facts, [], NOW))
    assert {t.id: (t.fact.valid_to - START).days for t in after if t.fact.valid_to} == ends
    known = Knowledge(after, [], NOW)
    assert known.conflicts() == ()
    assert (known.ask("aya", "city").value, known.ask("aya", "city").status) == answer


def test_two_values_of_one_moment_mend_too() -> None:
    """Told at the same time, the one told later stands, and the other was never valid."""
    facts = [told("fact: aya.city = Osaka", 5, id=1), told("fact: aya.city = Kobe", 5, id=2)]
    known = Knowledge(mended(facts, Knowledge(facts, [], NOW)), [], NOW)
    assert (known.conflicts(), known.ask("aya", "city").value) == ((), "Kobe")


def test_a_denied_conclusion_is_left_to_a_person() -> None:
    """No told fact is ended for a rule's sake: the conclusion is withheld and the ways out are named."""
    known = knowledge(["fact: aya.city = Osaka", "deny: aya.region = Kansai"], [REGION, DIALECT])
    [clash] = known.conflicts()
    assert mend(clash, NOW).ids == ()
    assert clash.conflict.ways_out == ("deny: aya.city = Osaka", "fact: aya.region = Kansai", f"change '{REGION}'")
    assert derived(known) == []


@pytest.mark.parametrize(
    ("texts", "value"),
    [
        (["fact: a.b = 1 (conf=1)", "fact: a.b = 2 (conf=0.6)", "fact: a.b = 3 (conf=0.4)"], "3"),
        (["fact: a.b = 1 (conf=1)", "fact: a.b = 2 (conf=0.4)", "fact: a.b = 3 (conf=0.4)"], "1"),
    ],
)
def test_winning_goes_from_the_oldest_to_the_newest(texts: list[str], value: str) -> None:
    """Each newer statement contends with what stands then, not with what already gave way."""
    assert knowledge(texts).ask("a", "b").value == value


@given(st.lists(FACT, max_size=12), st.lists(st.sampled_from(RULES), unique=True), st.randoms(use_true_random=False))
def test_the_order_of_facts_and_rules_changes_nothing(texts: list[str], rules: list[str], chance: object) -> None:
    """Closure, answers and conflicts are functions of the set of what was told."""
    facts, known_rules = [told(text, day) for day, text in enumerate(texts)], [ruled(text) for text in rules]
    other_facts, other_rules = facts[::-1], known_rules[::-1]
    chance.shuffle(other_facts)  # type: ignore[attr-defined] # hypothesis gives a random.Random under its own type
    one, other = Knowledge(facts, known_rules, NOW), Knowledge(other_facts, other_rules, NOW)
    assert sorted(map(repr, one.closure())) == sorted(map(repr, other.closure()))
    assert sorted(map(repr, one.conflicts())) == sorted(map(repr, other.conflicts()))
    assert [one.ask(e, a) for e in "pqr" for a in ("a", "b", "likes")] == [
        other.ask(e, a) for e in "pqr" for a in ("a", "b", "likes")
    ]


@given(st.lists(FACT, max_size=12))
def test_told_contradictions_can_always_be_mended(texts: list[str]) -> None:
    """Without rules, mending leaves no conflict and ends no fact before it began."""
    facts = [told(text, day) for day, text in enumerate(texts)]
    after = mended(facts, Knowledge(facts, [], NOW))
    assert Knowledge(after, [], NOW).conflicts() == ()
    assert all(t.fact.valid_from <= t.fact.valid_to for t in after if t.fact.valid_from and t.fact.valid_to)
