"""A tenant's own words as callers hold them, and the segmentation of each tenant that follows from them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TypeVar

from dmha.domain.dictionary import MOST_ENTRIES, Dictionary, check_sounds, check_surface, folded_surface
from dmha.domain.segmentation import Segmentation
from dmha.errors import NotFound, OutOfBounds
from dmha.protocols import Also, Ledger, Truth, Words, nothing_else
from dmha.records import Place, Scope

K = TypeVar("K")

# Dictionaries kept ready: of the tenants asked last.
_KEPT = 256


class Segmentations:
    """The segmentation of each tenant, kept until its dictionary has another version, whoever changed it."""

    def __init__(self, cutters: Sequence[Words] = ()) -> None:
        self.plain = Segmentation(tuple(cutters))
        self._kept: OrderedDict[int, Segmentation] = OrderedDict()
        self._last: OrderedDict[Place, Segmentation] = OrderedDict()

    def last(self, place: Place) -> Segmentation | None:
        """How the texts of that place were cut when it was asked for last, which may be overtaken; None if never."""
        return self._last.get(place)

    def at(self, ledger: Ledger, place: Place, scope: Scope | None) -> Segmentation:
        """How the texts of that place, which is that scope, are cut in this very snapshot."""
        found = self.plain if scope is None else self.of(ledger, scope.tenant_id, scope.dictionary)
        _keep(self._last, place, found)
        return found

    def of(self, ledger: Ledger, tenant_id: int, version: int | None = None) -> Segmentation:
        """How the tenant's texts are cut in this very snapshot; its dictionary's version is asked for unless known."""
        version = ledger.dictionaries.version(tenant_id) if version is None else version
        if not version:
            return self.plain
        kept = self._kept.get(tenant_id)
        if kept is None or kept.dictionary.version != version:
            kept = Segmentation(self.plain.cutters, Dictionary(ledger.dictionaries.entries(tenant_id), version))
            _keep(self._kept, tenant_id, kept)
        return kept


def _keep(kept: OrderedDict[K, Segmentation], key: K, value: Segmentation) -> None:
    kept[key] = value
    if len(kept) > _KEPT:
        kept.popitem(last=False)


class WordBook:
    """The dictionary of one place: each entry makes its surface one word, and may tell how it is read.

    A change marks the memories whose texts hold the surface in its own transaction, and returns when their terms are
    counted again; until then they are found as before. Broken off in between, the next opening counts the rest.
    """

    def __init__(
        self, truth: Truth, place: Place, now: Callable[[], datetime], zone: str, recount: Callable[[], object]
    ) -> None:
        self._truth = truth
        self._place = place
        self._now = now
        self._zone = zone
        self._recount = recount

    @property
    def version(self) -> int:
        """How often the dictionary was changed."""
        with self._truth.read() as ledger:
            scope = ledger.places.find(self._place)
            return 0 if scope is None else ledger.dictionaries.version(scope.tenant_id)

    def entries(self) -> list[tuple[str, str | None]]:
        """The surfaces with their readings, as they were given, in the order in which they were put."""
        with self._truth.read() as ledger:
            scope = ledger.places.find(self._place)
            return [] if scope is None else ledger.dictionaries.entries(scope.tenant_id)

    def put(self, surface: str, reading: str | None = None, *, also: Also[None] = nothing_else) -> None:
        """Make this one word, read so; another entry of the same surface gives way."""
        check_surface(surface)
        if reading is not None:
            check_sounds(reading)
        self._change(surface, (surface, reading), also)

    def remove(self, surface: str, *, also: Also[None] = nothing_else) -> None:
        """Let the rules cut this surface again."""
        self._change(check_surface(surface), None, also)

    def _change(self, surface: str, put: tuple[str, str | None] | None, also: Also[None]) -> None:
        folded, alone, now = folded_surface(surface), Dictionary([(surface, None)]), self._now().timestamp()
        with self._truth.read() as ledger:  # a long life is read here, and in the transaction only what came since
            scope, seen = ledger.places.find(self._place), ledger.feed.head()
            texts = () if scope is None else ledger.dictionaries.texts(scope.tenant_id)
            holding = [memory_id for memory_id, text in texts if alone.found(text)]

        def unit(ledger: Ledger) -> None:
            tenant_id = ledger.places.ensure(self._place, self._zone, now).tenant_id
            entries = ledger.dictionaries.entries(tenant_id)
            same = [entry for entry in entries if folded_surface(entry[0]) == folded]
            if same == [put]:
                return
            if put is None and not same:
                raise NotFound("word", surface, "Look at those there are: `entries`, dmha dictionary list.")
            if put is not None and len(entries) - len(same) >= MOST_ENTRIES:
                raise OutOfBounds("dictionary", MOST_ENTRIES, len(entries) + 1, "Remove words that are not used.")
            ledger.dictionaries.change(tenant_id, [known for known, _ in same], put)
            later = [change.memory_id for change in ledger.feed.since(seen, tenant_id) if not change.deleted]
            came = [memory_id for memory_id, text in ledger.dictionaries.texts(tenant_id, later) if alone.found(text)]
            ledger.dictionaries.overtake([*holding, *came])

        def changed(ledger: Ledger) -> None:
            unit(ledger)
            also(ledger, None)

        self._truth.write(changed)
        self._recount()
