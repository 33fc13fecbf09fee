"""The component as it is put together, on a fake API server."""

import pytest

from steward.runtime.component import needed_rights
from steward.webhook import metrics
from steward.webhook.component import COMPONENT
from steward.webhook.config import Config, Serving
from support.fakeapi import FakeAPI
from support.managers import Running

pytestmark = pytest.mark.looptime


def denied(running, namespace):
    return running.sample("kube_devops_webhook_denials_total", namespace=namespace, violation="latest_tag")


@pytest.mark.parametrize("mode", ["self", "files"])
async def test_a_right_to_events_is_only_asked_for_where_some_are_told(mode):
    """They are about certificates that the component makes itself."""
    config = Config(serving=Serving(tls_mode=mode))

    assert (mode == "self") is any(right.resource.plural == "events" for right in needed_rights(COMPONENT, config, elects=False))


async def test_denials_of_a_namespace_are_measured_as_long_as_it_is_there():
    """Else a cluster that makes a namespace for each build would fill Prometheus."""
    api = FakeAPI()
    for name in ("shop", "preview-1"):
        api.add({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    running = Running(api, Config(serving=Serving(port=0, configuration_name="")), component=COMPONENT)
    running.start()
    await running.until(lambda: api.requests("watch namespaces"))
    for name in ("shop", "preview-1"):
        running.manager.instruments[metrics.DENIALS].labels(name, "latest_tag").inc()
    api.remove("namespaces", "/preview-1")
    await running.until(lambda: denied(running, "preview-1") is None)

    assert 1 == denied(running, "shop")
    await running.kill()
