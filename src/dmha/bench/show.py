"""A report for people: as tables of a terminal, and as Markdown. Nothing is computed here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from dmha.bench.report import Measures, Report, Scores

if TYPE_CHECKING:
    from rich.console import RenderableType

# R@k is the share of the evidence found, any@k and all@k how often one or every piece of it is.
_COLUMNS = {
    "R@1": "recall_1", "R@5": "recall_5", "R@10": "recall_10", "any@1": "any_1", "any@5": "any_5", "any@10": "any_10",
    "all@1": "all_1", "all@5": "all_5", "all@10": "all_10", "MRR": "mrr", "NDCG@10": "ndcg_10",
}  # fmt: skip
_NARROW = tuple(name for name in _COLUMNS if name not in ("any@1", "all@1"))  # fits a terminal; JSON has them all


def table(report: Report) -> RenderableType:
    """The report for a terminal."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    shown: list[RenderableType] = []
    for level in ("turns", "sessions"):
        scores = Table(title=f"{report.benchmark}: {level}", box=SIMPLE_HEAD, padding=0, collapse_padding=True)
        scores.add_column("questions", no_wrap=True)
        for column in ("n", *_NARROW):
            scores.add_column(column, justify="right", no_wrap=True)
        for name, row in _rows(report):
            bold = "bold" if row is report.overall else None
            scores.add_row(Text(name), *_figures(row, level, _NARROW), style=bold)
        shown.append(scores)
    return Group(*shown, *map(Text, _notes(report)))  # no text of the data's is markup


def markdown(report: Report) -> str:
    """The report as Markdown: a table for turns, one for sessions, and a list of the rest."""
    lines: list[str] = []
    for level in ("turns", "sessions"):
        lines += [f"| {report.benchmark}: {level} | n | {' | '.join(_COLUMNS)} |", "|---" * (len(_COLUMNS) + 2) + "|"]
        lines += [f"| {name} | {' | '.join(_figures(row, level, tuple(_COLUMNS)))} |" for name, row in _rows(report)]
        lines.append("")
    return "\n".join((*lines, *(f"- {note}" for note in _notes(report)))) + "\n"


def _rows(report: Report) -> Iterator[tuple[str, Scores]]:
    yield from report.categories.items()
    if [*report.categories] != [report.headline]:
        yield report.headline, report.overall
    for name, scores in report.baselines.items():
        yield f"  {name}", scores


def _figures(scores: Scores, level: str, columns: Sequence[str]) -> list[str]:
    measures: Measures = scores if level == "turns" else scores.session
    return [str(scores.questions), *(f"{getattr(measures, _COLUMNS[column]):.3f}" for column in columns)]


def _notes(report: Report) -> Iterator[str]:
    for name, figure in report.figures.items():
        yield f"{name}: {figure:.4g}"
    yield f"one of the first five memories is of a wanted session: {report.overall.session_hit_5:.3f}"
    for name, span in (("search", report.search), ("of it embedding", report.embedding), ("without it", report.apart)):
        yield f"{name}: p50 {span.p50:.1f} ms, p95 {span.p95:.1f} ms, p99 {span.p99:.1f} ms"
    yield f"{report.turns} turns remembered, {report.turns_per_s:.0f} a second"
    yield f"index: {report.index_memories} memories, {report.index_bytes / 1e6:.1f} MB"
    yield f"{report.unusable_questions} questions left out: nothing that was told answers them"
    yield f"ranking: {report.ranking}"
    yield f"dmha {report.version}, embedder {report.embedder}"
    yield f"data sha256 {report.data_sha256}"
