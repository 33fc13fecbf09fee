"""What the owner of a pod is told, and how often."""

import asyncio

import pytest

from support.builders import ANNOTATION, pod, service
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
