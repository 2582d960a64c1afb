"""What the mind asks of the parts that can be swapped: one small typed protocol each.

Only protocols live here. Each docstring says shapes, units, what a missing value means and which errors to raise; tests
hold one contract suite per protocol, run over every implementation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeVar, runtime_checkable

from dmha.records import (
    Allowed,
    Answered,
    Arrival,
    Audit,
    Candidates,
    Change,
    Contents,
    Counted,
    FactRow,
    Filters,
    Gist,
    Held,
    Job,
    Key,
    Overtaken,
    Perceived,
    Place,
    Question,
    Reach,
    Reinforcement,
    Remembered,
    Rows,
    RuleRow,
    Scope,
    State,
    Telling,
    Tip,
    User,
    Uttered,
    Version,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from dmha.types import Fact, Turn, WordSource

T = TypeVar("T")

NEIGHBOURHOOD = 8
"""How many an index tells as the nearest: a remark and its variants, or what a dream joins; more would be a topic."""

Clock = Callable[[], datetime]
"""Returns the time now as an aware datetime in UTC."""

Also = Callable[["Ledger", T], None]
"""What else is written in the transaction of a call's effect, given what the call came to; both or neither stand."""

Progress = Callable[[int, int], None]
"""Called with (done, total) during long work."""

Still = Callable[[], bool]
"""Asked between two steps: whether whoever asked is still there, and the work to go on."""


def always() -> bool:
    """What is told where nobody leaves, and nothing comes first."""
    return True


def no_progress(done: int, total: int) -> None:
    """The progress of callers that show none."""


def nothing_else(ledger: Ledger, came_to: object) -> None:
    """What else is written where a caller writes nothing else."""


@runtime_checkable
class Embedder(Protocol):
    """Turns texts into vectors of unit length.

    `embed` gives float32 `[n, dimension]`, rows of length 1; a text's row does not depend on the other texts of the
    call. `id` names the model, its precision and its tokenizer: vectors of different ids are never mixed. An embedder
    that cannot read every script has an attribute `scripts`, a frozenset of script names as
    `dmha.domain.characters.scripts` spells them ("Latin", "Han", "Kana", ...); without that attribute it reads all.
    Raises `Unavailable` when the model cannot be reached or made.
    """

    @property
    def dimension(self) -> int: ...
    @property
    def id(self) -> str: ...

    def embed(self, texts: list[str], /) -> NDArray[np.float32]: ...


@runtime_checkable
class ChatModel(Protocol):
    """Writes replies. `reply` yields pieces of text; `count_tokens` is the measure of every token budget.

    A message is `{"role": "system" | "user" | "assistant", "content": str}`. A model whose replies only ever quote what
    it was given has an attribute `quotes_only` that is true: they are kept, and never brought back as new. One that
    may keep its caller waiting has a method `within(seconds)`: the same model, which gives up when so much time has
    passed. Raises `Unavailable` when the model cannot be reached in time; pieces already yielded stay valid.
    """

    def reply(self, messages: list[dict[str, Any]], /, *, max_tokens: int) -> Iterator[str]: ...

    def count_tokens(self, text: str, /) -> int: ...


class Words(Protocol):
    """Cuts a run of Han characters and kana, folded, into words, each with its reading where it knows one.

    The words together are the run. `name` is what an `Analysis` calls the source of a word; `id` also names the
    dictionary's version: texts that another one cut are cut again. `languages` ("ja", "zh") are those it knows.
    """

    @property
    def name(self) -> WordSource: ...
    @property
    def id(self) -> str: ...
    @property
    def languages(self) -> frozenset[str]: ...

    def cut(self, run: str, /) -> list[tuple[str, str | None]]: ...


@runtime_checkable
class Reranker(Protocol):
    """Judges texts by reading each beside the question; asked of the few best, for it costs a model's run for each.

    `rerank` gives float32 `[n]`, finite, one relevance a text in the order given: higher is better, on any scale that
    is the same for all texts of the call. `id` names the model, for errors and traces. It may have a method `within` as
    a chat model has. Raises `Unavailable` when the model cannot be reached in time or does not judge every text.
    """

    @property
    def id(self) -> str: ...

    def rerank(self, query: str, texts: list[str], /) -> NDArray[np.float32]: ...


class RankingLike(Protocol):
    """A compiled ranking, as an index needs it: the leaves it reads and its coarse stage over `n` rows of columns."""

    @property
    def needs(self) -> frozenset[str]: ...

    def coarse(self, columns: Mapping[str, Any], n: int, /) -> NDArray[np.float64]: ...


class Index(Protocol):
    """Nominates candidates of one tenant; holds nothing that the truth does not.

    `nominate` answers from a state that includes every write acknowledged before `feed`'s snapshot was opened; what it
    reads of the truth it reads there, so that its answer and the caller's other reads belong to one moment. It gives at
    most `count` memories within `reach`, best first by the ranking's coarse stage. An index that holds approximations
    may miss one of the best, but the columns that it gives are exact. `scalars` are columns equal for all rows, `held`
    those that only the truth knows and that the ranking's coarse stage reads nevertheless.
    """

    def nominate(
        self,
        feed: Feed,
        tenant_id: int,
        question: Question,
        ranking: RankingLike,
        reach: Reach,
        *,
        now: float,
        seed: int,
        count: int,
        scalars: Mapping[str, float],
        held: Held | None = None,
    ) -> Candidates: ...

    def nearest(self, feed: Feed, tenant_id: int, memory_ids: Sequence[int], /) -> list[Mapping[int, float]]:
        """For each memory the `NEIGHBOURHOOD` most like it of the tenant's, by id, with their cosines, best first.

        From the same state as `nominate`. Cosines are exact and above 0; where vectors are approximations, one of the
        nearest may be missed. Empty for a memory without a vector, and for an unknown one. No reach is kept to: who
        asks compares memories that it may see.
        """
        ...

    def likeness(self, feed: Feed, these: Sequence[int], those: Sequence[int], /) -> float:
        """The greatest cosine between any of these memories and any of those in the snapshot; 0 without vectors."""

    def behind(self) -> Mapping[int, int]:
        """Of the tenants that it holds, those whose log goes on, and by how many changes."""
        ...

    def follow(self, tenant_id: int, /) -> None:
        """Bring a tenant in step that it holds, so that the next question finds it so; of another it does nothing."""
        ...

    def size(self, tenant_id: int, /) -> tuple[int, int]:
        """How many memories the tenant's index holds, and its bytes."""
        ...

    def held(self) -> tuple[int, int]:
        """How many tenants are held now, and the bytes of them all."""
        ...

    def differences(self, tenant_id: int, /) -> list[int]:
        """The ids of the memories that the index holds otherwise than the truth does now; empty when all is well.

        Compared are which memories there are, and of each its version, time, speaker, who it is private to, its
        weighted terms and its vector as the index keeps it. Reads the whole tenant: for a doctor, not for every day.
        """
        ...

    def drop(self) -> None:
        """Forget all that is derived; the next question rebuilds it from the truth."""
        ...


class Feed(Protocol):
    """The change log in commit order, and the rows it tells of. All reads of one snapshot belong to one moment.

    Rows are of memories that an index has to hold; vectors are those of the present embedder, others are as if absent.
    `since` gives one tenant's changes. `tenant` tells how many rows a tenant has at most and gives them in ascending
    order of ids, some at a time. `vectors` gives one row for each id, in the order asked, all zero where there is none.
    """

    def head(self) -> int: ...
    def since(self, seq: int, tenant_id: int, /) -> list[Change]: ...
    def rows(self, memory_ids: Sequence[int], /) -> Rows: ...
    def tenant(self, tenant_id: int, /) -> tuple[int, Iterator[Rows]]: ...
    def vectors(self, memory_ids: Sequence[int], dimension: int, /) -> NDArray[np.float32]: ...
    def unembedded(self, limit: int, after: int = 0, /) -> list[tuple[int, str, str]]: ...
    def unembedded_count(self) -> int: ...
    def tenant_counts(self) -> dict[int, int]: ...
    def latest_texts(self, limit: int, /) -> list[str]: ...


class Places(Protocol):
    """Finds what a call names; `ensure` also makes it, and only inside a write."""

    def find(self, place: Place, /) -> Scope | None: ...
    def ensure(self, place: Place, zone: str, now: float, /) -> Scope: ...
    def companions(self, scope: Scope, /) -> list[str]: ...
    def zone_of(self, scope: Scope, speaker: str, /) -> str: ...
    def tell_zone(self, scope: Scope, speaker: str, zone: str, /) -> None: ...
    def ensure_world(self, user_id: str, world: str, zone: str, now: float, /) -> Scope: ...


class Memories(Protocol):
    """Writes memories, logging each change in the same transaction. Raises `NotFound`, `Stale`, `InvalidInput`."""

    def remember(
        self,
        scope: Scope,
        session: str,
        turns: Sequence[Perceived],
        embedder_id: int,
        now: float,
        /,
        *,
        answers: str | None = None,
        replaces: str | None = None,
    ) -> Remembered: ...
    def add_gist(self, scope: Scope, session: str, gist: Gist, tip: Tip, embedder_id: int, now: float, /) -> int: ...
    def leave_window(self, tip: Tip, upto: int, characters: int, /) -> bool: ...
    def change(
        self,
        scope: Scope,
        uid: str,
        /,
        *,
        version: int | None,
        said: Perceived | None,
        metadata: Mapping[str, Any] | None,
        embedder_id: int,
        now: float,
        wrong: bool | None = None,
        private: bool | None = None,
    ) -> None: ...
    def set_perspective(self, scope: Scope, uid: str, /, **values: Any) -> None: ...
    def forget(self, scope: Scope, uid: str, /) -> None: ...
    def forget_all(self, user_id: str, world: str | None, /) -> None: ...
    def revector(self, rows: Iterable[tuple[int, NDArray[np.float32] | None]], embedder_id: int, /) -> None: ...


class Reading(Protocol):
    """Reads memories of a tenant as one companion holds them; what is not the tenant's does not exist."""

    def states(self, scope: Scope, memory_ids: Sequence[int], /) -> list[State]: ...
    def columns(
        self, scope: Scope, memory_ids: Sequence[int], texts: frozenset[str] = frozenset(), /
    ) -> Mapping[str, Sequence[Any]]: ...
    def by_uid(self, scope: Scope, uid: str, /) -> State | None: ...
    def page(self, scope: Scope, present: Sequence[str], limit: int, before: int | None, /) -> list[State]: ...
    def unraised(self, scope: Scope, /) -> list[int]: ...
    def personas(self, scope: Scope, limit: int, /) -> list[State]: ...
    def gists(self, scope: Scope, turn_id: int, limit: int, /) -> list[State]: ...
    def history(self, scope: Scope, uid: str, /) -> list[Version]: ...
    def window(self, scope: Scope, turn_id: int, /) -> list[Uttered]: ...
    def aside(self, turn_id: int, /) -> frozenset[int]: ...
    def memories_of(self, turn_ids: Iterable[int], /) -> list[int]: ...
    def turns_of(self, memory_ids: Sequence[int], /) -> frozenset[int]: ...
    def turn(self, scope: Scope, uid: str, /) -> Uttered | None: ...
    def variants(self, scope: Scope, uid: str, /) -> list[Turn]: ...
    def held(self, scope: Scope, names: frozenset[str], now: float, /) -> Held: ...
    def allowed(self, scope: Scope, filters: Filters, /) -> Allowed | None: ...
    def present_ids(self, scope: Scope, present: Sequence[str], /) -> list[int]: ...


class Knowing(Protocol):
    """Facts and rules as told; ending a fact keeps it. `present` names who may hear what was told in private."""

    def facts(self, scope: Scope, present: tuple[str, ...], aside: frozenset[int] = ..., /) -> list[FactRow]: ...
    def rules(self, scope: Scope, present: tuple[str, ...], /) -> list[RuleRow]: ...
    def tell(self, scope: Scope, fact: Fact, now: float, /) -> None: ...
    def tell_rule(self, scope: Scope, text: str, now: float, /) -> None: ...
    def end(
        self, scope: Scope, fact_id: int, valid_to: float, note: str, because: int | None, turn_uid: str, /
    ) -> None: ...


class Life(Protocol):
    """A companion's recalls, impulses of feeling, lessons, and the outcomes of its keyed requests."""

    def reinforce(
        self, scope: Scope, recalled: Sequence[Reinforcement], now: float, /, *, turn_uid: str | None, key: str | None
    ) -> None: ...
    def impulses(self, scope: Scope, since: float, /) -> list[tuple[float, float, float, float]]: ...
    def feelings_about(self, scope: Scope, /) -> list[tuple[str, float, float, float, float]]: ...
    def learn(
        self, scope: Scope, question: str, answer: str, reason: str, /, *, turn_uid: str | None, now: float
    ) -> None: ...
    def outcome(self, scope: Scope, operation: str, key: str, /) -> dict[str, Any] | None: ...
    def conclude(self, scope: Scope, operation: str, key: str, body: dict[str, Any], now: float, /) -> None: ...


class Dictionaries(Protocol):
    """The dictionary of each tenant, and the memories whose terms are to be counted again after a change of it or of
    the segmentation; `change` and `overtake` belong in one transaction."""

    def version(self, tenant_id: int, /) -> int: ...
    def entries(self, tenant_id: int, /) -> list[tuple[str, str | None]]: ...
    def change(self, tenant_id: int, gone: Sequence[str], put: tuple[str, str | None] | None, /) -> int: ...
    def texts(self, tenant_id: int, memory_ids: Sequence[int] | None = None, /) -> Iterator[tuple[int, str]]: ...
    def overtake(self, memory_ids: Sequence[int], /) -> None: ...
    def stale(self, segmentation: str, limit: int, after: int = 0, /) -> list[Overtaken]: ...
    def stale_count(self, segmentation: str, /) -> int: ...
    def recount(self, counted: Sequence[tuple[Overtaken, Counted]], /) -> None: ...


class Judge(Protocol):
    """Says of one world of a file, row by row, whether it can be taken in; raises `InvalidInput` where it cannot."""

    def take(self, row: dict[str, Any], /) -> None: ...
    def contents(self) -> Contents: ...


class Restoring(Protocol):
    """One world on its way in. `prepare` makes rows ready outside of any transaction; `follow` hears of their ids."""

    def prepare(self, rows: Iterable[dict[str, Any]], count: Callable[[str], Counted], /) -> Any: ...
    def follow(self, fresh: dict[str, list[int]], /) -> None: ...
    @property
    def ids(self) -> Mapping[str, Sequence[int]]: ...


class Portable(Protocol):
    """A tenant's rows out of the truth, and back into it: into one that no call can name, until all of them are there.

    `take_in` and `appear` give None and False where the world arrives no more, or another process goes on with it.
    """

    def moment(self) -> str: ...
    def worlds(self, user_id: str, world: str | None, /) -> Sequence[Any]: ...
    def rows(self, world: Any, skip: int = 0, /) -> Iterator[dict[str, Any]]: ...
    def judge(self, agent_id: str | None, /) -> Judge: ...
    def refuse_unless_empty(self, user_id: str, world: str, /) -> None: ...
    def arrivals(self, user_id: str | None = None, /) -> list[Arrival]: ...
    def begin(
        self, user_id: str, world: str, zone: str, digest: str, lines: int, agents: Sequence[str], now: float, /
    ) -> Arrival: ...
    def restoring(self, arrival: Arrival, agents: Sequence[str], /) -> Restoring: ...
    def take_in(self, state: Any, arrival: Arrival, batch: Any, /) -> dict[str, list[int]] | None: ...
    def settle(self, session_ids: Sequence[int], /) -> None: ...
    def appear(self, arrivals: Sequence[Arrival], /) -> bool: ...
    def remove(self, tenant_id: int, /) -> bool: ...


class Mending(Protocol):
    """What damage leaves in the rows: found in any snapshot, set right inside a write."""

    def damage(self) -> list[str]: ...
    def orphans(self) -> dict[str, int]: ...
    def part_orphans(self) -> int: ...
    def rebuild_indexes(self) -> None: ...
    def uncounted(self, limit: int, /) -> list[tuple[int, int, str]]: ...
    def count_again(self, counted: Sequence[tuple[int, Counted]], /) -> None: ...
    def counters_behind(self) -> dict[str, int]: ...
    def advance_counters(self) -> list[str]: ...


class Requests(Protocol):
    """Requests under an `owner`'s key, so that each takes effect once however often it is sent.

    `claim` says whose turn it is: `True`, this holder's, until `until` (a new request, or one whose holder's lease ran
    out); `False`, another's, who is at it; or what it came to. Another request under the same key (its `digest` tells)
    is `InvalidInput` on the field `Idempotency-Key`. `claim` is a transaction of its own, committed before the work
    begins; `close` belongs into the one that holds the effect, and raises `Taken` where the lease was lost meanwhile,
    so that the effect is undone. `release` gives a claim back that had no effect. `renew` holds on to all of a
    holder's, and of those whose names have a dot and a number after it.

    What it came to is kept in bounds, of one answer and of an owner's together, the newest; and only while every memory
    that it is `telling` of is there. The row stays, and says why it is `gone`.
    """

    def claim(
        self, owner: str, key: str, digest: str, /, *, holder: str, now: float, until: float
    ) -> bool | Answered: ...
    def close(self, owner: str, key: str, answer: Answered, telling: Telling = ..., /, *, holder: str) -> None: ...
    def release(self, owner: str, key: str, /, *, holder: str) -> None: ...
    def renew(self, holder: str, until: float, /) -> None: ...
    def forget(self, owner: str, /) -> None:
        """Drop all that the owner was answered; a retry is told so. What tells of a memory goes with the memory."""
        ...

    def sweep(self, before: float, limit: int, /) -> int:
        """Forget at most `limit` requests made before then; returns how many were forgotten."""
        ...


class Accounts(Protocol):
    """Who may ask, and what was done in another's name. Each call is part of its transaction: all of it or nothing.

    Names are exact. A user or key that is not there is None; one that is closed, revoked or expired is still given,
    except by `opened_by`, which gives a key only while it opens its owner's account at `now`. `open_users` are those of
    the names that have an account which is not closed. A password is here only as its hash (`password`; None: there is
    none, or no such user, or it is closed), a key's text only as its digest. What may be done is judged by the caller,
    in the same transaction; a name, uid or digest given twice fails it. Changing who is not there changes nothing.
    """

    def user(self, name: str, /) -> User | None: ...
    def users(self) -> list[User]: ...
    def open_users(self, names: Iterable[str], /) -> frozenset[str]: ...
    def add_user(self, name: str, password: str | None, now: float, /) -> None: ...
    def password(self, name: str, /) -> str | None: ...
    def set_password(self, name: str, password: str | None, /) -> None: ...
    def renew_password(self, name: str, old: str, new: str, /) -> None:
        """Keep the same password under a new hash, unless another one was set meanwhile."""
        ...

    def close_user(self, name: str, now: float, /) -> None: ...
    def key(self, uid: str, /) -> Key | None: ...
    def keys(self, owner: str | None = None, /) -> list[Key]: ...
    def opened_by(self, now: float, /, *, digest: str | None = None, uid: str | None = None) -> Key | None: ...
    def add_key(self, key: Key, digest: str, /) -> None: ...
    def revoke_key(self, uid: str, now: float, /) -> None: ...
    def audit(self, audit: Audit, /) -> int:
        """Keep it; returns the number by which its end is told."""
        ...

    def ended(self, audit: int, status: int, /) -> None: ...
    def audits(self, user_id: str | None, limit: int, /) -> list[Audit]:
        """The newest of one account, or of all, newest first."""
        ...


class Jobs(Protocol):
    """Work that nobody waits for, in the states of `domain/jobs`; held by a lease while it runs.

    `put` gives the job that stands in the end: of one kind, account and key at most one is unfinished, and one that is
    stopping goes on. Of the kinds that `kinds` names, one with a key is taken by that key alone. `due` gives what could
    be claimed, the first of each account; `lapsed` what is held by somebody whose lease ran out. A time further ahead
    than a clock can be right about binds nobody. `claim` gives None where somebody was quicker.

    `renew` keeps a lease and how far the job got, and tells whether to go on; `hand_back` ends it, and makes the job's
    row what `job` tells of it, in the state that the move leads to. Both raise `Taken` where `job.holder` lost it.
    """

    def put(self, job: Job, /) -> Job: ...
    def due(self, kinds: Mapping[str, str | None], now: float, /) -> list[Job]: ...
    def lapsed(self, kinds: Iterable[str], now: float, /) -> list[Job]: ...
    def claim(self, uid: str, /, *, holder: str, now: float, until: float) -> Job | None: ...
    def renew(self, job: Job, /, *, now: float, until: float) -> bool: ...
    def hand_back(self, job: Job, move: Literal["again", "finish", "fail"], now: float, /) -> Job: ...
    def cancel(self, uid: str, now: float, user_id: str | None = None, /) -> Job: ...
    def get(self, uid: str, user_id: str | None = None, /) -> Job:
        """The job; `NotFound` where it is another's than this account's. None: whoever's it is."""
        ...

    def page(self, limit: int, user_id: str | None = None, before: tuple[float, str] | None = None, /) -> list[Job]:
        """The latest jobs of the account (None: of all) put before that time and uid, latest first."""
        ...

    def latest(self, kind: str, key: str, /) -> Job | None:
        """The job of the file's own that was put last."""
        ...

    def waiting(self) -> dict[str, int]:
        """How many wait, by kind."""
        ...

    def sweep(self, before: float, now: float, limit: int, /) -> int:
        """Forget at most `limit` jobs that were over by then, and cancel what nobody came for since; how many."""
        ...


class Ledger(Protocol):
    """One transaction on the truth, by subject."""

    @property
    def embedder_id(self) -> int: ...
    @property
    def places(self) -> Places: ...
    @property
    def memories(self) -> Memories: ...
    @property
    def reading(self) -> Reading: ...
    @property
    def knowledge(self) -> Knowing: ...
    @property
    def life(self) -> Life: ...
    @property
    def feed(self) -> Feed: ...
    @property
    def mending(self) -> Mending: ...
    @property
    def dictionaries(self) -> Dictionaries: ...
    @property
    def portable(self) -> Portable: ...
    @property
    def requests(self) -> Requests: ...
    @property
    def accounts(self) -> Accounts: ...
    @property
    def jobs(self) -> Jobs: ...


class Truth(Protocol):
    """The one source of truth. `read` is a snapshot; `write` runs a unit whole or not at all, and returns once it is
    durable. Both raise `Unavailable` when the database fails. `check` says what is wrong with the file; `backup` copies
    it as it is now, while anybody writes, and returns the bytes; `keep` copies it to its own side before it is mended;
    `leftovers` are such copies, and halves of copies, that lie there."""

    def read(self) -> AbstractContextManager[Ledger]: ...
    def write(self, unit: Callable[[Ledger], T], /) -> T: ...
    def adopt_embedder(self, embedder: Embedder, /) -> int: ...
    def check(self) -> list[str]: ...
    def backup(self, path: Path, /, *, overwrite: bool, progress: Progress) -> int: ...
    def keep(self) -> Path: ...
    def leftovers(self) -> list[Path]: ...
    def close(self) -> None: ...
