"""docs/ranking.md against the code: its features, functions, presets and its mistake."""

from __future__ import annotations

from pathlib import Path

import pytest
from candidates import CANDIDATES, fine

from dmha.domain.expressions import FEATURES, compile_ranking
from dmha.domain.expressions.functions import FUNCTIONS
from dmha.domain.presets import PRESETS
from dmha.errors import InvalidInput


def page() -> str:
    return (Path(__file__).parent.parent / "docs" / "ranking.md").read_text(encoding="utf-8")


def table(columns: int) -> list[list[str]]:
    """The rows, from the page, that begin with code and have so many columns."""
    rows = [line[1:-1].split("|") for line in page().splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in row] for row in rows if len(row) == columns]


def test_a_mistake_shows_the_line_and_a_caret_under_the_spot() -> None:
    """The message is exactly what the page shows."""
    with pytest.raises(InvalidInput) as raised:
        compile_ranking("1.2 * similarty + 0.2 * timeliness(created_at, '7d')")
    assert str(raised.value) == (
        "ranking: line 1, column 7, there is no 'similarty'. Did you mean similarity?\n"
        "    1.2 * similarty + 0.2 * timeliness(created_at, '7d')\n"
        "          ^^^^^^^^^"
    )
    assert str(raised.value) in page()


def test_the_page_lists_every_feature() -> None:
    """Name, unit, stage and meaning of the page's table are those of the code, in order."""
    features = [[f"`{feature.name}`", feature.unit, feature.stage, feature.meaning] for feature in FEATURES.values()]
    assert [row[:4] for row in table(5)] == features


@pytest.mark.parametrize(("name", "stand_in"), [(row[0].strip("`"), row[4].strip("`")) for row in table(5) if row[4]])
def test_the_page_tells_the_true_stand_in(name: str, stand_in: str) -> None:
    """What the page says coarse ranking takes is what it takes."""
    known = {name: CANDIDATES[name] for name in ("now", "created_at", "static_bm25()")}
    assert compile_ranking(name).coarse(known, 3).tolist() == fine(stand_in)


def test_the_page_lists_every_function() -> None:
    """Signature and meaning of the page's table are those of the code."""
    functions = [[f"`{function.signature}`", function.meaning] for function in FUNCTIONS.values()]
    assert table(2) == functions


def test_the_page_lists_every_preset() -> None:
    """Expression, parameters and purpose of the page's table are those of the code."""
    listed = {row[0].strip("`"): (row[1], row[2]) for row in table(3)}
    assert listed.keys() == PRESETS.keys()
    for name, (expression, purpose) in listed.items():
        preset = PRESETS[name]
        given = ", ".join(f"`{parameter}` = {number:g}" for parameter, number in preset.parameters.items())
        assert expression == f"`{preset.expression}`" + (f" with {given}" if given else "")
        assert purpose == preset.purpose
