"""Several installations in one cluster: each keeps to what it made, and none fights another."""

import asyncio

import pytest

from steward.headless.config import Config
from support.builders import pod
from support.fakeapi import FakeAPI
from support.managers import running, settled

pytestmark = pytest.mark.looptime

OTHER = "other.steward-headless"

SCOPES = {
    "selectors": (Config(pod_selector="tier=a"), Config(pod_selector="tier=b")),
    "namespaces": (Config(exclude_namespaces=("b",)), Config(exclude_namespaces=("a",))),
    "annotations": (Config(annotation="example.com/a", legacy_annotations=()), Config(annotation="example.com/b", legacy_annotations=())),
}
"""Configurations that share a cluster: pods in namespace ``a`` with label and annotation of ``a`` are the first one's."""


def pods(api, *names):
    """A pod of each installation, by its letter."""
    for name in names:
        api.add(pod(f"web-{name}", namespace=name, labels={"tier": name}, annotated=False, annotations={f"example.com/{name}": "true", **ASKED}))


ASKED = {"steward.dev/headless-service": "true"}


def names(api):
    return api.keys("services")


@pytest.mark.parametrize("configs", SCOPES.values(), ids=SCOPES)
async def test_installations_with_scopes_of_their_own_leave_each_other_alone(configs):
    """Two writes for each pod, by whoever is asked for it, and none after."""
    api = FakeAPI()
    async with running(api, configs[0]) as one, running(api, configs[1], instance=OTHER) as other:
        pods(api, "a", "b")
        await one.until(lambda: {"a/web-a", "b/web-b"} == names(api))
        await settled(api)
        await asyncio.sleep(1200)

        assert {"a/web-a", "b/web-b"} == names(api)
        assert [2, 2] == [api.requests("write services"), api.requests("write endpointslices")]
        assert [1, 1] == [one.sample(CREATED, **SUCCESS), other.sample(CREATED, **SUCCESS)]


CREATED, SUCCESS = "k8s_headless_service_operator_operations_total", {"operation": "create", "status": "success"}


@pytest.mark.parametrize("configs", SCOPES.values(), ids=SCOPES)
async def test_each_withdraws_what_it_made(configs):
    api = FakeAPI()
    async with running(api, configs[0]) as one, running(api, configs[1], instance=OTHER):
        pods(api, "a", "b")
        await one.until(lambda: {"a/web-a", "b/web-b"} == names(api))
        api.remove("pods", "a/web-a")
        await one.until(lambda: {"b/web-b"} == names(api))
        api.remove("pods", "b/web-b")
        await one.until(lambda: set() == names(api) == api.keys("endpointslices"))
        await settled(api)

    assert [4, 4] == [api.requests("write services"), api.requests("write endpointslices")]


async def test_installations_of_the_same_scope_agree():
    """A mistake of whoever installed it twice, that costs a failed create and nothing after."""
    api = FakeAPI()
    async with running(api) as one, running(api, instance=OTHER):
        pods(api, "a", "b")
        await one.until(lambda: {"a/web-a", "b/web-b"} == names(api))
        await settled(api)
        before = api.requests("write")
        await asyncio.sleep(1200)

        assert before == api.requests("write")
        assert {"a/web-a", "b/web-b"} == names(api)
