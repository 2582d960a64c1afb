"""The terminal door: what is typed, what is printed, and what the shell is told."""

from __future__ import annotations

import itertools
import json
import re
import shlex
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console, RenderableType
from stubs import StubEmbedder
from typer.testing import CliRunner, Result

import dmha
from dmha import Affect, Hit, Turn
from dmha.cli import render
from dmha.cli.app import app
from dmha.cli.hits import Hits
from dmha.cli.lines import flat, wrapped
from dmha.wiring import make_embedder

runner = CliRunner()


@pytest.fixture(autouse=True)
def surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A folder of its own, a memory named by the environment, a quick embedder, a terminal of 100 columns."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DMHA_DATABASE", str(tmp_path / "life.db"))
    monkeypatch.setenv("COLUMNS", "100")
    for module in ("dmha.wiring", "dmha.bench.runner"):
        monkeypatch.setattr(f"{module}.make_embedder", lambda *_: StubEmbedder())


def run(*typed: str, stdin: str | bytes | None = None) -> Result:
    """What the shell sees of `dmha ...`; anything but a clean exit is a defect."""
    result = runner.invoke(app, typed, input=stdin)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def told(*typed: str, stdin: str | bytes | None = None) -> Any:
    """The JSON that `dmha ... --json` printed."""
    result = run(*typed, "--json", stdin=stdin)
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


# --- remembering and finding -----------------------------------------------------------------------------------------


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


def test_since_and_until_are_read_in_the_zone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A date without a zone is that of DMHA_ZONE, and so is what is shown."""
    monkeypatch.setenv("DMHA_ZONE", "Asia/Tokyo")
    run("add", "snow", "--at", "2025-12-31T23:30:00+00:00")
    assert len(told("search", "snow", "--since", "2026-01-01")) == 1
    assert told("search", "snow", "--until", "2026-01-01") == []
    assert "2026-01-01 08:30" in run("search", "snow").stdout


@pytest.fixture
def snow() -> None:
    """A companion of Tokyo to whom somebody spoke on a morning there, on the evening before in London."""
    with dmha.open(zone="Asia/Tokyo") as mind:
        mind.add(Turn("snow", "aya", at=datetime(2026, 2, 10, 18, 15, tzinfo=UTC)), user_id="me")


@pytest.mark.usefixtures("snow")
@pytest.mark.parametrize("verb", ["search", "recall"])
def test_times_are_those_of_the_companions_zone(verb: str) -> None:
    """What is read and what is shown is meant where the companion is, though the settings say nothing of it."""
    assert "2026-02-11 03:15" in run(verb, "snow").stdout
    assert told(verb, "snow", "--until", "2026-02-11") == []
    assert len(told(verb, "snow", "--since", "2026-02-11")) == 1


@pytest.mark.usefixtures("snow")
def test_a_chosen_zone_outweighs_the_settings_and_these_the_companions(monkeypatch: pytest.MonkeyPatch) -> None:
    """--zone before DMHA_ZONE, DMHA_ZONE before the companion's own, be it UTC."""
    monkeypatch.setenv("DMHA_ZONE", "UTC")
    assert "2026-02-10 18:15" in run("search", "snow").stdout
    assert "2026-02-10 13:15" in run("search", "snow", "--zone", "America/New_York").stdout
    refused = run("search", "snow", "--zone", "Tokio")
    assert (refused.exit_code, "--zone: there is no zone 'Tokio'" in refused.stderr) == (2, True)


@pytest.mark.usefixtures("snow")
def test_what_is_added_is_said_in_the_companions_zone() -> None:
    """A time without a zone is one of the companion's day."""
    run("add", "rain", "--at", "2026-02-12T00:30")
    assert told("search", "rain")[0]["memory"]["at"].startswith("2026-02-11T15:30:00")


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


# --- knowledge -------------------------------------------------------------------------------------------------------


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


# --- files -----------------------------------------------------------------------------------------------------------


def test_an_exported_companion_comes_back_under_another_name() -> None:
    """`export` and `import` carry a companion from one account to another."""
    run("add", "I moved to Osaka.", "--agent", "relu")
    lines = told("export", "relu.jsonl", "--agent", "relu")["lines"]
    assert len(Path("relu.jsonl").read_text(encoding="utf-8").splitlines()) == lines
    assert told("import", "relu.jsonl", "--user", "kenji", "--agent", "tanh")["memories"] == 1
    assert len(told("search", "Osaka", "--user", "kenji", "--agent", "tanh")) == 1


# --- errors ----------------------------------------------------------------------------------------------------------


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


# --- the conversation ------------------------------------------------------------------------------------------------


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


# --- the doctor ------------------------------------------------------------------------------------------------------


def test_the_doctor_finds_a_sound_memory_sound() -> None:
    """Nothing wrong is exit status 0, on a memory as on none."""
    assert run("doctor").exit_code == 0
    run("add", "I moved to Osaka.")
    seen = run("doctor", "--fix")
    assert seen.exit_code == 0
    assert "✗" not in seen.stdout
    assert {"versions", "cache", "database", "index", "vectors", "scripts"} <= {
        one["subject"] for one in told("doctor")
    }


def test_the_doctor_names_an_embedder_for_what_this_one_cannot_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Memories in a script that the embedder does not serve are no fault: a hint says what to set, gloss first."""

    class EnglishOnly(StubEmbedder):
        scripts = frozenset({"Latin"})

    monkeypatch.setattr("dmha.wiring.make_embedder", lambda *_: EnglishOnly())
    run("add", "大阪に引っ越した。")
    seen = run("doctor")
    assert seen.exit_code == 0
    assert "✗" not in seen.stdout
    hint = seen.stdout.partition("DMHA_EMBEDDER")[2]
    assert 0 < hint.index("gloss") < hint.index("bge-m3")


def test_the_doctor_tells_of_a_file_that_is_no_database(tmp_path: Path) -> None:
    """What cannot be opened is a finding with a way out, and exit status 1."""
    (tmp_path / "life.db").write_bytes(b"not a database, " * 100)
    seen = run("doctor")
    assert seen.exit_code == 1
    assert "not a DMHA database" in seen.stdout


# --- around the commands ---------------------------------------------------------------------------------------------


DIALOGUE = {
    "language": "en",
    "zone": "Asia/Tokyo",
    "sessions": [
        {
            "id": "s1",
            "at": "2026-01-05T09:00:00+09:00",
            "turns": [{"id": "s1:1", "speaker": "aya", "text": "I moved to Osaka."}],
        }
    ],
    "questions": [{"text": "Who moved?", "language": "en", "category": "single", "evidence": ["s1:1"]}],
}


def test_bench_measures_what_is_typed() -> None:
    """The data, the ranking and the baselines are those that were typed; stdout is one JSON document, or Markdown."""
    Path("talk.json").write_text(json.dumps(DIALOGUE), encoding="utf-8")
    measured = told("bench", "dialogue", "--data", "talk.json", "--ranking", "semantic", "--baselines")
    assert (measured["benchmark"], measured["ranking"], measured["embedder"]) == ("dialogue", "semantic", "stub")
    assert measured["overall"]["questions"] == 1
    assert len(measured["baselines"]) == 3
    assert run("bench", "dialogue", "--data", "talk.json", "--markdown").stdout.startswith("| dialogue: turns | n |")
    assert "one language" in run("bench", "dialogue", "--data", "talk.json").stdout


@pytest.mark.parametrize("name", ["locomo", "longmemeval", "squad", "halumem", "dialogue", "abstention"])
def test_every_benchmark_names_the_file_that_it_cannot_read(name: str) -> None:
    """A file of another form is the caller's mistake; so are two forms of report at once."""
    Path("talk.json").write_text('{"talk": 1}', encoding="utf-8")
    refused = run("bench", name, "--data", "talk.json")
    assert (refused.exit_code, "talk.json" in refused.stderr) == (2, True)
    assert "--markdown" in run("bench", name, "--data", "talk.json", "--markdown", "--json").stderr


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


def test_long_words_are_folded_and_not_cut() -> None:
    """A reply is shown to its last sign, though a line of Japanese has no space to be folded at."""
    run("add", "小豆は別に炊いて、かぼちゃは皮を下にして並べるの、" * 9 + "ふたを開けないこと。")
    said = run("chat", stdin="小豆は別に炊いて、かぼちゃは皮を下にして並べるの？\n").stdout
    assert "…" not in said
    assert "ふたを開けないこと。" in "".join(line.strip("▌ ") for line in said.splitlines())


@pytest.mark.parametrize(("joy", "bar"), [(0.0, "────"), (0.13, "╸───"), (0.5, "━━──"), (1.0, "━━━━"), (7.0, "━━━━")])
def test_a_feeling_is_drawn_to_half_a_cell(joy: float, bar: str) -> None:
    """A bar of four cells shows eighths of a feeling, and no more than all of it."""
    assert render.mood(Affect(joy=joy), cells=4).plain.startswith(f"joy {bar}  ")


# --- docs/cli.md -----------------------------------------------------------------------------------------------------

PAGE = (Path(__file__).parent.parent / "docs" / "cli.md").read_text(encoding="utf-8")
CONSOLES = re.findall(r"```console\n(.*?)```", PAGE, re.DOTALL)


def examples() -> list[tuple[list[str], str | None, str]]:
    """Each example: what is typed after `dmha`, what is piped into it, and what it prints."""
    found = []
    for example in "".join(CONSOLES).split("$ ")[1:]:
        line, _, printed = example.partition("\n")
        before, _, command = line.rpartition(" | ")
        piped = shlex.split(before)[1] + "\n" if before else None
        found.append((shlex.split(command)[1:], piped, printed))
    return found


def comparable(printed: str) -> str:
    """What is printed without what differs between machines and moments: bars, measured numbers, trailing spaces."""
    return re.sub(r"[━─]+|(?<![\w.])\d*\.\d\d\b|\d+(?=%| ms)| +$", "", printed, flags=re.MULTILINE).rstrip()


def test_every_example_prints_what_the_page_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """docs/cli.md from its first example to its last, on one memory, with the default embedder."""
    monkeypatch.setattr("dmha.wiring.make_embedder", make_embedder)
    monkeypatch.setattr("dmha.bench.runner.run", lambda *_, **__: None)
    monkeypatch.setattr("dmha.bench.show.table", lambda _: "")
    monkeypatch.setattr("dmha.server.serve.serve", lambda _: None)
    monkeypatch.setenv("COLUMNS", "120")
    for typed, piped, printed in examples():
        result = run(*typed, stdin=piped)
        assert (result.exit_code, result.stderr) == (0, ""), typed
        wanted = ".*".join(map(re.escape, comparable(printed).split("...")))
        assert re.fullmatch(wanted, comparable(result.stdout), re.DOTALL), f"{typed}:\n{result.stdout}"


def test_the_page_names_every_command_and_no_other_option() -> None:
    """Each command has its example, and each option on the page is one that a command has."""
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]  # a group has them
    assert {typed[0] for typed, _, _ in examples()} == set(commands)
    grouped = [command for group in commands.values() for command in getattr(group, "commands", {}).values()]
    known = {option for command in [*commands.values(), *grouped] for p in command.params for option in p.opts}
    assert set(re.findall(r"(?<![-|])--[a-z][a-z-]*", PAGE)) <= known
