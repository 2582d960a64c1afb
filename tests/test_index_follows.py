"""Every index follows the truth: whatever was done in whatever order, it answers as one made anew."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from libraries import WORDS, Library, MakeIndex, assert_same, coded, growing, ids, local, near


def test_an_index_follows_ahead_of_a_question(library: Library, make_index: MakeIndex) -> None:
    """It tells how far it is behind in what it holds, and is not any more once it followed; nothing else is loaded."""
    scope, other, index = library.place(), library.place("ben"), make_index(library.truth)
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


def test_an_index_dropped_answers_as_before(library: Library, make_index: MakeIndex) -> None:
    """All that an index holds can be made again from the truth."""
    scope, index = library.place(), make_index(library.truth)
    memories = [library.put(scope, f"{word} tea") for word in WORDS]
    library.change(scope, memories[0], "sleep")
    before = library.ask(index, scope, library.question("tea sleep"))
    index.drop()
    assert_same(before, library.ask(index, scope, library.question("tea sleep")))


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


@pytest.mark.parametrize("make_index", [local, coded, growing])
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(acts=ACTS, query=TEXTS)
def test_any_history_answers_as_an_index_made_anew(
    tmp_path_factory: pytest.TempPathFactory, make_index: MakeIndex, acts: list[tuple[str, str, int]], query: str
) -> None:
    """After any puts, updates, deletions and questions, old and new index give the same and hold the same."""
    library = Library(tmp_path_factory.mktemp("index") / "x.db")
    scope, index, alive = library.place(), make_index(library.truth), list[int]()
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
        assert_same(old, library.ask(make_index(library.truth), scope, library.question(query), present=who))
    assert ids(old) == set(alive)
    afresh = near(library, make_index(library.truth), scope, *alive)
    for kept, found in zip(near(library, index, scope, *alive), afresh, strict=True):
        np.testing.assert_allclose(list(kept.values()), list(found.values()), atol=1e-12)
        assert kept.keys() == found.keys()
    assert index.differences(scope.tenant_id) == []
    library.truth.close()


def test_an_index_tells_where_it_differs_from_the_truth(library: Library, make_index: MakeIndex) -> None:
    """What is missing, too much, of another version, or has other words or another vector is named; no other is."""
    scope, index = library.place(), make_index(library.truth)
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


def test_an_index_serves_an_older_snapshot_too(library: Library, make_index: MakeIndex) -> None:
    """A question in a snapshot from before a write neither unlearns the write nor hides it from the next question."""
    scope, index = library.place(), make_index(library.truth)
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


def test_an_index_is_right_while_threads_write_and_ask(library: Library, make_index: MakeIndex) -> None:
    """Two threads that ask while a third writes find all that was written before each question, and nothing twice."""
    scope, index = library.place(), make_index(library.truth)
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
