"""The tree of what was said: where a turn grows, the path to it, what stands aside of that path, what follows from it.

Only turns and branches are read and written here; what hangs on a turn is others' to know.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import CTE, Connection, Select, and_, bindparam, delete, func, insert, literal, select, update

from dmha.errors import NotFound
from dmha.records import Perceived, Scope, Tip
from dmha.stores import schema
from dmha.stores.places import CHUNK, allocate
from dmha.stores.prepared import Prepared


@dataclass(frozen=True, slots=True)
class Node:
    """A turn as those after it need it. `parent_id` None: the first of its conversation."""

    id: int
    uid: str
    parent_id: int | None
    session_id: int
    branch_id: int
    window_turns: int
    window_characters: int

    @property
    def tip(self) -> Tip:
        """The working window when this is the last turn."""
        return Tip(self.id, self.uid, self.window_turns, self.window_characters)


_NODE = select(*(schema.turns.c[name] for name in Node.__dataclass_fields__))
_LATEST = select(func.max(schema.turns.c.id)).where(
    schema.turns.c.session_id == bindparam("session"), schema.turns.c.window_turns > 0
)
_LAST = Prepared(lambda _: _NODE.where(schema.turns.c.id == _LATEST.scalar_subquery()))
_NAMED = Prepared(
    lambda _: _NODE.where(schema.turns.c.tenant_id == bindparam("tenant"), schema.turns.c.uid == bindparam("uid"))
)


class Tree:
    """The turns of a tenant as a tree, inside one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._tips: dict[int, int] = {}  # the last turn of a branch, where this transaction knows it

    def last(self, session_id: int) -> Node | None:
        """The session's last turn; None where nothing was said yet."""
        rows = _LAST.all(self._connection, session=session_id)
        if not rows:
            return None
        last = Node(*rows[0])
        self._tips[last.branch_id] = last.id
        return last

    def find(self, scope: Scope, uid: str, field: str = "turn_id") -> Node:
        """The turn of that id, or `NotFound` with the field that named it."""
        rows = _NAMED.all(self._connection, tenant=scope.tenant_id, uid=uid)
        if not rows:
            raise NotFound("turn", uid, field=field)
        return Node(*rows[0])

    def node(self, turn_id: int) -> Node:
        """The turn of that id, which is there."""
        return Node(*self._connection.execute(_NODE.where(schema.turns.c.id == turn_id)).one())

    def after(self, scope: Scope, session_id: int, uid: str) -> Node:
        """Where a reply to that turn stands: after what was said meanwhile, if that went on from the turn itself."""
        asked, turns = self.find(scope, uid), schema.turns
        same = (turns.c.session_id == session_id, turns.c.branch_id == asked.branch_id)
        latest = self._connection.execute(_NODE.where(*same).order_by(turns.c.id.desc()).limit(1)).first()
        return asked if latest is None else Node(*latest)

    def grow(
        self, scope: Scope, session_id: int, turns: Sequence[Perceived], first: int, after: Node | None
    ) -> list[Node]:
        """The places of new turns with ids from `first` on: each after the parent it names, else after the one before.

        The first one's default is `after`; None begins a conversation. Branches are made where they are new. Persona,
        lore and the like are no part of the talk: they stand apart, in nobody's window, unless they name a parent.
        """
        grown: list[Node] = []
        known: dict[str, Node] = {}
        for turn in turns:
            apart = turn.kind != "episode" and turn.parent is None
            parent = None if apart else grown[-1] if grown else after
            if turn.parent is not None:
                parent = known.get(turn.parent) or self.find(scope, turn.parent, turn.parent_field)
            branch_id = self._branch(parent, session_id)
            said = len(turn.text) if turn.kind == "episode" else 0
            window = (0, 0) if parent is None else (parent.window_turns, parent.window_characters)
            length = 0 if apart else window[0] + 1
            parent_id = None if parent is None else parent.id
            here = Node(first + len(grown), turn.uid, parent_id, session_id, branch_id, length, window[1] + said)
            known[turn.uid] = here
            self._tips[branch_id] = here.id
            grown.append(here)
        return grown

    def _branch(self, parent: Node | None, session_id: int) -> int:
        """The parent's branch for the first of its session to follow it, a new one for all others."""
        if parent is not None and parent.session_id == session_id and self._is_tip(parent):
            return parent.branch_id
        branches = schema.branches
        made = root = allocate(self._connection, branches)
        row: dict[str, int | None] = {"id": made, "session_id": session_id, "parent_id": None, "fork_id": None}
        if parent is not None:
            left = select(branches.c.root_id).where(branches.c.id == parent.branch_id)
            root = self._connection.execute(left).scalar_one()
            row |= {"parent_id": parent.branch_id, "fork_id": parent.id}
        self._connection.execute(insert(branches).values(root_id=root, **row))
        return made

    def _is_tip(self, turn: Node) -> bool:
        if turn.branch_id in self._tips:
            return self._tips[turn.branch_id] == turn.id
        return not _FOLLOWS.all(self._connection, turn=turn.id, branch=turn.branch_id)

    def lineage(self, turn_id: int) -> list[tuple[int, int, int]]:
        """The branches on the path to a turn, the nearest first: (branch, its session, the last turn that counts)."""
        return [(branch, session, upto) for branch, session, upto in _LINE.all(self._connection, turn=turn_id)]

    def aside(self, turn_id: int) -> frozenset[int]:
        """The turns of the same conversation that are not on the path to this one: what other branches went through."""
        return frozenset(other for (other,) in _ASIDE.all(self._connection, turn=turn_id))

    def offspring(self, turn_id: int) -> list[int]:
        """The turn and all that followed from it, on every branch, in the order of ids."""
        turns = schema.turns
        grown = select(turns.c.id).where(turns.c.id == turn_id).cte("grown", recursive=True)
        grown = grown.union_all(select(turns.c.id).where(turns.c.parent_id == grown.c.id))
        return sorted(self._connection.execute(select(grown.c.id)).scalars())

    def fell(self, turn_ids: Sequence[int]) -> None:
        """Delete these turns, which nothing hangs on any more, and the branches that they leave bare."""
        turns, branches = schema.turns, schema.branches
        self._tips.clear()
        bare: set[int] = set()
        for end in range(len(turn_ids), 0, -CHUNK):  # the youngest first: parents go after their children
            chunk = turn_ids[max(0, end - CHUNK) : end]
            bare |= set(self._connection.execute(select(turns.c.branch_id).where(turns.c.id.in_(chunk))).scalars())
            self._connection.execute(delete(turns).where(turns.c.id.in_(chunk)))
        for branch in sorted(bare, reverse=True):
            lives = select(turns.c.id).join(branches, branches.c.session_id == turns.c.session_id)
            lives = lives.where(branches.c.id == branch, turns.c.branch_id == branch)
            if self._connection.execute(lives.limit(1)).first() is None:
                self._connection.execute(delete(branches).where(branches.c.id == branch))

    def narrow(self, tip: Tip, upto: int, characters: int) -> bool:
        """Take the turns up to that one out of the window at the tip; False where it is no longer what was read."""
        turns, held = schema.turns, self._window(tip.turn_id)
        out = [turn_id for turn_id in held if turn_id <= upto]
        follows = select(turns.c.id).where(turns.c.parent_id == tip.turn_id).exists()
        same = (turns.c.id == tip.turn_id, turns.c.window_turns == tip.window_turns, ~follows)
        left = {"window_turns": len(held) - len(out), "window_characters": characters}
        if not self._connection.execute(update(turns).where(*same).values(left)).rowcount:
            return False
        self._mark(out, in_window=False)
        return True

    def widen(self, turn_id: int) -> None:
        """Mark the turns of the window at this turn as what they are again; personas and lore are never part of it."""
        path, memories = window_path(), schema.memories
        kept = select(memories.c.turn_id).where(memories.c.kind != "episode", memories.c.source != "dream")
        inside = select(path.c.id).where(~kept.where(memories.c.turn_id == path.c.id).exists())
        self._mark(list(self._connection.execute(inside, {"turn": turn_id}).scalars()), in_window=True)

    def mark_windows(self, session_ids: Sequence[int]) -> None:
        """Mark the turns of the windows at the ends of these sessions."""
        for session_id in session_ids:
            last = self.last(session_id)
            if last is not None:
                self.widen(last.id)

    def _window(self, turn_id: int) -> list[int]:
        return [found for (found,) in _WINDOW.all(self._connection, turn=turn_id)]

    def _mark(self, turn_ids: Sequence[int], *, in_window: bool) -> None:
        if turn_ids:
            marks = [{"marked": turn_id, "in_window": in_window} for turn_id in turn_ids]
            self._connection.execute(_MARK, marks)


def window_path() -> CTE:
    """The window at the turn `:turn`, the last turns of the path to it, as a common table expression with `id`."""
    turns = schema.turns
    own = select(turns.c.id, turns.c.parent_id, literal(1).label("place"), turns.c.window_turns.label("length"))
    path = own.where(turns.c.id == bindparam("turn"), turns.c.window_turns > 0).cte("path", recursive=True)
    before = select(turns.c.id, turns.c.parent_id, path.c.place + 1, path.c.length)
    return path.union_all(before.where(turns.c.id == path.c.parent_id, path.c.place < path.c.length))


def _line() -> CTE:
    """The branches on the path to the turn `:turn`, each with the last turn on it that counts (`upto`)."""
    branches, turns = schema.branches, schema.turns
    own = select(branches, turns.c.id.label("upto")).join(turns, turns.c.branch_id == branches.c.id)
    line = own.where(turns.c.id == bindparam("turn")).cte("line", recursive=True)
    return line.union_all(select(branches, line.c.fork_id).where(branches.c.id == line.c.parent_id))


def _lineage() -> Select[Any]:
    line = _line()
    return select(line.c.id, line.c.session_id, line.c.upto)


def _aside() -> Select[Any]:
    """The turns of the conversation of the turn `:turn` that are not on the path to it."""
    branches, turns, line = schema.branches, schema.turns, _line()
    root = select(line.c.root_id).limit(1).scalar_subquery()
    begun = func.coalesce(line.c.upto, branches.c.fork_id, 0).label("begun")
    tree = select(branches.c.id, branches.c.session_id, begun)
    tree = tree.join(line, line.c.id == branches.c.id, isouter=True).where(branches.c.root_id == root)
    all_ = tree.cte("tree").prefix_with("MATERIALIZED")  # before turns are looked for
    # Found in their session from where the branch begins to stand aside: one of years is not gone through.
    beyond = and_(turns.c.session_id == all_.c.session_id, turns.c.id > all_.c.begun)
    return select(turns.c.id).join(all_, beyond).where(turns.c.branch_id == all_.c.id)


def _follows() -> Select[Any]:
    turns = schema.turns
    after = select(turns.c.id).where(turns.c.parent_id == bindparam("turn"), turns.c.branch_id == bindparam("branch"))
    return after.limit(1)


_WINDOW = Prepared(lambda _: select(window_path().c.id))
_LINE = Prepared(lambda _: _lineage())
_ASIDE = Prepared(lambda _: _aside())
_FOLLOWS = Prepared(lambda _: _follows())
_MARK = update(schema.turns).where(schema.turns.c.id == bindparam("marked")).values(in_window=bindparam("in_window"))
