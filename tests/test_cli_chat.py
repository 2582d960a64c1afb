"""`dmha chat`, at a terminal and through a pipe."""

from __future__ import annotations

import json

import pytest
from shell import run

pytestmark = pytest.mark.usefixtures("desk")


def test_a_chat_through_a_pipe_answers_line_by_line() -> None:
    """A line is a turn, a slash is a command, and the end of the lines is the end."""
    lines = "I moved to Osaka.\nfact: aya.city = Osaka\n\n/facts\n/mood\n/why\nWhat was it, moved to Osaka?\n/what\n"
    said = run("chat", "--speaker", "aya", stdin=lines)
    assert said.exit_code == 0
    assert "aya.city  = Osaka" in said.stdout
    assert "mood" in said.stdout
    assert "The reasons are shown." in said.stdout
    assert "consistency 1.00" in said.stdout
    assert "/why shows or hides" in said.stdout


def test_what_is_no_statement_though_it_looks_like_one_is_said() -> None:
    """The turn stays, and under the reply stands what was not understood and how to write it."""
    said = run("chat", stdin="fact: Kyoto is lovely\n")
    assert said.exit_code == 0
    assert "not understood" in said.stdout
    assert "fact: aya.city = Osaka" in said.stdout
    assert "not understood" not in run("chat", stdin="Kyoto is lovely.\n").stdout


def test_a_chat_in_json_gives_one_reply_a_line() -> None:
    """With --json each line of stdout is a reply, whatever signs it holds."""
    said = run("chat", "--json", stdin="私は[bold]大阪[/bold]に引っ越した。\nI moved, too.\n/quit\nnever said\n")
    replies = [json.loads(line) for line in said.stdout.splitlines()]
    assert len(replies) == 2
    assert "\\u" not in said.stdout
    assert not said.stdout.isascii()
    assert {"text", "recalled", "consistency", "mood", "confidence", "trace"} <= replies[0].keys()


def test_where_nothing_is_known_facts_says_so() -> None:
    """/facts on an empty companion is no empty answer."""
    assert "Nothing is known yet" in run("chat", stdin="/facts\n").stdout


def test_a_refused_turn_ends_a_piped_chat() -> None:
    """Nobody reads along a pipe, so an error is the exit code."""
    said = run("chat", stdin="hello\x00there\nI moved.\n")
    assert said.exit_code == 2
    assert "NUL" in said.stderr


def test_at_a_terminal_a_refused_turn_is_said_and_ctrl_c_leaves(monkeypatch: pytest.MonkeyPatch) -> None:
    """A person reads the error and goes on; Ctrl-C is a clean end."""
    typed = iter(["hello\x00there", "I moved to Osaka."])

    def keyboard(prompt: str) -> str:
        assert prompt == "aya › "
        line = next(typed, None)
        if line is None:
            raise KeyboardInterrupt
        return line

    monkeypatch.setattr("builtins.input", keyboard)
    monkeypatch.setattr("dmha.cli.chat.at_terminal", lambda: True)
    said = run("chat", "--speaker", "aya")
    assert said.exit_code == 0
    assert "NUL" in said.stderr
    assert "consistency" in said.stdout


def test_long_words_are_folded_and_not_cut() -> None:
    """A reply is shown to its last sign, though a line of Japanese has no space to be folded at."""
    run("add", "小豆は別に炊いて、かぼちゃは皮を下にして並べるの、" * 9 + "ふたを開けないこと。")
    said = run("chat", stdin="小豆は別に炊いて、かぼちゃは皮を下にして並べるの？\n").stdout
    assert "…" not in said
    assert "ふたを開けないこと。" in "".join(line.strip("▌ ") for line in said.splitlines())
