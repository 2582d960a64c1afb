"""What follows from what was told, what falls with its premises, and what cannot hold together."""

from __future__ import annotations

import doctest
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dmha.domain.logic import (
    FactStatement,
    Knowledge,
    Rule,
    RuleStatement,
    Told,
    consistency,
    format_fact,
    mend,
    parse_statement,
)
from dmha.errors import OutOfBounds
from dmha.types import Conflict, Fact

START = datetime(2024, 1, 1, tzinfo=UTC)
NOW = datetime(2024, 12, 31, tzinfo=UTC)


def told(text: str, day: int, id: int | None = None) -> Told:
    """A fact told in turn `t<day>`, valid from that day of 2024 on unless the text says otherwise."""
    s, at = parse_statement(text), START + timedelta(days=day)
    assert isinstance(s, FactStatement)
    since = s.valid_from or at
    fact = Fact(s.entity, s.attribute, s.value, s.negated, s.confidence, s.scope, since, s.valid_to, f"t{day}")
    return Told(fact, day if id is None else id, at)


def ruled(text: str) -> Rule:
    s = parse_statement(text)
    assert isinstance(s, RuleStatement)
    return Rule(s.text, s.conditions, s.conclusion, s.confidence, None, START)


def knowledge(facts: Sequence[str], rules: Sequence[str] = (), now: datetime = NOW) -> Knowledge:
    """The facts told one a day from the first of January on."""
    return Knowledge([told(text, day) for day, text in enumerate(facts)], [ruled(text) for text in rules], now)


def derived(known: Knowledge) -> list[str]:
    return sorted(format_fact(replace(fact, valid_from=None)) for fact in known.closure() if fact.rule)


REGION = "rule: if ?x.city = Osaka then ?x.region = Kansai (conf=0.8)"
DIALECT = "rule: if ?x.region = Kansai then ?x.dialect = Kansai-ben (conf=0.5)"


def test_a_conclusion_knows_its_premises_confidence_and_turns() -> None:
    """The answer carries the derivation as a tree, the least sure premise times the rule, and the turns below it."""
    answer = knowledge(["fact: Aya.City = ＯＳＡＫＡ (conf=0.9)"], [DIALECT, REGION]).ask("AYA", "dialect")
    assert (answer.value, answer.status, answer.since, answer.sources) == ("Kansai-ben", "true", START, ("t0",))
    assert answer.confidence == pytest.approx(0.9 * 0.8 * 0.5)
    assert answer.why == (
        f"aya.dialect = Kansai-ben (conf=0.36) since 2024-01-01: by {DIALECT}",
        f"  aya.region = Kansai (conf=0.72) since 2024-01-01: by {REGION}",
        "    aya.city = ＯＳＡＫＡ (conf=0.9) since 2024-01-01: told in t0",
    )


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        (
            ["fact: aya.city = Osaka (until=2024-09-02)"],
            "aya.dialect stood on aya.city = Osaka, which ended 2024-09-02",
        ),
        (
            ["fact: aya.city = Osaka", "fact: aya.city = Sapporo"],
            "aya.dialect stood on aya.city = Osaka, which gave way to aya.city = Sapporo",
        ),
        (
            ["fact: aya.city = Osaka", "deny: aya.city = Osaka"],
            "aya.dialect stood on aya.city = Osaka, which gave way to deny: aya.city = Osaka",
        ),
        (
            ["fact: aya.city = Osaka", "deny: aya.region = Kansai"],
            "aya.dialect stood on aya.region = Kansai, which gave way to deny: aya.region = Kansai",
        ),
        (["fact: aya.city = Osaka (scope=game)"], "nothing was told of it, and no rule concludes it"),
    ],
)
def test_when_a_premise_falls_the_answer_is_unknown_with_the_reason(facts: list[str], why: str) -> None:
    """An ended, outdated or denied premise takes down all that stood on it."""
    answer = knowledge(facts, [REGION, DIALECT]).ask("aya", "dialect")
    assert (answer.value, answer.status, answer.why) == (None, "unknown", (why,))


@pytest.mark.parametrize(
    ("fact", "why"),
    [
        ("fact: aya.city = Osaka (until=2024-09-02)", "aya.city = Osaka ended 2024-09-02"),
        ("fact: aya.city = Osaka (from=2030-01-01)", "aya.city = Osaka begins 2030-01-01"),
        ("fact: aya.city = Osaka (scope=game)", "it is known in the scope 'game'"),
        ("fact: ken.city = Osaka", "nothing was told of it, and no rule concludes it"),
    ],
)
def test_what_is_not_live_is_unknown_with_the_reason(fact: str, why: str) -> None:
    """A fact that ended, has not begun, or is of another scope says so."""
    assert knowledge([fact]).ask("aya", "city").why == (why,)


def test_valid_time_holds_its_start_and_not_its_end() -> None:
    """A fact is live from the first moment of its time until just before the last."""
    fact = "fact: aya.city = Osaka (from=2024-03-01, until=2024-03-02)"
    days = [
        datetime(2024, 2, 29, 23, 59, tzinfo=UTC),
        datetime(2024, 3, 1, tzinfo=UTC),
        datetime(2024, 3, 2, tzinfo=UTC),
    ]
    assert [knowledge([fact], now=day).ask("aya", "city").status for day in days] == ["unknown", "true", "unknown"]


def test_only_denied_is_false() -> None:
    """A denial alone answers false with the denied value; an assertion beside it answers true."""
    denied = knowledge(["deny: aya.city = Tokyo"]).ask("aya", "city")
    assert (denied.value, denied.status) == ("Tokyo", "false")
    both = knowledge(["fact: aya.city = Osaka", "deny: aya.city = Tokyo"]).ask("aya", "city")
    assert (both.value, both.status, both.sources) == ("Osaka", "true", ("t0",))


def test_attributes_of_many_values_answer_the_newest_and_tell_all() -> None:
    """Likes do not contradict each other: the newest is the value, every one is in the reasons."""
    known = knowledge(["fact: aya.likes = tea", "fact: aya.likes = sushi", "fact: aya.likes = jazz"])
    answer = known.ask("aya", "likes")
    assert (answer.value, answer.status, answer.sources) == ("jazz", "true", ("t2", "t1", "t0"))
    assert known.conflicts() == ()


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


VALUE = "city has one value at a time"
SAME = "the same is asserted and denied"


@pytest.mark.parametrize(
    ("facts", "rules", "expected"),
    [
        (
            ["fact: aya.city = Osaka", "deny: aya.city = osaka (conf=0.6)"],
            [],
            [("aya.city = Osaka", "deny: aya.city = osaka", SAME, 1.0, 0.6)],
        ),
        (
            ["deny: aya.city = Osaka", "fact: aya.city = Osaka"],
            [],
            [("deny: aya.city = Osaka", "aya.city = Osaka", SAME, 1.0, 1.0)],
        ),
        (
            ["fact: aya.city = Osaka (conf=0.9)", "fact: aya.city = Kobe"],
            [],
            [("aya.city = Osaka", "aya.city = Kobe", VALUE, 0.8, 0.9)],
        ),
        (
            ["fact: aya.city = Osaka", "fact: aya.city = Kobe (conf=0.5)"],
            [],
            [("aya.city = Osaka", "aya.city = Kobe", VALUE, 0.8, 0.5)],
        ),
        (
            ["fact: aya.city = Osaka", "fact: aya.city = Kobe (conf=0.49)"],
            [],
            [("aya.city = Kobe", "aya.city = Osaka", VALUE, 0.8, 0.49)],
        ),
        (
            ["fact: aya.likes = tea", "fact: aya.dislikes = TEA"],
            [],
            [("aya.likes = tea", "aya.dislikes = TEA", "likes and dislikes exclude each other", 0.8, 1.0)],
        ),
        (
            ["fact: 彩.好き = 納豆", "fact: 彩.嫌い = 納豆"],
            [],
            [("彩.好き = 納豆", "彩.嫌い = 納豆", "好き and 嫌い exclude each other", 0.8, 1.0)],
        ),
        (
            ["fact: aya.city = Osaka", "deny: aya.region = Kansai"],
            [REGION],
            [
                (
                    "aya.region = Kansai",
                    "deny: aya.region = Kansai",
                    f"a rule's conclusion is denied ({REGION})",
                    0.9,
                    0.8,
                )
            ],
        ),
        (
            ["deny: aya.region = Kansai", "fact: aya.city = Osaka"],
            [REGION],
            [
                (
                    "deny: aya.region = Kansai",
                    "aya.region = Kansai",
                    f"a rule's conclusion is denied ({REGION})",
                    0.9,
                    0.8,
                )
            ],
        ),
        (
            ["fact: aya.region = Kanto", "fact: aya.city = Osaka"],
            [REGION],
            [("aya.region = Kanto", "aya.region = Kansai", "region has one value at a time", 0.8, 0.8)],
        ),
        (
            ["fact: aya.city = Osaka", "fact: aya.city = Osaka", "fact: aya.city = Kobe"],
            [],
            [("aya.city = Osaka", "aya.city = Kobe", VALUE, 0.8, 1.0)],
        ),
        (["fact: aya.city = Osaka", "fact: aya.city = Kobe (scope=game)"], [], []),
        (["fact: aya.city = Osaka", "fact: ken.city = Kobe"], [], []),
        (["fact: aya.city = Osaka (until=2024-06-01)", "fact: aya.city = Kobe"], [], []),
        (["fact: aya.city = Osaka", "deny: aya.city = Kobe"], [], []),
        (["fact: aya.age = 30", "fact: aya.age = 30.0"], [], []),
        (["fact: aya.likes = tea", "deny: aya.dislikes = tea", "fact: aya.dislikes = jazz"], [], []),
    ],
)
def test_exactly_these_conflicts_are_found(
    facts: list[str], rules: list[str], expected: list[tuple[str, str, str, float, float]]
) -> None:
    """What gives way, what stands, by which rule, how bad and how sure."""
    found = [clash.conflict for clash in knowledge(facts, rules).conflicts()]
    assert [(c.left, c.right, c.rule, c.severity, c.confidence) for c in found] == expected
    assert all(2 <= len(c.ways_out) <= 3 for c in found)


def test_a_conflict_in_the_answer_keeps_the_value_that_stands() -> None:
    """While both are live the answer is conflicted, and says who gives way to whom."""
    answer = knowledge(["fact: aya.city = Osaka", "fact: aya.city = Kobe"]).ask("aya", "city")
    assert (answer.value, answer.status) == ("Kobe", "conflicted")
    assert answer.why[-1] == f"conflict: aya.city = Osaka gives way to aya.city = Kobe: {VALUE}"


def mended(facts: list[Told], known: Knowledge) -> list[Told]:
    ends = {id: m.valid_to for m in (mend(clash, NOW) for clash in known.conflicts()) for id in m.ids}
    return [replace(t, fact=replace(t.fact, valid_to=ends.get(t.id, t.fact.valid_to))) for t in facts]


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


@given(st.text(), st.text(), st.text())
def test_asking_answers_any_text(entity: str, attribute: str, scope: str) -> None:
    """No name makes a question fail; what is not known is unknown with a reason."""
    known = knowledge(["fact: aya.city = Osaka (from=0001-01-01, until=0001-01-02)"], [REGION])
    answer = known.ask(entity, attribute, scope)
    assert (answer.status, bool(answer.why)) == ("unknown", True)


@pytest.mark.parametrize("name", ["x" * 5_000_000, "\u0301\u0316" * 500_000, "\ud800", "\x00", "👩‍👩‍👧"], ids=range(5))
def test_asking_survives_hostile_names(name: str) -> None:
    """Megabytes, lone surrogates and NUL are unknown names, nothing else."""
    assert knowledge([]).ask(name, name, name).status == "unknown"


def test_the_reason_for_a_thing_standing_on_itself_many_times_is_short() -> None:
    """Shared premises are told once: 40 doublings make 41 conclusions, not 2 ** 40 lines."""
    rules = [f"rule: if ?x.a{i} = 1 and ?x.a{i} != 2 then ?x.a{i + 1} = 1" for i in range(40)]
    assert len(knowledge(["fact: p.a0 = 1"], rules).ask("p", "a40").why) <= 82


CONFLICTS = st.lists(
    st.builds(Conflict, st.just("a"), st.just("b"), st.just("c"), st.floats(0.1, 1), st.floats(0.1, 1), st.just(()))
)


@given(CONFLICTS)
def test_consistency_is_a_share_and_full_only_without_conflicts(conflicts: list[Conflict]) -> None:
    """0..1, and 1 exactly when nothing conflicts."""
    assert 0.0 <= consistency(conflicts) <= 1.0
    assert (consistency(conflicts) == 1.0) is (not conflicts)


def test_consistency_is_the_product_over_the_conflicts() -> None:
    """prod(1 - severity * confidence)."""
    pair = [Conflict("a", "b", "c", 0.8, 0.5, ()), Conflict("a", "b", "c", 1.0, 0.25, ())]
    assert consistency(pair) == pytest.approx(0.6 * 0.75)


PAGE = Path(__file__).parent.parent / "docs" / "knowledge.md"


def test_the_page_shows_what_happens() -> None:
    """Every example of docs/knowledge.md gives what the page says."""
    text = PAGE.read_text(encoding="utf-8").replace("```", "")
    examples = doctest.DocTestParser().get_doctest(text, {}, PAGE.name, str(PAGE), 0)
    result = doctest.DocTestRunner().run(examples)
    assert (result.failed, result.attempted > 15) == (0, True)


def test_the_spellings_of_the_page_are_understood() -> None:
    """Each statement in the page's table parses."""
    cells = re.findall(r"`(\w+[:：].*?)` (?=\|)", PAGE.read_text(encoding="utf-8"))
    assert [type(parse_statement(cell)) for cell in cells] == [FactStatement] * 6 + [RuleStatement] * 3
