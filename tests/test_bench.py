"""The benchmarks: the measures give their textbook figures, and each data set is read and asked as it is annotated."""

from __future__ import annotations

import hashlib
import json
import math
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from rich.console import Console
from stubs import StubEmbedder

from dmha import Turn
from dmha.bench import abstention, baselines, dataset, dialogue, halumem, locomo, longmemeval, show, squad
from dmha.bench.dataset import DataSet, Question, Tenant, Told, elements, uttered
from dmha.bench.metrics import all_at, any_at, auroc, mean, ndcg_at, percentile, recall_at, reciprocal_rank
from dmha.bench.report import Judged, Report
from dmha.bench.runner import run
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
    path = folder / "data.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


class Refuses(StubEmbedder):
    """Fails where it is called."""

    def embed(self, texts: list[str], /) -> NDArray[np.float32]:
        raise AssertionError("embedded before all that was given was checked")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return written(tmp_path, [SAMPLE])


# --- measures --------------------------------------------------------------------------------------------------------


def test_recall_is_the_share_of_the_wanted_among_the_first() -> None:
    """Of three wanted, one stands among the first two and two among the first four."""
    ranked, wanted = ["a", "x", "y", "b"], {"a", "b", "c"}
    assert [recall_at(ranked, wanted, k) for k in (1, 2, 4)] == [1 / 3, 1 / 3, 2 / 3]


def test_any_asks_for_one_and_all_for_every_one() -> None:
    """Of two wanted at places 2 and 4, one is among the first two, both only among the first four."""
    ranked, wanted = ["x", "a", "y", "b"], {"a", "b"}
    assert [any_at(ranked, wanted, k) for k in (1, 2, 4)] == [0.0, 1.0, 1.0]
    assert [all_at(ranked, wanted, k) for k in (1, 2, 4)] == [0.0, 0.0, 1.0]


def test_auroc_counts_the_pairs_that_stand_rightly() -> None:
    """Of six pairs four stand rightly and one is equal: 4.5 / 6; whatever is told apart gives 1, its reverse 0."""
    assert auroc([0.9, 0.5, 0.2], [0.5, 0.1]) == 4.5 / 6
    assert (auroc([2.0, 3.0], [1.0]), auroc([1.0], [2.0, 3.0])) == (1.0, 0.0)


def test_the_reciprocal_rank_is_that_of_the_first_wanted() -> None:
    """Third place gives a third; nothing wanted gives nothing."""
    assert reciprocal_rank(["x", "y", "a", "b"], {"a", "b"}) == 1 / 3
    assert reciprocal_rank(["x", "y"], {"a"}) == 0.0


def test_ndcg_discounts_by_the_logarithm_of_the_place() -> None:
    """Still at places 2 and 3 of two wanted: (1/log2 3 + 1/log2 4) / (1/log2 2 + 1/log2 3)."""
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
    measures = (
        recall_at(ranked, wanted, k), any_at(ranked, wanted, k), all_at(ranked, wanted, k),
        reciprocal_rank(ranked, wanted), ndcg_at(ranked, wanted, k),
    )  # fmt: skip
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


# --- LongMemEval -----------------------------------------------------------------------------------------------------


def said(role: str, content: str, *, has_answer: bool = False) -> dict[str, Any]:
    return {"role": role, "content": content, "has_answer": has_answer}


# A haystack of two sessions, written in another order than they were lived in.
HAYSTACK: dict[str, Any] = {
    "question_id": "q1",
    "question_type": "single-session-user",
    "question": "Which instrument did I buy?",
    "question_date": "2024/05/02 (Thu) 10:00",
    "haystack_dates": ["2024/05/01 (Wed) 20:21", "2024/04/01 (Mon) 08:00"],
    "haystack_session_ids": ["answer_7", "other_3"],
    "haystack_sessions": [
        [said("user", "I bought a cello."), said("assistant", "A cello!", has_answer=True), said("user", "It hums.")],
        [said("user", "The kitchen needs paint.", has_answer=True), said("user", " ")],
    ],
    "answer_session_ids": ["answer_7"],
}
HAYSTACK["haystack_sessions"][0][0]["has_answer"] = True


def test_of_a_haystack_the_users_turns_are_told_in_the_order_of_their_dates(tmp_path: Path) -> None:
    """What the assistant said and what is empty is left out; evidence is what answers in a session that answers."""
    (tenant,) = longmemeval.load(written(tmp_path, [HAYSTACK]))
    assert [turn.text for told in tenant.told for turn in told.turns] == [
        "The kitchen needs paint.",
        "I bought a cello.",
        "It hums.",
    ]
    (question,) = tenant.questions
    assert question.evidence == {"0.0"}
    assert question.sessions == {"0.answer_7"}
    assert question.at == datetime(2024, 5, 2, 10, 0, tzinfo=UTC)
    assert tenant.told[1].turns[1].at == datetime(2024, 5, 1, 20, 21, 20, tzinfo=UTC)


def test_each_question_searches_its_own_haystack_alone(tmp_path: Path) -> None:
    """Two questions over the same words do not see each other's sessions; `_abs` and the unanswered are left out."""
    abstains = {**HAYSTACK, "question_id": "q2_abs"}
    nobody = {**HAYSTACK, "question_id": "q3", "haystack_sessions": [[said("user", "Well.")], [said("user", "Hm.")]]}
    report = run(
        longmemeval.DATA_SET, written(tmp_path, [HAYSTACK, abstains, nobody, HAYSTACK]), embedder=StubEmbedder()
    )
    assert (report.overall.questions, report.unusable_questions, report.turns) == (2, 2, 6)
    assert report.index_memories == 6
    assert report.overall.session.all_5 == 1.0
    assert report.figures["session recall_all@5"] == 1.0


def retrieved(*turns: tuple[str | None, str]) -> Judged:
    """An answer to a question whose evidence is the turns a1 and a2 of session A and b1 of session B."""
    return Judged(
        "any", tuple(turn for turn, _ in turns), tuple(session for _, session in turns),
        frozenset({"a1", "a2", "b1"}), frozenset({"A", "B"}),
    )  # fmt: skip


def test_the_official_figures_count_sessions_by_the_turns_that_answer() -> None:
    """Turns are looked at until five sessions are seen; a turn of A that does not answer is of another session; the
    first two places are not discounted, and the best order has its three answers first."""
    one = retrieved(("a1", "A"), ("x1", "X"), ("a9", "A"), ("y1", "Y"), ("a2", "A"), ("b1", "B"), ("z1", "Z"))
    figures = longmemeval.official([one])
    assert figures["session recall_all@5"] == 1.0  # A, X, the rest of A, Y and, at the sixth place, B
    gained, best = 1 + 1 / math.log2(5) + 1 / math.log2(6), 1 + 1 + 1 / math.log2(3)
    assert figures["session ndcg_any@5"] == pytest.approx(gained / best, abs=1e-15)


def test_a_session_is_not_recalled_by_a_turn_that_does_not_answer() -> None:
    """B came back with another turn than the one that answers: not all sessions are recalled."""
    assert longmemeval.official([retrieved(("a1", "A"), ("b7", "B"))])["session recall_all@10"] == 0.0


# --- a JSON array, one element after another -------------------------------------------------------------------------


@pytest.mark.parametrize("at_once", [1, 7, 1 << 20])
@given(
    content=st.lists(st.recursive(st.none() | st.integers() | st.text(), st.lists, max_leaves=5)), indent=st.booleans()
)
def test_a_streamed_array_is_the_array(tmp_path_factory: Any, at_once: int, content: list[Any], indent: bool) -> None:
    """However little is read at a time and however it is laid out, the elements are those that json gives."""
    path = tmp_path_factory.mktemp("array") / "data.json"
    path.write_text(json.dumps(content, indent=2 if indent else None), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dataset, "_AT_ONCE", at_once)
        assert list(elements(path)) == content


@pytest.mark.parametrize("broken", ["", "{}", "[1, 2", "[1 2]", "[1, 2] 3", "[tru]", "[1,", "[" * 100_000])
def test_a_broken_array_is_refused(tmp_path: Path, broken: str) -> None:
    """What is no array, ends early, lacks a comma or goes on behind its end is told as the caller's mistake."""
    path = tmp_path / "data.json"
    path.write_text(broken, encoding="utf-8")
    with pytest.raises(InvalidInput, match="LongMemEval"):
        list(longmemeval.load(path))


# --- paragraphs ------------------------------------------------------------------------------------------------------


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


# --- HaluMem ---------------------------------------------------------------------------------------------------------


def point(content: str, *originals: str, at: str = "Jan 15, 2029, 16:15:20") -> dict[str, Any]:
    return {
        "memory_content": content, "memory_type": "Persona Memory", "timestamp": at,
        "is_update": str(bool(originals)), "original_memories": list(originals),
    }  # fmt: skip


LIFE = {
    "uuid": "u1",
    "sessions": [
        {"memory_points": [point("Ines plays the old cello"), point("Tom sells bread")]},
        {
            "memory_points": [
                point("Ines now plays violas", "Ines played the cello", at="Feb 01, 2029, 08:00:00"),
                point("Tom bakes", "Somebody swims", at="Feb 01, 2029, 08:00:00"),
                point("Ines now plays violas and horns", "Ines now plays violas", at="Feb 01, 2029, 08:00:00"),
            ]
        },
        {"memory_points": []},
    ],
}


def test_an_update_seeks_the_points_of_earlier_sessions_that_share_enough_stems(tmp_path: Path) -> None:
    """Four of five stems are enough, stems of the same session are not; it asks before it is told itself."""
    path = tmp_path / "user.jsonl"
    path.write_text(json.dumps(LIFE) + "\n", encoding="utf-8")
    (user,) = halumem.load(path)
    (question,) = user.questions
    assert question.text == "Ines now plays violas"
    assert question.evidence == {"0.0"}
    assert question.sessions == {"0"}
    assert user.unusable == 2
    place = user.acts.index(question)
    assert [act.turns[0].text for act in user.acts[:place] if isinstance(act, Told)] == [
        "Ines plays the old cello",
        "Tom sells bread",
    ]
    report = run(halumem.DATA_SET, path, embedder=StubEmbedder(), baselines=True)
    assert (report.turns, report.overall.questions) == (5, 1)
    assert report.overall.any_1 == 1.0  # itself was not there yet
    assert report.baselines["BM25"].any_1 == 1.0
    assert report.figures == {
        "updates": 1,
        "one of the replaced in the top 5": 1,
        "all of the replaced in the top 5": 1,
        "one of the replaced in the top 10": 1,
        "all of the replaced in the top 10": 1,
    }


# --- dialogues -------------------------------------------------------------------------------------------------------


def conversation(language: str, *questions: dict[str, Any]) -> dict[str, Any]:
    turns = [
        {"id": "s1:1", "speaker": "千尋", "text": "桜が咲いたよ。"},
        {"id": "s1:2", "speaker": "Ines", "text": "I broke my wrist."},
    ]
    session = {"id": "s1", "at": "2024-04-06T21:10:00+09:00", "turns": turns}
    return {
        "language": language, "speakers": ["千尋", "Ines"], "zone": "Asia/Tokyo", "sessions": [session],
        "questions": list(questions),
    }  # fmt: skip


def wonders(text: str, language: str, *evidence: str, **more: bool) -> dict[str, Any]:
    return {"id": text, "text": text, "language": language, "category": "single", "evidence": list(evidence), **more}


def test_turns_of_a_dialogue_are_seconds_apart_and_asked_about_a_minute_later(tmp_path: Path) -> None:
    """Times are those of the conversation's zone, and evidence that does not exist is left out."""
    content = conversation("ja", wonders("花は？", "ja", "s1:1", "s9:9"), wonders("誰？", "ja", "s9:9"))
    (tenant,) = dialogue.load(written(tmp_path, content))
    assert [turn.at for turn in tenant.told[0].turns] == [
        datetime(2024, 4, 6, 12, 10, second, tzinfo=UTC) for second in (0, 5)
    ]
    (question,) = tenant.questions
    assert question.evidence == {"s1:1"}
    assert question.at == datetime(2024, 4, 6, 12, 11, 5, tzinfo=UTC)
    assert (tenant.zone, tenant.unusable) == ("Asia/Tokyo", 1)


@pytest.mark.parametrize(
    ("language", "questions"),
    [
        ("ja", (wonders("花は？", "ja", "s1:1"), wonders("Blossoms?", "en", "s1:1"))),
        ("mixed", (wonders("Whose wrist?", "en", "s1:2"), wonders("手首は？", "ja", "s1:2", crosses=True))),
    ],
)
def test_questions_in_another_language_stand_apart(tmp_path: Path, language: str, questions: Any) -> None:
    """Of one language: where the question's is another; of two: where it is marked as crossing."""
    report = run(dialogue.DATA_SET, written(tmp_path, conversation(language, *questions)), embedder=StubEmbedder())
    assert {name: scores.questions for name, scores in report.categories.items()} == {"cross-language": 1, "single": 1}
    assert report.overall.questions == 1


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"zone": "Mars/Olympus"}, "Mars/Olympus"),
        ({"sessions": [{"id": "s1", "at": "2024-04-06T21:10:00", "turns": []}]}, "zone"),
        ({"sessions": []}, "cannot be read as a dialogue"),
        ({"questions": [{"text": "?", "language": "ja"}]}, "there is no 'evidence'"),
    ],
)
def test_what_a_dialogue_lacks_is_named(tmp_path: Path, change: dict[str, Any], told: str) -> None:
    """A wrong zone, a time without one, no session, a question without evidence."""
    content = {**conversation("ja", wonders("花は？", "ja", "s1:1")), **change}
    with pytest.raises(InvalidInput, match=told):
        dialogue.load(written(tmp_path, content))


# --- abstention ------------------------------------------------------------------------------------------------------


def test_names_are_exchanged_whole_at_once_and_by_their_short_forms() -> None:
    """Tom becomes Ines while Ines becomes Bo; Ine is Ines for short, and Tomorrow nobody."""
    names = {"Tom": "Ines", "Ines": "Bo"}
    assert (
        abstention.exchanged("Did Tom's Ines, or Ine, call Tomorrow?", names) == "Did Ines's Bo, or Bo, call Tomorrow?"
    )


def test_each_conversation_is_asked_its_own_and_its_neighbours_questions(tmp_path: Path) -> None:
    """The names in a neighbour's question are one's own; its words are mostly not to be found."""
    speakers = {"Tom": "Ada", "Ines": "Bo"}
    other = json.loads(
        json.dumps(SAMPLE).replace("conv-1", "conv-2").replace('"Tom"', '"Ada"').replace('"Ines"', '"Bo"')
    )
    for session, told in (
        ("session_2", ("Our rabbit ate lettuce.", "Oh.")),
        ("session_10", ("The roof leaks.", "No!")),
    ):
        for spoken, text in zip(other["conversation"][session], told, strict=True):
            spoken["text"] = text
    other["qa"] = [asked("What did the rabbit of Bo eat?", 4, "D2:1"), asked("What leaks?", 4, "D10:1")]
    data = written(tmp_path, [SAMPLE, other])
    first, second = abstention.load(data)
    assert [one.text for one in first.questions if one.category == abstention.ANOTHER] == [
        "What did the rabbit of Ines eat?",
        "What leaks?",
    ]
    assert "What did Ada sell, and what does the sister teach?" in [one.text for one in second.questions]
    assert all(name not in one.text for one in second.questions for name in speakers)
    report = run(abstention.DATA_SET, data, embedder=StubEmbedder(256))
    assert (report.overall.questions, [*report.categories]) == (5, [abstention.OWN])
    assert report.figures["AUROC"] > 0.5


def test_the_figures_of_abstention_are_those_of_the_confidences() -> None:
    """Own .8 and .6, another's .6 and .2: 3.5 of 4 pairs, and the mean of .04, .16, .36 and .04."""
    nothing: frozenset[str] = frozenset()
    judged = [
        Judged(category, (), (), nothing, nothing, confidence)
        for category, confidence in (
            (abstention.OWN, 0.8), (abstention.OWN, 0.6), (abstention.ANOTHER, 0.6), (abstention.ANOTHER, 0.2),
        )
    ]  # fmt: skip
    figures = abstention.figures(judged)
    assert figures["AUROC"] == 3.5 / 4
    assert figures["Brier"] == pytest.approx(0.15, abs=1e-15)


def test_one_conversation_has_no_other(data: Path) -> None:
    """It says that two are needed."""
    with pytest.raises(InvalidInput, match="two conversations"):
        abstention.load(data)


# --- any data set ----------------------------------------------------------------------------------------------------

MORNING = datetime(2026, 1, 5, 9, tzinfo=UTC)


def tiny(*acts: Told | Question) -> DataSet:
    """A data set of one tenant, whatever the file."""
    return DataSet("tiny", lambda _: [Tenant("one", acts)])


def tells(session: str, **turns: str) -> Told:
    return Told(session, tuple(uttered(id, text, "aya", MORNING) for id, text in turns.items()))


def asks(text: str, session: str, *evidence: str) -> Question:
    return Question(text, "any", frozenset(evidence), frozenset({session}), MORNING)


def test_turns_and_sessions_are_judged_apart(data: Path) -> None:
    """Of the two wanted turns one comes first and one last of four: half of them at 1, all at 5."""
    acts = (
        tells("s1", a="harp harp harp harp", b="a quiet day"),
        tells("s2", c="harp", d="one harp more and a great many words beside it"),
        asks("harp", "s1", "a", "b"),
    )
    report = run(tiny(*acts), data, embedder=StubEmbedder(), ranking="static_bm25()")
    scores = report.overall
    assert (scores.recall_1, scores.any_1, scores.all_1) == (0.5, 1.0, 0.0)
    assert (scores.recall_5, scores.any_5, scores.all_5) == (1.0, 1.0, 1.0)
    assert scores.ndcg_10 == pytest.approx((1 + 1 / math.log2(5)) / (1 + 1 / math.log2(3)), abs=1e-12)
    assert (scores.session.recall_1, scores.session.mrr, scores.session_hit_5) == (1.0, 1.0, 1.0)


def test_nothing_is_found_that_is_told_later(data: Path) -> None:
    """A question between two sessions finds the first alone, by the mind and by every baseline; the same one again at
    the end finds the second."""
    acts = (
        tells("s1", a="a harp"),
        asks("the harp", "s2", "b"),
        tells("s2", b="harp"),
        asks("the harp", "s2", "b"),
    )
    report = run(tiny(*acts), data, embedder=StubEmbedder(), baselines=True)
    for scores in (report.overall, *report.baselines.values()):
        assert scores.recall_10 == 0.5


def test_the_report_says_what_was_measured_on(data: Path) -> None:
    """The file's digest, the index's memories and bytes, and three percentiles that do not fall."""
    report = locomo.run(data, embedder=StubEmbedder(), baselines=True)
    assert (report.benchmark, report.data_sha256) == ("locomo", hashlib.sha256(data.read_bytes()).hexdigest())
    assert report.index_memories == 4
    assert report.index_bytes > 4 * 16 * 4  # the vectors alone
    for span in (report.search, report.embedding, report.apart):
        assert 0.0 <= span.p50 <= span.p95 <= span.p99
    assert tuple(report.baselines) == ("exact cosine", "BM25", "RRF of the two")
    assert {scores.questions for scores in report.baselines.values()} == {3}
    assert json.loads(json.dumps(report.to_dict())) == report.to_dict()


# --- baselines -------------------------------------------------------------------------------------------------------


def test_bm25_scores_each_shared_term_by_how_rare_it_is_so_far() -> None:
    """One of two turns holds the word: log(1 + 1.5 / 1.5) times its saturated count; the third is not known yet."""
    turns = [Turn("harp"), Turn("drum"), Turn("harp")]
    weight = 1.45 / (1 + 0.45 * (0.9 + 0.1 * 1 / 10))
    expected = [math.log(2) * weight, 0.0]
    assert baselines.Words(turns).scores("harp?", 2).tolist() == pytest.approx(expected, rel=1e-6)


def test_reciprocal_ranks_are_fused() -> None:
    """First and third, second and first, third and second: 1/61 + 1/63, 1/62 + 1/61, 1/63 + 1/62."""
    fused = baselines.fused(np.array([0.9, 0.5, 0.1]), np.array([1.0, 3.0, 2.0]))
    assert fused.tolist() == [1 / 61 + 1 / 63, 1 / 62 + 1 / 61, 1 / 63 + 1 / 62]


# --- what is shown ---------------------------------------------------------------------------------------------------


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
