"""What the owner of a pod is told, and how often."""

import asyncio

import pytest

from support.builders import ANNOTATION, endpoint_slice, pod, service
from support.fakeapi import FakeAPI
from support.managers import running, settled

pytestmark = pytest.mark.looptime

RESYNCS = 5
LONG = 600.0 * RESYNCS + 60


def reasons(steward):
    return sorted(event["reason"] for event in steward.events())


@pytest.fixture
def api():
    return FakeAPI()


async def test_what_stays_so_is_told_once(api):
    """A pod that cannot have its name and one with a broken annotation: an Event each, and no write however often both are looked at again."""
    api.add(pod("x" * 64))
    api.add(pod("web-0", annotations={"steward.dev/publish-not-ready": "perhaps"}))
    async with running(api) as steward:
        await steward.until(lambda: 3 == len(steward.events()))
        await settled(api)
        before = api.requests("write")
        await asyncio.sleep(LONG)

        assert before == api.requests("write")
        assert ["HeadlessServiceCreated", "HeadlessServiceInvalidAnnotation", "HeadlessServiceNameTooLong"] == reasons(steward)


async def test_what_comes_back_is_told_again(api):
    """A conflict that was resolved, and another of the same name later, are two."""
    api.add(service("web-0"))
    api.add(pod("web-0"))
    async with running(api) as steward:
        await steward.until(lambda: ["HeadlessServiceNameConflict"] == reasons(steward))
        api.remove("services", "shop/web-0")
        await steward.until(lambda: "HeadlessServiceCreated" in reasons(steward))
        api.remove("services", "shop/web-0")
        api.add(service("web-0"))
        await steward.until(lambda: 2 == reasons(steward).count("HeadlessServiceNameConflict"))


@pytest.mark.parametrize("gone", ["deleted", "not asking"])
async def test_the_memory_of_what_was_told_goes_with_the_pod(api, gone):
    """A pod made anew, or one that asks again, is told anew; nothing is kept about a key that is of no interest."""
    name = "x" * 64
    api.add(pod(name))
    async with running(api) as steward:
        await steward.until(lambda: 1 == len(steward.events()))
        if gone == "deleted":
            api.remove("pods", f"shop/{name}")
            await settled(api)
            api.add(pod(name))
        else:
            api.merge("pods", f"shop/{name}", {"metadata": {"annotations": {ANNOTATION: "false"}}})
            await settled(api)
            api.merge("pods", f"shop/{name}", {"metadata": {"annotations": {ANNOTATION: "true"}}})
        await steward.until(lambda: 2 == len(steward.events()))


@pytest.mark.parametrize("ips", [("10.0.0.1",), ("10.0.0.1", "fd00::1")], ids=["one family", "two families"])
async def test_an_endpointslice_of_somebody_else_is_a_conflict_that_is_told_once(api, ips):
    """Nobody is told that the name answers; a resync tries again, and the first after the other one went tells that it does."""
    api.add(endpoint_slice("web-0-ipv4"))
    api.add(pod("web-0", ips=ips))
    async with running(api) as steward:
        await asyncio.sleep(LONG)

        (told,) = steward.events()
        assert "HeadlessServiceNameConflict" == told["reason"]
        assert told["note"].startswith("EndpointSlice shop/web-0-ipv4 is not this pod's.")
        assert RESYNCS + 2 >= api.requests("create endpointslices shop/web-0-ipv4")
        assert not api.get("endpointslices", "shop/web-0-ipv4")["metadata"].get("ownerReferences")
        assert len(ips) - 1 == steward.sample("steward_informer_objects", resource="endpointslices.discovery.k8s.io")

        api.remove("endpointslices", "shop/web-0-ipv4")
        await steward.until(lambda: 2 == len(steward.events()), seconds=700)
        assert {"HeadlessServiceNameConflict", reason_of(ips)} == set(reasons(steward))


def reason_of(ips):
    """Where the other family answered, the name was there before."""
    return "HeadlessServiceCreated" if len(ips) == 1 else "HeadlessServiceUpdated"


async def test_half_a_name_is_announced_when_the_other_half_is_there(api):
    """A creation that fails in part does not answer yet."""
    api.answer(500, match="create endpointslices")
    api.add(pod("web-0", ips=("10.0.0.1", "fd00::1")))
    async with running(api) as steward:
        await asyncio.sleep(60)

        assert {"shop/web-0"} == api.keys("services")
        assert [] == steward.events()

        api.heal()
        await steward.until(lambda: 2 == len(api.keys("endpointslices")))
        await settled(api)

        assert ["HeadlessServiceCreated"] == reasons(steward)


async def test_a_change_of_both_families_is_told_once(api):
    api.add(pod("web-0", ips=("10.0.0.1", "fd00::1")))
    async with running(api) as steward:
        await steward.until(lambda: 1 == len(steward.events()))
        api.merge("pods", "shop/web-0", {"status": {"podIPs": [{"ip": "10.0.0.2"}, {"ip": "fd00::2"}]}})
        await settled(api)

        assert ["HeadlessServiceCreated", "HeadlessServiceUpdated"] == reasons(steward)


async def test_an_endpointslice_that_loses_the_label_we_look_for_gets_it_back(api):
    """It is out of our sight then, but its owner still proves whose it is."""
    api.add(pod("web-0"))
    async with running(api) as steward:
        await steward.until(lambda: api.keys("endpointslices"))
        before = api.get("endpointslices", "shop/web-0-ipv4")["metadata"]
        api.merge("endpointslices", "shop/web-0-ipv4", {"metadata": {"labels": {"endpointslice.kubernetes.io/managed-by": None}}})
        await settled(api)
        after = api.get("endpointslices", "shop/web-0-ipv4")["metadata"]

        assert (before["uid"], before["labels"]) == (after["uid"], after["labels"])
        assert "HeadlessServiceNameConflict" not in reasons(steward)
