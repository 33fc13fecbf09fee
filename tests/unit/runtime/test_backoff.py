"""How long pauses are."""

import asyncio

import pytest

from steward.runtime import backoff
from steward.runtime.backoff import WATCH_BACKOFF, Backoff, Pauses

pytestmark = pytest.mark.looptime

PLAIN = Backoff(first=1.0, factor=2.0, jitter=0.0, cap=8.0, reset=60.0)


async def test_pauses_double_up_to_the_cap():
    pauses = Pauses(PLAIN)

    assert [1, 2, 4, 8, 8] == [pauses.next() for _ in range(5)]


async def test_health_makes_the_next_pause_the_first_again():
    pauses = Pauses(PLAIN)
    for _ in range(3):
        await pauses.wait()
    await asyncio.sleep(PLAIN.reset + 1)

    assert 1 == pauses.next()


async def test_an_attempt_after_a_pause_is_no_health():
    """What counts is the time after the pause, not since the failure before it: pauses of a minute must not reset themselves."""
    pauses = Pauses(Backoff(first=100.0, factor=2.0, jitter=0.0, cap=1000.0, reset=60.0))
    await pauses.wait()
    await asyncio.sleep(1)

    assert 200 == pauses.next()


async def test_the_server_can_ask_for_more_but_not_for_less():
    pauses = Pauses(PLAIN)

    assert [30, 2] == [pauses.next(at_least=30), pauses.next(at_least=0.1)]


async def test_jitter_makes_a_pause_longer_only(monkeypatch):
    """From once to twice its value."""
    jittery = Backoff(first=1.0, factor=1.0, jitter=1.0, cap=1.0, reset=60.0)
    monkeypatch.setattr(backoff.random, "random", lambda: 0.999)

    assert 1.999 == pytest.approx(Pauses(jittery).next())


@pytest.mark.parametrize("luck", [0.0, 0.5, 0.999])
async def test_a_minute_of_outage_is_at_most_twelve_attempts_and_half_a_minute_until_the_next(monkeypatch, luck):
    """The arithmetic behind WATCH_BACKOFF: client-go's cap of 30 s would take up to a minute."""
    monkeypatch.setattr(backoff.random, "random", lambda: luck)
    pauses, loop = Pauses(WATCH_BACKOFF), asyncio.get_running_loop()
    attempts = 0
    while loop.time() < 60:
        attempts += 1
        await pauses.wait()

    assert attempts <= 12
    assert loop.time() <= 90


async def test_years_of_failures_do_not_overflow():
    pauses = Pauses(PLAIN)
    pauses._failures = 10**6

    assert PLAIN.cap == pauses.next()
