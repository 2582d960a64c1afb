"""One moment of the main path: everything the mind has before it when it drafts, checks and mends a reply."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from time import perf_counter
from typing import Any
from zoneinfo import ZoneInfo

from dmha.checks import MOST_CHARACTERS, check_text
from dmha.domain import prompt
from dmha.domain.characters import fold as folded
from dmha.domain.findings import Finding, undated
from dmha.domain.logic import Knowledge, plain
from dmha.domain.logic.vocabulary import fold
from dmha.domain.ranking import stands
from dmha.domain.sameness import without_manner, wording
from dmha.domain.text import terms
from dmha.errors import InvalidInput, OutOfBounds, Unavailable
from dmha.faculties import consistency, metacognition
from dmha.faculties.recall import may_hear
from dmha.patience import Patience
from dmha.protocols import ChatModel, Ledger
from dmha.records import FactRow, Perceived, RuleRow, Scope, State, Tip, Uttered
from dmha.types import Affect, Answer, Hit, Step

# How many memories come back for a reply, and how likely each must be to answer (see faculties/recall). A model that
# writes is also shown the best of the unlikely: it can leave out what does not help, but cannot bring back what it was
# not shown. A model that quotes would quote them, and noise must not be strengthened by being recalled.
EVIDENCE = 12
EVIDENCE_CONFIDENCE = 0.25
UNLIKELY_SHOWN = 5
MOST_FACTS = 40  # known facts shown about those a turn names: more would be a register, not a context
LATEST_GISTS = 3
MOST_PERSONA = 20
REPLY_TOKENS = 512  # a long chat message
# A reply most of whose words came from memory repeats it: it is kept, and never brought back as if it were new.
ECHO = 0.8

Slotted = tuple[tuple[str, str], Answer]
"""What is known, by its entity and attribute."""


@dataclass
class Doing:
    """What a step of the main path says of itself."""

    did: str = ""


class Trace:
    """Collects the steps: what each did, and its milliseconds. None begins once nobody waits any more."""

    def __init__(self, patience: Patience | None = None) -> None:
        self._steps: dict[str, Step] = {}
        self._patience = patience or Patience()

    @property
    def steps(self) -> Mapping[str, Step]:
        """The steps so far, in their order."""
        return dict(self._steps)

    @contextmanager
    def __call__(self, name: str) -> Iterator[Doing]:
        self._patience.ask()
        doing, began = Doing(), perf_counter()
        yield doing
        self._steps[name] = Step(doing.did, (perf_counter() - began) * 1_000)


def put_before(chat: ChatModel, hits: Sequence[tuple[State, Hit]]) -> list[tuple[State, Hit]]:
    """Of what came back, what this chat model is shown, best first."""
    shown = 0 if getattr(chat, "quotes_only", False) else UNLIKELY_SHOWN
    return [item for place, item in enumerate(hits) if item[1].confidence >= EVIDENCE_CONFIDENCE or place < shown]


@dataclass(frozen=True, slots=True)
class Draft:
    """A reply on its way: the words, who wrote them, and whether the deadline `cut` them short."""

    text: str
    by: ChatModel
    cut: bool


@dataclass(frozen=True, slots=True)
class Scene:
    """What was asked, what came back, and what is known, read in one snapshot. `others` are the other companions."""

    name: str
    heard: Perceived
    hits: Sequence[tuple[State, Hit]]
    facts: Sequence[FactRow]
    rules: Sequence[RuleRow]
    window: Sequence[Uttered]
    latest_gists: Sequence[State]
    persona: Sequence[State]
    mood: Affect
    zone: ZoneInfo
    now: datetime
    others: frozenset[str]
    set_right: tuple[str, ...] = ()
    corrections: tuple[str, ...] = ()

    @classmethod
    def of(
        cls,
        ledger: Ledger,
        scope: Scope,
        name: str,
        tip: Tip,
        aside: frozenset[int],
        heard: Perceived,
        present: tuple[str, ...],
        hits: Sequence[tuple[State, Hit]],
        mood: Affect,
        now: datetime,
        unraised: Sequence[int],
    ) -> Scene:
        """Read what belongs to this moment; what was told in the turns `aside`, on other branches, does not.

        Nor do the memories that this companion never raises, and what they told.
        """
        silent = aside | ledger.reading.turns_of(unraised)

        def belongs(said: State | Uttered) -> bool:
            return may_hear(said, present) and said.memory_id not in unraised

        reading = ledger.reading
        return cls(
            name=name,
            heard=heard,
            hits=hits,
            facts=[row for row in ledger.knowledge.facts(scope, present, aside) if row.turn_id not in silent],
            rules=[row for row in ledger.knowledge.rules(scope, present) if row.turn_id not in silent],
            window=[turn for turn in reading.window(scope, tip.turn_id) if turn.uid != heard.uid and belongs(turn)],
            latest_gists=list(filter(belongs, reading.gists(scope, tip.turn_id, LATEST_GISTS))),
            persona=list(filter(belongs, reading.personas(scope, MOST_PERSONA))),
            mood=mood,
            zone=ZoneInfo(scope.zone),
            now=now,
            others=frozenset(ledger.places.companions(scope)) - {name},
        )

    @property
    def evidence(self) -> list[State]:
        """The memories that may answer, best first."""
        return [state for state, _ in self.hits if state.kind not in ("summary", "persona")]

    @property
    def gists(self) -> list[State]:
        """The latest summaries and those that came back, oldest first."""
        recalled = [state for state, _ in self.hits if state.kind == "summary"]
        gists = {state.memory_id: state for state in (*recalled, *self.latest_gists)}
        return sorted(gists.values(), key=lambda state: (state.at, state.memory_id))

    def confides(self, draft: str) -> bool:
        """Whether the draft may hold something told in private, so that it must not travel either."""
        kept = any(state.private_to for state in (*self.evidence, *self.gists, *self.persona))
        if kept or any(turn.private_to for turn in self.window):
            return True
        told = (row.fact for row in self.facts if row.private and fold(row.fact.entity) in self.entities)
        return any(stands(fact.value, draft) or stands(fact.attribute, draft) for fact in told)

    def lasting(self, endings: Sequence[metacognition.Ending]) -> list[metacognition.Ending]:
        """The endings to write down, the earliest first: a fact ends once.

        What one told in private ends nothing that was said openly, but for this reply.
        """
        open_ = {row.id for row in self.facts if not row.private}
        whispered = any(row.private for row in self.facts)
        lasting = (ending for ending in endings if not (whispered and ending.fact_id in open_))
        return sorted(lasting, key=lambda ending: ending.valid_to)

    @property
    def knowledge(self) -> Knowledge:
        """What the facts and rules come to now."""
        return consistency.knowledge_of(self.facts, self.rules, self.now)

    @property
    def entities(self) -> frozenset[str]:
        """Whom and what this moment is about."""
        told = [fact.entity for fact in self.heard.facts]
        return consistency.mentioned(self.facts, self.heard.speaker, self.heard.text, *told)

    def drafted(
        self, chat: ChatModel, stand_in: ChatModel, token_budget: int, patience: Patience
    ) -> tuple[Scene, Draft]:
        """A reply by the chat model, as far as it comes by the deadline; where no word of it does, by the stand-in.

        The scene is what whoever wrote it was shown. The budget holds the prompt and the reply.
        """
        draft = None if patience.over else self._draft(chat, token_budget, patience)
        if draft is not None:
            return self, draft
        scene = replace(self, hits=put_before(stand_in, self.hits))
        instead = scene._draft(stand_in, token_budget, Patience())
        assert instead is not None  # noqa: S101 - only a deadline leaves one without a word
        return scene, replace(instead, cut=True)

    def _draft(self, chat: ChatModel, token_budget: int, patience: Patience) -> Draft | None:
        """None where not a word came by the deadline."""
        answer = min(REPLY_TOKENS, token_budget // 4)
        messages = prompt.pack(self._parts(), token_budget - answer, chat.count_tokens)
        heard, cut = _heard(chat, messages, answer, patience)
        text = prompt.spoken(heard, self.name)
        if cut and not text:
            return None
        try:
            return Draft(check_text("reply", text, most=MOST_CHARACTERS), chat, cut)
        except (InvalidInput, OutOfBounds) as error:
            raise Unavailable(
                "chat model", f"its reply cannot be kept: {error}", "Check the model of DMHA_CHAT."
            ) from error

    def check(self, draft: str) -> list[Finding]:
        """What in the draft does not fit."""
        return consistency.check(
            self.heard.text, draft, self.evidence, self.knowledge, self.facts, self.entities, self.zone
        )

    def mended(self, plan: metacognition.Plan) -> Scene:
        """The scene once the plan is carried out: facts ended and said to be, corrections to keep to."""
        return replace(
            self,
            facts=metacognition.apply(plan.endings, self.facts),
            set_right=tuple(dict.fromkeys((*self.set_right, *plan.mended))),
            corrections=tuple(dict.fromkeys((*self.corrections, *plan.corrections))),
        )

    def known(self) -> list[Slotted]:
        """What is known about those this moment is about: ((entity, attribute), answer)."""
        return _known_of(self.knowledge, self.entities)

    def facts_named(self, draft: str, known: Sequence[Slotted]) -> list[float]:
        """The confidences of the known facts whose value the draft names."""
        said = undated(draft)
        return [answer.confidence for _, answer in known if answer.value and stands(answer.value, said)]

    @property
    def shown(self) -> frozenset[int]:
        """The memories of which anything may stand before whoever writes the reply."""
        states = (*(state for state, _ in self.hits), *self.latest_gists, *self.persona)
        return frozenset((*(state.memory_id for state in states), *(turn.memory_id for turn in self.window)))

    def tellings(self, said: str, known: Sequence[Slotted]) -> frozenset[int]:
        """The turns that told what is known here, or that told a value or a rule which was named in what was said."""
        sources, words = {source for _, answer in known for source in answer.sources}, folded(said)
        values = {row.fact.value for row in self.facts}
        named = {value for value in values if folded(value) in words and stands(value, said)}
        facts = (row.turn_id for row in self.facts if row.fact.source in sources or row.fact.value in named)
        rules = (row.turn_id for row in self.rules if row.source in sources or row.text in said)
        return frozenset(turn for turn in (*facts, *rules) if turn is not None)

    def echoed_by(self, draft: Draft) -> bool:
        """Whether the draft only repeats what was recalled or known."""
        words = terms(draft.text)
        if not words or getattr(draft.by, "quotes_only", False):
            return True
        remembered = " ".join((*(state.text for state in self.evidence), *self.set_right, *self.corrections))
        known = " ".join(f"{entity} {attribute} {answer.value}" for (entity, attribute), answer in self.known())
        held = set(terms(f"{remembered} {known}"))
        return sum(word in held for word in words) >= ECHO * len(words)

    def _parts(self) -> prompt.Parts:
        knowledge, entities = self.knowledge, self.entities
        giving_way = {told.id for clash in knowledge.conflicts() for told in clash.losers}
        facts = [row for row in self.facts if row.id not in giving_way]
        return prompt.Parts(
            question=prompt.Said(self._when(self.now.timestamp()), self.heard.speaker, self.heard.text),
            name=self.name,
            persona=[state.text for state in self.persona],
            remembered=prompt.Remembered(
                mood=_mood(self.mood),
                facts=[_known(slot, answer, self.zone) for slot, answer in _known_of(knowledge, entities)],
                mended=self.set_right,
                corrections=self.corrections,
                gists=[self._said(state) for state in self.gists],
                evidence=[
                    self._said(state, consistency.told_in(state, facts, entities, self.now, self.zone))
                    for state in self._each_once()
                ],
            ),
            window=[
                (
                    "assistant" if turn.source == "assistant" and turn.speaker not in self.others else "user",
                    prompt.Said(self._when(turn.at), turn.speaker, turn.text),
                )
                for turn in self.window
            ],
        )

    def _each_once(self) -> list[State]:
        """The evidence, of what one said in the same words on several days the best alone."""
        unique: dict[tuple[str, str], State] = {}
        for state in self.evidence:
            unique.setdefault((state.speaker, without_manner(wording(state.text))), state)
        return list(unique.values())

    def _said(self, state: State, told: tuple[prompt.Known, ...] = ()) -> prompt.Said:
        return prompt.Said(self._when(state.at), state.speaker, plain(state.text) or state.text, told)

    def _when(self, seconds: float) -> str:
        return prompt.local(datetime.fromtimestamp(seconds, UTC), self.zone)


def _heard(chat: ChatModel, messages: list[dict[str, Any]], most: int, patience: Patience) -> tuple[str, bool]:
    """The reply as it comes, and whether the deadline cut it; not read on once it is past the tokens it was given."""
    said, spent = "", 0
    try:
        for piece in patience.within(chat).reply(messages, max_tokens=most):
            said += piece
            spent += chat.count_tokens(piece)
            patience.ask()
            if patience.over:
                return said, True
            if spent > 2 * most:  # pieces cost more apart than together, so a keen model is not cut short
                break
    except Unavailable:
        if not patience.over:
            raise
        return said, True  # it gave up in time: what had come is valid
    return said, False


def _mood(mood: Affect) -> str:
    """The mood for a chat model to speak in; nothing where it is calm."""
    felt = {"joy": mood.joy, "aversion": mood.aversion, "trauma": mood.trauma}
    return ", ".join(f"{name} {value:.2f}" for name, value in felt.items() if value >= 0.05)


def _known_of(knowledge: Knowledge, entities: frozenset[str]) -> list[Slotted]:
    slots = {
        (fact.entity, fact.attribute, fact.scope): None for fact in knowledge.closure() if fold(fact.entity) in entities
    }
    asked = [(slot, knowledge.ask(*slot)) for slot in list(slots)[:MOST_FACTS]]
    return [((entity, attribute), answer) for (entity, attribute, _), answer in asked]


def _known(slot: tuple[str, str], answer: Answer, zone: ZoneInfo) -> prompt.Known:
    since = "" if answer.since is None else str(answer.since.astimezone(zone).date())
    return prompt.Known(*slot, answer.value or "", denied=answer.status == "false", since=since)
