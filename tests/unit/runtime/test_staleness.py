"""A process whose watch is lost goes on, and says how old what it knows is."""

import asyncio
import time

import pytest

from steward.runtime.caches import LOOK_SECONDS
from steward.runtime.followed import STALE_SECONDS
from support.fakeapi import FakeAPI
from support.managers import running

pytestmark = pytest.mark.looptime

SAID = "nothing heard of a resource, what is done rests on an old cache"


def pods(steward):
    """The informer of pods."""
    return next(informer for name, informer in steward.manager._caches.informers if name == "pods")


def detail(steward):
    """What the readiness says."""
    return next(probe.check() for probe in steward.manager.probes if probe.name == "caches")


async def test_an_old_cache_is_told_of_once_and_keeps_nobody_from_being_ready(caplog):
    caplog.set_level("INFO")
    async with running(FakeAPI()) as steward:
        pods(steward).last_event = time.time() - STALE_SECONDS - 100
        verdict = detail(steward)
        await asyncio.sleep(4 * LOOK_SECONDS)
        warned = caplog.messages.count(SAID)
        pods(steward).last_event = time.time()
        await asyncio.sleep(2 * LOOK_SECONDS)
        after = detail(steward)

    assert verdict.ok
    assert "pods: nothing heard for 400 s" == verdict.reason
    assert 1 == warned
    assert 1 == caplog.messages.count("resource is heard of again")
    assert (True, "") == (after.ok, after.reason)


async def test_a_few_quiet_minutes_are_not_worth_a_word(caplog):
    async with running(FakeAPI()) as steward:
        pods(steward).last_event = time.time() - STALE_SECONDS + 60
        await asyncio.sleep(2 * LOOK_SECONDS)
        verdict = detail(steward)

    assert "" == verdict.reason
    assert 0 == caplog.messages.count(SAID)
