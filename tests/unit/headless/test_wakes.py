"""Which change wakes which pod: a wake-up that is missed costs up to ten minutes, until every key is looked at again."""

import pytest

from steward.headless.config import Config
from steward.headless.names import hashed
from steward.runtime.resource import Key
from support.builders import endpoint_slice, pod, service
from support.desk import Desk, children

WEB = pod("web-0")


def woken_by(*manifests, before=(), config=None):
    """The names of the pods that the last changes woke."""
    desk = Desk(config)
    desk.file(*before)
    desk.woken.clear()
    desk.file(*manifests)
    return [key.name for key in desk.woken]


def test_a_pod_that_asks_wakes_itself():
    assert ["web-0"] == woken_by(WEB)


def test_a_pod_that_does_not_ask_wakes_nobody():
    assert [] == woken_by(pod("web-0", annotated=False))


def test_a_pod_that_asked_until_now_wakes_itself():
    """H3: it has a Service that must go."""
    assert ["web-0"] == woken_by(pod("web-0", annotated=False), before=[WEB])


def test_a_pod_in_an_excluded_namespace_wakes_nobody():
    assert [] == woken_by(WEB, config=Config(exclude_namespaces=("shop",)))


@pytest.mark.parametrize("child", [service("other", owner=WEB), endpoint_slice("other", owner=WEB)], ids=["Service", "EndpointSlice"])
def test_a_child_wakes_its_pod_whatever_its_own_name(child):
    assert "web-0" in woken_by(child)


@pytest.mark.parametrize("child", children(WEB), ids=lambda child: child["kind"])
def test_a_child_that_loses_its_owner_wakes_the_pod_it_had(child):
    """It is not ours any more, so the pod needs another, or has a conflict."""
    meta = {name: value for name, value in child["metadata"].items() if name != "ownerReferences"}

    assert "web-0" in woken_by(child | {"metadata": meta}, before=[child])


@pytest.mark.parametrize("child", children(WEB), ids=lambda child: child["kind"])
def test_a_child_that_is_deleted_wakes_its_pod(child):
    desk = Desk()
    desk.file(WEB, child)
    desk.woken.clear()
    desk.drop(child)

    assert [Key("shop", "web-0")] == list(desk.woken)


def test_a_service_of_others_wakes_the_pod_of_its_name():
    """It may stand in the way now, or have gone out of it."""
    assert ["web-0"] == woken_by(service("web-0"), before=[WEB])


def test_a_service_of_others_wakes_the_pod_whose_hashed_name_it_has():
    """As under the pod's own name: the way may be free now."""
    long = pod("x" * 64)

    assert "x" * 64 in woken_by(service(hashed("x" * 64)), before=[long], config=Config(long_names="hash"))


def test_an_endpointslice_of_others_wakes_nobody():
    assert [] == woken_by(endpoint_slice("web-0-abcde"), before=[WEB])


def test_a_restart_wakes_the_owners_of_what_is_left_over():
    """H2: at start every object is an addition, and a child tells its pod's key although that pod is gone."""
    gone = pod("gone")

    assert ["gone"] == woken_by(*children(gone))
