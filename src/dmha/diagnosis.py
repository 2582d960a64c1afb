"""What `dmha doctor` looks at, and what it can set right: the file, its rows, the vectors, the index, the scripts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from dmha.domain.characters import served
from dmha.domain.segmentation import Segmentation
from dmha.errors import Unavailable
from dmha.faculties.perception import count
from dmha.protocols import Index, Ledger, Progress, Truth
from dmha.records import Counted
from dmha.upkeep import recount
from dmha.word_book import Segmentations

T = TypeVar("T")

# Enough texts to tell a Japanese life from an English one with a Japanese name in it.
_SAMPLE = 1_000
# One text in twenty that the embedder cannot read is worth a word; fewer are greetings and names.
_WORTH_SAYING = 0.05
# Memories whose words are counted between two commits: a fraction of a second.
_COUNTED_AT_ONCE = 500

MULTILINGUAL = (
    "To find them by meaning too, set DMHA_EMBEDDER: gloss (extra gloss), or a multilingual embedder such as "
    "http://host/v1#bge-m3 or sentence-transformers:intfloat/multilingual-e5-small."
)
_MEND = "Run: dmha doctor --fix"


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """One thing looked at: whether it is well, what was seen, and what to do where it is not, or could be better."""

    subject: str
    ok: bool
    says: str
    fix: str = ""


# -- looking -----------------------------------------------------------------------------------------------------------


def examine(
    truth: Truth, index: Index, segmentations: Segmentations, scripts: frozenset[str] | None, embedder_id: str
) -> list[Diagnosis]:
    """Everything looked at, in the order in which to mend it; what cannot be looked at is a finding too."""
    looks: dict[str, Callable[[], Diagnosis]] = {
        "database": lambda: _file(truth),
        "ids": lambda: _ids(truth),
        "words": lambda: _words(truth, segmentations.plain.id),
        "vectors": lambda: _vectors(truth, embedder_id),
        "index": lambda: _index(truth, index),
        "scripts": lambda: _scripts(truth, scripts, embedder_id),
        "leftovers": lambda: _leftovers(truth),
    }
    return [_seen(subject, look) for subject, look in looks.items()]


def _seen(subject: str, look: Callable[[], Diagnosis]) -> Diagnosis:
    try:
        return look()
    except Unavailable as error:
        return Diagnosis(subject, False, error.reason, error.fix)


def _file(truth: Truth) -> Diagnosis:
    wrong = truth.check()
    if not wrong:
        return Diagnosis("database", True, "the file is whole, and no row is an orphan")
    return Diagnosis(
        "database", False, "; ".join(wrong[:5]), f"{_MEND}; else restore a backup, or export what can be read."
    )


def _ids(truth: Truth) -> Diagnosis:
    behind = _read(truth, lambda ledger: ledger.mending.counters_behind())
    if not behind:
        return Diagnosis("ids", True, "none will be given twice")
    return Diagnosis("ids", False, f"one would be given twice in: {', '.join(behind)}", _MEND)


def _words(truth: Truth, segmentation: str) -> Diagnosis:
    if not _read(truth, lambda ledger: ledger.mending.uncounted(1)):
        stale = _read(truth, lambda ledger: ledger.dictionaries.stale_count(segmentation))
        if not stale:
            return Diagnosis("words", True, "all are counted")
        return Diagnosis("words", False, f"{stale} memories are counted by other rules or an older dictionary", _MEND)
    return Diagnosis("words", False, "there are memories that search cannot find: their words are not counted", _MEND)


def _vectors(truth: Truth, embedder_id: str) -> Diagnosis:
    waiting = _read(truth, lambda ledger: ledger.feed.unembedded_count())
    if not waiting:
        return Diagnosis("vectors", True, f"all are of {embedder_id}")
    return Diagnosis("vectors", False, f"{waiting} memories have none of {embedder_id}", _MEND)


def _index(truth: Truth, index: Index) -> Diagnosis:
    held = _read(truth, lambda ledger: ledger.feed.tenant_counts())
    wrong = [tenant_id for tenant_id in held if index.differences(tenant_id)]
    if not wrong:
        return Diagnosis("index", True, f"{sum(held.values())} memories in {len(held)} worlds, as in the truth")
    return Diagnosis("index", False, f"{len(wrong)} worlds differ from the truth", _MEND)


def _scripts(truth: Truth, scripts: frozenset[str] | None, embedder_id: str) -> Diagnosis:
    texts = _read(truth, lambda ledger: ledger.feed.latest_texts(_SAMPLE))
    unread = sum(not served(text, scripts) for text in texts)
    if unread <= _WORTH_SAYING * len(texts):
        return Diagnosis("scripts", True, f"{embedder_id} reads the memories' scripts")
    said = f"words alone find {unread} of the latest {len(texts)} memories: {embedder_id} does not read their script"
    return Diagnosis("scripts", True, said, MULTILINGUAL)


def _leftovers(truth: Truth) -> Diagnosis:
    """Old copies, and imports that broke off: a person's to delete or to go on with, so nothing is wrong."""
    kept = [f"{file.name} ({file.stat().st_size / 1e6:.1f} MB)" for file in truth.leftovers()]
    arriving = [
        f"{arrival.world} of {arrival.user_id} (line {arrival.line} of {arrival.lines})"
        for arrival in _read(truth, lambda ledger: ledger.portable.arrivals())
    ]
    says = [f"delete what you no longer need of: {', '.join(kept)}"] if kept else []
    says += [f"import the same file again to go on with: {', '.join(arriving)}"] if arriving else []
    return Diagnosis("leftovers", True, "; ".join(says) or "no old copy lies beside the file, no import broke off")


# -- mending -----------------------------------------------------------------------------------------------------------


def mend(
    truth: Truth, index: Index, segmentations: Segmentations, embed: Callable[[Progress], int], progress: Progress
) -> list[Diagnosis]:
    """Set right what can be; each thing that was done, or that would not be."""
    mends: dict[str, Callable[[], str]] = {
        "database": lambda: _mend_file(truth),
        "ids": lambda: _mend_ids(truth),
        "words": lambda: _mend_words(truth, segmentations, progress),
        "vectors": lambda: _mend_vectors(embed, progress),
        "index": lambda: _mend_index(truth, index),
    }
    return [done for subject, act in mends.items() if (done := _done(subject, act)).says]


def _done(subject: str, act: Callable[[], str]) -> Diagnosis:
    return _seen(subject, lambda: Diagnosis(subject, True, act()))


def _mend_file(truth: Truth) -> str:
    if not truth.check():
        return ""
    kept = truth.keep()
    if _read(truth, lambda ledger: ledger.mending.damage()):
        truth.write(lambda ledger: ledger.mending.rebuild_indexes())
    parted = truth.write(lambda ledger: ledger.mending.part_orphans())
    said = f"orphan rows set right: {parted}" if parted else "the file's indexes are made anew"
    return f"{said}; the file as it was is kept as {kept.name}"


def _mend_ids(truth: Truth) -> str:
    behind = truth.write(lambda ledger: ledger.mending.advance_counters())
    return f"new ones go on behind the greatest in: {', '.join(behind)}" if behind else ""


def _mend_words(truth: Truth, segmentations: Segmentations, progress: Progress) -> str:
    done = recount(truth, segmentations, progress)
    while waiting := _read(truth, lambda ledger: ledger.mending.uncounted(_COUNTED_AT_ONCE)):
        cut = _read(truth, partial(_cut, segmentations, {tenant_id for _, tenant_id, _ in waiting}))
        counted = [(memory_id, count(text, cut[tenant_id])) for memory_id, tenant_id, text in waiting]
        truth.write(partial(_count_again, counted))
        done += len(counted)
    return f"memories whose words were counted: {done}" if done else ""


def _cut(segmentations: Segmentations, tenants: set[int], ledger: Ledger) -> dict[int, Segmentation]:
    return {tenant_id: segmentations.of(ledger, tenant_id) for tenant_id in tenants}


def _count_again(counted: Sequence[tuple[int, Counted]], ledger: Ledger) -> None:
    ledger.mending.count_again(counted)


def _mend_vectors(embed: Callable[[Progress], int], progress: Progress) -> str:
    done = embed(progress)
    return f"memories embedded: {done}" if done else ""


def _mend_index(truth: Truth, index: Index) -> str:
    if _index(truth, index).ok:
        return ""
    index.drop()
    return "made anew from the truth"


def _read(truth: Truth, look: Callable[[Ledger], T]) -> T:
    with truth.read() as ledger:
        return look(ledger)
