"""What a leader still writes when its time is over."""

import asyncio

import pytest
from prometheus_client import CollectorRegistry

from steward.runtime import errors, metrics
from steward.runtime.client import Client
from steward.runtime.plan import Event, Reason, Reference
from steward.runtime.recorder import Recorder
from steward.telemetry.metrics import bind
from support.builders import pod
from support.fakeapi import FakeAPI, MemoryTransport
from support.managers import Running, running

pytestmark = pytest.mark.looptime

LEASE = "default/steward-headless"
REASON = Reason("Named", "Normal", "The pod got its name.")


class Fallen:
    """A fence that fell."""

    def check(self) -> None:
        raise errors.LeaseLost("over")

    def time_left(self) -> float:
        raise errors.LeaseLost("over")


def recorder(api: FakeAPI) -> Recorder:
    instruments = bind(metrics.ALL, CollectorRegistry(), component="test")
    return Recorder(Client(MemoryTransport(api), field_manager="test", instruments=instruments), controller="steward.dev/test", instance="steward-0")


def event(number: int) -> Event:
    return Event(Reference("v1", "Pod", "default", f"web-{number}", f"uid-{number}"), REASON, "web", "Create")


async def test_a_lease_is_given_back_although_the_last_renewal_was_cut_off():
    """The renewal came through, its answer did not: the version we know is old, and the lease ours all the same."""
    api = FakeAPI()
    steward = Running(api, lease=True)
    steward.start()
    await steward.ready()
    await steward.until(lambda: api.get("leases", LEASE))
    api.hang("patch leases", applied=True, times=1)
    await steward.until(lambda: api.requests("patch leases") == 1)

    await steward.stop()

    assert not api.get("leases", LEASE)["spec"].get("holderIdentity")


async def test_a_leader_that_stops_while_events_are_written_writes_the_rest_and_ends_well():
    """The last flush comes in the middle of another."""
    api = FakeAPI()
    api.delay(0.1, "create events")
    async with running(api, lease=True) as steward:
        for number in range(5):
            api.add(pod(f"web-{number}", ips=(f"10.0.0.{number + 1}",)))
        await steward.until(lambda: api.requests("create events") == 2)

    assert 5 == len(api.all("events"))


async def test_no_event_is_written_after_the_fence_fell():
    """Events of a leader that was frozen beyond its lease stay with it."""
    api = FakeAPI()
    recording = recorder(api)
    writing = asyncio.ensure_future(recording.run())
    recording.record(event(1))
    await asyncio.sleep(5)
    recording.fence = Fallen()
    recording.record(event(2))
    await asyncio.sleep(60)
    writing.cancel()

    assert ["web-1"] == [one["regarding"]["name"] for one in api.all("events")]
    assert 1 == api.requests("events")
