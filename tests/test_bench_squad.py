"""Paragraphs in SQuAD's form, read and asked as they are annotated."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from samples import written
from stubs import StubEmbedder

from dmha.bench import squad
from dmha.bench.runner import run


def paragraph(context: str, *questions: str, impossible: bool = False) -> dict[str, Any]:
    return {"context": context, "qas": [{"question": one, "is_impossible": impossible} for one in questions]}


PARAGRAPHS = {
    "data": [
        {
            "paragraphs": [
                paragraph("猫は縁側で眠る。", "猫はどこで眠る？"),
                paragraph("犬は庭を走る。", "犬はどこを走る？"),
            ]
        },
        {
            "paragraphs": [
                paragraph("猫は縁側で眠る。", "猫は何をする？"),
                paragraph("鳥は歌う。", "何？", impossible=True),
            ]
        },
    ]
}


def test_every_distinct_paragraph_is_lore_and_finds_its_questions(tmp_path: Path) -> None:
    """Two of four paragraphs are one memory; what cannot be answered is not asked; the words find each."""
    data = written(tmp_path, PARAGRAPHS)
    (tenant,) = squad.load(data)
    assert [(told.session, told.kind) for told in tenant.told] == [("0", "lore"), ("1", "lore"), ("2", "lore")]
    report = run(squad.DATA_SET, data, embedder=StubEmbedder(), ranking="static_bm25()")
    assert (report.turns, report.overall.questions, report.unusable_questions) == (3, 3, 1)
    assert (report.overall.recall_1, report.overall.session.recall_1) == (1.0, 1.0)
