"""How many tokens a text costs where no tokenizer is at hand: a stated estimate that errs high.

Only the estimate lives here. Too high wastes a little of a budget; too low makes a server refuse the prompt. Measured,
estimate over truth (cl100k, o200k, Claude 2, DeepSeek-V3): English dialogue 1.21 to 1.27, Python 1.30 to 1.40, Japanese
1.13 to 1.80, Chinese 1.14 to 3.19, Korean 1.11 to 2.00, Russian 1.55 to 3.17. Only base64 (0.81) and, for Claude 2,
Polish with Vietnamese (0.95) come out low.
"""

from __future__ import annotations

import re

# Pieces no longer than what a byte-level BPE vocabulary usually merges. A single space joins the word after it, so it
# costs nothing; a change of case or kind ends a piece, which is what makes keys and code dear.
_ASCII_PIECE = re.compile(
    r"[A-Z]?[a-z]{1,5}|[A-Z]{1,2}|[0-9]{1,2}|\s{2,16}|[^\S ]|[\x00-\x08\x0e-\x1f!-/:-@\[-`{-\x7f]", re.ASCII
)
_BEYOND_ASCII = re.compile("[^\x00-\x7f]+")  # a token a character: kana, Cyrillic, Greek, Arabic
_DEAR = re.compile("[\u0080-\u024f\u0800-\u2fff\u3100-\U0010ffff]+")  # 1.75: accented Latin, Han, Hangul, Thai, Hindi
_DEAREST = re.compile("[\U00010000-\U0010ffff]+")  # 3.75: four UTF-8 bytes, mostly emoji


def estimate_tokens(text: str) -> int:
    """At least 1 for a text that is not empty; never more for a whole than for its parts together. Linear in time."""
    pieces = len(_ASCII_PIECE.findall(text))
    if not text.isascii():
        pieces += _length(_BEYOND_ASCII, text) + 2 * _length(_DEAREST, text) - (-3 * _length(_DEAR, text) // 4)
    return max(pieces, 1) if text else 0


def _length(of: re.Pattern[str], text: str) -> int:
    return sum(map(len, of.findall(text)))
