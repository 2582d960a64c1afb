"""Characters: folding, scripts, and the language that scripts tell. Stored text is never changed by any of it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from typing import Literal

Language = Literal["en", "ja", "zh", "other"]

# The insides of character classes, to be put between brackets.
HAN = "\u3005-\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
HIRAGANA = "\u3041-\u3096\u309d-\u309f"
KATAKANA = "\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff"
HANGUL = "\u1100-\u11ff\u3131-\u318e\ua960-\ua97c\uac00-\ud7fb"
CJK = HAN + HIRAGANA + KATAKANA
# Hangul sticks its particles to the word, Thai and its neighbours write without spaces: both are cut into bigrams.
GLUED = HANGUL + "\u0e01-\u0eff\u1000-\u109f\u1780-\u17ff"
# Marks that belong to the letter before them but are not letters to `re`: without them हिन्दी would fall apart.
MARKS = "\u0300-\u036f\u0591-\u05c7\u064b-\u065f\u0670\u0900-\u0dff"


def _runs(letters: str) -> re.Pattern[str]:
    return re.compile(f"[{letters}][{letters}]*")  # the first letter apart: `re` finds a lone class faster than a run


_SCRIPTS: Mapping[str, re.Pattern[str]] = {
    "Latin": _runs("A-Za-z\u00aa\u00ba\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u02af\u1e00-\u1eff\ua722-\ua7ff"),
    "Han": _runs(HAN),
    "Kana": _runs(HIRAGANA + KATAKANA),
    "Hangul": _runs(HANGUL),
    "Cyrillic": _runs("\u0400-\u0482\u048a-\u052f\u1c80-\u1c88\u2de0-\u2dff\ua640-\ua69d"),
    "Greek": _runs("\u0370-\u03ff\u1f00-\u1fff"),
    "Arabic": _runs("\u0620-\u064a\u066e-\u06d3\u06fa-\u06ff\u0750-\u077f\u08a0-\u08c9"),
}
_LETTERS = re.compile(r"[^\W\d_]+")

# Characters that are not seen: soft hyphen, zero-width and bidi controls, variation selectors, tags.
_UNSEEN = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\U000e0000-\U000e0fff]"
)
_MARK_RUN = re.compile(r"[^\w\s!-/:-@\[-`{-~]{31,}")
_MOST_MARKS = 30  # UAX #15's stream-safe limit: canonical ordering is quadratic in the length of a run of marks


def normalise(text: str) -> str:
    """The text as it is matched: NFKC, without characters that are not seen. Twice gives the same as once."""
    if text.isascii():
        return text
    return _trim_marks(unicodedata.normalize("NFKC", _trim_marks(_UNSEEN.sub("", text))))


def fold(text: str) -> str:
    """`normalise` and casefold, with one kind of apostrophe: what words are compared in."""
    return text.lower() if text.isascii() else normalise(text).casefold().replace("’", "'")


def _trim_marks(text: str) -> str:
    return _MARK_RUN.sub(lambda run: "".join(_at_most_marks(run[0])), text)


def _at_most_marks(run: str) -> Iterator[str]:
    marks = 0
    for character in run:
        marks = marks + 1 if unicodedata.combining(character) else 0
        if marks <= _MOST_MARKS:
            yield character


def scripts(text: str) -> dict[str, int]:
    """How many letters the text has of each script; scripts without a name here count as "Other"."""
    if text.isascii():
        latin = sum(map(str.isalpha, text))
        return {"Latin": latin} if latin else {}
    text = normalise(text)
    counts = {script: count for script, letters in _SCRIPTS.items() if (count := _characters(letters, text))}
    if others := max(0, _characters(_LETTERS, text) - sum(counts.values())):
        counts["Other"] = others
    return counts


def _characters(runs: re.Pattern[str], text: str) -> int:
    return sum(map(len, runs.findall(text)))


def served(text: str, served_scripts: frozenset[str] | None) -> bool:
    """Whether an embedder that reads `served_scripts` (None: all) reads at least half of the text's letters."""
    if served_scripts is None:
        return True
    counts = scripts(text)
    return 2 * sum(counts.get(script, 0) for script in served_scripts) >= sum(counts.values())


_CJK_LETTERS_WORTH = 4  # a character says about what four letters say: "ReLUはVTuberです" is Japanese


def language(text: str) -> Language:
    """The text's language, as far as scripts tell: kana means Japanese, Han alone Chinese, Latin English."""
    if text.isascii():
        return "en" if _SCRIPTS["Latin"].search(text) else "other"
    counts = scripts(text)
    kana, han = counts.get("Kana", 0), counts.get("Han", 0)
    others = sum(counts.values()) - kana - han
    if (kana or han) and _CJK_LETTERS_WORTH * (kana + han) >= others:
        return "ja" if kana else "zh"
    return "en" if others and 2 * counts.get("Latin", 0) >= others else "other"
