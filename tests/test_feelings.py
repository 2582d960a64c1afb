"""What is said is felt: by the companion's mood, about people, and less as time goes by."""

from __future__ import annotations

from typing import Any

from stubs import ManualClock

from dmha import Turn
from dmha.mind import Mind

WHO: dict[str, Any] = {"user_id": "acct", "agent_id": "relu"}


def test_opposite_inputs_give_opposite_moods_and_confidences(mind: Mind) -> None:
    """Delight lifts, hurt lowers; a known thing is answered surely, an unknown one is not."""
    glad = mind.contextualize("I am so happy, this is wonderful!", user_id="glad").mood
    hurt = mind.contextualize("I am so sad, this is horrible.", user_id="hurt").mood
    assert glad.joy > 0.3 > glad.aversion
    assert hurt.aversion > 0.3 > hurt.joy
    mind.add("My sister keeps bees on the roof.", **WHO)
    known = mind.contextualize("Where does my sister keep bees?", **WHO).confidence
    unknown = mind.contextualize("Which blood type am I?", **WHO).confidence
    assert known > 0.5 > unknown


def test_quoting_an_old_hurt_is_no_new_hurt(mind: Mind, clock: ManualClock) -> None:
    """What the companion itself says moves its mood as little as an echo moves the one who hears it."""
    mind.add("The harbour was horrible, I cried for days.", **WHO)
    clock.forward(days=300)
    reply = mind.contextualize("The harbour, those days?", **WHO)
    mood = mind.feelings(**WHO).mood
    assert "horrible" in reply.text
    assert mood.aversion < 0.1


def test_mood_fades(mind: Mind, clock: ManualClock) -> None:
    """The same joy weighs half after the mood's half-life and nothing after a month."""
    mind.add("I am so happy, this is wonderful!", **WHO)
    now = mind.feelings(**WHO).mood.joy
    clock.forward(days=30)
    assert mind.feelings(**WHO).mood.joy < 1e-6 < now


def test_feelings_about_people_follow_what_they_said(mind: Mind) -> None:
    """Who brought joy is told apart from who brought hurt."""
    mind.add([Turn("I love this, what a wonderful day!", "aya"), Turn("I hate this horrible place.", "kenji")], **WHO)
    about = mind.feelings(**WHO).about
    assert about["aya"].joy > about["aya"].aversion
    assert about["kenji"].aversion > about["kenji"].joy
