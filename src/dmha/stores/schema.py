"""The tables of the truth, and nothing else.

Times are seconds since the epoch in UTC (double precision, exact to a microsecond). Ids are integers inside the file
and opaque strings (`uid`) outside it. What is swept often is narrow: texts, vectors and counted terms have tables of
their own or stand at a row's end, so that a sweep over perspectives never reads a blob. Every change to this file is a
new revision under migrations/versions; a test holds the two together.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Double,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
    true,
)

REVISION = "0005"

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _id() -> Column[int]:
    return Column("id", Integer, primary_key=True, autoincrement=False)


def _to(table: str, name: str, *, nullable: bool = False, primary_key: bool = False) -> Column[int]:
    return Column(name, Integer, ForeignKey(f"{table}.id"), nullable=nullable, primary_key=primary_key)


# The next free integer id of each table: ids are handed out in the write's own transaction and never used again. The
# row "moment" is none of them: a number drawn anew by each commit that changes anything (see stores/moment).
counters = Table(
    "counters", metadata, Column("name", String(40), primary_key=True), Column("next", Integer, nullable=False)
)

embedders = Table(
    "embedders",
    metadata,
    _id(),
    Column("name", Text, nullable=False, unique=True),
    Column("dimension", Integer, nullable=False),
)

# -- who and where ---------------------------------------------------------------------------------------------------

# A tenant is an account's world. A companion's own world is called "agent:<agent_id>", a shared one "world:<name>".
tenants = Table(
    "tenants",
    metadata,
    _id(),
    Column("user_id", Text, nullable=False),
    Column("world", Text, nullable=False),
    Column("zone", String(64), nullable=False),
    Column("created_at", Double, nullable=False),
    UniqueConstraint("user_id", "world"),
)

# Worlds on their way in out of an exported file: the tenant that holds what has come (no call can name it), the world
# that it will be, the digest of the file, and how many of the `lines` of this world stand in it.
arrivals = Table(
    "arrivals",
    metadata,
    _to("tenants", "tenant_id", primary_key=True),
    Column("world", Text, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("line", Integer, nullable=False),
    Column("lines", Integer, nullable=False),
    Column("begun_at", Double, nullable=False),
)

companions = Table(
    "companions",
    metadata,
    _id(),
    Column("user_id", Text, nullable=False),
    Column("agent_id", Text, nullable=False),
    UniqueConstraint("user_id", "agent_id"),
)

# `zone` empty: the tenant's. `trust` is how far the speaker is believed about others.
speakers = Table(
    "speakers",
    metadata,
    _id(),
    _to("tenants", "tenant_id"),
    Column("name", Text, nullable=False),
    Column("zone", String(64), nullable=False, default=""),
    Column("trust", Double, nullable=False, default=1.0),
    UniqueConstraint("tenant_id", "name"),
)

# Further names of one speaker; `speakers.name` is the first.
speaker_names = Table(
    "speaker_names",
    metadata,
    _to("speakers", "speaker_id", primary_key=True),
    Column("name", Text, primary_key=True),
)

# -- what was said, as a tree ----------------------------------------------------------------------------------------

sessions = Table(
    "sessions",
    metadata,
    _id(),
    _to("tenants", "tenant_id"),
    Column("name", Text, nullable=False),
    UniqueConstraint("tenant_id", "name"),
)

# A branch is an unforked run of turns of one session, ids ascending. It left its `parent_id` after the turn `fork_id`
# (no foreign key: turns refer to branches); the branches of one tree share the `root_id`.
branches = Table(
    "branches",
    metadata,
    _id(),
    _to("sessions", "session_id"),
    Column("root_id", Integer, nullable=False, index=True),
    _to("branches", "parent_id", nullable=True),
    Column("fork_id", Integer, nullable=True),
    Index(None, "session_id"),
    Index(None, "parent_id"),
)

# The tree of the turns that count; a turn's words are its memory's text, kept once. The last `window_turns` turns of
# the path to a turn are the working memory at that turn, of `window_characters` in all: told by each turn of itself, so
# a fork or a turn taken back needs nothing put right. `in_window` is the same, looked up from the memory's side.
turns = Table(
    "turns",
    metadata,
    _id(),
    _to("tenants", "tenant_id"),
    Column("uid", Text, nullable=False),
    _to("sessions", "session_id"),
    _to("branches", "branch_id"),
    _to("turns", "parent_id", nullable=True),
    Column("window_turns", Integer, nullable=False),
    Column("window_characters", Integer, nullable=False),
    Column("in_window", Boolean, nullable=False),
    Column("recorded_at", Double, nullable=False),
    UniqueConstraint("tenant_id", "uid"),
    Index(None, "session_id"),
    Index(None, "parent_id"),
)

# What was said and then said otherwise: the words alone, which nothing recalls. `instead` is the uid of the turn that
# took the place of this one, or (`followed`) of one that this one followed. Words that were deleted are empty: the id
# stays used.
variants = Table(
    "variants",
    metadata,
    _to("tenants", "tenant_id", primary_key=True),
    Column("uid", Text, primary_key=True),
    Column("instead", Text, nullable=False),
    Column("followed", Boolean, nullable=False),
    Column("number", Integer, nullable=False),
    Column("speaker", Text, nullable=False),
    Column("source", String(16), nullable=False),
    Column("private", Boolean, nullable=False),
    Column("at", Double, nullable=False),
    Column("text", Text, nullable=False),
    Index(None, "tenant_id", "instead"),
)

# -- memories, and how each companion holds them ---------------------------------------------------

# `at` is when it happened (valid time), `recorded_at` when it was learned. `recallable` is false for words that merely
# repeat what was recalled: they are kept, but never brought back as new. `wrong` is what somebody said is not so: it is
# kept, and brought back no more. `private_to` is the speaker who has to be present for it to come back; null for what
# was said openly. `turn_id` is the turn whose words these are, or (`source` is `dream`) the turn after which the memory
# was made of others.
memories = Table(
    "memories",
    metadata,
    _id(),
    _to("tenants", "tenant_id"),
    Column("uid", Text, nullable=False),
    _to("turns", "turn_id", nullable=True),
    _to("sessions", "session_id"),
    _to("speakers", "speaker_id"),
    Column("kind", String(16), nullable=False),
    Column("source", String(16), nullable=False),
    Column("trust", Double, nullable=False),
    _to("speakers", "private_to", nullable=True),
    Column("recallable", Boolean, nullable=False),
    Column("wrong", Boolean, nullable=False, server_default=false()),
    Column("version", Integer, nullable=False),
    Column("at", Double, nullable=False),
    Column("recorded_at", Double, nullable=False),
    Column("score0", Double, nullable=False),
    Column("metadata", JSON, nullable=False),
    Column("text", Text, nullable=False),
    UniqueConstraint("tenant_id", "uid"),
    Index(None, "turn_id"),
    Index(None, "tenant_id", "kind", "at"),
    Index(None, "tenant_id", "private_to", "id"),  # pages: what was told openly, and to each one who is there
)
_SUMMARIES = memories.c.kind == "summary"
Index(None, memories.c.session_id, memories.c.at, sqlite_where=_SUMMARIES, postgresql_where=_SUMMARIES)

# What a memory was before: its words, and what of its marks is no companion's own.
memory_versions = Table(
    "memory_versions",
    metadata,
    _to("memories", "memory_id", primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("recorded_at", Double, nullable=False),
    Column("wrong", Boolean, nullable=False, server_default=false()),
    Column("private", Boolean, nullable=False, server_default=false()),
    Column("metadata", JSON, nullable=False),
    Column("text", Text, nullable=False),
)

# What a summary, insight or wish was made of; it is out of sight while one of these is wrong or private.
memory_sources = Table(
    "memory_sources",
    metadata,
    _to("memories", "memory_id", primary_key=True),
    _to("memories", "source_id", primary_key=True),
    Index(None, "source_id"),
)

# `born` is false for one that began when its companion recalled or pinned what another had lived through. `raised` is
# false for what this companion is never to bring up: it is found by who searches for it, and said by nobody.
perspectives = Table(
    "perspectives",
    metadata,
    _to("companions", "companion_id", primary_key=True),
    _to("memories", "memory_id", primary_key=True),
    Column("half_life", Double, nullable=False),
    Column("recall_count", Integer, nullable=False),
    Column("last_recalled_at", Double, nullable=False),
    Column("tier", String(12), nullable=False),
    Column("importance", Double, nullable=False),
    Column("joy", Double, nullable=False),
    Column("aversion", Double, nullable=False),
    Column("trauma", Double, nullable=False),
    Column("pinned", Boolean, nullable=False),
    Column("raised", Boolean, nullable=False, server_default=true()),
    Column("born", Boolean, nullable=False),
    Index(None, "memory_id"),
)
_UNRAISED = perspectives.c.raised.is_(False)
Index(None, perspectives.c.companion_id, perspectives.c.raised, sqlite_where=_UNRAISED, postgresql_where=_UNRAISED)

# Every act of recall, so that a perspective can be told again without the ones that a rejected variant caused: by which
# turn's reply, or under which key of a caller's, and how the memory felt then.
recalls = Table(
    "recalls",
    metadata,
    _id(),
    _to("companions", "companion_id"),
    _to("memories", "memory_id"),
    _to("turns", "turn_id", nullable=True),
    Column("key", Text, nullable=True),
    Column("at", Double, nullable=False),
    Column("joy", Double, nullable=False),
    Column("aversion", Double, nullable=False),
    Index(None, "memory_id"),
    Index(None, "turn_id"),
)

# The mood is the decayed sum of these; taking one away leaves the mood as if it had never been.
impulses = Table(
    "impulses",
    metadata,
    _id(),
    _to("companions", "companion_id"),
    _to("turns", "turn_id"),
    Column("at", Double, nullable=False),
    Column("joy", Double, nullable=False),
    Column("aversion", Double, nullable=False),
    Column("trauma", Double, nullable=False),
    Index(None, "companion_id", "at"),
    Index(None, "turn_id"),
)

vectors = Table(
    "vectors",
    metadata,
    _to("memories", "memory_id", primary_key=True),
    _to("embedders", "embedder_id"),
    Column("data", LargeBinary, nullable=False),
    Index(None, "embedder_id"),
)

# Counted terms as packed integers (see domain/terms.py). `segmentation` is what counted them: the rules' number and the
# cutters of words beside them (see domain/segmentation.py); empty where a dictionary has changed since.
terms = Table(
    "terms",
    metadata,
    _to("memories", "memory_id", primary_key=True),
    Column("language", String(8), nullable=False),
    Column("length", Integer, nullable=False),
    Column("data", LargeBinary, nullable=False),
    Column("segmentation", Text, nullable=False, server_default="1"),
    Index(None, "segmentation"),
)

# A tenant's dictionary: surfaces as they were given, and how they are read. Each change has the next version; the row
# without a surface stands for the last removal, so that the version grows with that, too.
words = Table(
    "words",
    metadata,
    _to("tenants", "tenant_id", primary_key=True),
    Column("surface", Text, primary_key=True),
    Column("reading", Text, nullable=True),
    Column("version", Integer, nullable=False),
    UniqueConstraint("tenant_id", "version"),
)

# -- knowledge, lessons, outcomes ------------------------------------------------------------------

# `valid_to` is what the telling itself said; `retracted_at` takes the telling back.
facts = Table(
    "facts",
    metadata,
    _id(),
    _to("tenants", "tenant_id"),
    _to("turns", "turn_id", nullable=True),
    Column("entity", Text, nullable=False),
    Column("attribute", Text, nullable=False),
    Column("value", Text, nullable=False),
    Column("negated", Boolean, nullable=False),
    Column("confidence", Double, nullable=False),
    Column("scope", Text, nullable=False),
    Column("valid_from", Double, nullable=True),
    Column("valid_to", Double, nullable=True),
    Column("recorded_at", Double, nullable=False),
    Column("retracted_at", Double, nullable=True),
    _to("speakers", "private_to", nullable=True),
    Index(None, "tenant_id", "entity", "attribute"),
    Index(None, "turn_id"),
)

# Nothing is deleted when facts conflict: the reply to a turn ends a fact's truth, and `note` says why; `because_id` is
# the told fact that stands against it, null where a rule's conclusion does. A fact holds until its earliest ending.
endings = Table(
    "endings",
    metadata,
    _to("facts", "fact_id", primary_key=True),
    _to("turns", "turn_id", primary_key=True),
    _to("facts", "because_id", nullable=True),
    Column("valid_to", Double, nullable=False),
    Column("note", Text, nullable=False),
    Index(None, "turn_id"),
    Index(None, "because_id"),
)

rules = Table(
    "rules",
    metadata,
    _id(),
    _to("tenants", "tenant_id"),
    _to("turns", "turn_id", nullable=True),
    Column("text", Text, nullable=False),
    Column("recorded_at", Double, nullable=False),
    Column("retracted_at", Double, nullable=True),
    _to("speakers", "private_to", nullable=True),
    Index(None, "tenant_id"),
    Index(None, "turn_id"),
)

lessons = Table(
    "lessons",
    metadata,
    _id(),
    _to("tenants", "tenant_id"),
    _to("companions", "companion_id"),
    _to("turns", "turn_id", nullable=True),
    Column("question", Text, nullable=False),
    Column("answer", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("status", String(16), nullable=False),
    Column("at", Double, nullable=False),
    Index(None, "tenant_id"),
    Index(None, "companion_id"),
    Index(None, "turn_id"),
)

# What a keyed request came to, so that a retry answers the same and does nothing. Keys are a tenant's own, as the uids
# of its turns are: one companion may live through a turn "t1" in each of its worlds.
outcomes = Table(
    "outcomes",
    metadata,
    _to("tenants", "tenant_id", primary_key=True),
    _to("companions", "companion_id", primary_key=True),
    Column("operation", String(16), primary_key=True),
    Column("key", Text, primary_key=True),
    Column("at", Double, nullable=False),
    Column("body", JSON, nullable=False),
)

# -- who may, what is asked over a network, and the work behind it ----------------------------------------------------

# `name` is the `user_id` of all that is theirs; the rows of tenants know of none of these. `password` is an Argon2id
# hash; null: only keys open the account. A closed one opens nothing and keeps its memories.
users = Table(
    "users",
    metadata,
    _id(),
    Column("name", Text, nullable=False, unique=True),
    Column("password", Text, nullable=True),
    Column("created_at", Double, nullable=False),
    Column("closed_at", Double, nullable=True),
)

# Of a key only the SHA-256 is kept: it is 32 random bytes, which no dictionary holds. `agents` are the companions it
# is for, null for all; `acts_for` are the accounts besides its user's in whose name it may ask.
keys = Table(
    "keys",
    metadata,
    _id(),
    Column("uid", String(16), nullable=False, unique=True),
    _to("users", "owner_id"),
    Column("label", Text, nullable=False),
    Column("digest", String(64), nullable=False, unique=True),
    Column("rights", JSON, nullable=False),
    Column("agents", JSON, nullable=True),
    Column("worlds", JSON, nullable=False, server_default="[]"),
    Column("acts_for", JSON, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("expires_at", Double, nullable=True),
    Column("revoked_at", Double, nullable=True),
    Index(None, "owner_id"),
)

# What was done in another's name, and what changed who may. No foreign keys: it outlives all that it tells of.
audits = Table(
    "audits",
    metadata,
    _id(),
    Column("at", Double, nullable=False),
    Column("actor", Text, nullable=False),
    Column("user_id", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("trace", String(32), nullable=False),
    Column("status", Integer, nullable=True),
    Index(None, "user_id", "at"),
)

# Requests under a caller's Idempotency-Key: the row is committed before the work begins, and closed in the transaction
# that holds its effect. `status` null: under way, by `holder`, until `leased_until` unless the holder asks for longer.
# `body` is what was answered, packed; once it is kept no more, `gone` says why. `ends` is where it ends in the stream
# of all that its owner was answered, in bytes: how far behind the newest it is tells when its room is taken.
requests = Table(
    "requests",
    metadata,
    Column("owner", Text, primary_key=True),
    Column("key", String(255), primary_key=True),
    Column("digest", String(64), nullable=False),
    Column("holder", String(64), nullable=False),
    Column("leased_until", Double, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("status", Integer, nullable=True),
    Column("gone", String(8), nullable=True),
    Column("ends", BigInteger, nullable=False, server_default="0"),
    Column("body", LargeBinary, nullable=True),
    Index(None, "created_at"),
    Index(None, "holder"),
)
_KEPT = requests.c.body.is_not(None)
Index(None, requests.c.owner, requests.c.ends, sqlite_where=_KEPT, postgresql_where=_KEPT)

# Which memories a kept answer tells of, so that it goes when one of them does.
request_memories = Table(
    "request_memories",
    metadata,
    _to("memories", "memory_id", primary_key=True),
    Column("owner", Text, primary_key=True),
    Column("key", String(255), primary_key=True),
    ForeignKeyConstraint(["owner", "key"], ["requests.owner", "requests.key"]),
    Index(None, "owner", "key"),
)

# Work that nobody waits for. `user_id` is whose it is, "" for the file's own; of one kind, account and `key` at most
# one is not over (see domain/jobs for the states). `body` is what the kind of work is given, `result` what it came to.
jobs = Table(
    "jobs",
    metadata,
    _id(),
    Column("uid", String(32), nullable=False, unique=True),
    Column("kind", String(32), nullable=False),
    Column("key", Text, nullable=False),
    Column("user_id", Text, nullable=False),
    Column("state", String(12), nullable=False),
    Column("priority", Integer, nullable=False),
    Column("due_at", Double, nullable=False),
    Column("holder", String(64), nullable=True),
    Column("leased_until", Double, nullable=True),
    Column("attempts", Integer, nullable=False),
    Column("reason", Text, nullable=False, default=""),
    Column("done", Integer, nullable=False, default=0),
    Column("total", Integer, nullable=False, default=0),
    Column("body", JSON, nullable=False),
    Column("result", JSON, nullable=True),
    Column("created_at", Double, nullable=False),
    Column("changed_at", Double, nullable=False),
    Index(None, "state", "due_at"),
    Index(None, "kind", "key", "user_id"),
    Index(None, "user_id", "created_at"),
)
# Whose turn it is is found along the first, from account to account.
Index(
    "ix_jobs_turn", jobs.c.state, jobs.c.user_id, jobs.c.priority.desc(), jobs.c.due_at, jobs.c.created_at, jobs.c.uid
)
_NOT_OVER = jobs.c.state.in_(["waiting", "running", "stopping"])
Index(
    "ix_jobs_not_over", jobs.c.kind, jobs.c.key, jobs.c.user_id,
    unique=True, sqlite_where=_NOT_OVER, postgresql_where=_NOT_OVER,
)  # fmt: skip

# -- the change log: the feed of every index, in commit order --------------------------------------

# No foreign keys: a delete's row outlives its memory as the tombstone.
changes = Table(
    "changes",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=True),
    Column("tenant_id", Integer, nullable=False),
    Column("memory_id", Integer, nullable=False),
    Column("version", Integer, nullable=False),
    Column("deleted", Boolean, nullable=False),
    Index(None, "tenant_id", "seq"),
    sqlite_autoincrement=True,
)
