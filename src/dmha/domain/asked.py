"""What a question asks of the known facts: whose, which attribute, and whether that is all it asks.

An attribute is asked for by its name, by a fact's value, or by the words in which people ask for it without naming it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from dmha.domain.characters import fold
from dmha.domain.logic.vocabulary import fold as fold_name
from dmha.domain.prompt import Known
from dmha.domain.query import parse_query
from dmha.domain.ranking import stands
from dmha.domain.text import terms
from dmha.domain.times import tells_time

# What is asked stands near the beginning or not at all; patterns need not walk a whole paste.
_READ = 300


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


# What people ask without naming the attribute, and the names they give it.
_ASKED_BY: tuple[tuple[re.Pattern[str], frozenset[str]], ...] = (
    (
        re.compile(
            r"where\b.{0,40}\b(?:live|lives|living|reside|resides|based)\b(?: in| at)?|(?:which|what) (?:city|town)\b"
            r"|どこ.{0,8}住[ぁ-ん]*|住[ぁ-ん]*.{0,4}どこ|何[市県]|住所|哪.{0,6}住|[居住]+在?哪[里裡儿兒个個]?"
        ),
        _names(
            "city town home address residence location 住所 居住地 住まい 街 町 都市 城市 住址 住处 住處 地址 现居地"
        ),
    ),
    (
        re.compile(
            r"what\b.{0,30}\b(?:for a living|for work|work as)|where\b.{0,30}\bwork\b|\bjob\b"
            r"|\bprofession\b|\boccupation\b|仕事|職業|お?勤め|工作|[职職][业業]"
        ),
        _names("job work occupation profession employer 仕事 職業 職 勤務先 工作 职业 職業"),
    ),
    (re.compile(r"how old\b|\bage\b|何[歳才]|いくつ|年齢|几岁|幾歲|多大|年[龄齡]"), _names("age 年齢 歳 年龄 年齡")),
    (
        re.compile(r"when\b.{0,30}\bborn\b|birthday|誕生日|生まれ[ぁ-ん]*|生日|出生"),
        _names("birthday birthdate born 誕生日 生年月日 生日"),
    ),
)

_FIRST = re.compile(r"\b(?:i|me|my|mine|we|us|our|i'm|i've|i'd)\b|わたし|私|僕|ぼく|俺|おれ|うち|我|咱")
_OTHERS = re.compile(
    r"\b(?:you|your|yours|he|him|his|she|her|hers|they|them|their)\b|あなた|君|きみ|お前|彼|あの[人子]|[你您妳他她]"
)
# Words that ask without adding anything to what is asked.
_IDLE = _names(
    "now today current currently name names called call exactly remember know think tell said"
    " 今 現在 现在 现 何 誰 私 僕 俺 家 名前 名字 名 覚 教 知"
)
# Who asks why, how, or what was once, is not answered by what holds.
_MORE = re.compile(
    r"\b(?:why|how(?! old)|before|used to|previous(?:ly)?|former(?:ly)?|did|ago|once|first|last|ever)\b"
    r"|なぜ|どうして|なんで|以前|(?<!名)前[はにの]|昔|かつて|最初|[为為]什[么麼]|怎[么麼]|之前|曾|[过過]去|原来|[当當][时時]"
)


@dataclass(frozen=True, slots=True)
class Asked:
    """The facts that are asked for, and whether they are all that is."""

    facts: tuple[Known, ...]
    alone: bool


def asked_of(question: str, speaker: str, facts: Sequence[Known]) -> Asked:
    """What the question asks of these facts, those that name the attribute before those that name the value."""
    meant = _meant(question, speaker, frozenset(fact.entity for fact in facts))
    about = [fact for fact in facts if fact.entity in meant]
    said = frozenset(terms(question))
    by_name = [fact for fact in about if _named(fact.attribute, said)]
    by_value = [fact for fact in about if fact not in by_name and _named(fact.value, said)]
    rest = fold(question)[:_READ]
    if not by_name:
        for pattern, names in _ASKED_BY:
            found = [fact for fact in about if fold_name(fact.attribute) in names and fact not in by_value]
            if found and pattern.search(rest):
                by_name, rest = found, pattern.sub(" ", rest)
                break
    chosen = (*by_name, *by_value)
    return Asked(chosen, bool(chosen) and len(question) <= _READ and not _asks_more(question, rest, chosen))


def _meant(question: str, speaker: str, entities: frozenset[str]) -> frozenset[str]:
    """Whose facts are meant: theirs who are named; the speaker's unless it is somebody else who is spoken of."""
    text = fold(question)[:_READ]
    named = frozenset(entity for entity in entities if stands(entity, question))
    if _FIRST.search(text) or not (named or _OTHERS.search(text)):
        return named | {entity for entity in entities if fold_name(entity) == fold_name(speaker)}
    return named


def _named(name: str, said: frozenset[str]) -> bool:
    """Whether all of a name's words are among the terms: "favourite food" is not asked for by a favourite colour."""
    wanted = terms(name)
    return bool(wanted) and said.issuperset(wanted)


def _asks_more(question: str, rest: str, chosen: Sequence[Known]) -> bool:
    """Whether words are left over that these facts do not speak of, or what is asked is not what holds."""
    if _MORE.search(fold(question)) or tells_time(question):
        return True
    if any(fact.denied and not stands(fact.value, question) for fact in chosen):
        return True
    spoken = frozenset(
        term for fact in chosen for name in (fact.entity, fact.attribute, fact.value) for term in terms(name)
    )
    words = [word for word, _ in parse_query(rest.replace("^", " ")).words if word not in _IDLE]
    return any(not _FIRST.fullmatch(word) and not spoken.issuperset(terms(word)) for word in words)
