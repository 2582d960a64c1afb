"""Checking and mending: what clashes is found, ended and never deleted; what fits is left in peace."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from dmha.faculties.consistency import check, knowledge_of, mentioned
from dmha.faculties.metacognition import THRESHOLD, apply, confidence, judge, plan, repairs
from dmha.records import FactRow, State
from dmha.types import Fact

START = datetime(2025, 3, 1, tzinfo=UTC)


def fact(id: int, value: str, *, days: int, ended: int | None = None, confidence: float = 1.0) -> FactRow:
    told = Fact(
        "aya", "city", value, confidence=confidence, valid_from=START + timedelta(days=days),
        valid_to=None if ended is None else START + timedelta(days=ended), source=f"t{id}",
    )  # fmt: skip
    return FactRow(id, told, START + timedelta(days=days))


def said(id: int, text: str, *, days: int, speaker: str = "aya") -> State:
    at = (START + timedelta(days=days)).timestamp()
    return State(
        id, f"m{id}", text, speaker, "s", at, at, "episode", "user", 1.0, None, 1, 0.5, {}, 6e5, 0, at, "short_term",
        0.5, 0.0, 0.0, 0.0, False,
    )  # fmt: skip


NOW = START + timedelta(days=300)
OSAKA, SAPPORO = fact(1, "Osaka", days=0), fact(2, "Sapporo", days=200)


def test_two_values_of_one_attribute_are_found_and_the_older_ends_where_the_newer_begins() -> None:
    """The clash lowers consistency, and its mend closes the older fact's valid time."""
    rows = [OSAKA, SAPPORO]
    findings = check("Which city?", "Hello.", [], knowledge_of(rows, [], NOW), rows, frozenset({"aya"}))
    assert judge(findings) == pytest.approx(0.2)
    made = plan(findings, NOW)
    assert [(ending.fact_id, ending.valid_to) for ending in made.endings] == [(1, START + timedelta(days=200))]
    mended = apply(made.endings, rows)
    left = check("Which city?", "Hello.", [], knowledge_of(mended, [], NOW), mended, frozenset({"aya"}))
    assert judge(left) == 1.0
    (repair,) = repairs(findings, left, NOW)
    assert repair.before == pytest.approx(0.2)
    assert repair.after == 1.0


def test_a_clash_of_somebody_else_s_facts_does_not_disturb_this_reply() -> None:
    """Only those whom the moment is about are looked at."""
    rows = [OSAKA, SAPPORO]
    assert check("Which city?", "Hello.", [], knowledge_of(rows, [], NOW), rows, frozenset({"kenji"})) == []


def test_a_clash_that_neither_question_nor_draft_touches_is_left_for_another_moment() -> None:
    """Talking about the weather does not mend where somebody lives."""
    rows = [OSAKA, SAPPORO]
    assert check("Nice weather?", "It rains.", [], knowledge_of(rows, [], NOW), rows, frozenset({"aya"})) == []


def test_a_draft_that_repeats_what_ended_is_found() -> None:
    """Naming the old city alone does not fit; naming the new one beside it does."""
    rows = [fact(1, "Osaka", days=0, ended=200), SAPPORO]
    knowledge = knowledge_of(rows, [], NOW)
    (finding,) = check("Where?", "Aya lives in Osaka.", [], knowledge, rows, frozenset({"aya"}))
    assert finding.conflict.right == "aya.city = Sapporo"
    assert judge([finding]) < THRESHOLD
    assert check("Where?", "Aya lived in Osaka, now in Sapporo.", [], knowledge, rows, frozenset({"aya"})) == []


def test_a_quotation_that_newer_words_of_the_same_person_contradict_is_found() -> None:
    """The newer saying stands; quoting both is fine."""
    old, new = said(1, "I like coffee.", days=0), said(2, "I don't like coffee.", days=90)
    (finding,) = check("Coffee?", "Aya said: I like coffee.", [old, new], knowledge_of([], [], NOW), [], frozenset())
    assert (finding.conflict.left, finding.conflict.right) == ("I like coffee.", "I don't like coffee.")
    both = "Aya said: I like coffee. Later: I don't like coffee."
    assert check("Coffee?", both, [old, new], knowledge_of([], [], NOW), [], frozenset()) == []


def test_two_people_may_differ() -> None:
    """What Kenji dislikes contradicts nothing that Aya likes."""
    evidence = [said(1, "I like coffee.", days=0), said(2, "I don't like coffee.", days=90, speaker="kenji")]
    assert check("Coffee?", "Aya said: I like coffee.", evidence, knowledge_of([], [], NOW), [], frozenset()) == []


def test_entities_are_found_by_speaker_and_by_name() -> None:
    """The speaker and whoever is named, in whatever width and case."""
    rows = [OSAKA, FactRow(3, Fact("こはる", "種類", "猫"), START)]
    assert mentioned(rows, "AYA", "hello") == {"aya"}
    assert mentioned(rows, "kenji", "こはるは元気？") == {"こはる"}


def test_confidence_falls_with_consistency_and_rises_with_its_ground() -> None:
    """A well-grounded, consistent reply is surer than a groundless or contradictory one."""
    assert confidence([], 1.0, [0.9]) > confidence([], 0.2, [0.9]) > confidence([], 0.2, [])
