"""The few phrases that frame a quotation, in the tongues that replies are written in, and which tongue to use."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from dmha.domain.characters import language
from dmha.domain.prompt import Known, Said
from dmha.domain.sameness import wording


@dataclass(frozen=True, slots=True)
class Phrases:
    """How one tongue frames what was remembered. It adds nothing to it."""

    said: str
    fact: str
    holds: str
    denied: str
    since: str
    until: str
    mended: str
    newer: str
    nothing: str
    heard: str

    def quote(self, said: Said, over: str) -> str:
        """A quotation; `over` is the day since when it holds no more, if it does not."""
        text = self.said.format(when=said.when[:10], who=said.who, text=said.text)
        return text + (self.until.format(day=over) if over else "")

    def tell(self, fact: Known) -> str:
        """A fact, and since when or until when it holds."""
        claim = (self.denied if fact.denied else self.holds).format(
            slot=f"{fact.entity}.{fact.attribute}", value=fact.value
        )
        when = self.until.format(day=fact.until) if fact.until else ""
        if fact.since and not fact.until:
            when = self.since.format(day=fact.since)
        return self.fact.format(text=claim + when)


PHRASES = {
    "en": Phrases(
        said="I remember, {when}, {who}: “{text}”",
        fact="What I know: {text}.",
        holds="{slot} = {value}",
        denied="{slot} is not {value}",
        since=" (since {day})",
        until=" (until {day})",
        mended="I set this right: {text}.",
        newer="What was said later counts: {text}.",
        nothing="I remember nothing that answers this.",
        heard="I hear you, and will remember it.",
    ),
    "ja": Phrases(
        said="覚えているよ。{when}、{who}「{text}」",
        fact="知っていること：{text}。",
        holds="{slot} = {value}",
        denied="{slot} は {value} ではない",
        since="（{day}から）",
        until="（{day}まで）",
        mended="思い違いを直したよ：{text}。",
        newer="あとで言われたほうを取るね：{text}。",
        nothing="それについては、何も覚えていない。",
        heard="うん、聞いたよ。覚えておくね。",
    ),
    "zh": Phrases(
        said="我记得，{when}，{who}：“{text}”",
        fact="我知道：{text}。",
        holds="{slot} = {value}",
        denied="{slot} 不是 {value}",
        since="（自{day}起）",
        until="（到{day}为止）",
        mended="我已更正：{text}。",
        newer="以后来说的为准：{text}。",
        nothing="关于这个，我什么都不记得。",
        heard="嗯，我听到了，会记住的。",
    ),
}

# Whoever says no more than this wants it said back.
_GREETINGS = frozenset(
    wording(greeting)
    for greeting in (
        "hi", "hello", "hey", "hi there", "hello there", "good morning", "morning", "good afternoon", "good evening",
        "good night", "bye", "goodbye", "see you", "see you later", "see you tomorrow",
        "おはよう", "おはようございます", "こんにちは", "こんばんは", "おやすみ", "おやすみなさい", "またね",
        "你好", "您好", "大家好", "早", "早安", "早上好", "下午好", "晚上好", "晚安", "再见", "再見", "明天见",
    )
)  # fmt: skip
_CALLED = re.compile("[,、，]")


def greeting_of(text: str) -> str:
    """The greeting that the text is, perhaps with a name after it; empty where it says more."""
    greeting, *named = _CALLED.split(text.strip(), maxsplit=1)
    alone = not named or len(wording(named[0]).split()) == 1
    return greeting if alone and wording(greeting) in _GREETINGS else ""


# Han characters that Japanese does not write stand in no Japanese character set, and the other way round. These do, and
# are Chinese all the same.
_CHINESE = re.compile("[你您她們吗嗎呢吧呀嘛啊哪這没沒麼什]|我(?![慢執欲流々等])|[早晚]安|上好|再[见見]")
_READ = 200  # a longer text holds kana, if it is Japanese


def tongue(text: str, speaker: str, around: Iterable[Said]) -> str:
    """The tongue to answer in: that of the text; where Han characters leave it open, that of the speaker's last words.

    `around` is what else is at hand, the latest last; where the speaker's own words tell nothing, all of it does.
    """
    if (found := _told(text)) is not None:
        return found
    latest = list(around)[::-1]
    own = [said for said in latest if said.who == speaker]
    tongues = [found for said in (*own, *latest) if (found := _told(said.text)) is not None]
    if language(text) == "zh":
        return next((found for found in tongues if found != "en"), "zh")
    return tongues[0] if tongues else "en"


def _told(text: str) -> str | None:
    """The tongue that a text alone tells."""
    found = language(text)
    if found != "zh":
        return found if found in PHRASES else None
    if _CHINESE.search(text) or not _writable(text, "shift_jis"):
        return "zh"
    return None if _writable(text, "gb2312") or _writable(text, "big5") else "ja"


def _writable(text: str, charset: str) -> bool:
    """Whether a character set has all the ideographs of the text."""
    return all(_has(charset, character) for character in text[:_READ] if "\u4e00" <= character <= "\u9fff")


def _has(charset: str, character: str) -> bool:
    try:
        character.encode(charset)
    except UnicodeEncodeError:
        return False
    return True
