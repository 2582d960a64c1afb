"""What is asked of told facts: the answer, how sure it is, and the reason where there is none."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from knowing import DIALECT, REGION, START, knowledge


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
