"""docs/knowledge.md against the code: its examples are run, its spellings understood."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

from dmha.domain.logic import (
    FactStatement,
    RuleStatement,
    parse_statement,
)

PAGE = Path(__file__).parent.parent / "docs" / "knowledge.md"


def test_the_page_shows_what_happens() -> None:
    """Every example of docs/knowledge.md gives what the page says."""
    text = PAGE.read_text(encoding="utf-8").replace("```", "")
    examples = doctest.DocTestParser().get_doctest(text, {}, PAGE.name, str(PAGE), 0)
    result = doctest.DocTestRunner().run(examples)
    assert (result.failed, result.attempted > 15) == (0, True)


def test_the_spellings_of_the_page_are_understood() -> None:
    """Each statement in the page's table parses."""
    cells = re.findall(r"`(\w+[:：].*?)` (?=\|)", PAGE.read_text(encoding="utf-8"))
    assert [type(parse_statement(cell)) for cell in cells] == [FactStatement] * 6 + [RuleStatement] * 3
