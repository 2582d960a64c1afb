"""Folding the window: when it is full its oldest part becomes a gist of verbatim sentences; secrets stay out of it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dmha.faculties.consolidation import FOLDED_TURNS, WINDOW_CHARACTERS, WINDOW_TURNS, gist, oldest_part
from dmha.faculties.perception import count
from dmha.records import Tip, Uttered

TIP = Tip(9, "t9", 41, 2_000)


def uttered(number: int, text: str = "", *, source: str = "user", private_to: str | None = None) -> Uttered:
    words = text or f"Sentence {number} tells of apples and pears."
    return Uttered(number, 100 + number, f"t{number}", "aya", source, words, 1e9 + number, private_to)  # type: ignore[arg-type]  # source is a literal


def no_vectors(spoken: Sequence[tuple[str, str]]) -> list[np.ndarray | None]:
    return [None] * len(spoken)


def test_a_window_with_room_is_left_alone() -> None:
    """Up to the limit nothing is folded."""
    assert oldest_part([uttered(i) for i in range(WINDOW_TURNS)]) == []


def test_a_full_window_gives_up_its_oldest_half() -> None:
    """One turn over the limit folds the oldest half, in order."""
    window = [uttered(i) for i in range(WINDOW_TURNS + 1)]
    assert oldest_part(window) == window[:FOLDED_TURNS]


def test_long_turns_fill_the_window_sooner() -> None:
    """A window over its characters is folded until half of it is free; the latest turn stays."""
    window = [uttered(i, "word " * 1_000) for i in range(5)]
    part = oldest_part(window)
    assert part
    assert window[-1] not in part
    assert sum(len(turn.text) for turn in window[len(part) :]) <= WINDOW_CHARACTERS // 2


def test_a_gist_is_made_of_what_was_said_and_links_to_it() -> None:
    """Every line of a gist is a sentence of its turns, and its sources are those turns' memories."""
    turns = [
        uttered(i, f"The {fruit} tree is ripe. I will pick it.") for i, fruit in enumerate(("apple", "pear", "fig"))
    ]
    made = gist(turns, TIP, count, no_vectors)
    assert made is not None
    assert made.sources == (100, 101, 102)
    said = " ".join(turn.text for turn in turns)
    assert all(line.removeprefix("aya: ") in said for line in made.text.splitlines())


def test_what_was_told_in_private_is_in_no_gist() -> None:
    """A private turn neither speaks in a gist nor is among its sources; a window of secrets makes none."""
    turns = [uttered(0, "The code is 4471.", private_to="aya"), uttered(1, "Nice weather.")]
    made = gist(turns, TIP, count, no_vectors)
    assert made is not None
    assert "4471" not in made.text
    assert made.sources == (101,)
    assert gist(turns[:1], TIP, count, no_vectors) is None


def test_the_companion_s_own_words_are_not_the_gist() -> None:
    """What the assistant said is no news to remember."""
    assert gist([uttered(0, "I am ReLU.", source="assistant")], TIP, count, no_vectors) is None
