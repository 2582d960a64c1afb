"""The tables of the truth, and nothing else.

Times are seconds since the epoch in UTC (double precision, exact to a microsecond). Ids are integers inside the file
and opaque strings (`uid`) outside it. What is swept often is narrow: texts, vectors and counted terms have tables of
their own or stand at a row's end, so that a sweep over perspectives never reads a blob. Every change to these files is
a new revision under migrations/versions; a test holds the two together. Here every table is told again: `schema.turns`.
"""

from dmha.stores.schema.feed import changes, embedders, terms, vectors, words
from dmha.stores.schema.frame import REVISION, counters, metadata
from dmha.stores.schema.known import endings, facts, lessons, outcomes, reply_memories, rules
from dmha.stores.schema.places import arrivals, companions, speaker_names, speakers, tenants
from dmha.stores.schema.remembered import impulses, memories, memory_sources, memory_versions, perspectives, recalls
from dmha.stores.schema.said import branches, sessions, turns, variants
from dmha.stores.schema.service import audits, jobs, keys, request_memories, requests, users

__all__ = [
    "REVISION",
    "arrivals",
    "audits",
    "branches",
    "changes",
    "companions",
    "counters",
    "embedders",
    "endings",
    "facts",
    "impulses",
    "jobs",
    "keys",
    "lessons",
    "memories",
    "memory_sources",
    "memory_versions",
    "metadata",
    "outcomes",
    "perspectives",
    "recalls",
    "reply_memories",
    "request_memories",
    "requests",
    "rules",
    "sessions",
    "speaker_names",
    "speakers",
    "tenants",
    "terms",
    "turns",
    "users",
    "variants",
    "vectors",
    "words",
]
