"""LoCoMo, read and asked as it is annotated."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from samples import SAMPLE, written
from stubs import StubEmbedder

from dmha.bench import locomo
from dmha.errors import InvalidInput

NOT_LOCOMO = [
    {},
    [],
    [{}],
    {"qa": []},
    [{"sample_id": "no session", "conversation": {}, "qa": []}],
    [{**SAMPLE, "qa": SAMPLE["qa"][3:]}],
]


class Refuses(StubEmbedder):
    """Fails where it is called."""

    def embed(self, texts: list[str], /) -> NDArray[np.float32]:
        raise AssertionError("embedded before all that was given was checked")


def test_evidence_is_read_however_it_is_written(data: Path) -> None:
    """`D:10:01; D2:1` names two turns; one that does not exist is left out, and a question without any is counted."""
    (conversation,) = locomo.load(data)
    assert [question.evidence for question in conversation.questions] == [
        {"D2:1"},
        {"D10:1", "D2:1"},
        {"D10:2"},
        {"D10:1"},
    ]
    assert conversation.questions[1].sessions == {"session_2", "session_10"}
    assert conversation.unusable == 1


def test_turns_carry_caption_speaker_id_and_the_time_of_their_session(data: Path) -> None:
    """Sessions come in the order of their numbers, and a shared picture stands in the text as its caption."""
    (conversation,) = locomo.load(data)
    assert [told.session for told in conversation.told] == ["session_2", "session_10"]
    shared = conversation.told[1].turns[1]
    assert shared.text == "Look at the harbour! [shares a lighthouse at dusk]"
    assert (shared.speaker, shared.metadata) == ("Ines", {"turn": "D10:2"})
    assert shared.at == conversation.told[1].at == datetime(2024, 3, 3, 9, 5, tzinfo=UTC)
    assert {question.at for question in conversation.questions} == {datetime(2024, 3, 3, 9, 6, tzinfo=UTC)}


def test_what_is_told_is_found_again_and_counted_by_category(data: Path) -> None:
    """Ten places hold all four turns: recall@10 is whole, and adversarial questions stand apart from the headline."""
    report = locomo.run(data, embedder=StubEmbedder())
    assert report.overall.questions == 3
    assert {name: scores.questions for name, scores in report.categories.items()} == {
        "1 multi-hop": 1,
        "2 temporal": 1,
        "4 single-hop": 1,
        "5 adversarial": 1,
    }
    assert report.overall.recall_10 == 1.0
    assert report.overall.session_hit_5 == 1.0
    assert (report.turns, report.unusable_questions, report.embedder) == (4, 1, "stub")
    assert report.categories["4 single-hop"].recall_1 == 1.0
    assert report.categories["4 single-hop"].mrr == 1.0


def test_the_ranking_given_is_the_ranking_used(data: Path) -> None:
    """What happened last, ranked first, cannot answer a question about the first session."""
    report = locomo.run(data, ranking="created_at / 1000000000", embedder=StubEmbedder())
    assert report.categories["4 single-hop"].recall_1 == 0.0
    assert report.ranking == "created_at / 1000000000"


def test_progress_ends_at_the_number_of_turns_and_questions(data: Path) -> None:
    """Four turns and four questions are eight steps, told in order."""
    steps: list[tuple[int, int]] = []
    locomo.run(data, embedder=StubEmbedder(), progress=lambda done, total: steps.append((done, total)))
    assert steps == [(2, 8), (4, 8), (5, 8), (6, 8), (7, 8), (8, 8)]


@pytest.mark.parametrize("content", NOT_LOCOMO)
def test_what_is_not_locomo_is_refused(tmp_path: Path, content: Any) -> None:
    """Any other JSON, or a file that asks nothing with evidence, is named as the caller's mistake before any work."""
    with pytest.raises(InvalidInput) as caught:
        locomo.run(written(tmp_path, content), embedder=Refuses())
    assert caught.value.field == "data"


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    """The error tells the path that was given."""
    with pytest.raises(InvalidInput, match=r"nowhere\.json"):
        locomo.load(tmp_path / "nowhere.json")


def test_a_mistaken_ranking_is_told_before_anything_is_embedded(data: Path) -> None:
    """An embedder that would fail is never called."""
    with pytest.raises(InvalidInput) as caught:
        locomo.run(data, ranking="similarity +", embedder=Refuses())
    assert caught.value.field == "ranking"
