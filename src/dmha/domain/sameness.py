"""Saying the same: which memories tell nothing that a better one does not, so that one of them is enough.

Only rules over told memories live here. What is left out cannot be asked for again, so precision comes first: two
memories say the same only where their words agree in their order, and what is left of both is punctuation and manner.
How alike their vectors are is asked of the caller, and only ever makes the rule stricter.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from itertools import islice
from zoneinfo import ZoneInfo

from dmha.domain.characters import fold
from dmha.domain.marks import merely_asks
from dmha.domain.times import mentions, tells_time
from dmha.domain.words import NEGATORS

# Cosine (MiniLM) of two texts whose words agree but for manner: "I really love sushi" .98, "Yeah, I work at a bank"
# .95. No cosine can stand for the words: of hand-made pairs of other facts, "I live in Osaka" / "in Tokyo" has .93,
# "works" / "worked" at a bank .975, "I prefer tea to coffee" the other way round .997; fair paraphrases ("My cat's name
# is Mochi" / "The name of my cat is Mochi") .96 to .99. Of LoCoMo's 2,760 turns five pairs of one speaker lie above
# .95: three goodbyes, one paraphrase (.96) and once the same words (.995).
ALIKE = 0.95

# A longer text is no remark that is made twice; it says the same as its very copy alone.
_LONG = 1_000

# Marks are let go where they only part or close words. What they belong to keeps them: numbers (1.5, 10:30, –5, 6'),
# code (x != 0, a_b, x[1]), names (example.com, A-) and smiles (:-), =(, D:).
_PUNCTUATION = re.compile(
    r"[.,](?![0-9a-z])|(?<=[\w)])[:;](?![0-9a-z()])|(?<!\S)\((?=\w)|(?<=\w)\)|!(?![0-9a-z_=])|(?<![0-9])\"|(?<!\w)'"
    r"|(?<![0-9])'(?!\w)|(?<!\S)-(?!\S|\s+[0-9])|[—–](?!\s?[0-9])|[~〜](?![\w])|[、。・「」『』《》〈〉【】“”‘‹›«»♪]"
)
_ASKED = re.compile(r"\?+")  # whoever asks tells nothing: the mark stays

_WRITTEN_OUT = (
    (re.compile(r"\bwon't\b"), "will not"), (re.compile(r"\bcan't\b|\bcannot\b"), "can not"),
    (re.compile(r"n't\b"), " not"), (re.compile(r"'m\b"), " am"), (re.compile(r"'re\b"), " are"),
    (re.compile(r"'ve\b"), " have"), (re.compile(r"'ll\b"), " will"),
)  # fmt: skip
# Words of manner: without them a sentence tells the same. "so", "just" and "only" are not of them ("I hope so", "just
# Ben came"), nor is any pronoun or preposition. All are stop-words.
_MANNER = """
a an the oh ooh ah aha wow haha hahaha hah heh lol hey hi hello hm hmm um umm uh uhh yeah yea yep
"""
# Without these, too, unless something is denied: who is not very hungry is a little hungry.
_STRESS = frozenset({"really", "very", "actually", "basically", "literally"})
MANNER: frozenset[str] = frozenset(_MANNER.split()) | _STRESS


_Key = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Told:
    """What has to agree before two memories can say the same: who told what, as which kind, and when (epoch).

    `earned` is what its words alone earned of the question, in numbers. The same words earn the same, so that a text
    which earns what no other does need not be read.
    """

    text: str
    speaker: str
    kind: str
    at: float
    earned: tuple[float, ...]


@lru_cache(maxsize=4_096)
def wording(text: str) -> str:
    """The words as they are compared: folded, without punctuation; that a sentence asks stays."""
    if len(text) > _LONG:
        return text
    folded = fold(text)
    bare = _PUNCTUATION.sub(" ", folded)
    if "?" in bare:
        bare = _ASKED.sub(" ? ", bare)
    return " ".join(bare.split()) or folded


@lru_cache(maxsize=4_096)
def without_manner(wording: str) -> str:
    """The words that carry the meaning, short forms written out."""
    if len(wording) > _LONG:
        return wording
    for short, full in _WRITTEN_OUT if "'" in wording or "cannot" in wording else ():
        wording = short.sub(full, wording)
    words = wording.split()
    idle = MANNER if NEGATORS.isdisjoint(words) else MANNER - _STRESS
    return " ".join(word for word in words if word not in idle) or wording


def asks_the_same(text: str, query: str) -> bool:
    """Whether a text does but ask what the query asks, in the same words, with or without the mark."""
    return _unmarked(text) == _unmarked(query) and merely_asks(text)


@lru_cache(maxsize=4_096)
def _unmarked(text: str) -> str:
    return " ".join(_ASKED.sub("", wording(text)).split())


def collapse(
    told: Sequence[Told], most: int, zone: ZoneInfo, alike: Callable[[Sequence[int], Sequence[int]], bool]
) -> list[list[int]]:
    """The places of the first `most` that tell something of their own, each before those that say the same again.

    `told` is best first. `alike` says whether any vector of these places is like any of those; it is asked where words
    agree but for their manner. Times agree as each meant them when it spoke: "today" is another day tomorrow.
    """
    same: dict[tuple[_Key, str], list[int]] = defaultdict(list)
    for place, key, words in _read(told, most, zone):
        same[key, words or str(place)].append(place)
    groups: list[list[int]] = []
    kin: dict[_Key, list[list[int]]] = defaultdict(list)
    for (key, _), places in same.items():
        group = next((group for group in kin[key] if alike(group, places)), None)
        if group is not None:
            group += places
        elif len(groups) < most:
            groups.append(places)
            kin[key].append(places)
    return [sorted(group) for group in groups]


def _read(told: Sequence[Told], most: int, zone: ZoneInfo) -> list[tuple[int, _Key, str]]:
    """The places that matter, of each what must be equal and its wording, read as far as there are others like it."""
    keys: list[_Key] = [(one.speaker, one.kind, one.earned) for one in told]
    heads = set(islice(dict.fromkeys(keys), most))  # so many tell something of their own, whatever their words are
    places = [place for place, key in enumerate(keys) if key in heads]
    wordings = [""] * len(told)
    for place in _shared(keys, places):
        wordings[place] = wording(told[place].text)
        keys[place] = (*keys[place], without_manner(wordings[place]))
    for place in _shared(keys, [place for place in places if wordings[place]]):
        keys[place] = (*keys[place], _times(told[place], zone))
    return [(place, keys[place], wordings[place]) for place in places]


def _shared(keys: Sequence[_Key], places: Sequence[int]) -> list[int]:
    """Those of these places whose key is another's too."""
    counts = Counter(keys[place] for place in places)
    return [place for place in places if counts[keys[place]] > 1]


def _times(one: Told, zone: ZoneInfo) -> tuple[tuple[float, float], ...]:
    text = one.text[:_LONG]
    if not tells_time(text):
        return ()
    try:
        now = datetime.fromtimestamp(one.at, UTC).astimezone(zone)
        return tuple((mention.span.start, mention.span.end) for mention in mentions(text, now=now))
    except OverflowError:  # on the first or last day of all calendars: meant as of this moment, and no other
        return ((one.at, one.at),)
