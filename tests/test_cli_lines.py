"""Hits and feelings as a terminal draws them: no line too wide, none broken where its script forbids it."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console, RenderableType
from stubs import StubEmbedder

import dmha
from dmha import Affect, Hit, Turn
from dmha.cli import render
from dmha.cli.hits import Hits
from dmha.cli.lines import flat, wrapped


def drawn(said: RenderableType, width: int) -> str:
    """What a terminal of that width shows, without colours."""
    console = Console(width=width, color_system=None)
    with console.capture() as caught:
        console.print(said)
    return caught.get()


def hit(text: str, **reasons: float) -> Hit:
    """A hit of these terms on a memory of aya's."""
    with dmha.open(":memory:", embedder=StubEmbedder()) as mind:
        at = datetime(2025, 3, 8, 19, 12, tzinfo=UTC)
        [id] = mind.add(Turn(text, "aya", at=at), user_id="me")
        return Hit(mind.get(id, user_id="me"), sum(reasons.values()), reasons, "match", 0.82)


@given(st.text())
def test_no_memory_can_steer_the_terminal(text: str) -> None:
    """Control signs, marks that turn a line round and half characters are shown as one sign, all else as it is."""
    shown = render.shown(text)
    assert len(shown) == len(text)
    shown.encode()
    for before, after in zip(text, shown, strict=True):
        assert after == before or not before.isprintable()
        assert after in "\t\n" or after.isprintable() or after not in "\x1b\x9b\u202e\u2066\x08\r"


def test_lines_of_hits_fit_their_terminal_in_any_script() -> None:
    """Wide signs are counted as two, so that no line is longer than the terminal."""
    with dmha.open(":memory:", embedder=StubEmbedder()) as mind:
        mind.add([Turn("猫の名前、決まった。" * 20, "アヤ"), Turn("Where is it? " * 20, "kenji")], user_id="me")
        hits = mind.search("猫", user_id="me")
    for brief, width in itertools.product((False, True), (40, 80, 100, 120)):
        lines = drawn(Hits(hits, UTC, brief), width).splitlines()
        assert max(map(cell_len, lines)) <= width
        assert len(lines) == (4 if brief else 9)
        assert any(line.endswith("…") for line in lines)


def test_a_hit_names_the_largest_terms_without_their_weights_and_the_rest_as_one_number() -> None:
    """What gave nothing is not told, and what is told adds up to the score."""
    reasons = {
        "words": 0.5,
        "0.35 * similarity": 0.2,
        "idle": 0.0,
        "- 0.06 * asks": -0.1,
        "b": 0.05,
        "c": 0.02,
        "d": 0.01,
    }
    assert drawn(Hits([hit("I moved.", **reasons)], UTC), 80).splitlines() == [
        "I moved.",
        "  2025-03-08 19:12  aya  82%",
        "   .68  ━━━━━━━━  words .50  similarity .20  asks -.10  b .05  rest .03",
    ]
    assert drawn(Hits([hit("I moved.", **reasons)], UTC, brief=True), 80).splitlines() == [
        "  I moved.",
        "    2025-03-08  aya  82%  ━━━━━━━━  words .50  similarity .20  rest -.02",
    ]


def test_a_bar_is_as_long_as_its_hit_is_good() -> None:
    """The best hit fills its bar; half of that is half a bar."""
    lines = drawn(Hits([hit("one", words=0.8), hit("two", words=0.4), hit("three", words=0.0)], UTC), 80).splitlines()
    assert [line.split("  ")[2] for line in lines if "━" in line or "─" in line] == ["━━━━━━━━", "━━━━────", "────────"]


@pytest.mark.parametrize(
    ("text", "width", "most", "lines"),
    [
        ("one two three", 9, None, ["one two", "three"]),
        ("猫の名前、決まった。こはる。", 10, None, ["猫の名前、", "決まった。", "こはる。"]),
        ("彼女は「はい」と言った", 8, None, ["彼女は", "「はい」", "と言った"]),
        ("Osakaへ行くよ", 8, None, ["Osakaへ", "行くよ"]),
        ("abcdefgh ij", 4, None, ["abcd", "efgh", "ij"]),
        ("one two three four", 9, 2, ["one two", "three…"]),
        ("猫の名前、決まった", 10, 1, ["猫の名前…"]),
        ("猫が、窓から", 4, None, ["猫", "が、", "窓か", "ら"]),
        ("short", 9, 2, ["short"]),
        ("", 9, 2, [""]),
    ],
)
def test_a_line_ends_where_its_script_lets_it_end(text: str, width: int, most: int | None, lines: list[str]) -> None:
    """Words stay whole, a closing sign stays with its letter, and what does not fit ends with a mark."""
    assert wrapped(text, width, most) == lines


@given(st.text(), st.integers(4, 90))
def test_breaking_a_line_loses_only_spaces(text: str, width: int) -> None:
    """All that is not a space is there again, in its order, and no line is wider than it may be."""
    lines = wrapped(flat(text), width)
    assert "".join("".join(lines).split()) == "".join(flat(text).split())
    assert max(map(cell_len, lines)) <= width


@pytest.mark.parametrize(("joy", "bar"), [(0.0, "────"), (0.13, "╸───"), (0.5, "━━──"), (1.0, "━━━━"), (7.0, "━━━━")])
def test_a_feeling_is_drawn_to_half_a_cell(joy: float, bar: str) -> None:
    """A bar of four cells shows eighths of a feeling, and no more than all of it."""
    assert render.mood(Affect(joy=joy), cells=4).plain.startswith(f"joy {bar}  ")
