"""How what somebody said becomes lines of a terminal: no sign steers it, and a line ends where its script lets it end.

Only the breaking of text lives here; nothing is coloured or printed.
"""

from __future__ import annotations

import re

from rich.cells import cell_len, chop_cells

from dmha.domain.characters import CJK

# C0 and C1 controls but for tab and newline; marks that reorder a line; lone surrogates. They are shown, not obeyed.
_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")

# What stays on one line: a Japanese or Chinese letter with the signs that may not begin a line or end one, or a word.
_OPENS, _CLOSES = (
    "「『（〈《【〔“‘(\\[",
    "、。，．！？：；」』）〉》】〕”’…‥ー々ぁぃぅぇぉっゃゅょゎァィゥェォッャュョヮ!?,.;:)\\]",
)
_PIECE = re.compile(rf"\s+|[{_OPENS}]*(?:[{CJK}]|[^\s{CJK}{_OPENS}]+)[{_CLOSES}]*|[{_OPENS}{_CLOSES}]+")


def shown(text: str) -> str:
    """The text with signs that would steer the terminal replaced by one that can be seen."""
    return _UNSEEN.sub("\N{REPLACEMENT CHARACTER}", text)


def flat(text: str) -> str:
    """The text on one line, as it may be shown."""
    return " ".join(shown(text).split())


def wrapped(text: str, width: int, most: int | None = None) -> list[str]:
    """The line in lines of so many cells, the last of `most` ending with … where there is more."""
    if most is not None:
        text = text if len(text) <= (reach := (most + 1) * width) else text[:reach] + "…"  # the rest is out of reach
    lines = [""]
    room = width
    for piece in _pieces(text, width):
        if (cells := cell_len(piece)) > room:
            lines.append("")
            room = width
            piece = piece.lstrip()
            cells = cell_len(piece)
        lines[-1] += piece
        room -= cells
    lines = [line.rstrip() for line in lines]
    if most is None or len(lines) <= most:
        return lines
    return [*lines[: most - 1], _ended(lines[most - 1], width)]


def clipped(text: str, width: int) -> str:
    """The text within so many cells, ending with … where there is more."""
    return text if cell_len(text) <= width else _ended(text, width)


def _ended(line: str, width: int) -> str:
    """The line with … behind it, where more would follow."""
    return chop_cells(line, width - 1)[0].rstrip(" 、。,.") + "…" if line else "…"


def _pieces(text: str, width: int) -> list[str]:
    """What may stand on a line by itself; what is wider than any line is cut."""
    return [
        part
        for piece in _PIECE.findall(text)
        for part in ([piece] if cell_len(piece) <= width else chop_cells(piece, width))
    ]
