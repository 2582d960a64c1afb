"""A shared world: one event, a perspective each; what was private stays so in every way that words come back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from stubs import ManualClock

from dmha import Turn
from dmha.mind import Mind

RELU: dict[str, Any] = {"user_id": "aya", "agent_id": "relu", "world": "scene"}
NEURO: dict[str, Any] = {"user_id": "aya", "agent_id": "neuro", "world": "scene"}
SECRET = "The treasure lies under the third oak."


@pytest.fixture
def scene(mind: Mind) -> Mind:
    mind.add([Turn("The dragon came at dawn.", "ben", id="t1"), Turn(SECRET, "ben", id="t2", private=True)], **RELU)
    return mind


def test_recalling_strengthens_for_one_companion_alone(scene: Mind, clock: ManualClock) -> None:
    """What one companion recalled is more vivid to it, and to the other as it was."""
    clock.forward(days=7)
    (hit,) = scene.recall("dragon", top_k=1, **RELU)
    mine, other = (scene.get(hit.memory.id, **companion) for companion in (RELU, NEURO))
    assert (mine.recall_count, other.recall_count) == (1, 0)
    assert mine.half_life > other.half_life


def test_a_taken_back_recall_leaves_the_other_s_perspective_alone(scene: Mind, clock: ManualClock) -> None:
    """A perspective that began with a recall ends when the recall is taken back; the one born with the event stays."""
    (id,) = scene.add(Turn("The bridge over the river fell.", "ben", id="t3"), **RELU)
    clock.forward(days=1)
    scene.contextualize("What about the bridge over the river?", speaker="kei", turn_id="t4", **NEURO)
    assert scene.get(id, **NEURO).recall_count == 1
    scene.contextualize("Good morning.", speaker="kei", turn_id="t5", replaces="t4", **NEURO)
    assert scene.get(id, **NEURO).recall_count == 0
    assert scene.get(id, **RELU).recall_count == 0


def test_a_companion_s_first_deed_in_a_world_may_be_a_pin(scene: Mind) -> None:
    """Who has done nothing in a world yet can pin what another lived through, for itself alone."""
    (hit,) = scene.search("dragon", top_k=1, **RELU)
    assert scene.update(hit.memory.id, pinned=True, **NEURO).pinned
    assert not scene.get(hit.memory.id, **RELU).pinned


def test_a_pin_taken_off_leaves_nothing(scene: Mind, tmp_path: Path) -> None:
    """A perspective that began with a pin ends with it, so that taking back a later recall leaves what was before."""
    (hit,) = scene.search("dragon", top_k=1, **RELU)
    scene.export(tmp_path / "before", user_id="aya")
    for pinned in (True, False):
        scene.update(hit.memory.id, pinned=pinned, **NEURO)
    scene.export(tmp_path / "after", user_id="aya")
    assert (tmp_path / "after").read_bytes() == (tmp_path / "before").read_bytes()


def test_two_companions_answer_one_line(scene: Mind) -> None:
    """Each companion of a scene may answer the same turn: the line is kept once, with a reply from either."""
    for companion in (RELU, NEURO):
        scene.contextualize("Who saw the dragon?", speaker="kei", turn_id="t3", **companion)
    hits = scene.search("saw", speaker="kei", top_k=10, **RELU)
    assert [hit.memory.text for hit in hits] == ["Who saw the dragon?"]


def test_new_words_are_felt_by_those_who_lived_them(scene: Mind) -> None:
    """Changing a memory's words moves the feelings of the companion that was there, not of one that only recalled."""
    (hit,) = scene.recall("dragon", top_k=1, **NEURO)
    id = hit.memory.id
    scene.update(id, text="The dragon came at dawn, how terrible, I hate it!", **RELU)
    assert scene.get(id, **RELU).aversion > 0
    assert scene.get(id, **NEURO).aversion == 0


@pytest.mark.parametrize("companion", [RELU, NEURO])
def test_a_secret_comes_back_only_to_its_teller(scene: Mind, companion: dict[str, Any]) -> None:
    """Search and recall bring it while its speaker is present, for every companion of the world, else never."""
    for ask in (scene.search, scene.recall):
        assert SECRET in [hit.memory.text for hit in ask("treasure oak", present=["ben", "kei"], **companion)]
        assert SECRET not in [hit.memory.text for hit in ask("treasure oak", present=["kei"], **companion)]
        assert SECRET not in [hit.memory.text for hit in ask("treasure oak", **companion)]


def test_a_secret_is_in_no_summary(scene: Mind) -> None:
    """Folding a window of open and private words makes summaries of the open ones alone."""
    scene.add([Turn(f"On day {n} the lamp {n} was lit.", "ben", private=n % 2 == 0) for n in range(60)], **RELU)
    gists = [hit.memory.text for hit in scene.search("lamp", kind="summary", top_k=100, **RELU)]
    assert gists
    assert not any(f"day {n} " in gist for gist in gists for n in range(0, 60, 2))
    assert not any("treasure" in gist for gist in gists)


def test_a_private_fact_is_known_to_its_teller_alone(scene: Mind) -> None:
    """What was told as a fact in private, and what a rule makes of it, is unknown while its teller is away."""
    scene.add(Turn("fact: ben.hideout = mill. rule: if ben.hideout = mill then ben.safe = yes", "ben", private=True),
              **RELU)  # fmt: skip
    knowledge = scene.knowledge(**NEURO)
    for attribute in ("hideout", "safe"):
        assert knowledge.ask("ben", attribute, present=["ben"]).status == "true"
        assert knowledge.ask("ben", attribute, present=["kei"]).status == "unknown"


def test_a_replaced_secret_leaves_nothing_either(scene: Mind) -> None:
    """Taking back a private turn takes its words from those who were told, too."""
    scene.contextualize("The password is swordfish.", speaker="ben", turn_id="t6", private=True, **RELU)
    scene.contextualize("Never mind.", speaker="ben", turn_id="t7", replaces="t6", **RELU)
    assert not [
        hit for hit in scene.search("password swordfish", present=["ben"], **RELU) if "sword" in hit.memory.text
    ]


def test_a_shared_world_has_one_event_and_two_perspectives(mind: Mind) -> None:
    """What one companion recalls is strengthened for it alone."""
    mind.add([Turn("The bees swarmed.", "aya")], user_id="acct", agent_id="a", world="garden")
    mind.add([Turn("Hello.", "aya")], user_id="acct", agent_id="b", world="garden")
    (seen,) = mind.search("bees", user_id="acct", agent_id="b", world="garden", top_k=1)
    mind.recall("bees", user_id="acct", agent_id="a", world="garden", top_k=1)
    assert mind.get(seen.memory.id, user_id="acct", agent_id="a", world="garden").recall_count == 1
    assert mind.get(seen.memory.id, user_id="acct", agent_id="b", world="garden").recall_count == 0


def test_a_companion_new_to_a_shared_world_finds_what_happened_there(mind: Mind) -> None:
    """What Rin's companion lived through, Bo finds without having been there; recalling it makes it Bo's own."""
    mind.add([Turn("The bees swarmed.", "aya")], user_id="acct", agent_id="rin", world="tavern")
    bo: dict[str, Any] = {"user_id": "acct", "agent_id": "bo", "world": "tavern"}
    (hit,) = mind.search("bees", **bo)
    mind.recall("bees", **bo)
    assert mind.get(hit.memory.id, **bo).recall_count == 1
    assert mind.get(hit.memory.id, user_id="acct", agent_id="rin", world="tavern").recall_count == 0
