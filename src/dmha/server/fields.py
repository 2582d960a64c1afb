"""What each field of the library's types tells, for the OpenAPI file: they are plain dataclasses, and say it in Python.

The answers that are the server's own say it themselves (models.py). A test holds every field of the file to a line.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

FIELDS: Mapping[str, Mapping[str, str]] = MappingProxyType({
    "Affect": {
        "joy": "From 0 to 1.",
        "aversion": "From 0 to 1.",
        "trauma": "From 0 to 1.",
    },
    "Memory": {
        "id": "What reads, changes and deletes it.",
        "text": "What was said, word for word.",
        "speaker": "Who said it.",
        "at": "When it happened, in UTC.",
        "recorded_at": "When this version of it was learned, or changed into what it is here.",
        "session_id": "The conversation it was said in.",
        "metadata": "What else was given with it.",
        "kind": "What it is: `persona` and `lore` never fade, a `summary` is made of turns.",
        "source": "Where it comes from.",
        "trust": "How far it is believed, from 0 to 1: 1 for what a user said, less for an assistant or a tool.",
        "private": "Whether it is spoken of only while its speaker alone is present.",
        "pinned": "Whether it was set not to fade. The companion's own: no change of the version.",
        "tier": "`working` while it is in the message window, then deeper the more often it was recalled.",
        "half_life": "Seconds in which half of it fades.",
        "recall_count": "How often it was brought back, and so strengthened.",
        "last_recalled_at": "When it was brought back last; while it never was, since when it fades.",
        "importance": "How much it matters, from 0 to 1.",
        "joy": "How joyful it is, from 0 to 1.",
        "aversion": "How averse it is, from 0 to 1.",
        "trauma": "How much it hurts, from 0 to 1.",
        "version": "1 when it is new, one more with each change of what was said: the number in its ETag.",
        "wrong": "Whether it was said not to be so: nobody brings it back.",
        "raised": "Whether this companion may bring it up. The companion's own: no change of the version.",
    },
    "Page": {
        "memories": "What was learned last comes first.",
        "next": "The `cursor` of the page after this one; null on the last.",
    },
    "Hit": {
        "memory": "The memory.",
        "score": "What it is ranked by: comparable within one answer alone, and not bounded.",
        "reasons": "What each term of the ranking gave; they add up to the score, unless it was reranked.",
        "why": "What brought it back.",
        "confidence": "How likely it knows of what was asked, from 0 to 1; `min_confidence` leaves out what is below.",
        "also": "The ids of memories left out because they say the same.",
    },
    "Answer": {
        "value": "What is so; of what is at odds, what stands; null where nothing is known.",
        "status": "`true`, `false` (denied), `unknown` or `conflicted`.",
        "since": "Since when it is so; null where that was not told.",
        "why": "The derivation, step by step, or the reason why it is unknown.",
        "sources": "The ids of the turns that it stands on.",
        "confidence": "How sure it is, from 0 to 1.",
    },
    "Conflict": {
        "left": "The statement that gives way.",
        "right": "The statement that stands.",
        "rule": "Why the two cannot both hold.",
        "severity": "How bad it is, from 0 to 1.",
        "confidence": "How sure it is, from 0 to 1: that of the less sure side.",
        "ways_out": "What would settle it.",
    },
    "Repair": {
        "conflict": "What was at odds.",
        "action": "What was done about it.",
        "before": "The consistency before, from 0 to 1.",
        "after": "The consistency after, from 0 to 1.",
    },
    "Step": {
        "did": "What it did.",
        "ms": "How many milliseconds it took.",
    },
    "Reply": {
        "turn_id": "The turn that was answered: as it was given, or the id that it got.",
        "remembered": "The ids of the memories of that turn and of this reply.",
        "text": "What the companion says.",
        "recalled": "What it had before it, best first.",
        "consistency": "From 0 to 1, which is without contradiction; once what could be mended is mended.",
        "conflicts": "What did not fit.",
        "repairs": "What was done about it.",
        "mood": "How the companion feels now.",
        "confidence": "How sure it is of this reply, from 0 to 1.",
        "trace": "Each step by its name. What was wrong with a `fact:` line of the turn stands in `perceive`.",
    },
    "Word": {
        "surface": "As it is matched: without case, full width or hidden characters.",
        "reading": "In kana or pinyin; null where it is not known.",
        "source": "Who says that it is a word.",
        "terms": "What it is found by.",
    },
    "Sentence": {
        "text": "As it was written.",
        "words": "In their order.",
    },
    "Analysis": {
        "language": "`en`, `ja`, `zh` or `other`.",
        "sentences": "In their order.",
        "terms": "All that the text is found by, those that join two words among them.",
    },
})  # fmt: skip
"""By the name of the type and of the field: its unit, its range, and what null means."""

EXAMPLES: Mapping[str, Any] = MappingProxyType({
    "Memory": {
        "id": "m_5f1d0c1f0a6b4e0e9a3f6f0a2b7c8d9e", "text": "I moved to Osaka.", "speaker": "aya",
        "at": "2026-11-22T00:00:00Z", "recorded_at": "2026-11-22T00:00:00Z", "session_id": "default", "metadata": {},
        "kind": "episode", "source": "user", "trust": 1.0, "private": False, "pinned": False, "tier": "working",
        "half_life": 665_280.0, "recall_count": 1, "last_recalled_at": "2026-11-23T09:30:00Z", "importance": 0.18,
        "joy": 0.0, "aversion": 0.0, "trauma": 0.0, "version": 1, "wrong": False, "raised": True,
    },
    "Answer": {
        "value": "Osaka", "status": "true", "since": "2026-11-22T00:00:00Z",
        "why": ["aya.city = Osaka (conf=1) since 2026-11-22: told in t42"], "sources": ["t42"], "confidence": 1.0,
    },
})  # fmt: skip
"""What comes of the types that are asked for most."""
