"""The terminal door: what is typed is done, and shown."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from shell import run, told

import dmha

pytestmark = pytest.mark.usefixtures("desk")


def test_the_module_is_the_program() -> None:
    """`python -m dmha.cli.app` does what `dmha` does."""
    shown = subprocess.run([sys.executable, "-m", "dmha.cli.app", "--version"], capture_output=True, text=True)
    assert shown.stdout == f"dmha {dmha.__version__}\n"


def test_help_and_version_load_nothing_heavy() -> None:
    """`dmha --help` and `--version` answer without NumPy, SQLAlchemy or a model."""
    script = (
        "import sys\n"
        "from dmha.cli.app import app\n"
        "try: app(sys.argv[1:])\n"
        "except SystemExit: pass\n"
        "heavy = {'numpy', 'sqlalchemy', 'onnxruntime', 'onnx', 'tokenizers', 'httpx2'}\n"
        "sys.exit(', '.join(sorted(heavy & set(sys.modules))) or None)\n"
    )
    for option, said in (("--help", "doctor"), ("--version", f"dmha {dmha.__version__}")):
        done = subprocess.run(
            [sys.executable, "-c", script, option], capture_output=True, encoding="utf-8", check=False
        )
        assert (done.returncode, done.stderr) == (0, "")
        assert said in done.stdout


def test_what_was_added_is_found_with_its_reasons() -> None:
    """A hit shows the words, who said them and when, and each term of the score."""
    assert run("add", "I moved to Osaka.", "--speaker", "aya", "--at", "2025-03-08T19:12").stdout == "1 remembered.\n"
    found = run("search", "moved to Osaka").stdout
    for part in ("I moved to Osaka.\n  2025-03-08 19:12  aya  ", "%\n", "━━━━━━━━  ", "words_nearby .", "similarity ."):
        assert part in found
    assert " * " not in found
    (hit,) = told("search", "moved to Osaka")
    assert hit["score"] == pytest.approx(sum(hit["reasons"].values()))


def test_what_says_the_same_is_counted_beside_the_hit() -> None:
    """`search` shows how many are alike, `--json` which."""
    ids = [told("add", text)[0] for text in ("I love tea.", "I love tea!", "i love tea")]
    assert " ".join(run("search", "tea").stdout.split()).count("+2 alike") == 1  # 80 columns may part the two
    (hit,) = told("search", "tea")
    assert {hit["memory"]["id"], *hit["also"]} == set(ids)


def test_search_changes_nothing_and_recall_strengthens() -> None:
    """Recall counts; search does not."""
    run("add", "I moved to Osaka.")
    counts = [told(verb, "Osaka")[0]["memory"]["recall_count"] for verb in ("search", "recall", "search")]
    assert counts == [0, 0, 1]


def test_a_known_id_is_added_once() -> None:
    """The same id again changes nothing, and gives the same memory."""
    first, second = (told("add", "I moved.", "--id", "t1") for _ in range(2))
    assert first == second
    assert len(told("search", "moved")) == 1


def test_a_secret_is_found_only_while_its_speaker_is_present() -> None:
    """--private keeps from search what --present brings back."""
    run("add", "My pen name is Luka.", "--speaker", "aya", "--private")
    assert told("search", "pen name") == []
    assert len(told("search", "pen name", "--present", "aya")) == 1


@pytest.mark.parametrize("stdin", [False, True])
def test_a_file_of_turns_is_added_whole(stdin: bool) -> None:
    """Lines of JSON, from a file or from stdin, with or without a byte order mark."""
    lines = (
        b"\xef\xbb\xbf"
        + "\n\n".join(
            json.dumps(turn, ensure_ascii=False)
            for turn in (
                {"text": "猫の名前はこはる。", "speaker": "aya", "at": "2025-11-15T10:00:00+09:00", "id": "a"},
                {"text": "Good.", "speaker": "relu", "source": "assistant", "metadata": {"place": "kitchen"}},
            )
        ).encode()
    )
    Path("turns.jsonl").write_bytes(lines)
    ids = told("add", "-", stdin=lines) if stdin else told("add", "--file", "turns.jsonl")
    assert len(ids) == 2
    assert {hit["memory"]["source"] for hit in told("search", "猫")} == {"user", "assistant"}


def test_search_narrows_by_tier_polarity_and_metadata() -> None:
    """Each of them leaves out what is otherwise; a value is a number where it is written as one."""
    for place, floor, text in (("kitchen", 1, "I love this tea, wonderful!"), ("attic", 2, "I hate this tea, awful!")):
        line = json.dumps({"text": text, "metadata": {"place": place, "floor": floor}})
        run("add", "-", stdin=line)
    assert len(told("search", "tea", "--tier", told("search", "tea")[0]["memory"]["tier"])) == 2
    assert told("search", "tea", "--tier", "muscle") == []
    for narrowed in (("--polarity", "joy"), ("--metadata", "place=kitchen"), ("--metadata", "floor=1")):
        assert [hit["memory"]["metadata"]["place"] for hit in told("recall", "tea", *narrowed)] == ["kitchen"]
    assert told("search", "tea", "--metadata", "place=kitchen", "--metadata", "floor=2") == []


def test_what_is_told_can_be_asked_with_its_reason() -> None:
    """A rule's conclusion comes with the fact that it stands on."""
    run("tell", "fact: aya.city = Osaka (from=2025-03-08)")
    run("tell", "rule: if ?x.city = Osaka then ?x.region = Kansai")
    asked = run("ask", "aya", "region").stdout
    assert "aya.region true  Kansai  since 2025-03-08" in asked
    assert "\n    aya.city = Osaka (conf=1) since 2025-03-08: told" in asked
    assert told("ask", "aya", "region")["status"] == "true"
    assert "aya.dog unknown" in run("ask", "aya", "dog").stdout


def test_contradictions_are_shown_with_their_ways_out() -> None:
    """`ask --conflicts` names both sides, the rule between them, and what could be done."""
    assert run("ask", "--conflicts", "--db", ":memory:").stdout == "Nothing contradicts anything.\n"
    run("tell", "fact: aya.city = Osaka")
    assert "Contradictions: 1," in run("tell", "fact: aya.city = Sapporo").stdout
    shown = run("ask", "--conflicts").stdout
    assert "aya.city = Sapporo against aya.city = Osaka  city has one value at a time" in shown
    assert shown.count("  or: ") == len(told("ask", "--conflicts")[0]["ways_out"])


def test_an_exported_companion_comes_back_under_another_name() -> None:
    """`export` and `import` carry a companion from one account to another."""
    run("add", "I moved to Osaka.", "--agent", "relu")
    lines = told("export", "relu.jsonl", "--agent", "relu")["lines"]
    assert len(Path("relu.jsonl").read_text(encoding="utf-8").splitlines()) == lines
    assert told("import", "relu.jsonl", "--user", "kenji", "--agent", "tanh")["memories"] == 1
    assert len(told("search", "Osaka", "--user", "kenji", "--agent", "tanh")) == 1
