"""Abstention: each conversation is asked its own questions and its neighbour's."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from samples import SAMPLE, asked, written
from stubs import StubEmbedder

from dmha.bench import abstention
from dmha.bench.report import Judged
from dmha.bench.runner import run
from dmha.errors import InvalidInput


def test_names_are_exchanged_whole_at_once_and_by_their_short_forms() -> None:
    """Tom becomes Ines while Ines becomes Bo; Ine is Ines for short, and Tomorrow nobody."""
    names = {"Tom": "Ines", "Ines": "Bo"}
    assert (
        abstention.exchanged("Did Tom's Ines, or Ine, call Tomorrow?", names) == "Did Ines's Bo, or Bo, call Tomorrow?"
    )


def test_each_conversation_is_asked_its_own_and_its_neighbours_questions(tmp_path: Path) -> None:
    """The names in a neighbour's question are one's own; its words are mostly not to be found."""
    speakers = {"Tom": "Ada", "Ines": "Bo"}
    other = json.loads(
        json.dumps(SAMPLE).replace("conv-1", "conv-2").replace('"Tom"', '"Ada"').replace('"Ines"', '"Bo"')
    )
    for session, told in (
        ("session_2", ("Our rabbit ate lettuce.", "Oh.")),
        ("session_10", ("The roof leaks.", "No!")),
    ):
        for spoken, text in zip(other["conversation"][session], told, strict=True):
            spoken["text"] = text
    other["qa"] = [asked("What did the rabbit of Bo eat?", 4, "D2:1"), asked("What leaks?", 4, "D10:1")]
    data = written(tmp_path, [SAMPLE, other])
    first, second = abstention.load(data)
    assert [one.text for one in first.questions if one.category == abstention.ANOTHER] == [
        "What did the rabbit of Ines eat?",
        "What leaks?",
    ]
    assert "What did Ada sell, and what does the sister teach?" in [one.text for one in second.questions]
    assert all(name not in one.text for one in second.questions for name in speakers)
    report = run(abstention.DATA_SET, data, embedder=StubEmbedder(256))
    assert (report.overall.questions, [*report.categories]) == (5, [abstention.OWN])
    assert report.figures["AUROC"] > 0.5


def test_the_figures_of_abstention_are_those_of_the_confidences() -> None:
    """Own .8 and .6, another's .6 and .2: 3.5 of 4 pairs, and the mean of .04, .16, .36 and .04."""
    nothing: frozenset[str] = frozenset()
    judged = [
        Judged(category, (), (), nothing, nothing, confidence)
        for category, confidence in (
            (abstention.OWN, 0.8), (abstention.OWN, 0.6), (abstention.ANOTHER, 0.6), (abstention.ANOTHER, 0.2),
        )
    ]  # fmt: skip
    figures = abstention.figures(judged)
    assert figures["AUROC"] == 3.5 / 4
    assert figures["Brier"] == pytest.approx(0.15, abs=1e-15)


def test_one_conversation_has_no_other(data: Path) -> None:
    """It says that two are needed."""
    with pytest.raises(InvalidInput, match="two conversations"):
        abstention.load(data)
