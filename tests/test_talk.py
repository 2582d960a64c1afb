"""Where each memory stands in its talk: exactly, whatever came and went."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from said import Said, rows

from dmha.index.arrays import TenantArrays
from dmha.records import Reach

DAY = 86_400.0
Links = dict[int, tuple[int, int]]


def held(*said: Said) -> TenantArrays:
    """These turns, loaded at once."""
    return TenantArrays(4, len(said), [rows(*said)])


def chain(*ids: int) -> list[Said]:
    return [Said(id, before) for before, id in zip((-1, *ids), ids, strict=False)]


def links(arrays: TenantArrays, reach: Reach = Reach()) -> Links:  # noqa: B008 - it is frozen
    """For each memory that is heard the one before it and the one after it; -1: none."""
    heard = arrays.audible(reach)
    before, after = arrays.neighbours(heard)
    ids = np.append(arrays.memory_ids, -1)
    listening = range(arrays.count) if heard is None else np.flatnonzero(heard).tolist()
    return {int(ids[row]): (int(ids[before[row]]), int(ids[after[row]])) for row in listening}


def stretches(arrays: TenantArrays) -> list[int]:
    return [int(number) for number in arrays.words({}, None, ()).stretches]


def sizes(arrays: TenantArrays, exclude: Sequence[int] = ()) -> list[float]:
    return [float(size) for size in arrays.words({}, None, exclude).sizes]


# -- neighbours ------------------------------------------------------------------------------------------------------


def test_plain_talk_is_a_chain() -> None:
    """Each turn stands between the one before it and the one after it; the ends have one neighbour each."""
    assert links(held(*chain(1, 2, 3))) == {1: (-1, 2), 2: (1, 3), 3: (2, -1)}


@pytest.mark.parametrize("taken", [[3, 4, 5], [3], [3, 4]])
def test_what_comes_later_is_linked(taken: list[int]) -> None:
    """Turns taken after loading, one by one or several together, are linked to each other and to what was there."""
    arrays = held(*chain(1, 2))
    links(arrays)
    arrays.put(rows(*chain(1, 2, *taken)[2:]))
    assert links(arrays) == links(held(*chain(1, 2, *taken)))
    assert links(arrays)[3][0] == 2


def test_of_several_children_the_first_said_comes_after() -> None:
    """A fork: all children know what they followed, and it is followed by the oldest of them, in whatever order."""
    said = [Said(1), Said(2, 1), Said(3, 1), Said(4, 3)]
    forked = {1: (-1, 2), 2: (1, -1), 3: (1, 4), 4: (3, -1)}
    assert links(held(*said)) == forked
    assert links(held(*said[::-1])) == forked
    arrays = held(said[0])
    links(arrays)
    arrays.put(rows(said[2], said[1], said[3]))
    assert links(arrays) == forked


def test_a_deleted_turn_leaves_its_neighbours_without_it() -> None:
    """What stood beside it stands beside nothing, until the truth tells whom it follows now."""
    arrays = held(*chain(1, 2, 3))
    links(arrays)
    arrays.drop([2])
    assert links(arrays) == {1: (-1, -1), 3: (-1, -1)}
    arrays.put(rows(Said(3, 1)))
    assert links(arrays) == {1: (-1, 3), 3: (1, -1)}


def test_a_deleted_first_child_is_followed_by_the_second() -> None:
    """When the oldest branch goes, the next oldest comes after the fork."""
    arrays = held(Said(1), Said(2, 1), Said(3, 1), Said(4, 1))
    links(arrays)
    arrays.drop([2])
    assert links(arrays)[1] == (-1, 3)


def test_an_updated_turn_keeps_its_place() -> None:
    """A new version is a new row between the same two neighbours."""
    arrays = held(*chain(1, 2, 3, 4, 5))
    links(arrays)
    arrays.put(rows(Said(3, 2, version=2)))
    assert links(arrays) == links(held(*chain(1, 2, 3, 4, 5)))
    arrays.put(rows(Said(1, version=2), Said(5, 4, version=2), Said(6, 5)))
    assert links(arrays) == links(held(*chain(1, 2, 3, 4, 5, 6)))


def test_drawing_together_keeps_the_places() -> None:
    """After so many updates that the living moved, the talk is as it was."""
    arrays = held(*chain(*range(1, 9)))
    for version in range(2, 6):
        for id in (2, 5, 7):
            arrays.put(rows(Said(id, id - 1, version=version)))
    assert arrays.count < 8 + 12
    assert links(arrays) == links(held(*chain(*range(1, 9))))
    assert sizes(arrays) == pytest.approx([0, 8])


def test_a_talk_that_lost_half_is_linked_anew() -> None:
    """A few that go out of a few let the rest move together, and stand beside each other as before."""
    arrays = held(*chain(1, 2, 3, 4))
    links(arrays)
    arrays.drop([1, 2])
    assert arrays.count == 2
    assert links(arrays) == {3: (-1, 4), 4: (3, -1)}


@pytest.mark.parametrize("gone", [[4], [4, 5], [1, 9, 20], list(range(4, 24)), list(range(2, 60, 2))])
def test_whatever_goes_together_the_rest_is_linked_as_anew(gone: list[int]) -> None:
    """Few are mended one by one and many by linking all again: both as if those had never come."""
    said = chain(*range(1, 61))
    arrays = held(*said)
    links(arrays)
    arrays.drop(gone)
    assert links(arrays) == links(held(*(turn for turn in said if turn.id not in gone)))


# -- among those who hear ----------------------------------------------------------------------------------------------


def test_what_is_not_heard_leaves_no_gap() -> None:
    """A private turn is leapt over for who may not hear it, and stands in its place for who may."""
    arrays = held(Said(1), Said(2, 1, private_to=7), Said(3, 2, private_to=7), Said(4, 3))
    assert links(arrays) == {1: (-1, 4), 4: (1, -1)}
    assert links(arrays, Reach(present=[7])) == links(held(*chain(1, 2, 3, 4)))


def test_a_first_child_not_heard_is_no_child() -> None:
    """Of several children the first that is heard comes after: a secret or another branch hides nothing."""
    arrays = held(Said(1), Said(2, 1, private_to=7), Said(3, 1), Said(4, 1), Said(5, 2))
    assert links(arrays)[1] == (-1, 3)
    assert links(arrays)[5] == (1, -1)
    assert links(arrays, Reach(exclude=[3]))[1] == (-1, 4)


def test_a_ring_in_a_damaged_file_ends() -> None:
    """Turns that follow each other in a ring, heard or not, are links like others and no endless walk."""
    arrays = held(Said(1, 2, private_to=7), Said(2, 1, private_to=7), Said(3, 2))
    assert links(arrays) == {3: (-1, -1)}
    assert links(arrays, Reach(present=[7])) == {1: (2, 2), 2: (1, 1), 3: (2, -1)}


TREES = st.lists(st.tuples(st.integers(0, 30), st.sampled_from([-1, -1, 7])), min_size=1, max_size=30)


@settings(max_examples=200, deadline=None)
@given(tree=TREES, exclude=st.lists(st.integers(1, 30), max_size=10), present=st.sampled_from([[], [7]]))
def test_the_unheard_might_never_have_been(tree: list[tuple[int, int]], exclude: list[int], present: list[int]) -> None:
    """In any tree the heard are linked as they would be had each followed its nearest heard ancestor."""
    said = [Said(id, (before % id) or -1, private_to=whose) for id, (before, whose) in enumerate(tree, 1)]
    arrays = held(*said)
    parents = {turn.id: turn.before for turn in said}
    silent = {turn.id for turn in said if turn.id in exclude or (turn.private_to == 7 and not present)}

    def nearest(id: int) -> int:
        return nearest(parents[id]) if id in silent else id

    parents[-1] = -1
    alone = [Said(turn.id, nearest(turn.before)) for turn in said if turn.id not in silent]
    assert links(arrays, Reach(present=present, exclude=exclude)) == links(held(*alone))


# -- stretches ---------------------------------------------------------------------------------------------------------


def test_a_stretch_is_a_session_on_one_day() -> None:
    """Another session or another day is another stretch; the same day of the same session is one, whatever between."""
    said = [Said(1), Said(2, at=DAY - 1), Said(3, at=DAY), Said(4, session=2), Said(5, at=5.0), Said(6, at=-1.0)]
    for arrays in (held(*said), held()):
        arrays.put(rows(*said))
        first, second, third, other, again, before = stretches(arrays)[-6:]
        assert first == second == again
        assert len({first, third, other, before}) == 4


def test_gists_stand_in_no_stretch() -> None:
    """What was made of the talk is in the stretch of none, which has no size."""
    arrays = held(Said(1), Said(2, session=-1), Said(3, session=-1, at=DAY))
    assert stretches(arrays) == [1, 0, 0]
    assert sizes(arrays) == [0, 1]


def test_only_what_was_said_openly_makes_a_stretch_long() -> None:
    """Sizes are in usual utterances, of open turns; what is excluded does not count, and what goes is taken off."""
    said = [Said(1, length=20), Said(2, private_to=7, length=90), Said(3, length=5), Said(4, session=2)]
    arrays = held(*said)
    assert sizes(arrays) == [0, 2.5, 1]
    assert sizes(arrays, [3, 3, 2, 99]) == [0, 2, 1]
    arrays.put(rows(Said(1, length=30, version=2)))
    assert sizes(arrays) == [0, 3.5, 1]
    arrays.drop([3, 4])
    assert max(sizes(arrays)) == 3


def test_stretches_that_nobody_is_left_in_are_forgotten() -> None:
    """When the living draw together the empty stretches go, and the others keep their sizes and members."""
    said = [Said(id, session=id // 2, at=DAY * id, length=id) for id in range(1, 41)]
    arrays = held(*said)
    arrays.drop(list(range(1, 31)))
    assert sizes(arrays) == pytest.approx([0, *(id / 10 for id in range(31, 41))])
    assert stretches(arrays) == list(range(1, 11))
    arrays.put(rows(Said(41, session=20, at=DAY * 40, length=10)))
    assert stretches(arrays)[-1] == stretches(arrays)[-2]
    assert sizes(arrays)[-1] == pytest.approx(5)


def test_an_empty_tenant_has_no_places() -> None:
    """Nothing held, or nothing left, has no neighbours and no stretch but that of none."""
    arrays = held()
    assert (links(arrays), stretches(arrays), sizes(arrays)) == ({}, [], [0])
    arrays.put(rows(*chain(1, 2)))
    arrays.drop([1, 2])
    assert (links(arrays), stretches(arrays), sizes(arrays)) == ({}, [], [0])
