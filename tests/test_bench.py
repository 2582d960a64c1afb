"""The benchmarks: the measures give their textbook figures, and LoCoMo's form is read and asked as it is annotated."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from stubs import StubEmbedder

from dmha.bench import locomo
from dmha.bench.metrics import mean, ndcg_at, percentile, recall_at, reciprocal_rank
from dmha.errors import InvalidInput


def turn(dia_id: str, speaker: str, text: str, **more: str) -> dict[str, str]:
    return {"dia_id": dia_id, "speaker": speaker, "text": text, **more}


def asked(question: str, category: int, *evidence: str) -> dict[str, Any]:
    return {"question": question, "answer": "", "category": category, "evidence": list(evidence)}


# Two sessions of two invented people; the order of the keys is not the order of the sessions.
SAMPLE: dict[str, Any] = {
    "sample_id": "conv-1",
    "conversation": {
        "speaker_a": "Ines",
        "speaker_b": "Tom",
        "session_10_date_time": "9:05 am on 3 March, 2024",
        "session_10": [
            turn("D10:1", "Tom", "I sold my bicycle yesterday."),
            turn("D10:2", "Ines", "Look at the harbour!", blip_caption="a lighthouse at dusk"),
        ],
        "session_2_date_time": "11:30 pm on 28 February, 2024",
        "session_2": [turn("D2:1", "Ines", "My sister teaches chemistry in Porto."), turn("D2:2", "Tom", "Nice.")],
        "session_11_date_time": "9:05 am on 4 March, 2024",
    },
    "qa": [
        asked("Who teaches chemistry?", 4, "D2:1"),
        asked("What did Tom sell, and what does the sister teach?", 1, "D:10:01; D2:1"),
        asked("Where is the lighthouse?", 2, "D10:02", "D10:99"),
        asked("What did Ines sell?", 5, "D10:1"),
        asked("What was never told?", 3, "D"),
    ],
}


def written(folder: Path, content: Any) -> Path:
    path = folder / "locomo.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return written(tmp_path, [SAMPLE])


# --- measures --------------------------------------------------------------------------------------------------------


def test_recall_is_the_share_of_the_wanted_among_the_first() -> None:
    """Of three wanted, one stands among the first two and two among the first four."""
    ranked, wanted = ["a", "x", "y", "b"], {"a", "b", "c"}
    assert [recall_at(ranked, wanted, k) for k in (1, 2, 4)] == [1 / 3, 1 / 3, 2 / 3]


def test_the_reciprocal_rank_is_that_of_the_first_wanted() -> None:
    """Third place gives a third; nothing wanted gives nothing."""
    assert reciprocal_rank(["x", "y", "a", "b"], {"a", "b"}) == 1 / 3
    assert reciprocal_rank(["x", "y"], {"a"}) == 0.0


def test_ndcg_discounts_by_the_logarithm_of_the_place() -> None:
    """Wanted at places 2 and 3 of two wanted: (1/log2 3 + 1/log2 4) / (1/log2 2 + 1/log2 3)."""
    expected = (1 / math.log2(3) + 1 / 2) / (1 + 1 / math.log2(3))
    assert ndcg_at(["x", "a", "b"], {"a", "b"}, 10) == pytest.approx(expected, abs=1e-15)


def test_ndcg_is_whole_when_more_is_wanted_than_there_are_places() -> None:
    """Two places cannot hold three; two of them are all that can be earned."""
    assert ndcg_at(["a", "b"], {"a", "b", "c"}, 2) == 1.0


def test_a_percentile_is_a_value_that_occurred() -> None:
    """Nearest rank: of 1..20 the median is 10 and the 95th percentile 19; a single value is each of its percentiles."""
    values = list(range(20, 0, -1))
    assert (percentile(values, 0.5), percentile(values, 0.95), percentile([7.0], 0.95)) == (10, 19, 7.0)


@given(st.permutations(range(12)), st.sets(st.integers(0, 20), min_size=1), st.integers(1, 12))
def test_every_measure_stays_within_0_and_1(ranked: list[int], wanted: set[int], k: int) -> None:
    """Whatever is ranked and wanted, no measure leaves 0..1."""
    measures = (recall_at(ranked, wanted, k), reciprocal_rank(ranked, wanted), ndcg_at(ranked, wanted, k))
    assert all(0.0 <= measure <= 1.0 for measure in measures)
    assert 0.0 <= mean(measures) <= 1.0


# --- LoCoMo ----------------------------------------------------------------------------------------------------------


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
    assert list(conversation.sessions) == ["session_2", "session_10"]
    shared = conversation.sessions["session_10"][1]
    assert shared.text == "Look at the harbour! [shares a lighthouse at dusk]"
    assert (shared.speaker, shared.metadata) == ("Ines", {"dia_id": "D10:2"})
    assert shared.at == datetime(2024, 3, 3, 9, 5, tzinfo=UTC)
    assert conversation.end == datetime(2024, 3, 3, 9, 6, tzinfo=UTC)


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


def test_main_writes_json_and_nothing_else_to_stdout(
    data: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Progress goes to stderr, so that stdout is one JSON document."""
    monkeypatch.setattr(locomo, "make_embedder", lambda settings, embedder: embedder or StubEmbedder())
    locomo.main(data, ranking="semantic", as_json=True)
    told = json.loads(capsys.readouterr().out)
    assert told["overall"]["questions"] == 3
    assert told["ranking"] == "semantic"
    assert len(told["data_sha256"]) == 64


def test_main_shows_every_category_and_the_headline(
    data: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The table has a row for each category that was asked and one for the first four together."""
    monkeypatch.setattr(locomo, "make_embedder", lambda settings, embedder: embedder or StubEmbedder())
    locomo.main(data, ranking=None, as_json=False)
    shown = capsys.readouterr().out
    for row in ("1 multi-hop", "2 temporal", "4 single-hop", "5 adversarial", "categories 1-4", "NDCG@10"):
        assert row in shown


NOT_LOCOMO = [
    {},
    [],
    [{}],
    {"qa": []},
    [{"sample_id": "no session", "conversation": {}, "qa": []}],
    [{**SAMPLE, "qa": SAMPLE["qa"][3:]}],
]


@pytest.mark.parametrize("content", NOT_LOCOMO)
def test_what_is_not_locomo_is_refused(tmp_path: Path, content: Any) -> None:
    """Any other JSON, or a file that asks nothing with evidence, is the caller's mistake and named so."""
    with pytest.raises(InvalidInput) as caught:
        locomo.load(written(tmp_path, content))
    assert caught.value.field == "data"


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    """The error tells the path that was given."""
    with pytest.raises(InvalidInput, match=r"nowhere\.json"):
        locomo.load(tmp_path / "nowhere.json")


def test_a_mistaken_ranking_is_told_before_anything_is_embedded(data: Path) -> None:
    """An embedder that would fail is never called."""

    class Refuses(StubEmbedder):
        def embed(self, texts: list[str], /) -> NDArray[np.float32]:
            raise AssertionError("embedded before the ranking was checked")

    with pytest.raises(InvalidInput) as caught:
        locomo.run(data, ranking="similarity +", embedder=Refuses())
    assert caught.value.field == "ranking"
