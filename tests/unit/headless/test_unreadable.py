"""Objects that do not fit what the program knows of them: nothing is concluded from them, and somebody is told."""

import pytest

from support.builders import pod, service
from support.fakeapi import FakeAPI
from support.managers import running, settled
from support.worked import everything

pytestmark = pytest.mark.looptime

NEW_PORT = {"spec": {"containers": [{"name": "main", "ports": [{"containerPort": "the one from the annotation"}]}]}}


@pytest.fixture
def api():
    return FakeAPI()


async def test_a_pod_that_cannot_be_read_any_more_keeps_its_name(api):
    """Also when it is the next list that tells so, in which it must not count as deleted."""
    api.add(pod())
    async with running(api) as operator:
        await operator.until(lambda: len(everything(api)) == 2)
        before = everything(api)
        api.merge("pods", "shop/web-0", NEW_PORT)
        await operator.until(lambda: operator.sample("steward_informer_unreadable_objects", resource="pods") == 1)
        api.gone("watch pods")
        await settled(api)

        assert before == everything(api)


async def test_a_pod_that_could_never_be_read_keeps_what_a_former_leader_made(api):
    """A newer API server, an older program: at its start every child looks like an orphan."""
    stored = api.add(pod())
    async with running(api) as operator:
        await operator.until(lambda: len(everything(api)) == 2)
    before = everything(api)
    api.merge("pods", "shop/web-0", NEW_PORT)
    async with running(api) as operator:
        await settled(api)

        assert before == everything(api)
        assert 0 == operator.sample("k8s_headless_service_operator_orphans_deleted_total")
        assert stored["metadata"]["uid"] == api.get("pods", "shop/web-0")["metadata"]["uid"]


async def test_a_pod_that_can_be_read_again_is_served_again(api, caplog):
    api.add(pod())
    api.merge("pods", "shop/web-0", NEW_PORT)
    async with running(api) as operator:
        await settled(api)
        assert {} == everything(api)
        assert "shop/web-0" in [record.steward_fields["object"] for record in caplog.records if "does not fit" in record.message]
        api.merge("pods", "shop/web-0", {"spec": {"containers": [{"name": "main", "ports": []}]}})
        await operator.until(lambda: len(everything(api)) == 2)

        assert 0 == operator.sample("steward_informer_unreadable_objects", resource="pods")


async def test_the_children_of_a_pod_that_is_gone_go_although_it_could_not_be_read(api):
    api.add(pod())
    async with running(api) as operator:
        await operator.until(lambda: len(everything(api)) == 2)
        api.merge("pods", "shop/web-0", NEW_PORT)
        await operator.until(lambda: operator.sample("steward_informer_unreadable_objects", resource="pods") == 1)
        api.remove("pods", "shop/web-0")
        await operator.until(lambda: everything(api) == {})


async def test_a_service_that_cannot_be_read_is_not_written(api):
    """Whose it is cannot be told, and to make it fails; no other pod is kept waiting."""
    api.add(service() | {"spec": {"clusterIP": "None", "publishNotReadyAddresses": "of course"}})
    api.add(pod())
    api.add(pod("web-1", ips=("10.0.0.2",)))
    async with running(api) as operator:
        before = api.get("services", "shop/web-0")
        await operator.until(lambda: api.get("services", "shop/web-1"))

        assert before == api.get("services", "shop/web-0")
