"""Asking: what a search or recall may be given, checked and made into a request before any snapshot is opened."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, TypedDict

from dmha.checks import (
    MOST_QUERY,
    check_choice,
    check_count,
    check_fraction,
    check_name,
    check_names,
    check_time,
    check_zone,
)
from dmha.domain.ranking import resolve
from dmha.errors import InvalidInput, OutOfBounds
from dmha.faculties.perception import Perception
from dmha.faculties.recall import Request
from dmha.records import Filters
from dmha.types import KINDS, POLARITIES, TIERS, Kind, Polarity, Tier

MOST_HITS = 1_000  # one search's worth; more is an export
MOST_KEYS = 100  # of metadata asked for at once; SQLite takes no condition of a thousand parts


class Asking(TypedDict, total=False):
    """The keywords of `search` and `recall`; what is left out limits nothing.

    `ranking` is a preset's name or an expression; `since` and `until` bound when it happened, the latter excluded;
    `present` names who is in the room, nobody unless said; `polarity` is what the memories must feel like; `by_reading`
    also finds what sounds like the query's words; `zone` is where its "yesterday" is meant, the companion's if unsaid.
    """

    top_k: int
    ranking: str | None
    speaker: str | None
    since: datetime | None
    until: datetime | None
    tier: Tier | None
    kind: Kind | None
    metadata: Mapping[str, str | int | float | bool] | None
    present: Iterable[str] | None
    polarity: Polarity
    min_confidence: float
    by_reading: bool
    zone: str | None


def request_of(perception: Perception, query: str, asking: Asking, *, now: float, seed: int) -> Request:
    """Check and embed what is asked: no snapshot waits for an embedder."""
    unknown = asking.keys() - Asking.__annotations__.keys()
    if unknown:
        raise TypeError(
            f"no such keyword: {', '.join(sorted(unknown))}. There are {', '.join(Asking.__annotations__)}."
        )
    ranking = resolve(asking.get("ranking"))
    top_k = check_count("top_k", asking.get("top_k", 10), MOST_HITS, "Ask for fewer, or use export.")
    least = check_fraction("min_confidence", asking.get("min_confidence", 0.0))
    by_reading = asking.get("by_reading", False)
    check_choice("by_reading", by_reading, (True, False))
    filters = _filters(asking)
    question, words = perception.ask(query)
    zone = "" if asking.get("zone") is None else check_zone("zone", asking["zone"])
    return Request(question, words, ranking, filters, top_k, least, now, seed, by_reading=by_reading, zone=zone)


def told(request: Request) -> tuple[str, ...]:
    """What is asked besides the words, the same however it is written down: in order, what is left out as its default.

    Its ranking is told by its own text, the moment and the seed not at all: a retry comes later.
    """
    filters = replace(
        request.filters,
        present=tuple(sorted(set(request.filters.present))),
        metadata=dict(sorted(request.filters.metadata.items())),
    )
    asked = (filters, request.ranking.source, request.top_k, request.min_confidence, request.by_reading, request.zone)
    return tuple(map(repr, asked))


def unweighted(turn: str) -> str:
    """A turn as a query: its beginning if it is very long, and its `^` is only a sign, since talk weighs no words."""
    asked = turn[:MOST_QUERY]
    cleared = asked.translate({ord("^"): " ", ord("＾"): " "})
    return cleared if cleared.strip() else asked


def _filters(asking: Asking) -> Filters:
    """The filters, each checked against what it may be."""
    speaker, since, until = asking.get("speaker"), asking.get("since"), asking.get("until")
    tier, kind, polarity = asking.get("tier"), asking.get("kind"), asking.get("polarity", "any")
    for field, value, choices in (("tier", tier, TIERS), ("kind", kind, KINDS)):
        if value is not None:
            check_choice(field, value, choices)
    check_choice("polarity", polarity, POLARITIES)
    since = None if since is None else check_time("since", since)
    until = None if until is None else check_time("until", until)
    if since is not None and until is not None and since > until:
        raise InvalidInput("since", "it is later than until, and nothing happened between them", "Swap the two.")
    return Filters(
        speaker=None if speaker is None else check_name("speaker", speaker),
        since=None if since is None else since.timestamp(),
        until=None if until is None else until.timestamp(),
        tier=tier,
        kind=kind,
        metadata=_metadata(asking.get("metadata")),
        present=check_names("present", asking.get("present")),
        polarity=polarity,
    )


def _metadata(wanted: Any) -> Mapping[str, str | int | float | bool]:
    if wanted is None:
        return {}
    if not isinstance(wanted, Mapping):
        raise InvalidInput("metadata", f"it is {type(wanted).__name__}", 'Give a dict such as {"place": "Osaka"}.')
    if len(wanted) > MOST_KEYS:
        raise OutOfBounds("metadata", MOST_KEYS, len(wanted), "Ask for what tells most.")
    for key, value in wanted.items():
        if not isinstance(key, str) or not isinstance(value, str | int | float):
            fix = "Ask for text, numbers or booleans."
            raise InvalidInput("metadata", f"{key!r}: {value!r} cannot be asked for", fix)
    return wanted
