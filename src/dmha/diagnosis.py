"""What `dmha doctor` looks at: the file, the index against the truth, the embedder and the scripts it does not read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from dmha.domain.characters import served
from dmha.protocols import Index, Ledger, Truth

T = TypeVar("T")

# Enough texts to tell a Japanese life from an English one with a Japanese name in it.
_SAMPLE = 1_000
# One text in twenty that the embedder cannot read is worth a word; fewer are greetings and names.
_WORTH_SAYING = 0.05

MULTILINGUAL = (
    "Set DMHA_EMBEDDER to a multilingual one, such as http://host/v1#bge-m3 "
    "or sentence-transformers:intfloat/multilingual-e5-small."
)


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """One thing looked at: whether it is well, what was seen, and what to do where it is not."""

    subject: str
    ok: bool
    says: str
    fix: str = ""


def examine(truth: Truth, index: Index, scripts: frozenset[str] | None, embedder_id: str) -> list[Diagnosis]:
    """Everything looked at, in the order in which to mend it."""
    return [
        _file(truth),
        _vectors(truth, embedder_id),
        _index(truth, index),
        _scripts(truth, scripts, embedder_id),
    ]


def _file(truth: Truth) -> Diagnosis:
    wrong = truth.check()
    if not wrong:
        return Diagnosis("database", True, "the file is whole, and no row is an orphan")
    return Diagnosis(
        "database", False, "; ".join(wrong[:5]), "Restore a backup, or export what can be read and import it."
    )


def _vectors(truth: Truth, embedder_id: str) -> Diagnosis:
    waiting = _read(truth, lambda ledger: ledger.feed.unembedded_count())
    if not waiting:
        return Diagnosis("vectors", True, f"all are of {embedder_id}")
    return Diagnosis("vectors", False, f"{waiting} memories have none of {embedder_id}", "Run: dmha doctor --fix")


def _index(truth: Truth, index: Index) -> Diagnosis:
    held = _read(truth, lambda ledger: ledger.feed.tenant_counts())
    wrong = [tenant_id for tenant_id, count in held.items() if index.size(tenant_id)[0] != count]
    if not wrong:
        return Diagnosis("index", True, f"{sum(held.values())} memories in {len(held)} worlds, as in the truth")
    return Diagnosis("index", False, f"{len(wrong)} worlds differ from the truth", "Run: dmha doctor --fix")


def _scripts(truth: Truth, scripts: frozenset[str] | None, embedder_id: str) -> Diagnosis:
    texts = _read(truth, lambda ledger: ledger.feed.latest_texts(_SAMPLE))
    unread = sum(not served(text, scripts) for text in texts)
    if unread <= _WORTH_SAYING * len(texts):
        return Diagnosis("scripts", True, f"{embedder_id} reads the memories' scripts")
    said = (
        f"{embedder_id} does not read the script of {unread} of the latest {len(texts)} memories: words alone find them"
    )
    return Diagnosis("scripts", False, said, MULTILINGUAL)


def _read(truth: Truth, look: Callable[[Ledger], T]) -> T:
    with truth.read() as ledger:
        return look(ledger)
