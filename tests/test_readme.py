"""What the pages show is what happens: their code blocks are run, their shell lines too, their links lead somewhere."""

from __future__ import annotations

import contextlib
import doctest
import io
import os
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.testing import CliRunner

import dmha
from dmha.cli.app import app

ROOT = Path(__file__).parent.parent
ENGLISH, JAPANESE = ROOT / "README.md", ROOT / "README.ja.md"
PAGES = [ENGLISH, JAPANESE, ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]

# A block; what it cannot run without, in a comment above it; what it prints, in a block of text right below it.
BLOCK = re.compile(
    r"(?:^<!-- needs: (?P<needs>[\w-]+) -->\n\n?)?^```(?P<language>\w*)\n(?P<code>.*?)^```$"
    r"(?=(?:\n\n```text\n(?P<printed>.*?)^```$)?)",
    re.DOTALL | re.MULTILINE,
)
# Set beside the code, two spaces before it; `# ->` tells what the line prints.
COMMENT = re.compile(r"\s\s+# (?!-> ).*$", re.MULTILINE)
PRINTS = re.compile(r"# -> (.*)$", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """A fenced block of a page; `needs` is what it cannot run without, `printed` what it is said to print."""

    language: str
    code: str
    needs: str | None
    printed: str


def blocks(page: Path, *languages: str) -> list[Block]:
    found = [
        Block(m["language"], m["code"], m["needs"], m["printed"] or "\n".join(PRINTS.findall(m["code"])))
        for m in BLOCK.finditer(page.read_text(encoding="utf-8"))
    ]
    return [block for block in found if block.language in languages or not languages]


def with_blocks(*languages: str) -> pytest.MarkDecorator:
    pages = [page for page in PAGES if blocks(page, *languages)]
    return pytest.mark.parametrize("page", pages, ids=lambda page: page.name)


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def home(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in, without anybody's settings."""
    for name in [name for name in os.environ if name.startswith("DMHA_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("DMHA_CACHE", str(cache))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path


# --- Python ----------------------------------------------------------------------------------------------------------


@with_blocks("python")
def test_python_blocks_print_what_the_page_says(page: Path, home: Path) -> None:
    """Run one after another, the Python blocks of a page print what stands behind or below them."""
    with contextlib.ExitStack() as stack:
        names: dict[str, object] = {"__name__": page.name}
        if page not in (ENGLISH, JAPANESE):  # the READMEs stand alone; other pages may speak of a mind as known
            names["mind"] = stack.enter_context(dmha.open(":memory:"))
        for block in [block for block in blocks(page, "python") if not block.code.startswith(">>>")]:
            printed = io.StringIO()
            with contextlib.redirect_stdout(printed):
                exec(compile(block.code, page.name, "exec", dont_inherit=True), names)
            assert_alike(printed.getvalue(), block.printed)


@pytest.mark.parametrize("page", [page for page in PAGES if ">>> " in page.read_text("utf-8")], ids=lambda p: p.name)
def test_interactive_examples_answer_what_the_page_says(page: Path) -> None:
    """Every `>>>` example of a page gives what stands below it."""
    examples = doctest.DocTestParser().get_doctest(page.read_text("utf-8"), {}, page.name, str(page), 0)
    assert doctest.DocTestRunner().run(examples).failed == 0


def assert_alike(printed: str, expected: str) -> None:
    """The same text, but that a day may be another day and a decimal differ in its second place: the embedder's 8-bit
    kernels round differently from one kind of processor to the next."""
    number = re.compile(r"\d+\.\d+")
    was, should = (re.sub(r"\d{4}-\d\d-\d\d", "DAY", text.strip()) for text in (printed, expected))
    assert number.sub("#", was) == number.sub("#", should)
    numbers = [[float(found) for found in number.findall(text)] for text in (was, should)]
    assert numbers[0] == pytest.approx(numbers[1], abs=0.03)


# --- the shell -------------------------------------------------------------------------------------------------------


def lines(block: Block) -> Iterator[str]:
    for line in COMMENT.sub("", block.code).replace("\\\n", "").splitlines():
        if line.strip():
            yield line.strip()


@with_blocks("sh", "bash")
def test_dmha_lines_succeed(page: Path, home: Path) -> None:
    """Every `dmha` line of a page succeeds, in its order and in an empty folder, unless it says what it needs; the data
    that `bench` measures on belongs to others and is nowhere in this project."""
    for line in [line for block in blocks(page, "sh", "bash") if block.needs is None for line in lines(block)]:
        words = shlex.split(line)
        if words[0] == "dmha" and words[1] != "bench":
            result = CliRunner().invoke(app, words[1:])
            assert result.exit_code == 0, f"{line}\n{result.output}"


@with_blocks("sh", "bash")
def test_make_and_pip_lines_name_what_exists(page: Path) -> None:
    """Every `make` line names a target, every `pip install` line a package or an extra of this project."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    installable = {".", *(f".[{extra}]" for extra in project["optional-dependencies"])}
    for words in [shlex.split(line) for block in blocks(page, "sh", "bash") for line in lines(block)]:
        if words[0] == "make":
            assert re.search(rf"^{re.escape(words[1])}:", makefile, re.MULTILINE), words
        if words[:2] == ["pip", "install"]:
            assert words[-1] in installable or " ".join(words[2:]) in makefile, words


def test_commands_that_need_a_server_are_few() -> None:
    """Two examples of the README cannot be run here, and both need Ollama."""
    assert [block.needs for block in blocks(ENGLISH) if block.needs] == ["ollama", "ollama"]


# --- the READMEs -----------------------------------------------------------------------------------------------------


def test_both_readmes_show_the_same() -> None:
    """The two READMEs have the same blocks, but for the comments, which are in the page's language."""
    shown = [[(block.language, COMMENT.sub("", block.code), block.needs) for block in blocks(page)] for page in READMES]
    assert shown[0] == shown[1]


READMES = (ENGLISH, JAPANESE)


@pytest.mark.parametrize("page", READMES, ids=lambda page: page.name)
def test_the_first_screen_says_what_to_type(page: Path) -> None:
    """`make demo` and `make test` stand within the first 20 lines, and the excerpt below them has at most 25."""
    first = "\n".join(page.read_text(encoding="utf-8").splitlines()[:20])
    assert "make demo" in first
    assert "make test" in first
    assert len(blocks(page, "text")[0].code.splitlines()) <= 25


def test_the_excerpt_is_the_demos_own(home: Path) -> None:
    """Each line of the README's excerpt is one that the demo prints, in the demo's order."""
    environment = {**os.environ, "COLUMNS": "100", "NO_COLOR": "1", "PYTHONUTF8": "1"}
    ran = subprocess.run([sys.executable, "-m", "dmha.cli.demo"], env=environment, capture_output=True, check=True)
    printed = iter([without_measures(line) for line in ran.stdout.decode().splitlines()])
    for line in blocks(ENGLISH, "text")[0].code.splitlines():
        assert not line.strip() or without_measures(line) in printed, line


def without_measures(line: str) -> str:
    """The line but for its numbers and bars, which hold times."""
    return re.sub(r"[\d.━╸─·\s]+", " ", line).strip()


@pytest.mark.parametrize("page", [*PAGES, ROOT / "CHANGELOG.md"], ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    """Every link of a page to a file of this project finds it."""
    targets = re.findall(r"\]\((?!https?://|#)([^)#\s]+)", page.read_text(encoding="utf-8"))
    assert [target for target in targets if not (page.parent / target).exists()] == []
