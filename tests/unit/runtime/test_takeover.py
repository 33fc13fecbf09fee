"""How long a lease stays without a leader."""

import asyncio

import pytest
from prometheus_client import CollectorRegistry

from steward.runtime import lease as leases
from steward.runtime import metrics
from steward.runtime.client import Client
from steward.runtime.lease import Lease, LeaseConfig
from steward.runtime.resource import Key
from steward.telemetry.metrics import bind
from support.builders import lease
from support.fakeapi import FakeAPI, MemoryTransport
from support.managers import Running

pytestmark = pytest.mark.looptime

CONFIG = LeaseConfig(Key("default", "steward-headless"), identity="steward-1")
LEASE = "default/steward-headless"

MOMENTS = [0.0, 0.3, 0.7, 1.1, 1.5, 1.9]
"""Seconds after the standby's start at which the leader renews for the last time."""


@pytest.fixture
def api():
    api = FakeAPI()
    api.add(lease(holder="steward-0"))
    return api


@pytest.fixture(params=[0.0, 0.5, 0.999], ids=["longest pauses", "middle pauses", "shortest pauses"])
def luck(request, monkeypatch):
    monkeypatch.setattr(leases.random, "random", lambda: request.param)


def standby(api: FakeAPI) -> Lease:
    instruments = bind(metrics.ALL, CollectorRegistry(), component="test")
    return Lease(Client(MemoryTransport(api), field_manager="test", instruments=instruments), CONFIG)


def renew(api: FakeAPI, *, number: int) -> None:
    api.merge("leases", LEASE, {"spec": {"renewTime": f"2026-01-01T00:00:{number:02}.000000Z"}})


@pytest.mark.parametrize("last", MOMENTS)
@pytest.mark.usefixtures("luck")
async def test_a_dead_leaders_lease_is_taken_after_its_duration_and_at_most_one_retry_period(api, last):
    """15 s after the standby saw the last renewal, which it does within 2 s; never before 15 s after that renewal."""
    clock = asyncio.get_running_loop().time
    waiting = asyncio.ensure_future(standby(api).acquire())
    await asyncio.sleep(last)
    renew(api, number=1)
    died = clock()

    await waiting

    assert CONFIG.lease_duration <= clock() - died <= CONFIG.lease_duration + CONFIG.retry_period + 0.1


@pytest.mark.usefixtures("luck")
async def test_a_lease_given_back_is_taken_within_a_retry_period(api):
    clock = asyncio.get_running_loop().time
    waiting = asyncio.ensure_future(standby(api).acquire())
    await asyncio.sleep(5.3)
    api.merge("leases", LEASE, {"spec": {"holderIdentity": None, "leaseDurationSeconds": 1}})
    released = clock()

    await waiting

    assert clock() - released <= CONFIG.retry_period + 0.1


async def test_a_lease_that_runs_out_while_the_server_refuses_does_not_make_a_standby_spin(api):
    """With the lease over and nobody to give it, looks become rarer: twelve in the first minute."""
    waiting = asyncio.ensure_future(standby(api).acquire())
    await asyncio.sleep(1)
    before = api.requests()
    api.answer(503, seconds=60)
    await asyncio.sleep(59)

    refused = api.requests() - before
    await waiting

    assert 7 <= refused <= 13


async def test_the_lease_of_a_holder_who_is_gone_runs_out_while_caches_fill(api, monkeypatch):
    """The only replica is restarted in an outage: from the server's return to the leadership it is one lease, not one after the caches."""
    monkeypatch.setattr(leases.random, "random", lambda: 0.0)
    clock = asyncio.get_running_loop().time
    api.answer(503, seconds=60)
    steward = Running(api, lease=True, identity="steward-1")
    steward.start()
    await asyncio.sleep(60)
    back = clock()

    await steward.until(lambda: steward.sample("steward_leader") == 1)

    assert CONFIG.lease_duration <= clock() - back <= CONFIG.lease_duration + CONFIG.retry_period + 0.1
    await steward.stop()


async def test_a_lease_that_is_not_reached_is_said_once_in_a_row(api, caplog):
    """At warning; what follows is for whoever asks for more."""
    caplog.set_level("DEBUG")
    waiting = asyncio.ensure_future(standby(api).acquire())
    for number in range(2):
        renew(api, number=number)
        await asyncio.sleep(10)
        api.answer(503, seconds=20)
        await asyncio.sleep(20)
    waiting.cancel()

    said = [record.levelname for record in caplog.records if record.getMessage() == "lease not reached"]
    assert 2 == said.count("WARNING")
    assert 4 <= said.count("DEBUG")
