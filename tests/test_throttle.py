"""The throttle: exact counts in windows of its own clock, and memory that no stranger can fill."""

from __future__ import annotations

import pytest

from dmha.errors import InvalidInput
from dmha.server.throttle import Throttle, network, parse_rate


class Stopwatch:
    """Seconds that pass when told."""

    def __init__(self) -> None:
        self.seconds = 1_000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def watch() -> Stopwatch:
    return Stopwatch()


def throttle(watch: Stopwatch, *, most: int = 1_000) -> Throttle:
    rates = {"credential": "3/minute", "address": "5/minute", "failure": "2/minute"}
    return Throttle({kind: parse_rate("rate", rate) for kind, rate in rates.items()}, clock=watch, most=most)  # type: ignore[misc]  # the kinds are Kind's


def test_so_many_pass_a_minute_and_the_next_one_waits(watch: Stopwatch) -> None:
    """The wait is what is left of the minute, in whole seconds and never none; after it, all pass again."""
    limit, told = throttle(watch), []
    for at in (0.0, 10.0, 20.0, 20.0, 59.5, 60.0, 60.0, 60.0, 60.0):
        watch.seconds = 1_000.0 + at
        told.append(limit.allow("credential", "user:aya"))
    assert told == [None, None, None, 40, 1, None, None, None, 60]


def test_asking_on_while_refused_costs_nothing_further(watch: Stopwatch) -> None:
    """A refused request does not lengthen the wait."""
    limit = throttle(watch)
    for _ in range(50):
        limit.allow("credential", "user:aya")
    watch.seconds += 60
    assert limit.allow("credential", "user:aya") is None


def test_identities_and_kinds_are_counted_apart(watch: Stopwatch) -> None:
    """One credential's requests are not another's, nor its address's, nor failures."""
    limit = throttle(watch)
    for _ in range(4):
        limit.allow("credential", "same")
    assert limit.allow("credential", "same") is not None
    assert limit.allow("credential", "other") is None
    assert limit.allow("address", "same") is None
    assert limit.barred("failure", "same") is None


def test_failures_are_asked_for_without_being_counted(watch: Stopwatch) -> None:
    """However often it is asked whether an address is barred, only what failed counts."""
    limit = throttle(watch)
    assert [limit.barred("failure", "a") for _ in range(9)] == [None] * 9
    assert [limit.allow("failure", "a") for _ in range(2)] == [None, None]
    watch.seconds += 15
    assert limit.barred("failure", "a") == 45
    watch.seconds += 45
    assert limit.barred("failure", "a") is None


def test_a_flood_of_addresses_does_not_fill_the_memory(watch: Stopwatch) -> None:
    """So many are held and no more: the oldest windows make room, and the newest are still counted."""
    limit = throttle(watch, most=100)
    for n in range(10_000):
        limit.allow("address", f"192.0.2.{n}")
    assert len(limit._limiters["address"].storage._held) == 100  # type: ignore[attr-defined]  # our own storage
    assert [limit.allow("address", "192.0.2.9999") for _ in range(5)] == [None] * 4 + [60]


def test_who_is_counted_already_takes_no_room(watch: Stopwatch) -> None:
    """At the bound, another request of a known identity lets nobody's window go."""
    limit = throttle(watch, most=2)
    told = [limit.allow("failure", name) for name in ("a", "b", "b", "b", "a", "a")]
    assert told == [None, None, None, 60, None, 60]


def test_windows_that_ended_are_let_go(watch: Stopwatch) -> None:
    """The next request sweeps what is over, whoever sends it."""
    limit = throttle(watch)
    for n in range(100):
        limit.allow("address", str(n))
    watch.seconds += 61
    limit.allow("address", "another")
    assert list(limit._limiters["address"].storage._held) == ["LIMITER/another/5/1/minute"]  # type: ignore[attr-defined]  # as above


def test_a_flood_of_addresses_frees_no_credential(watch: Stopwatch) -> None:
    """What makes room are windows of the same kind alone."""
    limit = throttle(watch, most=10)
    for _ in range(4):
        limit.allow("credential", "user:aya")
    for n in range(1_000):
        limit.allow("address", str(n))
    assert limit.allow("credential", "user:aya") == 60


@pytest.mark.parametrize(
    ("address", "stands_for"),
    [
        ("192.0.2.7", "192.0.2.7"), ("::ffff:192.0.2.7", "192.0.2.7"), ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:0DB8:0001:0002::1", "2001:db8:1:2::/64"), ("2001:db8:1:3::1", "2001:db8:1:3::/64"), ("::1", "::/64"),
        ("fe80::1%eth0", "fe80::/64"), ("testclient", "testclient"), ("", ""), ("x" * 5_000, "x" * 64),
        ("999.1.1.1", "999.1.1.1"),
    ],
)  # fmt: skip
def test_an_address_stands_for_its_network(address: str, stands_for: str) -> None:
    """However an IPv6 address is written, its /64 is one; an IPv4 one is itself, mapped or not."""
    assert network(address) == stands_for


@pytest.mark.parametrize(
    "written", ["", "600", "minute", "0/minute", "-1/minute", "1/minute;2/second", "x/y", "600/fortnight"]
)
def test_a_rate_that_is_none_is_refused(written: str) -> None:
    """The error names the setting and shows a rate."""
    with pytest.raises(InvalidInput, match="600/minute") as caught:
        parse_rate("DMHA_RATE", written)
    assert caught.value.field == "DMHA_RATE"


@pytest.mark.parametrize("written", ["600/minute", "1 per second", "20/5 minutes"])
def test_a_rate_is_written_as_limits_reads_it(written: str) -> None:
    """So many in so long."""
    assert parse_rate("DMHA_RATE", written).amount in (600, 1, 20)
