"""A benchmark's report as a table for a terminal and as Markdown."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console
from stubs import StubEmbedder

from dmha.bench import locomo, show
from dmha.bench.report import Report


@pytest.fixture
def report(data: Path) -> Report:
    return locomo.run(data, embedder=StubEmbedder(), baselines=True)


def test_the_table_shows_every_category_the_headline_and_the_baselines(report: Report) -> None:
    """A row each, for turns and for sessions, in the 80 columns of a narrow terminal."""
    console = Console(width=80, record=True, file=StringIO())
    console.print(show.table(report))
    shown = console.export_text()
    rows = ("1 multi-hop", "2 temporal", "4 single-hop", "5 adversarial", "categories 1-4", "exact cosine", "NDCG@10")
    assert [shown.count(row) for row in rows] == [2] * len(rows)
    assert "…" not in shown


def test_markdown_has_every_measure(report: Report) -> None:
    """Two tables of thirteen columns, one row for each category, the headline and the baselines; then the rest."""
    lines = show.markdown(report).splitlines()
    cells = [line.strip("|").split("|") for line in lines if line.startswith("|")]
    assert {len(row) for row in cells} == {13}
    assert len(cells) == 2 * (2 + 4 + 1 + 3)
    (overall,) = [row for row in cells[: len(cells) // 2] if row[0].strip() == "categories 1-4"]
    assert float(overall[4]) == round(report.overall.recall_10, 3)
    assert f"- data sha256 {report.data_sha256}" in lines
