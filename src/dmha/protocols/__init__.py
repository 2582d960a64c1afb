"""What the mind asks of the parts that can be swapped: one small typed protocol each.

Only protocols live in this package, and what a caller brings with it. Each docstring says shapes, units, what a missing
value means and which errors to raise; tests hold one contract suite per protocol, run over every implementation. Here
every name is told again: `from dmha.protocols import Index`.
"""

from dmha.protocols.calls import Clock, Progress, Still, always, no_progress
from dmha.protocols.index import NEIGHBOURHOOD, Feed, Index, RankingLike
from dmha.protocols.life import Knowing, Life
from dmha.protocols.memories import Memories, Places, Reading
from dmha.protocols.models import ChatModel, Embedder, Reranker, Words
from dmha.protocols.portable import Judge, Portable, Restoring
from dmha.protocols.service import Accounts, Jobs, Requests
from dmha.protocols.truth import Also, Ledger, Truth, nothing_else
from dmha.protocols.upkeep import Dictionaries, Mending

__all__ = [
    "NEIGHBOURHOOD",
    "Accounts",
    "Also",
    "ChatModel",
    "Clock",
    "Dictionaries",
    "Embedder",
    "Feed",
    "Index",
    "Jobs",
    "Judge",
    "Knowing",
    "Ledger",
    "Life",
    "Memories",
    "Mending",
    "Places",
    "Portable",
    "Progress",
    "RankingLike",
    "Reading",
    "Requests",
    "Reranker",
    "Restoring",
    "Still",
    "Truth",
    "Words",
    "always",
    "no_progress",
    "nothing_else",
]
