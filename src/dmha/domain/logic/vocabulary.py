"""When two names, two values or two attributes are the same, or shut each other out: the folding and the tables."""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal

# Zero-width and bidi signs and variation selectors: they change how a text is drawn, not what it names.
_INVISIBLE = re.compile("[\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufe0e\ufe0f\ufeff]")
# A leading zero makes a code (007, 0312345678), not a number; 40 digits are more than any measure needs.
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,39})(?:\.[0-9]{1,40})?")

LIKING = frozenset({"like", "likes", "love", "loves", "好き", "大好き", "喜欢", "爱"})
DISLIKING = frozenset({"dislike", "dislikes", "hate", "hates", "嫌い", "大嫌い", "讨厌", "不喜欢"})

# Every attribute not named here has one value at a time. What people have several of, in the words they use for it.
MULTI_VALUED = (
    LIKING
    | DISLIKING
    | frozenset(
        {"friend", "friends", "hobby", "hobbies", "pet", "pets", "language", "languages", "allergy", "allergies"}
    )
    | frozenset({"child", "children", "sibling", "siblings", "brother", "sister", "son", "daughter", "skill", "skills"})
    | frozenset({"knows", "speaks", "visited", "ate", "has", "owns", "plays", "wants", "fears", "read", "watched"})
    | frozenset({"友達", "友人", "趣味", "ペット", "言語", "アレルギー", "子供", "兄弟", "特技", "持ち物"})
    | frozenset({"朋友", "爱好", "宠物", "语言", "过敏", "孩子", "兄弟姐妹", "技能", "拥有"})
)


def fold(name: str) -> str:
    """The identity of an entity, an attribute or a scope: width, case, spacing and invisible signs do not count."""
    text = _INVISIBLE.sub("", unicodedata.normalize("NFKC", name)).casefold()
    # Once more, because casefolding leaves the normal form (U+0390), and signs left out bring others together.
    return " ".join(unicodedata.normalize("NFKC", text).split())


def number(text: str) -> Decimal | None:
    """The number that a value is, None when it is another text."""
    folded = fold(text)
    return Decimal(folded) if _NUMBER.fullmatch(folded) else None


def value_key(value: str) -> str:
    """The identity of a value: folded like a name, and 30 is 30.0."""
    folded = fold(value)
    if not _NUMBER.fullmatch(folded):
        return folded
    plain = folded.rstrip("0").rstrip(".") if "." in folded else folded
    return "0" if plain == "-0" else plain


def compare(left: str, operator: str, right: str) -> bool:
    """As numbers when both are; texts are only the same or not, so `<` and `>` between them never hold."""
    a, b = number(left), number(right)
    if a is None or b is None:
        same = value_key(left) == value_key(right)
        return same if operator in ("=", "<=", ">=") else not same and operator == "!="
    order = (a > b) - (a < b)
    return {"=": order == 0, "!=": order != 0, "<": order < 0, "<=": order <= 0, ">": order > 0, ">=": order >= 0}[
        operator
    ]


def single_valued(attribute: str) -> bool:
    """Whether a second value of this (folded) attribute contradicts the first."""
    return attribute not in MULTI_VALUED


def antonyms(attribute: str) -> frozenset[str]:
    """The (folded) attributes that cannot hold of the same value together with this one."""
    return DISLIKING if attribute in LIKING else LIKING if attribute in DISLIKING else frozenset()
