"""The mind: the main path from a turn to a reply, readable top to bottom in `contextualize`, and the calls around it.

It knows protocols, the domain and the faculties. What is behind the protocols, `settings` alone decides.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Unpack
from uuid import uuid4
from zoneinfo import ZoneInfo

from dmha.asking import Asking, request_of, told, unweighted
from dmha.checks import (
    MOST_CHARACTERS,
    MOST_NAME,
    check_budget,
    check_choice,
    check_metadata,
    check_name,
    check_names,
    check_places,
    check_text,
    check_time,
    check_zone,
)
from dmha.diagnosis import Diagnosis, examine, mend
from dmha.domain import affect
from dmha.domain.logic import plain
from dmha.domain.segmentation import Segmentation
from dmha.errors import InvalidInput, NotFound, Stale, Unavailable
from dmha.faculties import metacognition, reranking
from dmha.faculties import recall as recalling
from dmha.faculties.learning import lesson_of
from dmha.faculties.perception import Perception, count
from dmha.knowledge_base import KnowledgeBase
from dmha.outcomes import Asked, check_replaced, check_same, digest, hits_from, hits_to, reply_from, reply_to, reply_uid
from dmha.protocols import ChatModel, Clock, Embedder, Index, Ledger, Progress, Reranker, Truth, Words, no_progress
from dmha.records import Perceived, Place, Remembered, Scope, State
from dmha.scene import EVIDENCE, EVIDENCE_CONFIDENCE, Scene, Trace, put_before
from dmha.transfer import export_file, import_file
from dmha.types import KINDS, Affect, Analysis, Feelings, Hit, Kind, Memory, Reply, Turn
from dmha.upkeep import fold_window, recount, reembed
from dmha.word_book import Segmentations, WordBook

_log = logging.getLogger("dmha")

_EMBEDDED_AT_ONCE = 256  # between two reports of progress
# Impulses older than this have decayed to under a thousandth (see domain/affect).
_MOOD_HORIZON = 12 * affect.MOOD_HALF_LIFE
_MOODS = {"mood_joy", "mood_aversion"}  # what a ranking reads of it; most read nothing


class Mind:
    """One memory for many accounts, companions and worlds. Safe to use from several threads; close it when done."""

    def __init__(
        self, truth: Truth, index: Index, embedder: Embedder, chat: ChatModel, clock: Clock, *, seed: int, zone: str,
        reranker: Reranker | None = None, cutters: Sequence[Words] = (),
    ) -> None:  # fmt: skip
        self._truth = truth
        self._index = index
        self._chat = chat
        self._clock = clock
        self._seed = seed
        self._zone = zone
        self._reranker = reranker
        self._perception = Perception(embedder)
        self._segmentations = Segmentations(cutters)

    def __enter__(self) -> Mind:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Finish the writes under way and let go of the file."""
        self._truth.close()

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
    ) -> Reply:
        """Perceive, remember, recall, generate, check, repair, learn. The same `turn_id` again changes nothing.

        `replaces` names a turn that is said again: all that it and the turns after it did is taken back first.
        `parent` names the turn to go on from, the session's last unless it says otherwise: what was said after it on
        other branches is neither seen nor recalled. `present` is who hears the reply; the speaker alone unless it says
        otherwise. What someone told in private is spoken of only when nobody else hears it. `zone` is where the
        speaker is from now on: "yesterday" is meant, and times are told, in that zone, or else in the companion's.
        """
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
        trace = Trace()

        with trace("perceive") as step:
            turn = Turn(text, speaker, id=turn_id or uuid4().hex, parent=parent, private=private)
            cut = self._segmentation(place)
            (heard,), problems = self._perception.perceive(
                [turn], user_id=user_id, world=place.world, kind="episode", now=now, segmentation=cut
            )
            step.did = _told_of(heard, problems)
        asked = (text, speaker, session_id, private, sorted(here))
        if (earlier := self._outcome(place, "contextualize", heard.uid)) is not None:
            return self._answered(place, earlier, asked)

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
                request = replace(request, exclude=(memory_id, *ledger.reading.memories_of(aside)))
                request = self._worded(ledger, scope, request)
                stages = Trace()
                found = recalling.rank(ledger, self._index, scope, self._widened(request), mood, stages)
                hits = put_before(self._chat, found)
                scene = Scene.of(ledger, scope, agent_id, kept.last, aside, heard, confidants, hits, mood, now)
            spent = ", ".join(f"{name} {stage.ms:.1f} ms" for name, stage in stages.steps.items())
            step.did = f"{len(hits)} memories came back ({spent})"

        if self._reranker is not None:
            with trace("rerank") as step:
                try:
                    best = reranking.rerank(self._reranker, request.query.text, found, EVIDENCE, scene.zone)
                    step.did = f"the best {len(best)} of {len(found)} by {self._reranker.id}"
                except Unavailable as error:  # a companion answers with what it has
                    _log.warning("what came back was not reranked: %s", error)
                    best, step.did = found[:EVIDENCE], f"left in their order: {error}"
                hits = put_before(self._chat, best)
                scene = replace(scene, hits=hits)

        with trace("generate") as step:
            draft = scene.draft(self._chat, token_budget)
            step.did = f"a draft of {self._chat.count_tokens(draft)} tokens"

        with trace("check") as step:
            findings = left = scene.check(draft)
            step.did = f"consistency {metacognition.judge(findings):.2f}, {len(findings)} conflicts"

        with trace("repair") as step:
            endings: list[metacognition.Ending] = []
            rounds = 0
            while metacognition.judge(left) < metacognition.THRESHOLD and rounds < metacognition.MOST_REPAIRS:
                plan = metacognition.plan(left, now)
                endings += plan.endings
                scene = scene.mended(plan)
                draft = scene.draft(self._chat, token_budget)
                left = scene.check(draft)
                rounds += 1
            repairs = metacognition.repairs(findings, left, now) if rounds else ()
            step.did = f"{len(repairs)} conflicts mended in {rounds} rounds"

        with trace("learn") as step:
            secret = private or scene.confides(draft)
            lesson = None if secret else lesson_of(text, draft, repairs)
            step.did = "one lesson recorded" if lesson else "nothing to learn"
            (said,), _ = self._perception.perceive(
                [Turn(draft, agent_id, id=reply_uid(heard.uid, agent_id), source="assistant")], user_id=user_id,
                world=place.world, kind="episode", now=now, recallable=not scene.echoed_by(draft, self._chat),
                private_to=speaker if secret else None, segmentation=cut,
            )  # fmt: skip
            reply = Reply(
                turn_id=heard.uid,
                remembered=(memory_uid, said.memory_uid),
                text=draft,
                recalled=tuple(hit for _, hit in hits),
                consistency=metacognition.judge(left),
                conflicts=tuple(finding.conflict for finding in findings),
                repairs=repairs,
                mood=mood,
                confidence=metacognition.confidence(
                    [hit for _, hit in hits], metacognition.judge(left), scene.facts_named(draft)
                ),
                trace=trace.steps,
            )
            sure = [state.memory_id for state, hit in hits if hit.confidence >= EVIDENCE_CONFIDENCE]

        def conclude(ledger: Ledger) -> dict[str, Any] | None:
            earlier = ledger.life.outcome(scope, "contextualize", heard.uid)
            if earlier is not None:
                return earlier  # this very turn was answered meanwhile: what was kept is the answer
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
            return None

        with trace("commit") as step:
            earlier = self._truth.write(conclude)
            step.did = f"the reply kept, {len(sure)} memories strengthened"
        if earlier is not None:
            return self._answered(place, earlier, asked)
        return replace(reply, trace=trace.steps)

    # -- remembering and bringing back --------------------------------------------------------------------------------

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
    ) -> list[str]:
        """Remember turns, all or none, and return their memories' ids; a turn whose id is known is left as it is.

        Each is said after the one before it, the first after the turn `parent` or else the session's last; a turn that
        names a parent of its own stands after that.
        """
        place, now = self._place(user_id, agent_id, world), self._now()
        check_name("session_id", session_id)
        check_choice("kind", kind, KINDS)
        given = _turns(turns)
        if parent is not None and given and given[0].parent is None:
            given[0] = replace(given[0], parent=check_name("parent", parent))
        perceived: list[Perceived] = []
        cut = self._segmentations.last(place) or self._segmentation(place)
        for start in range(0, len(given), _EMBEDDED_AT_ONCE):
            some, _ = self._perception.perceive(
                given[start : start + _EMBEDDED_AT_ONCE], user_id=user_id, world=place.world, kind=kind, now=now,
                segmentation=cut,
            )  # fmt: skip
            perceived += some
            progress(len(perceived), len(given))
        if not perceived:
            return []
        scope, kept = self._remember(place, session_id, perceived, cut=cut)
        cut = self._segmentations.last(place) or cut
        try:
            fold_window(self._truth, self._perception, cut, scope, session_id, kept.last, now.timestamp())
        except Unavailable as error:  # the turns are durable: a retry would say them twice
            _log.warning("the window of session %r stays full until the next turn: %s", session_id, error)
        return [uid for _, uid in kept.memories]

    def search(
        self,
        query: str,
        *,
        user_id: str,
        agent_id: str = "default",
        world: str | None = None,
        **asking: Unpack[Asking],
    ) -> list[Hit]:
        """The memories that fit the query best, best first. Reads only: nothing is strengthened, nothing recorded."""
        place, request = self._place(user_id, agent_id, world), self._request(query, asking)
        with self._truth.read() as ledger:
            scope = ledger.places.find(place)
            if scope is None:
                return []
            found = self._rank(ledger, scope, request)
        return [hit for _, hit in self._best(found, scope, request)]

    def recall(
        self,
        query: str,
        *,
        user_id: str,
        agent_id: str = "default",
        world: str | None = None,
        key: str | None = None,
        **asking: Unpack[Asking],
    ) -> list[Hit]:
        """As `search`, and what comes back is strengthened; the same `key` again strengthens nothing."""
        place, request = self._place(user_id, agent_id, world), self._request(query, asking)
        asked = (query, *told(request))
        earlier = None if key is None else self._outcome(place, "recall", check_name("key", key))
        if earlier is not None:
            check_same("key", earlier, asked)
        with self._truth.read() as ledger:
            scope = ledger.places.find(place)
            if scope is None and key is None:
                return []
            if scope is not None and earlier is not None:
                return hits_from(earlier["hits"], partial(ledger.reading.by_uid, scope))
            found = [] if scope is None else self._rank(ledger, scope, request)
        best = [] if scope is None else self._best(found, scope, request)
        hits = [hit for _, hit in best]

        def strengthen(ledger: Ledger) -> None:
            here = ledger.places.ensure(place, self._zone, request.now)
            if key is not None:
                if ledger.life.outcome(here, "recall", key) is not None:
                    return
                outcome = {"asked": digest(asked), "hits": hits_to(hits)}
                ledger.life.conclude(here, "recall", key, outcome, request.now)
            self._strengthen(ledger, here, [state.memory_id for state, _ in best], request.now, key=key)

        self._truth.write(strengthen)
        return hits

    # -- single memories ----------------------------------------------------------------------------------------------

    def get(self, id: str, *, user_id: str, agent_id: str = "default", world: str | None = None) -> Memory:
        """One memory by its id."""
        with self._truth.read() as ledger:
            _, state = self._find(ledger, id, self._place(user_id, agent_id, world))
            return recalling.memory_of(state)

    def update(
        self,
        id: str,
        *,
        user_id: str,
        agent_id: str = "default",
        world: str | None = None,
        text: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        pinned: bool | None = None,
        version: int | None = None,
    ) -> Memory:
        """Change a memory; its words before stay in `history`. With `version`, only if nobody changed it meanwhile."""
        place, now = self._place(user_id, agent_id, world), self._now().timestamp()
        if metadata is not None:
            check_metadata(metadata)
        if pinned is not None:
            check_choice("pinned", pinned, (True, False))
        with self._truth.read() as ledger:
            scope, state = self._find(ledger, id, place)
        if version is not None and version != state.version:
            raise Stale(f"memory {id!r}", version, state.version)
        said = None
        if text is not None:
            turn = Turn(text, state.speaker, recalling.memory_of(state).at, source=state.source)
            (said,), _ = self._perception.perceive(
                [turn], user_id=user_id, world=place.world, kind=state.kind, now=self._now(),
                segmentation=self._segmentation(place),
            )  # fmt: skip

        def change(ledger: Ledger) -> None:
            if text is not None or metadata is not None:
                ledger.memories.change(
                    scope, id, version=version, said=said, metadata=metadata, embedder_id=ledger.embedder_id, now=now
                )
            if pinned is not None:
                here = ledger.places.ensure(place, self._zone, now)  # to pin may be the first thing it does here
                ledger.memories.set_perspective(here, id, pinned=pinned)

        self._truth.write(change)
        return self.get(id, user_id=user_id, agent_id=agent_id, world=world)

    def delete(self, id: str, *, user_id: str, agent_id: str = "default", world: str | None = None) -> None:
        """Delete a memory for good, with its history, what was told in its turn and the gists that quote it."""
        place = self._place(user_id, agent_id, world)
        with self._truth.read() as ledger:
            scope, _ = self._find(ledger, id, place)
        self._truth.write(lambda ledger: ledger.memories.forget(scope, id))

    def history(self, id: str, *, user_id: str, agent_id: str = "default", world: str | None = None) -> list[Memory]:
        """A memory's versions, oldest first; the last is what it is now."""
        with self._truth.read() as ledger:
            scope, state = self._find(ledger, id, self._place(user_id, agent_id, world))
            now = recalling.memory_of(state)
            return [
                *(
                    replace(now, text=text, metadata=metadata, version=version)
                    for version, _, text, metadata in ledger.reading.history(scope, id)
                ),
                now,
            ]

    def variants(
        self, turn_id: str, *, user_id: str, agent_id: str = "default", world: str | None = None
    ) -> list[Turn]:
        """What was said in the place of this turn before it was replaced, in the order of rejection: turns and replies.

        Nothing recalls them; they go when the memory of the turn is deleted.
        """
        place = self._place(user_id, agent_id, world)
        check_name("turn_id", turn_id)
        with self._truth.read() as ledger:
            scope = ledger.places.find(place)
            if scope is None or ledger.reading.turn(scope, turn_id) is None:
                raise NotFound("turn", turn_id)
            return ledger.reading.variants(scope, turn_id)

    def delete_all(self, *, user_id: str, agent_id: str | None = None) -> None:
        """Delete everything of a companion's own world; of the whole account where `agent_id` is None."""
        check_name("user_id", user_id)
        world = None if agent_id is None else self._place(user_id, agent_id, None).world
        self._truth.write(lambda ledger: ledger.memories.forget_all(user_id, world))

    # -- knowledge, feelings, lessons, files --------------------------------------------------------------------------

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
        self, question: str, answer: str, *, user_id: str, agent_id: str = "default", world: str | None = None
    ) -> None:
        """Queue an example to learn from: what should be answered when this is asked."""
        place, now = self._place(user_id, agent_id, world), self._now().timestamp()
        for field, value in (("question", question), ("answer", answer)):
            check_text(field, value, most=MOST_CHARACTERS)

        def learn(ledger: Ledger) -> None:
            scope = ledger.places.ensure(place, self._zone, now)
            ledger.life.learn(scope, question, answer, "taught", turn_uid=None, now=now)

        self._truth.write(learn)

    def export(
        self, path: str | Path, *, user_id: str, agent_id: str | None = None, progress: Progress = no_progress
    ) -> int:
        """Write a companion's own world (or the whole account) as lines of JSON; returns the number of lines.

        Interrupted, it goes on when it is run again, if nothing was written meanwhile.
        """
        check_name("user_id", user_id)
        world = None if agent_id is None else self._place(user_id, agent_id, None).world
        return export_file(self._truth, Path(path), user_id, world, progress)

    def import_(
        self, path: str | Path, *, user_id: str, agent_id: str | None = None, progress: Progress = no_progress
    ) -> int:
        """Read an exported file into this account, all or nothing; returns the number of memories.

        With `agent_id`, the file's one companion takes that name. What is read appears at one moment, at the end;
        interrupted, it goes on when it is run again.
        """
        check_name("user_id", user_id)
        if agent_id is not None:
            check_name("agent_id", agent_id)
        counting = partial(count, segmentation=self._segmentations.plain)
        made = import_file(self._truth, Path(path), user_id, agent_id, counting, self._now().timestamp(), progress)
        self.recount()  # what came with a dictionary of its own
        self.reembed(progress)
        return made

    def backup(self, path: str | Path, *, overwrite: bool = False, progress: Progress = no_progress) -> int:
        """Copy the whole file as it is now, while anybody writes; returns the copy's bytes. See `dmha.restore`."""
        return self._truth.backup(Path(path), overwrite=overwrite, progress=progress)

    def reembed(self, progress: Progress = no_progress) -> int:
        """Embed what has no vector of the present embedder; interrupted, it goes on where it stopped."""
        return reembed(self._truth, self._perception, progress)

    def recount(self, progress: Progress = no_progress) -> int:
        """Count the words of what other rules or cutters counted; interrupted, it goes on where it stopped."""
        return recount(self._truth, self._segmentations, progress)

    def diagnose(self) -> list[Diagnosis]:
        """What is well and what is not, each with what to do."""
        perception = self._perception
        return examine(self._truth, self._index, self._segmentations, perception.scripts, perception.embedder_id)

    def mend(self, progress: Progress = no_progress) -> list[Diagnosis]:
        """Set right what can be, a copy of the file kept first where rows go; what was done, each as it is now."""
        return mend(self._truth, self._index, self._segmentations, self.reembed, progress)

    def rebuild(self) -> None:
        """Let every index go; the next question makes it anew from the truth."""
        self._index.drop()

    # -- what the calls share -----------------------------------------------------------------------------------------

    def _place(self, user_id: str, agent_id: str, world: str | None) -> Place:
        check_name("user_id", user_id)
        check_name("agent_id", agent_id)
        named = f"agent:{agent_id}" if world is None else f"world:{check_text('world', world, most=MOST_NAME)}"
        return Place(user_id, agent_id, named)

    def _now(self) -> datetime:
        return check_time("clock", self._clock())

    def _outcome(self, place: Place, operation: str, key: str) -> dict[str, Any] | None:
        """What this keyed request came to before; None for a new one, or one that broke off."""
        with self._truth.read() as ledger:
            scope = ledger.places.find(place)
            return None if scope is None else ledger.life.outcome(scope, operation, key)

    def _answered(self, place: Place, outcome: dict[str, Any], asked: Asked) -> Reply:
        """The reply given to this very turn before, to the same ears."""
        check_same("turn_id", outcome, asked)
        trace = Trace()
        with trace("retry") as step, self._truth.read() as ledger:
            scope = ledger.places.find(place)
            assert scope is not None  # noqa: S101 - its outcome was just read
            reply = reply_from(outcome, partial(ledger.reading.by_uid, scope))
            step.did = "this turn was answered before: the same reply, and nothing changed"
        return replace(reply, trace=trace.steps)

    def _strengthen(
        self, ledger: Ledger, scope: Scope, memory_ids: Sequence[int], now: float, *,
        turn_uid: str | None = None, key: str | None = None,
    ) -> None:  # fmt: skip
        """What recall does to these memories, from what they are inside this very transaction."""
        states = ledger.reading.states(scope, memory_ids)
        ledger.life.reinforce(scope, recalling.reinforcements(states, now), now, turn_uid=turn_uid, key=key)

    def _remember(
        self, place: Place, session: str, turns: Sequence[Perceived], replaces: str | None = None, *,
        zone: str | None = None, cut: Segmentation | None = None,
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
            return scope, kept

        return self._truth.write(unit)

    def _segmentation(self, place: Place) -> Segmentation:
        """How texts are cut there now."""
        with self._truth.read() as ledger:
            return self._segmentations.at(ledger, place, ledger.places.find(place))

    def _worded(self, ledger: Ledger, scope: Scope, request: recalling.Request) -> recalling.Request:
        """The request with what this snapshot's dictionary, and readings where they are asked for, add to its words."""
        query = self._segmentations.of(ledger, scope.tenant_id, scope.dictionary).widened(
            request.query, by_reading=request.by_reading
        )
        if query is request.query:
            return request
        return replace(request, query=query, question=replace(request.question, terms=query.weights))

    def _request(self, query: str, asking: Asking) -> recalling.Request:
        return request_of(self._perception, query, asking, now=self._now().timestamp(), seed=self._seed)

    def _widened(self, request: recalling.Request) -> recalling.Request:
        """The request for as many as the reranker reads, where there is one."""
        return request if self._reranker is None else replace(request, top_k=max(request.top_k, reranking.RERANKED))

    def _rank(self, ledger: Ledger, scope: Scope, request: recalling.Request) -> list[list[tuple[State, Hit]]]:
        """What the ranking finds, best first: one list, or the joyful and the averse apart where both are wanted."""
        request, mood = self._widened(self._worded(ledger, scope, request)), Affect()
        if request.ranking.needs & _MOODS:
            mood = self._mood(ledger, scope)
        if request.filters.polarity != "both":
            return [recalling.rank(ledger, self._index, scope, request, mood)]
        sides = [replace(request, filters=replace(request.filters, polarity=side)) for side in ("joy", "aversion")]
        return [recalling.rank(ledger, self._index, scope, side, mood) for side in sides]

    def _best(
        self, found: Sequence[list[tuple[State, Hit]]], scope: Scope, request: recalling.Request
    ) -> list[tuple[State, Hit]]:
        """The best of what was found, by the reranker where there is one: a model, so inside no snapshot."""
        if self._reranker is not None:
            query, zone = request.query.text, ZoneInfo(scope.zone)
            found = [reranking.rerank(self._reranker, query, side, request.top_k, zone) for side in found]
        best = found[0] if len(found) == 1 else recalling.alternate(*found)
        return best[: request.top_k]

    def _mood(self, ledger: Ledger, scope: Scope) -> Affect:
        now = self._now().timestamp()
        felt = ledger.life.impulses(scope, now - _MOOD_HORIZON)
        return affect.mood(
            [affect.Impulse(at, Affect(joy, aversion, trauma)) for at, joy, aversion, trauma in felt], now
        )

    def _find(self, ledger: Ledger, id: str, place: Place) -> tuple[Scope, State]:
        check_text("id", id, most=MOST_NAME)
        scope = ledger.places.find(place)
        state = None if scope is None else ledger.reading.by_uid(scope, id)
        if scope is None or state is None:
            raise NotFound("memory", id)
        return scope, state


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
    ids = [turn.id for turn in given if turn.id is not None]
    if len(set(ids)) != len(ids):
        raise InvalidInput("turn id", "two turns of one call share an id", "Give every turn an id of its own.")
    return given


def _told_of(heard: Perceived, problems: Sequence[InvalidInput]) -> str:
    told = f"{heard.counted.language}, {heard.counted.length} terms, {len(heard.facts)} facts, {len(heard.rules)} rules"
    return told + "".join(f"; not understood: {problem}" for problem in problems)
