"""Whether a text asks when something was."""

from __future__ import annotations

import re

from dmha.domain.times.folding import folded, folded_pattern

_WHEN = re.compile(
    r"\bwhen\b(?=[^.!?\n]{0,200}\?)|(?:^|[.!?,\n] ?|\band )when (?:did|do|does|was|were|is|are|will|would|had|has|have"
    r"|can|could|should|exactly)\b"
    r"|\b(?:what|which) (?:exact |day and )?(?:date|day|month|year|week|weekday|season|time|decade|hour)\b"
    r"|\bhow (?:long ago|long has it been|long since|recently"
    r"|many (?:days|weeks|months|years|hours) (?:ago|since|has it))\b"
    r"|\b(?:since when|remember when was|tell me when|know when|remember when|what time)\b",
    re.ASCII,
)
_HAN_WHEN = re.compile(
    folded_pattern(
        "いつ(?!も|まで|か(?!ら|\\s*[?？]|$)|の間|しか|でも|だって|ごろ?か)|何年(?!も|か|来)|何月|何日(?!も|か|間)|何曜|何時(?!間|も|か)|なんにち|どのくらい前|どれくらい前"
        "|何(?:日|年|週間|[ヶかカ]月|時間)前|どの(?:年|月|日|季節)|什么时候|甚么时候|什麼時候|啥时候|何时|哪(?:一)?(?:天|年|月|日|个月|周|个星期)|几月|几号|几点(?!了不)"
        "|星期几|周几|礼拜几|多久(?:以前|之前|前|了)|几(?:天|年|周|个月)(?:以)?前[?？]"
    )
)


def asks_when(text: str) -> bool:
    """Whether the text asks for a time: when, what date, how long ago, いつ, 何月, 什么时候, 哪天."""
    read = folded(text)
    return bool(_WHEN.search(read) or (not read.isascii() and _HAN_WHEN.search(read)))
