"""What every index must do, and that the local one answers as an index made anew from the truth."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from stubs import StubEmbedder

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
from dmha.index.postings import Postings
from dmha.mind import Mind
from dmha.protocols import Index
from dmha.records import Candidates, Perceived, Place, Question, Scope
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


INDEXES: list[MakeIndex] = [local, tiny]


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

    def put(self, scope: Scope, text: str, *, private: bool = False, speaker: str = "aya") -> int:
        self._made += 1
        heard = self._heard(scope, Turn(text, speaker, id=f"t{id(self)}-{self._made}", private=private))
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
    index: Index,
    scope: Scope,
    question: Question,
    *,
    ranking: str = BOTH,
    count: int = 100,
    present: Sequence[int] = (),
    allowed: Sequence[int] | None = None,
    exclude: Sequence[int] = (),
) -> Candidates:
    return index.nominate(
        scope.tenant_id, question, resolve(ranking), now=NOW, seed=7, count=count,
        scalars={"mood_joy": 0.0, "mood_aversion": 0.0}, present=present, allowed=allowed, exclude=exclude,
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
        assert ids(ask(index, scope, library.question("osaka"))) == written
    assert index.size(scope.tenant_id)[0] == len(WORDS)


def test_an_index_finds_what_another_process_wrote(library: Library, make: MakeIndex, database: Path) -> None:
    """A second opening of the file, as another process has, is heard of at the next question."""
    scope, index = library.place(), make(library.truth)
    mine = library.put(scope, "osaka rain")
    ask(index, scope, library.question("osaka"))
    other = Library(database)
    theirs = other.put(scope, "osaka sea")
    assert ids(ask(index, scope, library.question("osaka"))) == {mine, theirs}
    other.change(scope, theirs, "tokyo")
    other.drop(scope, next(iter(other._uids)))
    assert ids(ask(index, scope, library.question("osaka"))) == {mine}
    other.truth.close()


def test_an_index_gives_a_changed_memory_by_its_new_words_alone(library: Library, make: MakeIndex) -> None:
    """After an update the old words earn nothing, the new ones do, and the memory is there once."""
    scope, index = library.place(), make(library.truth)
    memory = library.put(scope, "osaka")
    library.put(scope, "rain")
    ask(index, scope, library.question("osaka"))
    library.change(scope, memory, "tokyo")
    found = ask(index, scope, library.question("tokyo"))
    assert found.memory_ids.tolist().count(memory) == 1
    assert found.static_bm25[found.memory_ids.tolist().index(memory)] > 0
    old = ask(index, scope, library.question("osaka"))
    assert not old.static_bm25.any()


def test_an_index_lets_a_deleted_memory_go(library: Library, make: MakeIndex) -> None:
    """A deleted memory is not nominated, and not counted."""
    scope, index = library.place(), make(library.truth)
    first, second = library.put(scope, "osaka"), library.put(scope, "osaka tea")
    ask(index, scope, library.question("osaka"))
    library.drop(scope, first)
    assert ids(ask(index, scope, library.question("osaka"))) == {second}
    assert index.size(scope.tenant_id)[0] == 1


def test_an_index_keeps_a_secret_from_those_not_present(library: Library, make: MakeIndex) -> None:
    """A private memory comes only while its own speaker is present, before and after an update."""
    scope, index = library.place(), make(library.truth)
    open_, secret = library.put(scope, "tea"), library.put(scope, "tea cat", private=True)
    library.put(scope, "tea dog", speaker="ben")
    aya, ben = library.speaker(scope, "aya"), library.speaker(scope, "ben")
    for _ in range(2):
        assert secret not in ids(ask(index, scope, library.question("tea cat")))
        assert secret not in ids(ask(index, scope, library.question("tea cat"), present=[ben]))
        assert {open_, secret} <= ids(ask(index, scope, library.question("tea cat"), present=[ben, aya]))
        library.change(scope, secret, "tea cat osaka")


def test_an_index_keeps_to_what_is_allowed_and_not_excluded(library: Library, make: MakeIndex) -> None:
    """`allowed` limits, also to nothing; `exclude` takes away; unknown ids in either do no harm."""
    scope, index = library.place(), make(library.truth)
    a, b, c = (library.put(scope, f"tea {word}") for word in ("cat", "dog", "sea"))
    question = library.question("tea")
    assert ids(ask(index, scope, question, allowed=[a, b, 10**9])) == {a, b}
    assert ids(ask(index, scope, question, allowed=[])) == set()
    assert ids(ask(index, scope, question, exclude=[a, 10**9])) == {b, c}
    assert ids(ask(index, scope, question, allowed=[a], exclude=[a])) == set()


def test_an_index_gives_the_best_first_and_no_more_than_asked(library: Library, make: MakeIndex) -> None:
    """The first `count` by the coarse stage, in its order; a vector alone and words alone are enough."""
    scope, index = library.place(), make(library.truth)
    for n in range(30):
        library.put(scope, " ".join(WORDS[i % 10] for i in range(n, n + 1 + n % 4)))
    question = library.question("osaka cat")
    every = ask(index, scope, question)
    scores = every.similarity + every.static_bm25
    assert (np.diff(scores) <= 1e-12).all()
    np.testing.assert_array_equal(ask(index, scope, question, count=7).memory_ids, every.memory_ids[:7])
    words = ask(index, scope, Question(question.text, question.terms, None))
    assert not words.similarity.any()
    assert words.static_bm25.any()
    assert not ask(index, scope, Question("", {}, question.vector)).static_bm25.any()


def test_an_index_never_mixes_tenants(library: Library, make: MakeIndex) -> None:
    """Each tenant's questions see its own memories, also when the budget holds one tenant at a time."""
    index, places = make(library.truth), [library.place(f"user{n}") for n in range(4)]
    own: list[set[int]] = [set() for _ in places]
    for turn in range(3):
        for scope, held in zip(places, own, strict=True):
            held.add(library.put(scope, f"tea {turn}"))
            assert ids(ask(index, scope, library.question("tea"))) == held
    assert ids(ask(index, Scope(999, 1, "UTC"), library.question("tea"))) == set()


def test_an_index_dropped_answers_as_before(library: Library, make: MakeIndex) -> None:
    """All that an index holds can be made again from the truth."""
    scope, index = library.place(), make(library.truth)
    memories = [library.put(scope, f"{word} tea") for word in WORDS]
    library.change(scope, memories[0], "sleep")
    before = ask(index, scope, library.question("tea sleep"))
    index.drop()
    assert_same(before, ask(index, scope, library.question("tea sleep")))


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


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(acts=ACTS, query=TEXTS)
def test_any_history_answers_as_an_index_made_anew(
    tmp_path_factory: pytest.TempPathFactory, acts: list[tuple[str, str, int]], query: str
) -> None:
    """After any sequence of puts, updates, deletions and questions, old and new index give the same columns."""
    library = Library(tmp_path_factory.mktemp("index") / "x.db")
    scope, index, alive = library.place(), local(library.truth), list[int]()
    for act, text, number in acts:
        if act == "put":
            alive.append(library.put(scope, text, private=bool(number)))
        elif act == "ask":
            ask(index, scope, library.question(text))
        elif alive and act == "change":
            library.change(scope, alive[number % len(alive)], text)
        elif alive:
            library.drop(scope, alive.pop(number % len(alive)))
    present = [library.speaker(scope, "aya")] if alive else []
    for who in ([], present):
        old = ask(index, scope, library.question(query), present=who)
        assert_same(old, ask(local(library.truth), scope, library.question(query), present=who))
    assert ids(old) == set(alive)
    library.truth.close()


# -- the local index's own --------------------------------------------------------------------------------------------


def test_bm25_is_the_textbooks(library: Library) -> None:
    """Scores equal a direct computation over the texts, divided by the most that the question can earn."""
    scope, index, draw = library.place(), local(library.truth), random.Random(3)
    texts = {}
    for _ in range(60):
        text = " ".join(draw.choices(WORDS, k=draw.randint(1, 15)))
        texts[library.put(scope, text)] = text
    ask(index, scope, library.question("tea"))
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
    found = ask(index, scope, question)
    for memory, score in zip(found.memory_ids.tolist(), found.static_bm25.tolist(), strict=True):
        words, length, spoken = counted[memory]
        reference = REFERENCE_LENGTH.get(spoken, REFERENCE_LENGTH["other"])
        earned = sum(
            value * words[term] * (K1 + 1) / (words[term] + K1 * (1 - B + B * length / reference))
            for term, value in worth.items()
        )
        assert score == pytest.approx(earned / (sum(worth.values()) * MAX_SATURATION), rel=1e-5)


def test_a_tenant_of_dead_rows_is_loaded_again(library: Library) -> None:
    """Many updates do not leave their dead rows in memory for ever."""
    scope, index = library.place(), LocalIndex(library.truth.feed, 16)
    memories = [library.put(scope, f"{word} tea") for word in WORDS]
    ask(index, scope, library.question("tea"))
    for turn in range(20):
        library.change(scope, memories[turn % 3], f"rain {turn}")
        ask(index, scope, library.question("tea"))
    arrays = index._tenants[scope.tenant_id]
    assert arrays.count < 20
    assert arrays.count - arrays.dead == len(memories)


def test_the_budget_lets_the_longest_unasked_go(library: Library) -> None:
    """Over its bytes the index keeps the tenants asked for last, and never fewer than the one in use."""
    places = [library.place(f"user{n}") for n in range(3)]
    for scope in places:
        for word in WORDS:
            library.put(scope, f"{word} tea")
    roomy = LocalIndex(library.truth.feed, 16)
    ask(roomy, places[0], library.question("tea"))
    one = roomy.size(places[0].tenant_id)[1]
    index = LocalIndex(library.truth.feed, 16, budget_bytes=int(2.5 * one))
    for scope in (places[0], places[1], places[0], places[2]):
        ask(index, scope, library.question("tea"))
    assert list(index._tenants) == [places[0].tenant_id, places[2].tenant_id]


def test_postings_fold_without_a_trace() -> None:
    """Documents added one by one, past the fold, are found as when loaded at once, rows ascending."""
    draw = np.random.default_rng(5)
    documents = [
        (np.unique(draw.integers(0, 200, 12)).astype(np.uint64), np.empty(0, np.float32)) for _ in range(1_000)
    ]
    documents = [(held, draw.random(len(held)).astype(np.float32)) for held, _ in documents]
    at_once, one_by_one = Postings(), Postings()
    at_once.load(documents)
    for row, (held, weights) in enumerate(documents):
        one_by_one.add(row, held, weights)
    for term in range(201):
        for left, right in zip(at_once.of(term), one_by_one.of(term), strict=True):
            np.testing.assert_array_equal(left, right)


def test_an_older_version_changes_nothing(library: Library) -> None:
    """Loads are idempotent by memory and version: what arrives late or twice leaves the arrays as they are."""
    scope = library.place()
    memory = library.put(scope, "osaka")
    with library.truth.feed() as feed:
        (old,) = feed.rows([memory])
    library.change(scope, memory, "tokyo")
    with library.truth.feed() as feed:
        (new,) = feed.rows([memory])
    arrays = TenantArrays(16, [new])
    arrays.put(old)
    assert (arrays.count, arrays.dead) == (1, 0)
    arrays.put(new)
    assert arrays.count - arrays.dead == 1
    arrays.drop(memory)
    arrays.drop(memory)
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
    found = ask(index, scope, Question("osaka", {"osaka": 1.0}, other.embed(["osaka"])[0]))
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
        assert [row.memory_id for row in ledger.feed.rows([gone, stays])] == [stays]
    with pytest.raises(NotFound):
        library.drop(scope, gone)
