"""Whose pods are looked at (row 41): all, those of some namespaces, all but those of some, those that a selector chooses."""

import pytest

from steward.headless.config import Config
from support.builders import pod
from support.fakeapi import FakeAPI
from support.managers import running, settled

pytestmark = pytest.mark.looptime

NAMESPACES = ("a", "b", "c")

SCOPES = {
    "all": ({}, "abc"),
    "one": ({"namespaces": ("b",)}, "b"),
    "some": ({"namespaces": ("a", "c")}, "ac"),
    "all but one": ({"config": Config(exclude_namespaces=("b",))}, "ac"),
    "some but one": ({"namespaces": ("a", "b"), "config": Config(exclude_namespaces=("b",))}, "a"),
    "selected": ({"config": Config(pod_selector="tier in (a, b)")}, "ab"),
    "selected but one": ({"config": Config(pod_selector="tier!=a", exclude_namespaces=("b",))}, "c"),
}


def add_pods(api):
    for namespace in NAMESPACES:
        api.add(pod("web-0", namespace=namespace, labels={"tier": namespace}))


@pytest.mark.parametrize(("scope", "expected"), SCOPES.values(), ids=SCOPES)
async def test_only_pods_in_scope_have_names(scope, expected):
    api = FakeAPI()
    add_pods(api)
    async with running(api, **scope):
        await settled(api)

    assert {f"{namespace}/web-0" for namespace in expected} == api.keys("services")
    assert {f"{namespace}/web-0-ipv4" for namespace in expected} == api.keys("endpointslices")


async def test_nothing_is_asked_outside_of_the_namespaces():
    """Roles in these namespaces are enough then; no ClusterRole is needed."""
    api = FakeAPI()
    add_pods(api)
    async with running(api, namespaces=("a", "c")):
        await settled(api)
    asked = {seen.target.namespace for seen in api.journal if seen.target.kind.stored}

    assert {"a", "c"} == asked


async def test_a_pod_that_is_selected_no_more_loses_its_name():
    """The server tells it as a deletion."""
    api = FakeAPI()
    add_pods(api)
    async with running(api, Config(pod_selector="tier=a")) as steward:
        await steward.until(lambda: {"a/web-0"} == api.keys("services"))
        api.merge("pods", "a/web-0", {"metadata": {"labels": {"tier": "other"}}})
        api.merge("pods", "c/web-0", {"metadata": {"labels": {"tier": "a"}}})
        await steward.until(lambda: {"c/web-0"} == api.keys("services"))


async def test_a_scope_that_became_smaller_takes_its_names_back():
    """The operator was configured anew: what it made outside of its scope goes at the start."""
    api = FakeAPI()
    add_pods(api)
    async with running(api):
        await settled(api)
    async with running(api, Config(exclude_namespaces=("b",), pod_selector="tier!=c")) as steward:
        await steward.until(lambda: {"a/web-0"} == api.keys("services"))
        await steward.until(lambda: {"a/web-0-ipv4"} == api.keys("endpointslices"))
