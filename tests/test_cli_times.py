"""At the terminal a time is meant, and shown, where the companion is, unless a zone is chosen."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from shell import run, told

import dmha
from dmha import Turn

pytestmark = pytest.mark.usefixtures("desk")


@pytest.fixture
def snow(desk: None) -> None:
    """A companion of Tokyo to whom somebody spoke on a morning there, on the evening before in London."""
    with dmha.open(zone="Asia/Tokyo") as mind:
        mind.add(Turn("snow", "aya", at=datetime(2026, 2, 10, 18, 15, tzinfo=UTC)), user_id="me")


def test_since_and_until_are_read_in_the_zone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A date without a zone is that of DMHA_ZONE, and so is what is shown."""
    monkeypatch.setenv("DMHA_ZONE", "Asia/Tokyo")
    run("add", "snow", "--at", "2025-12-31T23:30:00+00:00")
    assert len(told("search", "snow", "--since", "2026-01-01")) == 1
    assert told("search", "snow", "--until", "2026-01-01") == []
    assert "2026-01-01 08:30" in run("search", "snow").stdout


@pytest.mark.usefixtures("snow")
@pytest.mark.parametrize("verb", ["search", "recall"])
def test_times_are_those_of_the_companions_zone(verb: str) -> None:
    """What is read and what is shown is meant where the companion is, though the settings say nothing of it."""
    assert "2026-02-11 03:15" in run(verb, "snow").stdout
    assert told(verb, "snow", "--until", "2026-02-11") == []
    assert len(told(verb, "snow", "--since", "2026-02-11")) == 1


@pytest.mark.usefixtures("snow")
def test_a_chosen_zone_outweighs_the_settings_and_these_the_companions(monkeypatch: pytest.MonkeyPatch) -> None:
    """--zone before DMHA_ZONE, DMHA_ZONE before the companion's own, be it UTC."""
    monkeypatch.setenv("DMHA_ZONE", "UTC")
    assert "2026-02-10 18:15" in run("search", "snow").stdout
    assert "2026-02-10 13:15" in run("search", "snow", "--zone", "America/New_York").stdout
    refused = run("search", "snow", "--zone", "Tokio")
    assert (refused.exit_code, "--zone: there is no zone 'Tokio'" in refused.stderr) == (2, True)


@pytest.mark.usefixtures("snow")
def test_what_is_added_is_said_in_the_companions_zone() -> None:
    """A time without a zone is one of the companion's day."""
    run("add", "rain", "--at", "2026-02-12T00:30")
    assert told("search", "rain")[0]["memory"]["at"].startswith("2026-02-11T15:30:00")
