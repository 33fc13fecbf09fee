"""The whole component at work on the fake API server: names come, move and go with their pods, through faults and failovers."""

import asyncio

import pytest

from steward.headless.config import Config
from support.builders import pod, service
from support.fakeapi import FakeAPI
from support.managers import Running, running, settled

pytestmark = pytest.mark.looptime


@pytest.fixture
def api():
    return FakeAPI()


def named(api: FakeAPI) -> dict[str, list[str]]:
    """Each pod that has a whole name, with the addresses it answers with: what DNS would say."""
    found = {}
    for one in api.all("endpointslices"):
        key = f"{one['metadata']['namespace']}/{one['metadata']['labels']['kubernetes.io/service-name']}"
        if api.get("services", key) is not None:
            found.setdefault(key, []).extend(address for endpoint in one["endpoints"] for address in endpoint["addresses"])
    return found


async def test_an_annotated_pod_gets_its_service_and_its_slice(api):
    """Both are there, owned by the pod, soon after the pod has an address."""
    async with running(api) as steward:
        added = api.add(pod("web-0"))
        await steward.until(lambda: named(api))

    child = api.get("services", "shop/web-0")
    assert "None" == child["spec"]["clusterIP"]
    assert added["metadata"]["uid"] == child["metadata"]["ownerReferences"][0]["uid"]
    assert {"shop/web-0": ["10.0.0.1"]} == named(api)


async def test_names_follow_their_pods(api):
    """Address, new uid under the old name, end, deletion, annotation."""
    async with running(api) as steward:
        api.add(pod("web-0", ips=()))
        await asyncio.sleep(1)
        assert {} == named(api)
        api.merge("pods", "shop/web-0", {"status": {"podIP": "10.0.0.1", "podIPs": [{"ip": "10.0.0.1"}]}})
        await steward.until(lambda: named(api) == {"shop/web-0": ["10.0.0.1"]})
        api.merge("pods", "shop/web-0", {"status": {"podIP": "10.0.0.2", "podIPs": [{"ip": "10.0.0.2"}]}})
        await steward.until(lambda: named(api) == {"shop/web-0": ["10.0.0.2"]})
        api.remove("pods", "shop/web-0")
        again = api.add(pod("web-0", ips=("10.0.0.3",)))
        await steward.until(lambda: named(api) == {"shop/web-0": ["10.0.0.3"]})
        assert again["metadata"]["uid"] == api.get("services", "shop/web-0")["metadata"]["ownerReferences"][0]["uid"]
        api.merge("pods", "shop/web-0", {"metadata": {"annotations": None}})
        await steward.until(lambda: not api.all("services") and not api.all("endpointslices"))
        api.merge("pods", "shop/web-0", {"metadata": {"annotations": {"srcd.host/create-headless-service": "true"}}})
        await steward.until(lambda: named(api))
        api.merge("pods", "shop/web-0", {"status": {"phase": "Succeeded"}})
        await steward.until(lambda: not api.all("services") and not api.all("endpointslices"))


async def test_hundreds_of_pods_at_once_get_their_names_with_two_writes_each(api):
    async with running(api) as steward:
        for number in range(300):
            api.add(pod(f"web-{number}", ips=(f"10.0.{number // 250}.{number % 250 + 1}",)))
        await steward.until(lambda: len(named(api)) == 300)
        await settled(api)

    assert 300 == api.requests("write services") == api.requests("write endpointslices")


async def test_what_a_dead_operator_left_behind_is_collected_at_the_start(api):
    """Pods went while nobody looked; the garbage collector is not here to help."""
    former = Running(api)
    former.start()
    for number in range(5):
        api.add(pod(f"web-{number}", ips=(f"10.0.0.{number + 1}",)))
    await former.until(lambda: len(named(api)) == 5)
    await former.kill()
    for number in range(3):
        api.remove("pods", f"shop/web-{number}")
    async with running(api) as steward:
        await steward.until(lambda: len(api.all("services")) == 2 == len(api.all("endpointslices")))

    assert {"shop/web-3", "shop/web-4"} == named(api).keys()


async def test_pods_that_go_during_a_gap_of_the_watch_take_their_names_with_them(api):
    async with running(api) as steward:
        for number in range(5):
            api.add(pod(f"web-{number}", ips=(f"10.0.0.{number + 1}",)))
        await steward.until(lambda: len(named(api)) == 5)
        api.stop()
        for number in range(3):
            api.remove("pods", f"shop/web-{number}")
        api.add(pod("new", ips=("10.0.0.9",)))
        api.compact()
        await asyncio.sleep(60)
        api.start()
        await steward.until(lambda: named(api).keys() == {"shop/web-3", "shop/web-4", "shop/new"}, seconds=60)
        assert 3 == len(api.all("services"))


async def test_a_service_of_somebody_else_is_never_touched(api):
    """One Event says so; when it goes the pod gets its name."""
    theirs = api.add(service("web-0", spec={"clusterIP": "None", "selector": {"app": "theirs"}}))
    async with running(api) as steward:
        api.add(pod("web-0"))
        await settled(api)
        await asyncio.sleep(1500)
        assert theirs == api.get("services", "shop/web-0")
        assert ["HeadlessServiceNameConflict"] == [event["reason"] for event in api.all("events")]
        api.remove("services", "shop/web-0")
        await steward.until(lambda: named(api) == {"shop/web-0": ["10.0.0.1"]})


async def test_a_foreign_service_that_comes_in_the_same_moment_stays(api):
    """The watch is two seconds late; the create finds it."""
    api.lag(2.0)
    async with running(api):
        api.add(pod("web-0"))
        theirs = api.add(service("web-0"))
        await asyncio.sleep(60)

        assert theirs == api.get("services", "shop/web-0")


async def test_a_late_watch_makes_nothing_twice(api):
    """What we wrote is known before the watch shows it."""
    api.lag(2.0)
    async with running(api) as steward:
        api.add(pod("web-0"))
        await steward.until(lambda: named(api))
        api.merge("pods", "shop/web-0", {"metadata": {"labels": {"any": "change"}}})
        await asyncio.sleep(30)

    assert 1 == api.requests("write services") == api.requests("write endpointslices")


async def test_a_failed_half_is_made_up_for(api):
    """H6: the Service is there, its slice could not be made."""
    api.answer(500, match="create endpointslices", times=3)
    async with running(api) as steward:
        api.add(pod("web-0"))
        await steward.until(lambda: named(api))
        await settled(api)

    assert 1 == api.requests("write services")
    assert 4 == api.requests("write endpointslices")


@pytest.mark.parametrize("fault", ["conflict", "throttle", "lost answers"])
async def test_refused_and_lost_writes_end_in_the_right_state(api, fault):
    match fault:
        case "conflict":
            api.conflict("write", times=10)
        case "throttle":
            api.answer(429, match="write", times=10, retry_after=2)
        case "lost answers":
            api.drop("create", applied=True, times=10)
    async with running(api) as steward:
        for number in range(10):
            api.add(pod(f"web-{number}", ips=(f"10.0.0.{number + 1}",)))
        await steward.until(lambda: len(named(api)) == 10, seconds=120)
        await settled(api)

    assert {f"shop/web-{n}": [f"10.0.0.{n + 1}"] for n in range(10)} == named(api)


@pytest.mark.parametrize("clean", [True, False], ids=["stopped", "killed"])
async def test_of_two_replicas_the_other_goes_on(api, clean):
    """Names of pods that came meanwhile are there after the lease; nobody wrote twice."""
    one, two = Running(api, identity="one", lease=True), Running(api, identity="two", lease=True)
    one.start()
    await one.until(lambda: api.get("leases", "default/steward-headless"))
    two.start()
    await two.ready()
    api.add(pod("web-0"))
    await one.until(lambda: named(api))
    left = asyncio.get_running_loop().time()
    await (one.stop() if clean else one.kill())
    api.add(pod("web-1", ips=("10.0.0.2",)))
    await two.until(lambda: "shop/web-1" in named(api))
    took = asyncio.get_running_loop().time() - left
    await two.stop()

    assert took <= (3 if clean else 17.5)
    assert 2 == api.requests("create services") == api.requests("create endpointslices")


async def test_dual_stack_pods_answer_in_both_families(api):
    async with running(api) as steward:
        api.add(pod("web-0", ips=("10.0.0.1", "2001:db8::1")))
        await steward.until(lambda: len(api.all("endpointslices")) == 2)

    assert {"IPv4": ["10.0.0.1"], "IPv6": ["2001:db8::1"]} == {
        one["addressType"]: one["endpoints"][0]["addresses"] for one in api.all("endpointslices")
    }


async def test_a_name_that_is_too_long_gets_an_event_or_a_hash(api):
    name = "x" * 64
    async with running(api) as steward:
        api.add(pod(name))
        await steward.until(lambda: api.all("events"))
        assert {} == named(api)
        assert 1.0 == steward.sample("k8s_headless_service_operator_skipped_pods", reason="name_too_long")
    async with running(api, Config(long_names="hash")) as steward:
        await steward.until(lambda: named(api))

    assert ["HeadlessServiceNameTooLong"] == [event["reason"] for event in api.all("events") if event["type"] == "Warning"]


async def test_only_the_configured_namespaces_are_looked_at(api):
    """No request leaves for others: roles may be limited to them."""
    for namespace in ("one", "two", "three"):
        api.add(pod("web-0", namespace=namespace))
    async with running(api, namespaces=("one", "two")) as steward:
        await steward.until(lambda: len(named(api)) == 2)
        await settled(api)

    assert {"one/web-0", "two/web-0"} == named(api).keys()
    assert {"one", "two"} == {seen.target.namespace for seen in api.seen("pods")}


def looks(steward: Running) -> float:
    """How often a pod was reconciled."""
    return sum(
        steward.registry.get_sample_value("steward_reconcile_total", {"component": "headless", "controller": "headless", "result": result}) or 0.0
        for result in ("success", "error", "requeue_after")
    )


async def test_writes_that_end_as_they_were_meant_need_no_second_look(api):
    async with running(api) as steward:
        for number in range(10):
            api.add(pod(f"web-{number}", ips=(f"10.0.0.{number + 1}",)))
        await steward.until(lambda: len(named(api)) == 10)
        await settled(api)
        assert 10 == looks(steward)
        api.merge("pods", "shop/web-0", {"status": {"podIP": "10.0.1.1", "podIPs": [{"ip": "10.0.1.1"}]}})
        await steward.until(lambda: named(api)["shop/web-0"] == ["10.0.1.1"])
        await settled(api)

        assert 11 == looks(steward)


async def test_a_child_deleted_while_another_is_written_comes_back(api):
    api.delay(5, "create endpointslices", times=1)
    async with running(api) as steward:
        api.add(pod("web-0"))
        await steward.until(lambda: api.get("services", "shop/web-0") is not None)
        await asyncio.sleep(1)
        api.remove("services", "shop/web-0")
        await steward.until(lambda: named(api))


async def test_a_pod_that_moves_while_its_name_is_written_is_followed(api):
    api.delay(5, "create", times=2)
    async with running(api) as steward:
        api.add(pod("web-0"))
        await asyncio.sleep(1)
        api.merge("pods", "shop/web-0", {"status": {"podIP": "10.0.0.2", "podIPs": [{"ip": "10.0.0.2"}]}})
        await steward.until(lambda: named(api) == {"shop/web-0": ["10.0.0.2"]})
