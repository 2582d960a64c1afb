"""Around the ranking language: naming a ranking, the features computed from texts and seeds, and taking the best."""

from __future__ import annotations

import difflib
import hashlib
import re
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from dmha.domain.characters import fold
from dmha.domain.expressions import FEATURES, Feature, Ranking, compile_ranking
from dmha.domain.expressions.check import known_names
from dmha.domain.expressions.source import Source, Span, quoted, ranking_text
from dmha.domain.presets import PRESETS
from dmha.errors import InvalidInput

_BARE_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")


def resolve(ranking: str | None, features: Mapping[str, Feature] = FEATURES) -> Ranking:
    """The ranking of that name, or the one that the text says; None is the preset `default`."""
    text = "default" if ranking is None else ranking_text(ranking).strip()
    if preset := PRESETS.get(text):
        return compile_ranking(preset.expression, preset.parameters, features)
    if _BARE_WORD.fullmatch(text) and known_names(features).keys().isdisjoint(text.split("-")):
        raise _no_preset(text, features)
    return compile_ranking(text, features=features)


def _no_preset(word: str, features: Mapping[str, Feature]) -> InvalidInput:
    near = difflib.get_close_matches(word.lower(), (*PRESETS, *known_names(features)), n=1)
    hint = f"Did you mean {near[0]}? " if near else ""
    fix = f"{hint}Presets: {', '.join(PRESETS)}; or give an expression, such as {PRESETS['airi'].expression}"
    return Source(word).mistake(Span(0, len(word)), f"{quoted(word)} is neither a preset nor a name", fix)


def top(total: NDArray[np.float64], ids: NDArray[np.int64], k: int) -> NDArray[np.intp]:
    """The positions of the k best, best first; equal scores go to the newer, higher id, so the order is one."""
    if k <= 0 or len(total) == 0:
        return np.empty(0, dtype=np.intp)
    if k < len(total):
        threshold = np.partition(total, len(total) - k)[len(total) - k]
        pool = np.flatnonzero(total >= threshold)
    else:
        pool = np.arange(len(total))
    best_first = np.lexsort((ids[pool], total[pool]))[::-1]
    return pool[best_first[:k]]


def keyed_uniform(seed: int, query: str, memory_ids: NDArray[np.int64]) -> NDArray[np.float64]:
    """A number in [0, 1) for each memory, from seed, query and id alone: no order, no state, no surprise."""
    key = hashlib.blake2b(f"{seed}\0{query}".encode("utf-8", "surrogatepass"), digest_size=16).digest()
    state, veil = (np.uint64(int.from_bytes(half, "little")) for half in (key[:8], key[8:]))
    # SplitMix64 (Steele, Lea & Flood 2014): the key is the state, the id the number of steps. Its mixing can be undone,
    # and two numbers would tell how far their ids are apart: it is done twice, with a part of the key between.
    steps = np.asarray(memory_ids, dtype=np.int64).view(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    return (_mixed(_mixed(steps + state) ^ veil) >> np.uint64(11)).astype(np.float64) * 2.0**-53


def _mixed(bits: NDArray[np.uint64]) -> NDArray[np.uint64]:
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return bits ^ (bits >> np.uint64(31))


# What happened is told soon after it, and what is planned a little before: at this distance from the time asked about a
# memory matches it half. LoCoMo's development half gains .01 to .02 in recall@10 from 2.5 / 5 days to 10 / 20.
_AFTER, _BEFORE = 10 * 86_400.0, 5 * 86_400.0


def time_match(at: NDArray[np.float64], spans: Sequence[tuple[float, float]]) -> NDArray[np.float64]:
    """How near each moment lies to the nearest of these times: 1 within one of them, 0 where none is given."""
    match = np.zeros(len(at))
    for since, until in spans:
        off = np.maximum((since - at) / _BEFORE, (at - until) / _AFTER)
        match = np.maximum(match, np.exp2(-np.maximum(off, 0.0)))
    return match


# Beside a time, what lies an eighth of its own length away counts half, within these bounds: beside a day three hours,
# beside a month four days. Wider, as above, the evening before would pass for yesterday.
_SHARE_OF_SPAN, _NEAREST, _FARTHEST = 0.125, 3_600.0, _BEFORE


def told_then(at: NDArray[np.float64], spans: Sequence[tuple[float, float]]) -> NDArray[np.float64]:
    """Whether each moment lies in one of these times: 1 within, soon 0 outside."""
    match = np.zeros(len(at))
    for since, until in spans:
        half = min(max(_SHARE_OF_SPAN * (until - since), _NEAREST), _FARTHEST)
        match = np.maximum(match, np.exp2(-np.maximum(np.maximum(since - at, at - until) / half, 0.0)))
    return match


# Scripts written without spaces, or (Hangul) with particles joined to the word: a term may begin and end anywhere.
_UNSPACED = (
    "\u0e00-\u0eff\u0f00-\u0fff\u1000-\u11ff\u1780-\u17ff"  # Thai, Lao; Tibetan; Burmese, Hangul jamo; Khmer
    "\u2e80-\ua4cf\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff"  # radicals, kana, Han, Yi; jamo; Hangul; Han
    "\U0001aff0-\U0001b16f\U00020000-\U0003ffff"  # kana, Han
)
_WORD = re.compile(rf"[^\W{_UNSPACED}]+")
_INSIDE_WORD = re.compile(rf"[^\W{_UNSPACED}]{{2}}")


def exact_match(terms: Sequence[tuple[str, float]], fields: Sequence[str]) -> NDArray[np.float64]:
    """For each field, the greatest weight among the terms that stand in it; 0 where none does.

    Case and width do not count. A term of a spaced script stands only as whole words: "Neuro" is not in "Neurosama",
    "Neurosama" is in "Neurosama's" and in "Neurosamaの作り方".
    """
    wanted = sorted(((fold(term), weight) for term, weight in terms), key=lambda pair: -pair[1])
    boosts = [_greatest_weight(wanted, fold(field)) for field in fields]
    return np.asarray(boosts, dtype=np.float64)


def _greatest_weight(heaviest_first: Sequence[tuple[str, float]], field: str) -> float:
    return next((weight for term, weight in heaviest_first if term and _stands(term, field)), 0.0)


def stands(term: str, text: str) -> bool:
    """Whether a term is in a text as whole words, whatever their case and width."""
    wanted = fold(term)
    return bool(wanted) and _stands(wanted, fold(text))


def _stands(term: str, text: str) -> bool:
    """Whether a folded term is in a folded text without cutting a word at either of its ends."""
    at = text.find(term)
    while at >= 0:
        end = at + len(term)
        if not (_cuts_word(text, at) or _cuts_word(text, end)):
            return True
        # A word that was cut holds no other beginning; leaping over it keeps long runs of letters linear.
        word = _WORD.match(text, at)
        at = text.find(term, word.end() if word else at + 1)
    return False


def _cuts_word(text: str, at: int) -> bool:
    return at > 0 and _INSIDE_WORD.match(text, at - 1) is not None
