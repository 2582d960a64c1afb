"""What every index must do, and that the local one answers as an index made anew from the truth."""

from __future__ import annotations

import random
import threading
import tracemalloc
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event
from stubs import StubEmbedder, only

import dmha
from dmha import Turn, Unavailable
from dmha.domain.characters import language
from dmha.domain.query import parse_query
from dmha.domain.ranking import resolve
from dmha.domain.terms import K1, MAX_SATURATION, PRIOR_DOCUMENTS, REFERENCE_LENGTH, B, idf
from dmha.domain.text import terms
from dmha.errors import NotFound
from dmha.faculties.perception import Perception
from dmha.index.arrays import TenantArrays
from dmha.index.local import LocalIndex
from dmha.index.pairs import Pairs
from dmha.index.postings import Postings
from dmha.index.vectors import Codes
from dmha.mind import Mind
from dmha.protocols import NEIGHBOURHOOD, Feed, Index
from dmha.records import Candidates, Perceived, Place, Question, Reach, Scope
from dmha.stores.truth import Truth

NOW = 1_767_225_600.0
BOTH = "similarity + static_bm25()"
WORDS = ("osaka", "tokyo", "cat", "dog", "sea", "rain", "blue", "tea", "run", "sleep")

MakeIndex = Callable[[Truth], Index]


def local(truth: Truth) -> Index:
    return LocalIndex(truth.feed, 16)


def tiny(truth: Truth) -> Index:
    """One whose budget holds no more than the tenant asked for."""
    return LocalIndex(truth.feed, 16, budget_bytes=1)


def coded(truth: Truth) -> Index:
    """One that keeps codes from the first memory on."""
    return LocalIndex(truth.feed, 16, codes_from=0)


def growing(truth: Truth) -> Index:
    """One whose vectors become codes as a tenant grows."""
    return LocalIndex(truth.feed, 16, codes_from=4)


INDEXES: list[MakeIndex] = [local, tiny, coded, growing]


class Library:
    """A truth with shorthand for writing to it, and questions made ready."""

    def __init__(self, path: Path) -> None:
        self.truth = Truth(str(path))
        self.embedder = StubEmbedder()
        self.perception = Perception(self.embedder)
        self.truth.adopt_embedder(self.embedder)
        self._uids: dict[int, str] = {}
        self._made = 0

    def place(self, user: str = "aya") -> Scope:
        return self.truth.write(lambda ledger: ledger.places.ensure(Place(user, "relu", "agent:relu"), "UTC", NOW))

    def put(
        self, scope: Scope, text: str, *, private: bool = False, speaker: str = "aya", at: float | None = None
    ) -> int:
        self._made += 1
        when = None if at is None else datetime.fromtimestamp(at, UTC)
        heard = self._heard(scope, Turn(text, speaker, when, id=f"t{id(self)}-{self._made}", private=private))
        kept = self.truth.write(lambda ledger: ledger.memories.remember(scope, "s", [heard], ledger.embedder_id, NOW))
        ((memory_id, _),) = kept.memories
        self._uids[memory_id] = heard.memory_uid
        return memory_id

    def change(self, scope: Scope, memory_id: int, text: str) -> None:
        said = self._heard(scope, Turn(text, "aya", id="unused"))
        self.truth.write(
            lambda ledger: ledger.memories.change(
                scope, self._uids[memory_id], version=None, said=said, metadata=None,
                embedder_id=ledger.embedder_id, now=NOW,
            )
        )  # fmt: skip

    def _heard(self, scope: Scope, turn: Turn) -> Perceived:
        (heard,), _ = self.perception.perceive(
            [turn], user_id="aya", world=f"w{scope.tenant_id}", kind="episode", now=datetime.fromtimestamp(NOW, UTC)
        )
        return heard

    def drop(self, scope: Scope, memory_id: int) -> None:
        self.truth.write(lambda ledger: ledger.memories.forget(scope, self._uids[memory_id]))

    def speaker(self, scope: Scope, name: str) -> int:
        with self.truth.read() as ledger:
            (found,) = ledger.reading.present_ids(scope, [name])
        return found

    def question(self, text: str) -> Question:
        return Question(text, parse_query(text).weights, self.embedder.embed([text])[0])

    def ask(
        self, index: Index, scope: Scope, question: Question, *, ranking: str = BOTH, count: int = 100,
        feed: Feed | None = None, allowed: Sequence[int] | None = None, **reach: Any,
    ) -> Candidates:  # fmt: skip
        if allowed is not None:
            reach["allowed"] = only(allowed)
        with self.truth.feed() if feed is None else nullcontext(feed) as feed:
            return index.nominate(
                feed, scope.tenant_id, question, resolve(ranking), Reach(**reach), now=NOW, seed=7, count=count,
                scalars={"mood_joy": 0.0, "mood_aversion": 0.0},
            )  # fmt: skip


def ids(found: Candidates) -> set[int]:
    return set(found.memory_ids.tolist())


def assert_same(left: Candidates, right: Candidates) -> None:
    """Equal sets with equal columns. Not to the last bit: a matrix product's depend on the number of rows."""
    first, second = np.argsort(left.memory_ids), np.argsort(right.memory_ids)
    np.testing.assert_array_equal(left.memory_ids[first], right.memory_ids[second])
    np.testing.assert_allclose(left.similarity[first], right.similarity[second], atol=1e-6)
    np.testing.assert_allclose(left.static_bm25[first], right.static_bm25[second], atol=1e-6)


@pytest.fixture
def library(database: Path) -> Iterator[Library]:
    made = Library(database)
    yield made
    made.truth.close()


@pytest.fixture(params=INDEXES, ids=lambda make: make.__name__)
def make(request: pytest.FixtureRequest) -> MakeIndex:
    return request.param  # type: ignore[no-any-return]  # pytest's own type


# -- the contract ----------------------------------------------------------------------------------------------------


def test_an_index_finds_what_was_written_before_the_question(library: Library, make: MakeIndex) -> None:
    """A memory is nominated as soon as its write returned, be the tenant loaded or not."""
    scope, index = library.place(), make(library.truth)
    written: set[int] = set()
    for word in WORDS:
        written.add(library.put(scope, f"osaka {word}"))
        assert ids(library.ask(index, scope, library.question("osaka"))) == written
    assert index.size(scope.tenant_id)[0] == len(WORDS)


def test_an_index_finds_what_another_process_wrote(library: Library, make: MakeIndex, database: Path) -> None:
    """A second opening of the file, as another process has, is heard of at the next question."""
    scope, index = library.place(), make(library.truth)
    mine = library.put(scope, "osaka rain")
    library.ask(index, scope, library.question("osaka"))
    other = Library(database)
    theirs = other.put(scope, "osaka sea")
    assert ids(library.ask(index, scope, library.question("osaka"))) == {mine, theirs}
    other.change(scope, theirs, "tokyo")
    other.drop(scope, next(iter(other._uids)))
    assert ids(library.ask(index, scope, library.question("osaka"))) == {mine}
    other.truth.close()


def test_an_index_gives_a_changed_memory_by_its_new_words_alone(library: Library, make: MakeIndex) -> None:
    """After an update the old words earn nothing, the new ones do, and the memory is there once."""
    scope, index = library.place(), make(library.truth)
    memory = library.put(scope, "osaka")
    library.put(scope, "rain")
    library.ask(index, scope, library.question("osaka"))
    library.change(scope, memory, "tokyo")
    found = library.ask(index, scope, library.question("tokyo"))
    assert found.memory_ids.tolist().count(memory) == 1
    assert found.static_bm25[found.memory_ids.tolist().index(memory)] > 0
    old = library.ask(index, scope, library.question("osaka"))
    assert not old.static_bm25.any()


def test_an_index_lets_a_deleted_memory_go(library: Library, make: MakeIndex) -> None:
    """A deleted memory is not nominated, and not counted."""
    scope, index = library.place(), make(library.truth)
    first, second = library.put(scope, "osaka"), library.put(scope, "osaka tea")
    library.ask(index, scope, library.question("osaka"))
    library.drop(scope, first)
    assert ids(library.ask(index, scope, library.question("osaka"))) == {second}
    assert index.size(scope.tenant_id)[0] == 1


def test_an_index_keeps_a_secret_from_those_not_present(library: Library, make: MakeIndex) -> None:
    """A private memory comes only while its own speaker is present, before and after an update."""
    scope, index = library.place(), make(library.truth)
    open_, secret = library.put(scope, "tea"), library.put(scope, "tea cat", private=True)
    library.put(scope, "tea dog", speaker="ben")
    aya, ben = library.speaker(scope, "aya"), library.speaker(scope, "ben")
    for _ in range(2):
        assert secret not in ids(library.ask(index, scope, library.question("tea cat")))
        assert secret not in ids(library.ask(index, scope, library.question("tea cat"), present=[ben]))
        assert {open_, secret} <= ids(library.ask(index, scope, library.question("tea cat"), present=[ben, aya]))
        library.change(scope, secret, "tea cat osaka")


def test_an_index_keeps_to_what_is_allowed_and_not_excluded(library: Library, make: MakeIndex) -> None:
    """`allowed` limits, also to nothing; `exclude` takes away; unknown ids in either do no harm."""
    scope, index = library.place(), make(library.truth)
    a, b, c = (library.put(scope, f"tea {word}") for word in ("cat", "dog", "sea"))
    question = library.question("tea")
    assert ids(library.ask(index, scope, question, allowed=[a, b, 10**9])) == {a, b}
    assert ids(library.ask(index, scope, question, allowed=[])) == set()
    assert ids(library.ask(index, scope, question, exclude=[a, 10**9])) == {b, c}
    assert ids(library.ask(index, scope, question, allowed=[a], exclude=[a])) == set()


def test_an_index_gives_the_best_first_and_no_more_than_asked(library: Library, make: MakeIndex) -> None:
    """The first `count` by the coarse stage, in its order; a vector alone and words alone are enough."""
    scope, index = library.place(), make(library.truth)
    for n in range(30):
        library.put(scope, " ".join(WORDS[i % 10] for i in range(n, n + 1 + n % 4)))
    question = library.question("osaka cat")
    every = library.ask(index, scope, question)
    scores = every.similarity + every.static_bm25
    assert (np.diff(scores) <= 1e-12).all()
    np.testing.assert_array_equal(library.ask(index, scope, question, count=7).memory_ids, every.memory_ids[:7])
    words = library.ask(index, scope, Question(question.text, question.terms, None))
    assert not words.similarity.any()
    assert words.static_bm25.any()
    assert not library.ask(index, scope, Question("", {}, question.vector)).static_bm25.any()


def test_an_index_follows_ahead_of_a_question(library: Library, make: MakeIndex) -> None:
    """It tells how far it is behind in what it holds, and is not any more once it followed; nothing else is loaded."""
    scope, other, index = library.place(), library.place("ben"), make(library.truth)
    first = library.put(scope, "tea")
    assert index.behind() == {}
    library.ask(index, scope, library.question("tea"))
    library.put(other, "tea of another")
    assert index.behind() == {}
    second = library.put(scope, "tea dog")
    library.drop(scope, first)
    assert list(index.behind()) == [scope.tenant_id]
    index.follow(other.tenant_id)
    index.follow(scope.tenant_id)
    assert index.behind() == {}
    assert ids(library.ask(index, scope, library.question("tea"))) == {second}
    assert index.differences(scope.tenant_id) == []


def test_an_index_never_mixes_tenants(library: Library, make: MakeIndex) -> None:
    """Each tenant's questions see its own memories, also when the budget holds one tenant at a time."""
    index, places = make(library.truth), [library.place(f"user{n}") for n in range(4)]
    own: list[set[int]] = [set() for _ in places]
    for turn in range(3):
        for scope, held in zip(places, own, strict=True):
            held.add(library.put(scope, f"tea {turn}"))
            assert ids(library.ask(index, scope, library.question("tea"))) == held
    assert ids(library.ask(index, Scope(999, 1, "UTC"), library.question("tea"))) == set()


def test_an_index_dropped_answers_as_before(library: Library, make: MakeIndex) -> None:
    """All that an index holds can be made again from the truth."""
    scope, index = library.place(), make(library.truth)
    memories = [library.put(scope, f"{word} tea") for word in WORDS]
    library.change(scope, memories[0], "sleep")
    before = library.ask(index, scope, library.question("tea sleep"))
    index.drop()
    assert_same(before, library.ask(index, scope, library.question("tea sleep")))


def near(library: Library, index: Index, scope: Scope, *memory_ids: int) -> list[dict[int, float]]:
    with library.truth.feed() as feed:
        return [dict(found) for found in index.nearest(feed, scope.tenant_id, memory_ids)]


def assert_nearest(library: Library, index: Index, scope: Scope, texts: dict[int, str]) -> None:
    """The nearest of all are those that comparing every pair finds; of equals any may be left out."""
    vectors = {memory: library.embedder.embed([f"aya: {text}"])[0] for memory, text in texts.items()}
    for memory, found in zip(texts, near(library, index, scope, *texts), strict=True):
        exact = {other: float(vectors[memory] @ vectors[other]) for other in texts if other != memory}
        best = sorted((cosine for cosine in exact.values() if cosine > 1e-6), reverse=True)[:NEIGHBOURHOOD]
        assert list(found.values()) == sorted(found.values(), reverse=True)
        np.testing.assert_allclose(list(found.values()), best, atol=1e-6)
        np.testing.assert_allclose(list(found.values()), [exact[other] for other in found], atol=1e-6)


def test_an_index_gives_the_nearest_of_a_memory(library: Library, make: MakeIndex) -> None:
    """The eight most alike with their cosines, never itself; as memories come, change and go, as if asked first now."""
    scope, index = library.place(), make(library.truth)
    texts = {library.put(scope, text): text for text in ("osaka tea", "osaka tea cat", "rain")}
    assert_nearest(library, index, scope, texts)
    for n in range(12):
        text = f"tea {WORDS[n % 10]} {WORDS[n % 7]}"
        texts[library.put(scope, text)] = text
        assert_nearest(library, index, scope, texts)
    first, second, *_ = texts
    library.change(scope, first, "tea rain")
    texts[first] = "tea rain"
    assert_nearest(library, index, scope, texts)
    library.drop(scope, second)
    del texts[second]
    assert_nearest(library, index, scope, texts)
    for memory in list(texts)[3:9]:  # so many that the rows move
        library.drop(scope, memory)
        del texts[memory]
    assert_nearest(library, index, scope, texts)


def test_what_has_no_vector_has_no_nearest(library: Library, make: MakeIndex) -> None:
    """An unknown memory, another tenant's and one without a vector are near nothing, and nothing is near them."""
    scope, index = library.place(), make(library.truth)
    memory, bare = library.put(scope, "osaka tea"), library.put(scope, "osaka")
    foreign = library.put(library.place("ben"), "osaka tea")
    forget = f"DELETE FROM vectors WHERE memory_id = {bare}"
    library.truth.write(lambda ledger: ledger._connection.exec_driver_sql(forget))  # as if no embedder served it
    assert near(library, index, scope, memory, bare, 10**9, foreign) == [{}, {}, {}, {}]
    assert near(library, index, scope) == []


def test_the_nearest_are_found_once(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    """Asked again, a memory is compared with nothing; after an addition, with what was added alone."""
    scope, index = library.place(), LocalIndex(library.truth.feed, 16)
    memory, *_ = [library.put(scope, f"tea {word}") for word in WORDS]
    near(library, index, scope, memory)
    compared: list[tuple[int, int]] = []
    exact = Pairs.exact

    def watched(pairs: Pairs, asked: Any, start: int, stop: int) -> Any:
        compared.append((start, stop))
        return exact(pairs, asked, start, stop)

    monkeypatch.setattr(Pairs, "exact", watched)
    near(library, index, scope, memory)
    assert compared == []
    library.put(scope, "tea again")
    near(library, index, scope, memory)
    assert compared == [(10, 11)]


def test_an_older_snapshot_spoils_no_nearest(library: Library) -> None:
    """Where codes are newer than the vectors that a snapshot reads, what is found there is not kept."""
    scope, index = library.place(), coded(library.truth)
    memory = library.put(scope, "osaka tea")
    with library.truth.feed() as old:
        assert index.nearest(old, scope.tenant_id, [memory]) == [{}]
        other = library.put(scope, "osaka tea")
        library.ask(index, scope, library.question("tea"))
        assert index.nearest(old, scope.tenant_id, [memory]) == [{}]
    assert near(library, index, scope, memory) == [{other: pytest.approx(1.0)}]


TEXTS = st.lists(st.sampled_from(WORDS), min_size=1, max_size=6).map(" ".join)
ACTS = st.lists(
    st.one_of(
        st.tuples(st.just("put"), TEXTS, st.booleans()),
        st.tuples(st.just("change"), TEXTS, st.integers(0, 50)),
        st.tuples(st.just("drop"), st.just(""), st.integers(0, 50)),
        st.tuples(st.just("ask"), TEXTS, st.just(0)),
    ),
    max_size=25,
)


@pytest.mark.parametrize("make", [local, coded, growing])
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(acts=ACTS, query=TEXTS)
def test_any_history_answers_as_an_index_made_anew(
    tmp_path_factory: pytest.TempPathFactory, make: MakeIndex, acts: list[tuple[str, str, int]], query: str
) -> None:
    """After any puts, updates, deletions and questions, old and new index give the same and hold the same."""
    library = Library(tmp_path_factory.mktemp("index") / "x.db")
    scope, index, alive = library.place(), make(library.truth), list[int]()
    for act, text, number in acts:
        if act == "put":
            alive.append(library.put(scope, text, private=bool(number)))
        elif act == "ask":
            library.ask(index, scope, library.question(text))
            near(library, index, scope, *alive)
        elif alive and act == "change":
            library.change(scope, alive[number % len(alive)], text)
        elif alive:
            library.drop(scope, alive.pop(number % len(alive)))
    present = [library.speaker(scope, "aya")] if alive else []
    for who in ([], present):
        old = library.ask(index, scope, library.question(query), present=who)
        assert_same(old, library.ask(make(library.truth), scope, library.question(query), present=who))
    assert ids(old) == set(alive)
    afresh = near(library, make(library.truth), scope, *alive)
    for kept, found in zip(near(library, index, scope, *alive), afresh, strict=True):
        np.testing.assert_allclose(list(kept.values()), list(found.values()), atol=1e-12)
        assert kept.keys() == found.keys()
    assert index.differences(scope.tenant_id) == []
    library.truth.close()


def test_an_index_tells_where_it_differs_from_the_truth(library: Library, make: MakeIndex) -> None:
    """What is missing, too much, of another version, or has other words or another vector is named; no other is."""
    scope, index = library.place(), make(library.truth)
    memories = [library.put(scope, f"{word} tea") for word in WORDS]
    library.ask(index, scope, library.question("tea"))
    assert index.differences(scope.tenant_id) == []
    spoilt = [
        f"UPDATE vectors SET data = zeroblob(64) WHERE memory_id = {memories[0]}",
        f"UPDATE terms SET data = (SELECT data FROM terms WHERE memory_id = {memories[9]})"
        f" WHERE memory_id = {memories[1]}",
        f"UPDATE memories SET version = 7 WHERE id = {memories[2]}",
        f"UPDATE memories SET at = at + 1 WHERE id = {memories[3]}",
        f"DELETE FROM terms WHERE memory_id = {memories[4]}",
    ]
    for statement in spoilt:  # past the change log, as damage is
        library.truth.write(lambda ledger, statement=statement: ledger._connection.exec_driver_sql(statement))  # type: ignore[misc]  # a default binds it
    assert index.differences(scope.tenant_id) == memories[:5]
    index.drop()
    assert index.differences(scope.tenant_id) == []


def test_an_index_keeps_to_times_and_speakers(library: Library, make: MakeIndex) -> None:
    """`since` is included and `until` is not; a speaker's own words alone, and a stranger's are none."""
    scope, index = library.place(), make(library.truth)
    mine = [library.put(scope, f"tea {word}", at=NOW + hour) for hour, word in enumerate(WORDS)]
    theirs = library.put(scope, "tea", speaker="ben", at=NOW)
    question = library.question("tea")
    assert ids(library.ask(index, scope, question, since=NOW + 3, until=NOW + 5)) == set(mine[3:5])
    assert ids(library.ask(index, scope, question, until=NOW + 1)) == {mine[0], theirs}
    assert ids(library.ask(index, scope, question, speaker_id=library.speaker(scope, "ben"))) == {theirs}
    assert ids(library.ask(index, scope, question, speaker_id=-1)) == set()


def test_an_index_serves_an_older_snapshot_too(library: Library, make: MakeIndex) -> None:
    """A question in a snapshot from before a write neither unlearns the write nor hides it from the next question."""
    scope, index = library.place(), make(library.truth)
    first = library.put(scope, "osaka")
    question = library.question("osaka")
    with library.truth.feed() as older:
        assert older.head() > 0
        second = library.put(scope, "osaka tea")
        library.drop(scope, first)
        for _ in range(2):
            assert library.ask(index, scope, question).memory_ids.tolist() == [second]
            asked = library.ask(index, scope, question, feed=older)
            assert set(asked.memory_ids.tolist()) <= {first, second}
        index.drop()
        assert library.ask(index, scope, question, feed=older).memory_ids.tolist() == [first]
        assert library.ask(index, scope, question).memory_ids.tolist() == [second]
    assert index.differences(scope.tenant_id) == []


def test_an_index_is_right_while_threads_write_and_ask(library: Library, make: MakeIndex) -> None:
    """Two threads that ask while a third writes find all that was written before each question, and nothing twice."""
    scope, index = library.place(), make(library.truth)
    question, written, wrong = library.question("tea"), [library.put(scope, "tea")], list[str]()
    done = threading.Event()

    def asks() -> None:
        while not done.is_set():
            before = set(written)
            found = library.ask(index, scope, question, count=1_000).memory_ids.tolist()
            if not before <= set(found) or len(set(found)) != len(found):
                wrong.append(f"{before - set(found)} missing of {found}")

    threads = [threading.Thread(target=asks) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        written += [library.put(scope, f"tea {word}") for word in WORDS * 3]
    finally:
        done.set()
        for thread in threads:
            thread.join()
    assert wrong == []
    assert index.differences(scope.tenant_id) == []


# -- the local index's own --------------------------------------------------------------------------------------------


def test_codes_nominate_exactly_among_what_they_rescore(library: Library) -> None:
    """Of the memories rescored the first are the exact best, best first, and every column is the exact one."""
    scope, draw = library.place(), random.Random(8)
    for number in range(60):
        library.put(scope, " ".join((*draw.choices(WORDS, k=draw.randint(1, 6)), str(number))))
    index, exact = LocalIndex(library.truth.feed, 16, codes_from=0, rescored=12), local(library.truth)
    for _ in range(40):
        question = library.question(" ".join(draw.choices(WORDS, k=draw.randint(1, 4))))
        rescored = library.ask(index, scope, question, count=12)
        assert len(rescored.memory_ids) == 12
        assert_same(rescored, library.ask(exact, scope, question, allowed=rescored.memory_ids.tolist()))
        scores = rescored.similarity + rescored.static_bm25
        assert (np.diff(scores) <= 0).all()
        np.testing.assert_array_equal(library.ask(index, scope, question, count=5).memory_ids, rescored.memory_ids[:5])


def test_codes_tell_the_near_from_the_far() -> None:
    """An estimate is 1 for the vector itself, -1 for its opposite, 0 for no vector, and else near the cosine."""
    draw = np.random.default_rng(2)
    asked, other = draw.standard_normal((2, 384)).astype(np.float32)
    mixed = np.array([asked, -asked, 0 * asked, asked + other, asked + 3 * other, other])
    lengths = np.maximum(np.linalg.norm(mixed, axis=1), 1e-9) * np.linalg.norm(asked)
    codes = Codes(384)
    codes.reserve(6)
    codes.put(0, mixed)
    estimated = codes.against(asked)(slice(0, 6))
    assert estimated[:3].tolist() == [1.0, -1.0, 0.0]
    np.testing.assert_allclose(estimated, mixed @ asked / lengths, atol=0.12)  # 384 signs tell it within .05 or so


@pytest.mark.parametrize("codes_from", [0, 10**9])
def test_a_tenants_bytes_are_counted_honestly(library: Library, codes_from: int) -> None:
    """What an index says it holds is what the process holds for it, after loading and after growing."""
    scope = library.place()
    for number in range(300):
        library.put(scope, f"{WORDS[number % 10]} {WORDS[number % 7]} {number}")
    with library.truth.feed() as feed:
        expected, chunks = feed.tenant(scope.tenant_id)
        (rows,) = chunks
    tracemalloc.start()
    try:
        arrays = TenantArrays(16, expected, [rows], codes_from=codes_from)
        loaded = tracemalloc.get_traced_memory()[0]
        assert arrays.nbytes == pytest.approx(loaded, abs=12_000)
        arrays.put(rows)
        assert arrays.nbytes == pytest.approx(tracemalloc.get_traced_memory()[0], abs=30_000)
    finally:
        tracemalloc.stop()


def test_a_tenant_that_loads_holds_up_no_other(library: Library) -> None:
    """While one tenant is read from the truth, another's question is answered."""
    slow, quick = library.place("slow"), library.place("quick")
    library.put(slow, "tea")
    library.put(quick, "tea")
    index, loading, answered = LocalIndex(library.truth.feed, 16), threading.Event(), threading.Event()

    class Waiting:
        """A feed that waits, in loading, until the other tenant was answered."""

        def __init__(self, feed: Feed) -> None:
            self._feed = feed

        def __getattr__(self, name: str) -> Any:
            return getattr(self._feed, name)

        def tenant(self, tenant_id: int) -> Any:
            loading.set()
            assert answered.wait(20)
            return self._feed.tenant(tenant_id)

    def load() -> None:
        with library.truth.feed() as feed:
            library.ask(index, slow, library.question("tea"), feed=Waiting(feed))

    thread = threading.Thread(target=load)
    thread.start()
    assert loading.wait(20)
    assert len(library.ask(index, quick, library.question("tea")).memory_ids) == 1
    answered.set()
    thread.join()
    assert index.size(slow.tenant_id)[0] == 1


def test_bm25_is_the_textbooks(library: Library) -> None:
    """Scores equal a direct computation over the texts, divided by the most that the question can earn."""
    scope, index, draw = library.place(), local(library.truth), random.Random(3)
    texts = {}
    for _ in range(60):
        text = " ".join(draw.choices(WORDS, k=draw.randint(1, 15)))
        texts[library.put(scope, text)] = text
    library.ask(index, scope, library.question("tea"))
    for memory in list(texts)[:20]:
        texts[memory] = " ".join(draw.choices(WORDS, k=5))
        library.change(scope, memory, texts[memory])
    question = library.question("osaka^3 cat unheard")
    counted = {memory: (Counter(terms(text)), len(terms(text)), language(text)) for memory, text in texts.items()}
    worth = {}
    for term, weight in question.terms.items():
        frequency = sum(term in words for words, _, _ in counted.values())
        worth[term] = weight * idf(len(texts) + PRIOR_DOCUMENTS, frequency)  # also of a term that nothing holds
    assert len(worth) == 3
    found = library.ask(index, scope, question)
    for memory, score in zip(found.memory_ids.tolist(), found.static_bm25.tolist(), strict=True):
        words, length, spoken = counted[memory]
        reference = REFERENCE_LENGTH.get(spoken, REFERENCE_LENGTH["other"])
        earned = sum(
            value * words[term] * (K1 + 1) / (words[term] + K1 * (1 - B + B * length / reference))
            for term, value in worth.items()
        )
        assert score == pytest.approx(earned / (sum(worth.values()) * MAX_SATURATION), rel=1e-5)


def test_a_tenant_of_dead_rows_draws_together(library: Library) -> None:
    """Many updates do not leave their dead rows in memory for ever."""
    scope, index = library.place(), LocalIndex(library.truth.feed, 16)
    memories = [library.put(scope, f"{word} tea") for word in WORDS]
    library.ask(index, scope, library.question("tea"))
    for turn in range(20):
        library.change(scope, memories[turn % 3], f"rain {turn}")
        library.ask(index, scope, library.question("tea"))
    arrays = index._tenants[scope.tenant_id].arrays
    assert arrays is not None
    assert arrays.count < 20
    assert arrays.count - arrays.dead == len(memories)


def test_the_budget_lets_the_longest_unasked_go(library: Library) -> None:
    """Over its bytes the index keeps the tenants asked for last, and never fewer than the one in use."""
    places = [library.place(f"user{n}") for n in range(3)]
    for scope in places:
        for word in WORDS:
            library.put(scope, f"{word} tea")
    roomy = LocalIndex(library.truth.feed, 16)
    library.ask(roomy, places[0], library.question("tea"))
    one = roomy.size(places[0].tenant_id)[1]
    index = LocalIndex(library.truth.feed, 16, budget_bytes=int(2.5 * one))
    for scope in (places[0], places[1], places[0], places[2]):
        library.ask(index, scope, library.question("tea"))
    assert list(index._tenants) == [places[0].tenant_id, places[2].tenant_id]


def test_looking_over_many_tenants_keeps_to_the_budget(library: Library) -> None:
    """Sizes and comparisons, asked of all tenants in turn, leave no more in memory than questions do."""
    places = [library.place(f"user{n}") for n in range(4)]
    for scope in places:
        library.put(scope, "osaka tea")
    index = LocalIndex(library.truth.feed, 16, budget_bytes=1)
    for look in (index.size, index.differences):
        for scope in places:
            look(scope.tenant_id)
            assert list(index._tenants) == [scope.tenant_id]


def test_postings_fold_without_a_trace() -> None:
    """Documents added one by one, past the fold, are found as when loaded at once, rows ascending."""
    draw = np.random.default_rng(5)
    documents = [np.unique(draw.integers(0, 2_000, 40)).astype(np.uint64) for _ in range(3_000)]
    rows = [np.full(len(held), row, np.int32) for row, held in enumerate(documents)]
    weights = [draw.random(len(held), np.float32) for held in documents]
    at_once, one_by_one = Postings(), Postings()
    at_once.load(np.concatenate(documents), np.concatenate(rows), np.concatenate(weights))
    for document in zip(documents, rows, weights, strict=True):
        one_by_one.add(*document)
    for term in range(2_001):
        for left, right in zip(at_once.of(term), one_by_one.of(term), strict=True):
            np.testing.assert_array_equal(left, right)


def test_an_older_version_changes_nothing(library: Library) -> None:
    """Loads are idempotent by memory and version: what arrives late or twice leaves the arrays as they are."""
    scope = library.place()
    memory = library.put(scope, "osaka")
    with library.truth.feed() as feed:
        old = feed.rows([memory])
    library.change(scope, memory, "tokyo")
    with library.truth.feed() as feed:
        new = feed.rows([memory])
    arrays = TenantArrays(16, 1, [new])
    arrays.put(old)
    assert (arrays.count, arrays.dead) == (1, 0)
    arrays.put(new)
    assert arrays.count - arrays.dead == 1
    arrays.drop([memory])
    arrays.drop([memory])
    assert arrays.count - arrays.dead == 0


# -- vectors of one embedder at a time --------------------------------------------------------------------------------


class Counting(StubEmbedder):
    """An embedder that breaks off after so many texts."""

    def __init__(self, dimension: int, id: str, breaks_after: int | None = None) -> None:
        super().__init__(dimension, id)
        self.embedded = 0
        self._breaks_after = breaks_after

    def embed(self, texts: list[str], /) -> np.ndarray:
        if self._breaks_after is not None and self.embedded >= self._breaks_after:
            raise Unavailable("embedder", "it went away", "Try again.")
        self.embedded += len(texts)
        return super().embed(texts)


def open_with(path: Path, embedder: StubEmbedder, progress: Callable[[int, int], None] | None = None) -> Mind:
    return dmha.open(path, embedder=embedder, chat="extractive", progress=progress)


HERE: dict[str, Any] = {"user_id": "aya", "agent_id": "relu"}


def test_another_embedder_embeds_everything_again(database: Path) -> None:
    """Opened with another embedder, of another dimension, every vector is its own and the answers are as if always."""
    texts = [f"{word} tea {n}" for n, word in enumerate(WORDS)]
    with open_with(database, StubEmbedder(16, "a")) as mind:
        mind.add([Turn(text, id=text) for text in texts], **HERE)
    seen: list[tuple[int, int]] = []
    with open_with(database, StubEmbedder(24, "b"), lambda done, total: seen.append((done, total))) as mind:
        changed = [(hit.memory.text, hit.reasons) for hit in mind.search("sea", ranking="semantic", **HERE)]
    assert seen[-1] == (10, 10)
    with open_with(database.with_name("always.db"), StubEmbedder(24, "b")) as mind:
        mind.add([Turn(text, id=text) for text in texts], **HERE)
        always = [(hit.memory.text, hit.reasons) for hit in mind.search("sea", ranking="semantic", **HERE)]
    assert [text for text, _ in changed] == [text for text, _ in always]
    for (_, left), (_, right) in zip(changed, always, strict=True):
        assert left["similarity"] == pytest.approx(right["similarity"], abs=1e-6)


def test_embedding_again_goes_on_where_it_stopped(database: Path) -> None:
    """Broken off half-way, the next opening embeds what is left, and nothing twice."""
    with open_with(database, StubEmbedder(16, "a")) as mind:
        mind.add([Turn(f"{n} tea") for n in range(600)], session_id="s", **HERE)
        with mind._truth.read() as ledger:
            held = sum(ledger.feed.tenant_counts().values())
    broken = Counting(24, "b", breaks_after=256)
    with pytest.raises(Unavailable, match="went away"):
        open_with(database, broken)
    rest = Counting(24, "b")
    with open_with(database, rest) as mind:
        assert broken.embedded + rest.embedded == held
        assert mind.diagnose()[1].ok
        assert len(mind.search("599 tea", **HERE)) == 10
    with open_with(database, Counting(24, "b", breaks_after=0)):
        pass  # nothing is left to embed


def test_a_vector_of_another_embedder_is_as_if_absent(library: Library) -> None:
    """Before they are made again, vectors of another embedder and dimension give no similarity; words still find."""
    scope = library.place()
    memory = library.put(scope, "osaka")
    other = StubEmbedder(24, "b")
    library.truth.adopt_embedder(other)
    index = LocalIndex(library.truth.feed, 24)
    found = library.ask(index, scope, Question("osaka", {"osaka": 1.0}, other.embed(["osaka"])[0]))
    assert found.memory_ids.tolist() == [memory]
    assert found.similarity.tolist() == [0.0]
    assert found.static_bm25[0] > 0


def test_a_memory_deleted_while_it_was_embedded_stays_deleted(library: Library) -> None:
    """Vectors that come for a memory deleted meanwhile are let go; those of the others are kept."""
    scope = library.place()
    gone, stays = library.put(scope, "osaka"), library.put(scope, "tokyo")
    other = StubEmbedder(24, "b")
    library.truth.adopt_embedder(other)
    with library.truth.read() as ledger:
        waiting = ledger.feed.unembedded(10)
    vectors = other.embed([text for _, _, text in waiting])
    library.drop(scope, gone)
    rows = [(memory, vector) for (memory, _, _), vector in zip(waiting, vectors, strict=True)]
    library.truth.write(lambda ledger: ledger.memories.revector(rows, ledger.embedder_id))
    with library.truth.read() as ledger:
        assert ledger.feed.unembedded_count() == 0
        assert ledger.feed.rows([gone, stays]).memory_ids.tolist() == [stays]
    with pytest.raises(NotFound):
        library.drop(scope, gone)


# -- what a search asks of the database -------------------------------------------------------------------------------


def test_a_search_asks_little_of_the_database(database: Path) -> None:
    """Four statements in one transaction: where, whether anything changed, the ranking's columns, the states shown."""
    with open_with(database, StubEmbedder(16, "a")) as mind:
        mind.add([Turn(f"{n} tea") for n in range(300)], **HERE)
        mind.search("7 tea", **HERE)
        asked: list[str] = []
        engine = mind._truth._engine  # type: ignore[attr-defined]  # the file behind the protocol
        event.listen(engine, "connect", lambda connection, record: connection.set_trace_callback(asked.append))
        engine.dispose()  # so that the next connection is a new one, whose statements are told
        assert len(mind.search("8 tea", top_k=10, **HERE)) == 10
    assert len([statement for statement in asked if statement.startswith("SELECT") and "alembic" not in statement]) == 4


def test_any_number_of_ids_is_read_in_the_order_asked(database: Path) -> None:
    """More ids than a statement takes, none at all, and unknown ones: each gets its own vector, or zeros."""
    embedder = StubEmbedder(16, "a")
    with open_with(database, embedder) as mind:
        mind.add([Turn(f"{n} tea", "aya") for n in range(1_100)], **HERE)
        with mind._truth.read() as ledger:
            texts = dict(enumerate(ledger.feed.latest_texts(2_000)[::-1], start=1))  # gists among them
            said = [memory_id for memory_id, text in texts.items() if len(text.split()) == 2][::-1]
            read = ledger.feed.vectors([*said, 10**9], 16)
            assert ledger.feed.vectors([], 16).shape == (0, 16)
            assert ledger.feed.rows([]).memory_ids.tolist() == []
    np.testing.assert_allclose(read[:-1], embedder.embed([f"aya: {texts[memory_id]}" for memory_id in said]), atol=1e-6)
    assert not read[-1].any()
