"""JMdict, as the package jamdict-data carries it: which entry and which senses of it a Japanese word means.

Only the dictionary lives here: rows in, senses out. What the word is (its spelling, lemma and reading) is told by
whoever cut the text (`japanese`). The part of speech chooses nothing: with reading and lemma known it changed no figure
(JSICK's pairs .901 with and without it, the dialogues by less than their noise).
"""

from __future__ import annotations

import sqlite3
import weakref
from pathlib import Path
from typing import NamedTuple

_ASIDE = frozenset({"archaism", "obsolete term", "obscure term", "rare", "dated term", "vulgar expression or word"})
_PRIORITY = {"ichi1": 3, "news1": 2, "spec1": 2, "gai1": 2}  # JMdict's lists of common words, the likeliest first
_KANA_ALONE = "word usually written using kana alone"


class Sense(NamedTuple):
    notes: frozenset[str]
    glosses: tuple[str, ...]


class Entry(NamedTuple):
    id: int
    written: frozenset[str]
    read: frozenset[str]
    priority: int
    senses: tuple[Sense, ...]


class JMdict:
    """The dictionary's file, read only. Not for several threads at once."""

    def __init__(self, path: Path) -> None:
        self._rows = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, check_same_thread=False)
        weakref.finalize(self, self._rows.close)

    def senses(self, forms: tuple[str, ...], reading: str) -> list[tuple[str, ...]]:
        """The glosses of the likeliest entry, sense by sense in its order, the rare and the dated left out.

        `forms` are the word as written and its lemma; `reading` in katakana. Empty where no entry has the form.
        """
        entries = [self._entry(id) for id in self._ids(forms)]
        if not entries:
            return []
        best = max(entries, key=lambda entry: (_fitness(entry, forms, reading), -entry.id))
        senses = [sense for sense in best.senses if not sense.notes & _ASIDE] or best.senses
        return [sense.glosses for sense in senses]

    def common(self, form: str) -> int:
        """How common the form is as a headword of its own: 0 where it is none, 1 where it is a rare one."""
        ids = self._ids((form,))
        return max((1 + self._priority(id) for id in ids), default=0)

    def _ids(self, forms: tuple[str, ...]) -> list[int]:
        asked = "select idseq from Kanji where text = ?1 union select idseq from Kana where text = ?1"
        return sorted({row[0] for form in forms for row in self._rows.execute(asked, (form,))})

    def _entry(self, id: int) -> Entry:
        written = frozenset(row[0] for row in self._rows.execute("select text from Kanji where idseq = ?", (id,)))
        read = frozenset(row[0] for row in self._rows.execute("select text from Kana where idseq = ?", (id,)))
        senses = [row[0] for row in self._rows.execute("select ID from Sense where idseq = ? order by ID", (id,))]
        made: list[Sense] = []
        for sense in senses:
            glosses = self._texts("select text from SenseGloss where sid = ? and lang = 'eng' order by rowid", sense)
            notes = frozenset(self._texts("select text from misc where sid = ?", sense))
            made.append(Sense(notes, glosses))
        return Entry(id, written, frozenset(map(katakana, read)), self._priority(id), tuple(made))

    def _texts(self, asked: str, id: int) -> tuple[str, ...]:
        return tuple(row[0] for row in self._rows.execute(asked, (id,)))

    def _priority(self, id: int) -> int:
        asked = (
            "select p.text from KJP p join Kanji k on k.ID = p.kid where k.idseq = ?1 "
            "union select p.text from KNP p join Kana k on k.ID = p.kid where k.idseq = ?1"
        )
        return max((_PRIORITY.get(tag, 1) for tag in self._texts(asked, id)), default=0)


def _fitness(entry: Entry, forms: tuple[str, ...], reading: str) -> tuple[int, int, int]:
    """Reading before spelling before how common it is."""
    spelt = sum(form in entry.written for form in forms)
    if not entry.written or _KANA_ALONE in entry.senses[0].notes:
        spelt += any(katakana(form) in entry.read for form in forms)
    return int(reading in entry.read), spelt, entry.priority


def katakana(kana: str) -> str:
    """Hiragana as katakana; the rest as it is."""
    return "".join(chr(ord(letter) + 0x60) if "ぁ" <= letter <= "ゖ" else letter for letter in kana)
