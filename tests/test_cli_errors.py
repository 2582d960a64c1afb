"""What is mistyped is refused in a line that says what to do, and leaves nothing behind."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from shell import run, told

pytestmark = pytest.mark.usefixtures("desk")


@pytest.mark.parametrize(
    ("line", "part"),
    [
        ('{"text": "x"', "line 2: it is not JSON"),
        ("[1]", "line 2: it is not a JSON object"),
        ('{"text": "x", "mood": 1}', "line 2: a turn has no 'mood'"),
        ('{"speaker": "aya"}', "line 2: there is no text"),
        ('{"text": 5}', "line 2: text is int"),
        ('{"text": "x", "at": "yesterday"}', "line 2: at: "),
        ('{"text": "x", "at": "2025-11-15T10:00:00"}', "names no zone"),
        ('{"text": "x", "private": "yes"}', "line 2: private is str"),
        ("[" * 100_000, "line 2: it is not JSON"),
        (b"\xff\xfe", "line 2: it is not UTF-8"),
        ('{"text": " "}', "text: it is empty"),
    ],
)
def test_a_bad_line_is_named_and_nothing_is_kept(line: str | bytes, part: str) -> None:
    """One line that cannot be right refuses the file, and says which it is."""
    bad = line if isinstance(line, bytes) else line.encode()
    Path("turns.jsonl").write_bytes(b'{"text": "fine"}\n' + bad)
    result = run("add", "--file", "turns.jsonl")
    assert result.exit_code == 2
    assert part in result.stderr
    run("add", "something else")
    assert [hit["memory"]["text"] for hit in told("search", "fine")] == ["something else"]


@pytest.mark.parametrize(
    ("typed", "code", "part"),
    [
        (("search", "x", "--db", "typo.db"), 2, "there is no file 'typo.db'"),
        (("search", "x", "--db", "postgresql://host/db"), 3, "database is unavailable"),
        (("add", " "), 2, "text: it is empty"),
        (("add",), 2, "give either a text or --file"),
        (("add", "x", "--file", "none.jsonl"), 2, "give either a text or --file"),
        (("add", "--file", "none.jsonl"), 2, "none.jsonl: No such file"),
        (("add", "x", "--at", "noon"), 2, "--at: "),
        (("ask", "aya"), 2, "give an entity and an attribute"),
        (("ask", "aya", "city", "--conflicts"), 2, "give an entity and an attribute"),
        (("tell", "aya lives here"), 2, "statement"),
        (("import", "none.jsonl"), 2, "'none.jsonl' cannot be read: No such file"),
        (("dictionary", "remove", "無", "--db", ":memory:"), 2, "no word '無' in this account. Look at those"),
        (("dictionary", "add", "東京", "漢字"), 2, "'漢字' is neither kana nor pinyin"),
        (("search", "x", "--db", ":memory:", "--metadata", "kitchen"), 2, "'kitchen' is no key=value"),
    ],
)
def test_an_error_is_one_line_on_stderr(typed: tuple[str, ...], code: int, part: str) -> None:
    """Whose fault it is stands in the exit code; what to do stands in the line, in JSON too."""
    result = run(*typed)
    assert (result.exit_code, result.stdout) == (code, "")
    assert part in result.stderr
    assert result.stderr.startswith("error: ")
    assert result.stderr.count("\n") == 1
    as_json = run(*typed, "--json")
    assert as_json.exit_code == code
    assert part in json.loads(as_json.stderr)["message"]


def test_a_mistyped_ranking_is_refused_with_a_way_out() -> None:
    """A ranking that is none names the nearest one."""
    run("add", "x")
    result = run("search", "x", "--ranking", "defualt")
    assert result.exit_code == 2
    assert "Did you mean default?" in result.stderr


def test_a_mistake_in_a_ranking_is_pointed_at() -> None:
    """The expression stands under the error, and carets under the mistake."""
    run("add", "x")
    assert run("search", "x", "--ranking", "1 + simlarity").stderr.splitlines()[1:] == [
        "    1 + simlarity",
        "        ^^^^^^^^^",
    ]


def test_a_backup_over_a_file_says_how() -> None:
    """The refusal names the option that writes over it."""
    run("add", "x")
    run("backup", "monday.db")
    refused = run("backup", "monday.db")
    assert (refused.exit_code, "--overwrite" in refused.stderr) == (2, True)


def test_a_mistyped_path_makes_no_file(tmp_path: Path) -> None:
    """A command that only reads leaves the folder as it is."""
    run("search", "x", "--db", "typo.db")
    run("add", "x", "--at", "noon")
    assert list(tmp_path.iterdir()) == []
