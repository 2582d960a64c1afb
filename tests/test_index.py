"""What every index nominates: all that was written before the question, to whom it may be shown, the best first."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from libraries import NOW, WORDS, Library, MakeIndex, ids

from dmha.records import Question, Scope


def test_an_index_finds_what_was_written_before_the_question(library: Library, make_index: MakeIndex) -> None:
    """A memory is nominated as soon as its write returned, be the tenant loaded or not."""
    scope, index = library.place(), make_index(library.truth)
    written: set[int] = set()
    for word in WORDS:
        written.add(library.put(scope, f"osaka {word}"))
        assert ids(library.ask(index, scope, library.question("osaka"))) == written
    assert index.size(scope.tenant_id)[0] == len(WORDS)


def test_an_index_finds_what_another_process_wrote(library: Library, make_index: MakeIndex, database: Path) -> None:
    """A second opening of the file, as another process has, is heard of at the next question."""
    scope, index = library.place(), make_index(library.truth)
    mine = library.put(scope, "osaka rain")
    library.ask(index, scope, library.question("osaka"))
    other = Library(database)
    theirs = other.put(scope, "osaka sea")
    assert ids(library.ask(index, scope, library.question("osaka"))) == {mine, theirs}
    other.change(scope, theirs, "tokyo")
    other.drop(scope, next(iter(other._uids)))
    assert ids(library.ask(index, scope, library.question("osaka"))) == {mine}
    other.truth.close()


def test_an_index_gives_a_changed_memory_by_its_new_words_alone(library: Library, make_index: MakeIndex) -> None:
    """After an update the old words earn nothing, the new ones do, and the memory is there once."""
    scope, index = library.place(), make_index(library.truth)
    memory = library.put(scope, "osaka")
    library.put(scope, "rain")
    library.ask(index, scope, library.question("osaka"))
    library.change(scope, memory, "tokyo")
    found = library.ask(index, scope, library.question("tokyo"))
    assert found.memory_ids.tolist().count(memory) == 1
    assert found.static_bm25[found.memory_ids.tolist().index(memory)] > 0
    old = library.ask(index, scope, library.question("osaka"))
    assert not old.static_bm25.any()


def test_an_index_lets_a_deleted_memory_go(library: Library, make_index: MakeIndex) -> None:
    """A deleted memory is not nominated, and not counted."""
    scope, index = library.place(), make_index(library.truth)
    first, second = library.put(scope, "osaka"), library.put(scope, "osaka tea")
    library.ask(index, scope, library.question("osaka"))
    library.drop(scope, first)
    assert ids(library.ask(index, scope, library.question("osaka"))) == {second}
    assert index.size(scope.tenant_id)[0] == 1


def test_an_index_keeps_a_secret_from_those_not_present(library: Library, make_index: MakeIndex) -> None:
    """A private memory comes only while its own speaker is present, before and after an update."""
    scope, index = library.place(), make_index(library.truth)
    open_, secret = library.put(scope, "tea"), library.put(scope, "tea cat", private=True)
    library.put(scope, "tea dog", speaker="ben")
    aya, ben = library.speaker(scope, "aya"), library.speaker(scope, "ben")
    for _ in range(2):
        assert secret not in ids(library.ask(index, scope, library.question("tea cat")))
        assert secret not in ids(library.ask(index, scope, library.question("tea cat"), present=[ben]))
        assert {open_, secret} <= ids(library.ask(index, scope, library.question("tea cat"), present=[ben, aya]))
        library.change(scope, secret, "tea cat osaka")


def test_an_index_keeps_to_what_is_allowed_and_not_excluded(library: Library, make_index: MakeIndex) -> None:
    """`allowed` limits, also to nothing; `exclude` takes away; unknown ids in either do no harm."""
    scope, index = library.place(), make_index(library.truth)
    a, b, c = (library.put(scope, f"tea {word}") for word in ("cat", "dog", "sea"))
    question = library.question("tea")
    assert ids(library.ask(index, scope, question, allowed=[a, b, 10**9])) == {a, b}
    assert ids(library.ask(index, scope, question, allowed=[])) == set()
    assert ids(library.ask(index, scope, question, exclude=[a, 10**9])) == {b, c}
    assert ids(library.ask(index, scope, question, allowed=[a], exclude=[a])) == set()


def test_an_index_keeps_to_times_and_speakers(library: Library, make_index: MakeIndex) -> None:
    """`since` is included and `until` is not; a speaker's own words alone, and a stranger's are none."""
    scope, index = library.place(), make_index(library.truth)
    mine = [library.put(scope, f"tea {word}", at=NOW + hour) for hour, word in enumerate(WORDS)]
    theirs = library.put(scope, "tea", speaker="ben", at=NOW)
    question = library.question("tea")
    assert ids(library.ask(index, scope, question, since=NOW + 3, until=NOW + 5)) == set(mine[3:5])
    assert ids(library.ask(index, scope, question, until=NOW + 1)) == {mine[0], theirs}
    assert ids(library.ask(index, scope, question, speaker_id=library.speaker(scope, "ben"))) == {theirs}
    assert ids(library.ask(index, scope, question, speaker_id=-1)) == set()


def test_an_index_gives_the_best_first_and_no_more_than_asked(library: Library, make_index: MakeIndex) -> None:
    """The first `count` by the coarse stage, in its order; a vector alone and words alone are enough."""
    scope, index = library.place(), make_index(library.truth)
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


def test_an_index_never_mixes_tenants(library: Library, make_index: MakeIndex) -> None:
    """Each tenant's questions see its own memories, also when the budget holds one tenant at a time."""
    index, places = make_index(library.truth), [library.place(f"user{n}") for n in range(4)]
    own: list[set[int]] = [set() for _ in places]
    for turn in range(3):
        for scope, held in zip(places, own, strict=True):
            held.add(library.put(scope, f"tea {turn}"))
            assert ids(library.ask(index, scope, library.question("tea"))) == held
    assert ids(library.ask(index, Scope(999, 1, "UTC"), library.question("tea"))) == set()
