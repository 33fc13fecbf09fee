"""A process from start to end: what waits for what, what ends it, what it leaves behind."""

import asyncio

import msgspec
import pytest

from steward.headless.component import COMPONENT
from steward.headless.model import PODS
from steward.runtime import errors, informer
from steward.runtime.controller import RESYNC_SECONDS
from steward.runtime.manager import DRAIN_SECONDS
from steward.runtime.store import Index
from support.builders import pod
from support.fakeapi import FakeAPI
from support.managers import Running, running, settled, until

pytestmark = pytest.mark.looptime

LEASE = "default/steward-headless"


@pytest.fixture
def api():
    return FakeAPI()


def _pods(api: FakeAPI, number: int) -> None:
    for n in range(number):
        api.add(pod(f"web-{n}", ips=(f"10.0.{n // 250}.{n % 250 + 1}",)))


async def test_nothing_is_written_before_all_caches_are_synced(api):
    """Services that cannot be listed yet would look absent."""
    _pods(api, 20)
    api.delay(30, "watch services", times=1)
    steward = Running(api)
    steward.start()
    await asyncio.sleep(29)
    early = api.requests("write services") + api.requests("write endpointslices")
    assert not steward.manager.is_ready
    await until(lambda: len(api.all("services")) == 20)
    await steward.stop()

    assert 0 == early


async def test_an_hour_in_which_nothing_changes_writes_and_lists_nothing(api):
    """Resyncs look at every key again, from the cache."""
    _pods(api, 20)
    async with running(api, lease=True) as steward:
        await steward.until(lambda: len(api.all("endpointslices")) == 20)
        await asyncio.sleep(60)
        writes, lists = api.requests("write services") + api.requests("write endpointslices") + api.requests("write events"), _lists(api)
        rounds = steward.sample("steward_reconcile_total", controller="headless", result="success")
        await asyncio.sleep(3600)

        assert writes == api.requests("write services") + api.requests("write endpointslices") + api.requests("write events")
        assert lists == _lists(api)
        assert steward.sample("steward_reconcile_total", controller="headless", result="success") >= rounds + 20 * (3600 // RESYNC_SECONDS)


def _lists(api: FakeAPI) -> int:
    return api.requests("list") + sum("sendInitialEvents" in seen.query for seen in api.seen("watch"))


@pytest.mark.parametrize("name", ["beat", "rights", "recorder", "resync", "informer pods", "informer services"])
async def test_the_death_of_any_task_is_the_death_of_the_process(api, name):
    """The kubelet sees that; a half-dead operator is seen by nobody."""
    steward = Running(api, lease=True)
    steward.start()
    await steward.ready()
    await asyncio.sleep(5)
    (task,) = [task for task in asyncio.all_tasks() if task.get_name() == name]
    task._fut_waiter.set_exception(ZeroDivisionError())

    with pytest.raises(ZeroDivisionError):
        await asyncio.wait_for(steward.task, 60)


@pytest.mark.parametrize("fault", ["stop", "hang", "answer"])
async def test_a_lost_lease_ends_the_process_with_that_error(api, fault):
    """As itself, not as a group of groups: the last line of the log is read by people."""
    _pods(api, 3)
    steward = Running(api, lease=True)
    steward.start()
    await steward.ready()
    await until(lambda: api.get("leases", LEASE))
    match fault:
        case "stop":
            api.stop()
        case "hang":
            api.hang("leases")
        case "answer":
            api.answer(500, match="leases")

    with pytest.raises(errors.LeaseLost):
        await asyncio.wait_for(steward.task, 60)
    assert 0.0 == steward.sample("steward_leader")


async def test_a_stop_finishes_what_is_in_work_and_gives_everything_back(api):
    """Readiness first, then the queue, then the lease."""
    async with running(api, lease=True) as steward:
        await steward.until(lambda: api.get("leases", LEASE))
        api.delay(1, "create")
        _pods(api, 100)
        await asyncio.sleep(0.5)
        steward.manager.stop()
        assert not steward.manager.is_ready

    assert 100 == len(api.all("services")) == len(api.all("endpointslices"))
    assert not api.get("leases", LEASE)["spec"].get("holderIdentity")
    assert steward.transport.is_closed


async def test_a_stop_does_not_wait_for_ever(api):
    """Writes that nobody answers: the kubelet's grace is 30 s."""
    steward = Running(api, lease=True)
    steward.start()
    await steward.until(lambda: api.get("leases", LEASE))
    api.hang("create")
    _pods(api, 5)
    await asyncio.sleep(1)
    begun = asyncio.get_running_loop().time()
    await steward.stop()

    assert asyncio.get_running_loop().time() - begun <= DRAIN_SECONDS + 5
    assert not api.get("leases", LEASE)["spec"].get("holderIdentity")


@pytest.mark.parametrize("fault", ["", "stop", "hang"], ids=["while lists come", "server away", "server silent"])
async def test_a_stop_before_anything_began_ends_at_once(api, fault):
    if fault:
        getattr(api, fault)()
    steward = Running(api, lease=True)
    steward.start()
    await asyncio.sleep(0.001)
    await steward.stop()

    assert asyncio.get_running_loop().time() <= 3


async def test_a_standby_takes_over_without_a_list(api):
    """Its caches are warm: the first write follows the lease at once."""
    _pods(api, 20)
    one, two = Running(api, identity="one", lease=True), Running(api, identity="two", lease=True)
    one.start()
    await one.until(lambda: len(api.all("endpointslices")) == 20)
    two.start()
    await two.ready()
    await asyncio.sleep(10)
    lists = _lists(api)
    assert 0.0 == two.sample("steward_leader")
    await one.kill()
    api.add(pod("late", ips=("10.9.9.9",)))
    await two.until(lambda: api.get("services", "shop/late"), seconds=20)
    await two.stop()

    assert lists == _lists(api)


async def test_missing_rights_are_named_until_they_are_there(api):
    """The startup probe tells which, and what for."""
    api.deny("create services")
    steward = Running(api)
    steward.start()
    await asyncio.sleep(5)
    (startup,) = [probe for probe in steward.manager.probes if probe.name == "rights"]
    denied = startup.check()
    api.heal()
    await until(lambda: startup.check().ok, seconds=60)
    await steward.stop()

    assert not denied.ok
    assert "may not create services" in denied.reason


async def test_liveness_sees_a_loop_that_does_not_move_and_a_key_that_is_stuck(api):
    """Progress, not a constant."""
    async with running(api) as steward:
        (liveness,) = [probe for probe in steward.manager.probes if probe.name == "loop"]
        assert liveness.check().ok
        steward.manager._beat -= 31
        assert "has not moved for 31 s" in liveness.check().reason


async def test_readiness_says_what_it_waits_for(api):
    api.answer(403, match="services")
    steward = Running(api)
    steward.start()
    await asyncio.sleep(5)
    (readiness,) = [probe for probe in steward.manager.probes if probe.name == "caches"]
    verdict = readiness.check()
    await steward.stop()

    assert not verdict.ok
    assert "services not synced" in verdict.reason
    assert "403" in verdict.reason


async def test_controllers_that_ask_for_the_same_objects_share_them_and_find_them_in_their_own_ways(api):
    """One watch and one copy, however many look; two different views of a resource would be two, so that is refused."""
    by_node, by_phase = Index("node", lambda item: [item.spec.node_name]), Index("phase", lambda item: [item.status.phase])
    seen = []

    def build(context):
        seen.extend(context.store(PODS, index) for index in (by_node, by_phase))
        with pytest.raises(ValueError, match=r"pods is followed already, as Pod and by the selector ''"):
            context.store(PODS, selector="app=web")
        return ()

    _pods(api, 3)
    async with running(api, component=msgspec.structs.replace(COMPONENT, build=build)):
        first, second = seen

        assert first is second
        assert 3 == len(first.by(by_node, "node-1")) == len(first.by(by_phase, "Running"))
        assert 1 == len(api.streams("watch pods"))


async def test_of_several_namespaces_the_one_heard_longest_ago_tells_how_fresh_a_cache_is(api, monkeypatch):
    """Else the others would hide that one is deaf."""
    for namespace in ("shop", "bank"):
        api.add(pod(namespace=namespace, annotated=False))
    loop = asyncio.get_running_loop()
    monkeypatch.setattr(informer.time, "time", lambda: 1_000_000 + loop.time())
    async with running(api, namespaces=("shop", "bank")) as steward:
        before = steward.sample("steward_informer_last_event_timestamp_seconds", resource="pods")
        await asyncio.sleep(30)
        api.merge("pods", "shop/web-0", {"metadata": {"labels": {"new": "label"}}})
        await asyncio.sleep(1)
        one_heard = steward.sample("steward_informer_last_event_timestamp_seconds", resource="pods")
        api.merge("pods", "bank/web-0", {"metadata": {"labels": {"new": "label"}}})
        await asyncio.sleep(1)
        both_heard = steward.sample("steward_informer_last_event_timestamp_seconds", resource="pods")

    assert before == one_heard < both_heard


async def test_a_thousand_resyncs_of_what_is_as_it_should_be_write_and_list_nothing(api):
    _pods(api, 2)
    async with running(api) as steward:
        await steward.until(lambda: len(api.all("endpointslices")) == 2)
        await settled(api)
        before = api.requests("write"), api.requests("list")
        for _ in range(1000):
            await steward.manager._loops[0].resync()
            await asyncio.sleep(0.01)

        assert before == (api.requests("write"), api.requests("list"))


async def test_metrics_tell_of_a_scripted_run(api):
    _pods(api, 5)
    async with running(api, lease=True) as steward:
        await steward.until(lambda: len(api.all("endpointslices")) == 5)
        await asyncio.sleep(1)

        assert 1.0 == steward.sample("steward_leader")
        assert 1.0 == steward.sample("steward_component_ready")
        assert 5.0 == steward.sample("steward_informer_objects", resource="pods")
        assert 1.0 == steward.sample("steward_informer_synced", resource="services")
        assert 0.0 == steward.sample("steward_workqueue_depth", queue="headless")
        assert steward.sample("steward_workqueue_adds_total", queue="headless") >= 5
        assert 5.0 == steward.sample("steward_kube_api_requests_total", verb="create", resource="services", code="201")
        assert 5.0 == steward.sample("steward_kube_api_request_duration_seconds_count", verb="create", resource="services")
        assert 5.0 == steward.sample("k8s_headless_service_operator_services", namespace="shop")
