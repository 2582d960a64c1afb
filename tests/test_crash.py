"""`kill -9` of several processes at any moment: what was acknowledged is there once, the rest whole or not at all."""

from __future__ import annotations

import os
import random
import re
import sys
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from crash_child import live, perform
from herd import Herd, Line
from promises import Promises, text_of
from stubs import ManualClock, StubEmbedder

import dmha
from dmha import NotFound
from dmha.mind import Mind
from dmha.types import Memory

SOAK = os.environ.get("DMHA_SOAK") == "1"
KILLS = 200 if SOAK else 20
WRITES = 20_000 if SOAK else 300
TOKEN = re.compile(r"[a-z]p\d+x\d+n\d+(k\d+)?")
Account = dict[str, Promises]  # by thread
Place = dict[str, Any]


@pytest.mark.timeout(3_600 if SOAK else 120)
def test_kill_nine_loses_nothing_and_adds_nothing(database: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever is killed and whenever, the truth is what was acknowledged, and an index made anew says the same."""
    draw, clock = random.Random(20_260_101), ManualClock(datetime.now(UTC))
    accounts: list[tuple[Place, Account]] = []
    reopen = partial(dmha.open, database, embedder=StubEmbedder(), chat="extractive", clock=clock)
    kills = pending = 0
    with reopen() as watching:
        while kills < KILLS or written(accounts) < WRITES:
            if not accounts or written(accounts[-1:]) > 500:  # below a search's most hits: one shows a whole account
                accounts.append(({"user_id": f"aya{len(accounts)}", "agent_id": "relu"}, {}))
            here, account = accounts[-1]
            share = max(5, (WRITES - written(accounts)) // max(1, KILLS - kills))  # of each process's life
            met, left = a_round(database, watching, here, account, kills, share, draw)
            clock.now = datetime.now(UTC)
            kills, pending = kills + met, pending + left + settle(watching, here, account.values())
            check(watching, here, account)
            assert all(diagnosis.ok for diagnosis in watching.diagnose()[:3])
            with reopen() as fresh:
                same_answers(watching, fresh, here, account, draw)
        with reopen() as fresh:
            for here, account in accounts:
                check(fresh, here, account)
    assert written(accounts) >= WRITES
    if SOAK:
        with capsys.disabled():
            sys.stdout.write(
                f"\n{kills} kills, {written(accounts)} acknowledged writes in {len(accounts)} accounts, "
                f"{pending} pending ones settled, a file of {database.stat().st_size / 1e6:.0f} MB\n"
            )


def a_round(
    path: Path, watching: Mind, here: Place, account: Account, first: int, share: int, draw: random.Random
) -> tuple[int, int]:
    """Processes at work; some are killed while the others go on, which are killed too in the end.

    How many there were, and how many pending operations the first ones left.
    """
    lines: Counter[int] = Counter()
    lived: dict[int, Account] = {}

    def hear(worker: int, line: Line) -> None:
        lines[worker] += 1
        own = account.setdefault(line["who"], Promises(line["who"]))
        lived.setdefault(worker, {})[own.who] = own
        own.hear(line)

    before = written([(here, account)])
    with Herd(hear) as herd:
        started = [
            herd.start(live, str(path), here, first + number, draw.randint(1, 3))
            for number in range(draw.randint(1, 4))
        ]
        due = before + draw.randint(0, 2 * share * len(started))
        if draw.random() < 0.9:  # else while they start and open the file
            herd.listen(lambda: written([(here, account)]) >= due and len(lines) == len(started))
        herd.listen_for(draw.uniform(0.0, 0.05))
        victims = draw.sample(started, draw.randint(1, len(started)))
        for victim in victims:
            herd.kill(victim)
        dead = [own for victim in victims for own in lived.get(victim, {}).values()]
        left = settle(watching, here, dead)  # this process goes on as the others do
        for own in dead:
            check_thread(watching, here, own)
        so_far = Counter(lines)
        herd.listen(lambda: all(lines[worker] > so_far[worker] + 2 for worker in herd.workers))
        herd.listen_for(draw.uniform(0.0, 0.05))
        for survivor in list(herd.workers):
            herd.kill(survivor)
    return len(started), left


def settle(mind: Mind, here: Place, threads: Iterable[Promises]) -> int:
    """See that what was pending is there whole or not at all, and do it once more. How many there were."""
    settled = 0
    for own in threads:
        if (begun := own.pending) is None:
            continue
        there = {memory.text: memory for memory in held(mind, here, own.who).values()}
        match begun["do"]:
            case "add":
                assert sum(text_of(token) in there for token in begun["tokens"]) in (0, len(begun["tokens"]))
            case "turn" if begun["replaces"] is not None:
                assert (text_of(begun["token"]) in there) is not (text_of(begun["replaces"]) in there)
            case "update":
                memory = mind.get(begun["id"], **here)
                if memory.version == begun["version"]:
                    assert memory.text == text_of(own.kept[begun["id"]].text)
                else:
                    own.done(begun, {})
                    begun = {"do": "nothing"}
            case "delete" if text_of(own.kept[begun["id"]].text) not in there:
                own.done(begun, {})
                begun = {"do": "nothing"}
        if begun["do"] != "nothing":
            own.done(begun, perform(mind, here, own.who, begun))
        own.pending = None
        settled += 1
    return settled


def check(mind: Mind, here: Place, account: Account) -> None:
    """Everything that was acknowledged is there as it was promised, once, and nothing else is."""
    strengthened = Counter(id for own in account.values() for ids in own.strengthened.values() for id in ids)
    for own in account.values():
        counts = check_thread(mind, here, own)
        assert counts == {id: strengthened[id] for id in own.kept}
    told = mind.knowledge(**here).facts(present=list(account))
    facts = sorted((fact.entity, fact.attribute, fact.value) for fact in told)
    assert facts == sorted(fact for own in account.values() for fact in own.facts)
    everything = {hit.memory.id: hit.memory for hit in mind.search("memory", top_k=1_000, **here)}
    known = {id for own in account.values() for id in own.kept}
    gists = {id: memory for id, memory in everything.items() if memory.kind == "summary"}
    assert everything.keys() - gists.keys() <= known
    quoted = " ".join(memory.text for memory in gists.values())
    living = {kept.text for own in account.values() for kept in own.kept.values()}
    assert {word for word in quoted.split() if TOKEN.fullmatch(word)} <= living


def check_thread(mind: Mind, here: Place, own: Promises) -> dict[str, int]:
    """What this thread did is there as it was promised; returns how often each of its memories was recalled."""
    found = held(mind, here, own.who)
    assert found.keys() == own.kept.keys()
    for id, kept in own.kept.items():
        memory = found[id]
        assert (memory.text, memory.version, memory.pinned) == (text_of(kept.text), kept.version, kept.pinned)
        assert memory.metadata == ({} if kept.version == 1 else {"token": kept.text})
        assert memory.session_id == kept.session
    for id in own.replies:
        assert mind.get(id, **here).source == "assistant"
    for id in own.gone:
        with pytest.raises(NotFound):
            mind.get(id, **here)
    for turn, texts in own.rejected_for.items():
        assert texts <= {variant.text for variant in mind.variants(turn, **here)}
    return {id: memory.recall_count for id, memory in found.items()}


def held(mind: Mind, here: Place, who: str) -> dict[str, Memory]:
    """All memories of that speaker."""
    hits = mind.search("memory of the sea", speaker=who, top_k=1_000, **here)
    found = {hit.memory.id: hit.memory for hit in hits}
    assert len(found) == len(hits) < 1_000
    return found


def same_answers(watching: Mind, fresh: Mind, here: Place, account: Account, draw: random.Random) -> None:
    """The index that lived through it all answers as one made from nothing."""
    said = ["rain", *(text_of(kept.text) for own in account.values() for kept in own.kept.values())]
    for query in draw.sample(said, min(len(said), 8)):
        _same(answers(watching, here, query), answers(fresh, here, query))
    differences = getattr(watching._index, "differences", None)
    if differences is not None:
        with watching._truth.read() as ledger:
            tenants = list(ledger.feed.tenant_counts())
        assert not [differences(tenant_id) for tenant_id in tenants if differences(tenant_id)]


def answers(mind: Mind, here: Place, query: str) -> list[tuple[str, float]]:
    return [(hit.memory.id, hit.score) for hit in mind.search(query, top_k=20, **here)]


def written(accounts: Iterable[tuple[Place, Account]]) -> int:
    return sum(own.writes for _, account in accounts for own in account.values())


def _same(left: list[tuple[str, float]], right: list[tuple[str, float]]) -> None:
    # A matrix product's last bits depend on how many rows it has: float32 vectors, so equal to 1e-6.
    scores = dict(right)
    assert [score for _, score in left] == pytest.approx([score for _, score in right], abs=1e-6)
    for id, score in left:  # two of equal score may stand in either order, or fall off the end of the list
        assert scores.get(id, right[-1][1]) == pytest.approx(score, abs=1e-6)
