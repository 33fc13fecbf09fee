"""What must go on while the API server is slow, was away, or somebody else leads."""

import asyncio

import pytest

from steward.runtime.workqueue import WorkQueue
from support.builders import lease, pod
from support.fakeapi import FakeAPI
from support.managers import Running, running, settled

pytestmark = pytest.mark.looptime


@pytest.fixture
def api():
    return FakeAPI()


def fill(api: FakeAPI, number: int, *, first: int = 0) -> None:
    for each in range(first, first + number):
        api.add(pod(f"web-{each}", ips=(f"10.0.{each // 250}.{each % 250 + 1}",)))


@pytest.mark.parametrize("writes", ["create services", "create endpointslices", "create events"])
async def test_slow_writes_do_not_cost_the_leadership(api, writes):
    """An admission webhook that is dead takes its ten seconds for each write; a renewal does not wait behind them."""
    fill(api, 200)
    api.delay(12.0, writes, seconds=90.0)
    async with running(api, lease=True) as one:
        await asyncio.sleep(60.0)

        assert 1.0 == one.sample("steward_leader")
        api.heal()


async def test_a_renewal_that_hangs_is_tried_again_in_time(api):
    """On another connection, within half the renew deadline."""
    async with running(api, lease=True) as one:
        await one.until(lambda: one.sample("steward_leader") == 1.0)
        api.hang("patch leases", times=1)
        await asyncio.sleep(30.0)

        assert 1.0 == one.sample("steward_leader")


async def test_after_an_outage_everything_is_done_within_half_a_minute(api):
    """Not at the ten keys a second of the retry bucket, and not after the pauses that grew meanwhile."""
    async with running(api) as one:
        fill(api, 1)
        await settled(api)
        api.stop(seconds=300.0)
        fill(api, 1000, first=1)
        await asyncio.sleep(300.0)
        back = asyncio.get_running_loop().time()
        await one.until(lambda: len(api.keys("services")) == 1001 and len(api.keys("endpointslices")) == 1001, seconds=60.0)

        assert asyncio.get_running_loop().time() - back <= 30.0


async def test_a_standby_queues_nothing(api):
    """Pods come and go for as long as somebody else leads."""
    api.add(lease(holder="somebody-else"))
    one = Running(api, lease=True)
    one.start()
    await one.ready()
    for round_ in range(3):
        fill(api, 50, first=50 * round_)
        await one.until(lambda number=50.0 * (round_ + 1): one.sample("steward_informer_objects", resource="pods") == number)

    assert 0.0 == one.sample("steward_workqueue_depth", queue="headless")
    assert 150.0 == one.sample("k8s_headless_service_operator_pod_events_total", event_type="add")
    await one.stop()


async def test_an_unreachable_server_is_not_called_missing_rights(api, caplog):
    """And it does not keep the process from starting: an outage must not restart pods."""
    api.stop()
    one = Running(api)
    one.start()
    (startup,) = (probe for probe in one.manager.probes if "startupz" in probe.paths)
    await one.until(lambda: startup.check().ok)

    assert "grant" not in caplog.text
    api.start()
    await one.ready()
    await one.stop()


async def test_a_hurried_queue_hands_out_what_failed_and_nothing_else():
    """Keys that wait for another attempt are ready at once, those that only wait for their time stay."""
    queue: WorkQueue[str] = WorkQueue()
    for _ in range(20):
        queue.add_rate_limited("failed")
    queue.add_after("polls", 100.0)
    queue.hurry()

    assert (1, 0) == (len(queue), queue.failures("failed"))
    assert "failed" == await queue.get()


async def test_a_held_queue_hands_out_nothing_until_it_is_hurried():
    """Also to those who wait already; then every key finds one of them."""
    queue: WorkQueue[str] = WorkQueue()
    waiting = [asyncio.ensure_future(queue.get()) for _ in range(3)]
    await asyncio.sleep(1)
    queue.hold()
    for key in "abc":
        queue.add(key)
    await asyncio.sleep(1)
    assert not any(one.done() for one in waiting)
    queue.hurry()

    assert ["a", "b", "c"] == sorted(await asyncio.gather(*waiting))


async def test_a_held_queue_can_be_drained():
    """A stop in an outage hands out what is left: it fails soon."""
    queue: WorkQueue[str] = WorkQueue()
    queue.hold()
    queue.add("a")
    queue.close()
    queue.hold()

    assert "a" == await queue.get()
