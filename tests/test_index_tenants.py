"""The tenants that the local index holds: their bytes, their loading, their dead rows, and who is let go."""

from __future__ import annotations

import threading
import tracemalloc
from typing import Any

import pytest
from libraries import WORDS, Library

from dmha.index.arrays import TenantArrays
from dmha.index.local import LocalIndex
from dmha.protocols import Feed


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
