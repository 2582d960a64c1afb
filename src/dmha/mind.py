"""The mind: the main path from a turn to a reply, readable top to bottom in `contextualize`, and what is told to it.

The calls that bring memories back, those about single ones and those about the whole file stand in files of their own.
All know protocols, the domain and the faculties. What is behind the protocols, `wiring` alone decides.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

from dmha.asking import Asking, unweighted
from dmha.checks import (
    MOST_CHARACTERS,
    check_budget,
    check_choice,
    check_name,
    check_names,
    check_places,
    check_text,
    check_zone,
    in_turn,
)
from dmha.domain.logic import plain
from dmha.domain.segmentation import Segmentation
from dmha.errors import InvalidInput, Unavailable
from dmha.faculties import metacognition, reranking
from dmha.faculties import recall as recalling
from dmha.faculties.learning import lesson_of
from dmha.faculties.perception import count
from dmha.keeping import Keeping
from dmha.knowledge_base import KnowledgeBase
from dmha.outcomes import Asked, check_replaced, check_same, finder, reply_from, reply_to, reply_uid
from dmha.patience import Patience
from dmha.protocols import Also, Ledger, Progress, Still, always, no_progress, nothing_else
from dmha.records import Grounded, Perceived, Place, Remembered, Scope
from dmha.scene import EVIDENCE, EVIDENCE_CONFIDENCE, Scene, Trace, put_before
from dmha.searching import Searching
from dmha.single import SingleMemories
from dmha.types import KINDS, Affect, Analysis, Feelings, Kind, Reply, Turn
from dmha.upkeep import fold_window
from dmha.word_book import WordBook

_log = logging.getLogger("dmha")

_EMBEDDED_AT_ONCE = 256  # between two reports of progress
_CUT = ", cut at the deadline"


class Mind(Searching, SingleMemories, Keeping):
    """One memory for many accounts, companions and worlds. Safe to use from several threads; close it when done."""

    # -- the main path -----------------------------------------------------------------------------------------------

    def contextualize(
        self,
        text: str,
        *,
        user_id: str,
        agent_id: str = "default",
        session_id: str = "default",
        speaker: str = "user",
        turn_id: str | None = None,
        replaces: str | None = None,
        parent: str | None = None,
        private: bool = False,
        present: Iterable[str] | None = None,
        world: str | None = None,
        zone: str | None = None,
        token_budget: int = 4_000,
        deadline_ms: int | None = None,
        still: Still = always,
        also: Also[Reply] = nothing_else,
    ) -> Reply:
        """Perceive, remember, recall, generate, check, repair, learn. The same `turn_id` again changes nothing.

        `replaces` names a turn that is said again: all that it and the turns after it did is taken back first.
        `parent` names the turn to go on from, the session's last unless it says otherwise: what was said after it on
        other branches is neither seen nor recalled. `present` is who hears the reply; the speaker alone unless it says
        otherwise. What someone told in private is spoken of only when nobody else hears it. `zone` is where the
        speaker is from now on: "yesterday" is meant, and times are told, in that zone, or else in the companion's.
        At the deadline there is an answer of what there is by then: what had come of the reply, or else memories
        quoted; it is kept as any other. `still` is asked between steps whether anybody waits; if not, `Abandoned` is
        raised, and the turn stays for a retry. `also` is what else is written together with the reply, or not at all.
        """
        patience = Patience(deadline_ms, still)
        place, now = self._place(user_id, agent_id, world), self._now()
        check_name("session_id", session_id)
        here = {speaker, *check_names("present", present or ())}
        for field, named in (("turn_id", turn_id), ("replaces", replaces), ("parent", parent)):
            if named is not None:
                check_name(field, named)
        check_places(turn_id, replaces, parent)
        check_replaced(replaces)
        check_budget(token_budget)
        if zone is not None:
            check_zone("zone", zone)
        confidants = tuple(here) if len(here) == 1 else ()  # what one told in private is not for the others' ears
        trace = Trace(patience)

        with trace("perceive") as step:
            turn = Turn(text, speaker, id=turn_id or uuid4().hex, parent=parent, private=private)
            cut = self._segmentation(place)
            (heard,), problems = self._perception.perceive(
                [turn], user_id=user_id, world=place.world, kind="episode", now=now, segmentation=cut
            )
            step.did = _told_of(heard, problems)
        asked = (text, speaker, session_id, private, sorted(here))
        if (earlier := self._outcome(place, "contextualize", heard.uid)) is not None:
            return self._answered(place, earlier, asked, confidants, also)

        with trace("remember") as step:
            scope, kept = self._remember(place, session_id, [heard], replaces, zone=zone)
            ((memory_id, memory_uid),) = kept.memories
            folded = fold_window(self._truth, self._perception, cut, scope, session_id, kept.last, now.timestamp())
            step.did = f"one turn of {speaker} kept, {folded} gists made of the window"

        with trace("recall") as step:
            asking: Asking = {"present": confidants, "top_k": EVIDENCE}
            request = self._request(unweighted(plain(text) or text), asking)
            with self._truth.read() as ledger:
                scope = replace(scope, zone=ledger.places.zone_of(scope, speaker))
                mood, aside = self._mood(ledger, scope), ledger.reading.aside(kept.last.turn_id)
                unraised = ledger.reading.unraised(scope)
                request = replace(request, exclude=(memory_id, *ledger.reading.memories_of(aside), *unraised))
                request = self._worded(ledger, scope, request)
                stages = Trace(patience)
                found = recalling.rank(ledger, self._index, scope, self._widened(request), mood, stages)
                hits = put_before(self._chat, found)
                scene = Scene.of(
                    ledger, scope, agent_id, kept.last, aside, heard, confidants, hits, mood, now, unraised
                )
            spent = ", ".join(f"{name} {stage.ms:.1f} ms" for name, stage in stages.steps.items())
            step.did = f"{len(hits)} memories came back ({spent})"

        if self._reranker is not None:
            with trace("rerank") as step:
                try:
                    reranker = patience.within(self._reranker)
                    best = reranking.rerank(reranker, request.query.text, found, EVIDENCE, scene.zone)
                    step.did = f"the best {len(best)} of {len(found)} by {self._reranker.id.rpartition('#')[2]}"
                except Unavailable as error:  # a companion answers with what it has
                    _log.warning("what came back was not reranked: %s", error)
                    best, step.did = found[:EVIDENCE], f"left in their order: {error.told}"
                scene = replace(scene, hits=put_before(self._chat, best))

        shown = scene
        with trace("generate") as step:
            scene, draft = scene.drafted(self._chat, self._stand_in, token_budget, patience)
            step.did = f"a draft of {self._chat.count_tokens(draft.text)} tokens{_CUT * draft.cut}"

        with trace("check") as step:
            findings = left = scene.check(draft.text)
            step.did = f"consistency {metacognition.judge(findings):.2f}, {len(findings)} conflicts"

        with trace("repair") as step:
            endings: list[metacognition.Ending] = []
            rounds = 0

            def unfit() -> bool:
                return metacognition.judge(left) < metacognition.THRESHOLD and rounds < metacognition.MOST_REPAIRS

            while unfit() and not patience.over:
                plan = metacognition.plan(left, now)
                mended, again = scene.mended(plan).drafted(self._chat, self._stand_in, token_budget, patience)
                if again.cut:
                    break  # the draft before stays: of one that keeps to the corrections half would be no better
                endings += plan.endings
                scene, draft, left = mended, again, mended.check(again.text)
                rounds += 1
            repairs = metacognition.repairs(findings, left, now) if rounds else ()
            step.did = f"{len(repairs)} conflicts mended in {rounds} rounds{_CUT * unfit()}"

        with trace("learn") as step:
            secret, known = private or scene.confides(draft.text), scene.known()
            lesson = None if secret else lesson_of(text, draft.text, repairs)
            step.did = "one lesson recorded" if lesson else "nothing to learn"
            (said,), _ = self._perception.perceive(
                [Turn(draft.text, agent_id, id=reply_uid(heard.uid, agent_id), source="assistant")], user_id=user_id,
                world=place.world, kind="episode", now=now, recallable=not scene.echoed_by(draft),
                private_to=speaker if secret else None, segmentation=cut,
            )  # fmt: skip
            reply = Reply(
                turn_id=heard.uid,
                remembered=(memory_uid, said.memory_uid),
                text=draft.text,
                recalled=tuple(hit for _, hit in scene.hits),
                consistency=metacognition.judge(left),
                conflicts=tuple(finding.conflict for finding in findings),
                repairs=repairs,
                mood=mood,
                confidence=metacognition.confidence(
                    [hit for _, hit in scene.hits], metacognition.judge(left), scene.facts_named(draft.text, known)
                ),
                trace=trace.steps,
            )
            sure = [state.memory_id for state, hit in scene.hits if hit.confidence >= EVIDENCE_CONFIDENCE]
            words = "\n".join((draft.text, *(f"{one.left}\n{one.right}\n{one.rule}" for one in reply.conflicts)))
            grounded = Grounded.of(reply, shown.shown, shown.tellings(words, known))

        def conclude(ledger: Ledger) -> Reply | None:
            earlier = ledger.life.outcome(scope, "contextualize", heard.uid)
            if earlier is not None:  # this very turn was answered meanwhile: what was kept is the answer
                answer = _again(ledger, scope, earlier, asked, confidants)
                also(ledger, answer)
                return answer
            for ending in scene.lasting(endings):
                ledger.knowledge.end(
                    scope, ending.fact_id, ending.valid_to.timestamp(), ending.note, ending.because, heard.uid
                )
            self._strengthen(ledger, scope, sure, now.timestamp(), turn_uid=heard.uid)
            ledger.memories.remember(scope, session_id, [said], ledger.embedder_id, now.timestamp(), answers=heard.uid)
            if lesson is not None:
                ledger.life.learn(
                    scope, lesson.question, lesson.answer, lesson.reason, turn_uid=heard.uid, now=now.timestamp()
                )
            ledger.life.conclude(scope, "contextualize", heard.uid, reply_to(reply, asked), now.timestamp())
            also(ledger, grounded)
            return None

        with trace("commit") as step:
            answered = self._truth.write(conclude)
            step.did = f"the reply kept, {len(sure)} memories strengthened"
        return answered or replace(reply, trace=trace.steps)

    def add(
        self,
        turns: str | Turn | Sequence[Turn],
        *,
        user_id: str,
        agent_id: str = "default",
        session_id: str = "default",
        world: str | None = None,
        parent: str | None = None,
        kind: Kind = "episode",
        progress: Progress = no_progress,
        also: Also[list[str]] = nothing_else,
    ) -> list[str]:
        """Remember turns, all or none, and return their memories' ids.

        The same turn again, known by its id, is left as it is; another one under that id is refused. Each is said after
        the one before it, the first after the turn `parent` or else the session's last; a turn that names a parent of
        its own stands after that.
        """
        place, now = self._place(user_id, agent_id, world), self._now()
        check_name("session_id", session_id)
        check_choice("kind", kind, KINDS)
        given, listed = _turns(turns), not isinstance(turns, str | Turn)
        begins = parent is not None and bool(given) and given[0].parent is None
        if begins:
            given[0] = replace(given[0], parent=check_name("parent", parent))
        perceived: list[Perceived] = []
        cut = self._segmentations.last(place) or self._segmentation(place)
        for start in range(0, len(given), _EMBEDDED_AT_ONCE):
            some, _ = self._perception.perceive(
                given[start : start + _EMBEDDED_AT_ONCE], user_id=user_id, world=place.world, kind=kind, now=now,
                segmentation=cut, first=start if listed else None,
            )  # fmt: skip
            perceived += some
            progress(len(perceived), len(given))
        if not perceived:
            return self._unchanged([], also)
        if begins:
            perceived[0] = replace(perceived[0], parent_field="parent")
        scope, kept = self._remember(place, session_id, perceived, cut=cut, also=also)
        cut = self._segmentations.last(place) or cut
        try:
            fold_window(self._truth, self._perception, cut, scope, session_id, kept.last, now.timestamp())
        except Unavailable as error:  # the turns are durable: a retry would say them twice
            _log.warning("the window of session %r stays full until the next turn: %s", session_id, error)
        return _uids(kept)

    # -- knowledge, words, feelings, lessons --------------------------------------------------------------------------

    def knowledge(self, *, user_id: str, agent_id: str = "default", world: str | None = None) -> KnowledgeBase:
        """What this companion's world was told: facts, rules and their contradictions."""
        return KnowledgeBase(self._truth, self._place(user_id, agent_id, world), self._now, self._zone)

    def dictionary(self, *, user_id: str, agent_id: str = "default", world: str | None = None) -> WordBook:
        """The words of this companion's world that are one word however they look, and how they are read."""
        place = self._place(user_id, agent_id, world)
        return WordBook(self._truth, place, self._now, self._zone, self.recount)

    def analyze(
        self, text: str, *, user_id: str | None = None, agent_id: str = "default", world: str | None = None
    ) -> Analysis:
        """How the text would be cut and indexed, step by step; with `user_id`, by that world's dictionary as well."""
        check_text("text", text, most=MOST_CHARACTERS)
        if user_id is None:
            return self._segmentations.plain.analyze(text)
        return self._segmentation(self._place(user_id, agent_id, world)).analyze(text)

    def feelings(self, *, user_id: str, agent_id: str = "default", world: str | None = None) -> Feelings:
        """The companion's mood now, and what it feels about each speaker."""
        with self._truth.read() as ledger:
            scope = ledger.places.find(self._place(user_id, agent_id, world))
            if scope is None:
                return Feelings(Affect(), {})
            about = {
                name: Affect(joy / weight, aversion / weight, trauma / weight)
                for name, weight, joy, aversion, trauma in ledger.life.feelings_about(scope)
                if weight > 0
            }
            return Feelings(self._mood(ledger, scope), about)

    def zone(self, *, user_id: str, agent_id: str = "default", world: str | None = None) -> ZoneInfo:
        """The zone in which this companion tells times: a new one will tell them in that of this mind."""
        with self._truth.read() as ledger:
            scope = ledger.places.find(self._place(user_id, agent_id, world))
            return ZoneInfo(self._zone if scope is None else scope.zone)

    def teach(
        self,
        question: str,
        answer: str,
        *,
        user_id: str,
        agent_id: str = "default",
        world: str | None = None,
        also: Also[None] = nothing_else,
    ) -> None:
        """Queue an example to learn from: what should be answered when this is asked."""
        place, now = self._place(user_id, agent_id, world), self._now().timestamp()
        for field, value in (("question", question), ("answer", answer)):
            check_text(field, value, most=MOST_CHARACTERS)

        def learn(ledger: Ledger) -> None:
            scope = ledger.places.ensure(place, self._zone, now)
            ledger.life.learn(scope, question, answer, "taught", turn_uid=None, now=now)
            also(ledger, None)

        self._truth.write(learn)

    # -- what the calls share -----------------------------------------------------------------------------------------

    def _answered(
        self, place: Place, outcome: dict[str, Any], asked: Asked, present: Sequence[str], also: Also[Reply]
    ) -> Reply:
        """The reply given to this very turn before, to the same ears."""
        with self._truth.read() as ledger:
            scope = ledger.places.find(place)
            assert scope is not None  # noqa: S101 - its outcome was just read
            reply = _again(ledger, scope, outcome, asked, present)
        return self._unchanged(reply, also)

    def _remember(
        self, place: Place, session: str, turns: Sequence[Perceived], replaces: str | None = None, *,
        zone: str | None = None, cut: Segmentation | None = None, also: Also[list[str]] = nothing_else,
    ) -> tuple[Scope, Remembered]:  # fmt: skip
        """Keep the turns; where they were `cut` as of old and the dictionary has changed, they are counted again."""
        now = self._now().timestamp()

        def unit(ledger: Ledger) -> tuple[Scope, Remembered]:
            scope, said = ledger.places.ensure(place, self._zone, now), turns
            if cut is not None and cut.dictionary.version != scope.dictionary:
                present = self._segmentations.at(ledger, place, scope)
                said = [replace(turn, counted=count(turn.text, present)) for turn in turns]
            kept = ledger.memories.remember(scope, session, said, ledger.embedder_id, now, replaces=replaces)
            if zone is not None:
                ledger.places.tell_zone(scope, turns[-1].speaker, zone)
            also(ledger, _uids(kept))
            return scope, kept

        return self._truth.write(unit)


def _turns(turns: str | Turn | Sequence[Turn]) -> list[Turn]:
    if isinstance(turns, str):
        return [Turn(turns)]
    try:
        given = [turns] if isinstance(turns, Turn) else list(turns)
    except TypeError as error:
        raise InvalidInput(
            "turns", f"{type(turns).__name__} is not turns", "Give text, a Turn or a list of them."
        ) from error
    for turn in given:
        if not isinstance(turn, Turn):
            raise InvalidInput(
                "turns", f"{type(turn).__name__} is not a Turn", "Give dmha.Turn(text=..., speaker=...)."
            )
    seen: set[str] = set()
    for nth, turn in enumerate(given):
        if not isinstance(turn.id, str):
            continue
        if turn.id in seen:
            field, reason = f"{in_turn(nth)}id", "a turn before it in this call has the same"
            raise InvalidInput(field, reason, "Give every turn an id of its own.")
        seen.add(turn.id)
    return given


def _uids(kept: Remembered) -> list[str]:
    return [uid for _, uid in kept.memories]


def _again(ledger: Ledger, scope: Scope, outcome: dict[str, Any], asked: Asked, present: Sequence[str]) -> Reply:
    """A reply from what was kept of it."""
    check_same("turn_id", outcome, asked)
    trace = Trace()
    with trace("retry") as step:
        reply = reply_from(outcome, finder(ledger, scope, present))
        step.did = "this turn was answered before: the same reply, and nothing changed"
    return replace(reply, trace=trace.steps)


def _told_of(heard: Perceived, problems: Sequence[InvalidInput]) -> str:
    told = f"{heard.counted.language}, {heard.counted.length} terms, {len(heard.facts)} facts, {len(heard.rules)} rules"
    return told + "".join(f"; not understood: {problem}" for problem in problems)
