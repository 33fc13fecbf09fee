"""The component ``watch`` at a real API server, whose pods have all the fields that a server fills in."""

import asyncio

import pytest
from prometheus_client import CollectorRegistry

from steward.runtime import metrics
from steward.runtime.manager import Manager
from steward.runtime.transport import HTTPTransport
from steward.telemetry.metrics import bind
from steward.watch.component import COMPONENT
from steward.watch.config import Config
from support.doors import MERGE_PATCH, PODS
from support.managers import until

pytestmark = [pytest.mark.apiserver, pytest.mark.timeout(120)]

PREFIX = "kube_devops"


def pod(name, image):
    """A pod that no node will ever take."""
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": {"containers": [{"name": "web", "image": image}]}}


async def test_scores_follow_pods_of_a_real_server(control_plane, real_door):
    """10 points without tag and probes, 5 with a tag, 30 for a crash loop; what has ended does not count, and without pods there is no score."""
    registry = CollectorRegistry()
    manager = Manager(
        COMPONENT,
        Config(),
        transport=HTTPTransport(control_plane.credentials()),
        instruments=bind((*metrics.ALL, *COMPONENT.metrics), registry, component=COMPONENT.name),
        identity="steward-0",
        instance="default.steward-watch",
        lease=None,
        own_namespace="default",
        namespaces=(real_door.namespace,),
    )

    def score(name=f"{PREFIX}_namespace_health_score"):
        return registry.get_sample_value(name, {"namespace": real_door.namespace})

    async def tell(name, **status):
        await real_door.ok("PATCH", f"{PODS}/{name}/status", {"status": status}, content_type=MERGE_PATCH)

    await real_door.create(PODS, pod("bare", "app"))
    task = asyncio.create_task(manager.run())
    try:
        await until(lambda: score() == 90, unless=task)
        await real_door.create(PODS, pod("tagged", "app:1"))
        await until(lambda: score() == 93, unless=task)  # 15 points on two pods, rounded in favour
        crashed = {"name": "web", "image": "app", "imageID": "", "ready": False, "restartCount": 7}
        await tell("bare", phase="Running", containerStatuses=[crashed])
        await until(lambda: score() == 78, unless=task)
        await tell("bare", phase="Failed")
        await until(lambda: score() == 95, unless=task)
        for name in ("bare", "tagged"):
            await real_door.ok("DELETE", f"{PODS}/{name}", gracePeriodSeconds="0")
        await until(lambda: score() is None, unless=task)
        await until(lambda: registry.get_sample_value(f"{PREFIX}_pod_events_total", {"event": "deleted"}) == 2, unless=task)
        manager.stop()
        await task
    finally:
        task.cancel()
