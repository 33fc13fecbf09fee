"""What wakes a workload besides itself: autoscalers by their changes, exemptions by their end."""

import datetime as dt

import msgspec
import pytest

from steward.policy.remediation.controller import reconcile
from steward.policy.remediation.surroundings import HPAS, SCALED_OBJECTS, VPAS
from steward.runtime.resource import Key
from steward.runtime.store import Change
from support.workloads import policy, workload

WEB = Key("shop", "deployment/web")


def _woken(town, resource, old, new):
    """The keys that a change of an autoscaler with these targets wakes."""
    field = "targetRef" if resource is VPAS else "scaleTargetRef"
    made = [
        target and msgspec.convert({"metadata": {"name": "a", "namespace": "shop"}, "spec": {field: target}}, resource.type) for target in (old, new)
    ]
    (watch,) = (one for one in town.process.controller.watches if one.store.resource == resource)
    return set(watch.keys(Change(*made)))


@pytest.mark.parametrize("resource", [HPAS, VPAS, SCALED_OBJECTS])
def test_an_autoscaler_that_comes_goes_or_changes_wakes_what_it_scales(town, resource):
    web, api = {"kind": "Deployment", "name": "web"}, {"kind": "StatefulSet", "name": "api"}

    assert {WEB} == _woken(town, resource, web, None) == _woken(town, resource, None, web)
    assert {WEB, Key("shop", "statefulset/api")} == _woken(town, resource, web, api)
    assert set() == _woken(town, resource, web, web)
    assert set() == _woken(town, resource, {"kind": "Rollout", "name": "web"}, None)


def test_the_kind_that_keda_leaves_out_is_woken(town):
    assert {WEB} == _woken(town, SCALED_OBJECTS, {"name": "web"}, None)


@pytest.mark.looptime
@pytest.mark.parametrize(
    ("exemption", "wakes"),
    [
        ({}, 3600.0),
        ({"workload": {"kind": "Deployment", "name": "web"}}, 3600.0),
        ({"workload": {"kind": "Deployment", "name": "other"}}, None),
        ({"matchLabels": {"app": "other"}}, None),
        ({"expires": -1}, None),
    ],
    ids=["of all", "of this workload", "of another", "of other pods", "that has ended"],
)
async def test_the_end_of_an_exemption_wakes_the_workloads_it_is_of(town, exemption, wakes):
    hours = exemption.get("expires", 1)
    waiver = {"checks": ["missing_readiness", "missing_liveness"], "reason": "x", "expires": (town.now + dt.timedelta(hours=hours)).isoformat()}
    made = msgspec.to_builtins(
        policy(exemptions=[exemption | waiver], defaultProbe=None, defaultResources={"cpuRequest": "1"}, enforcementMode="audit")
    )
    town.api.add({"apiVersion": "policy.steward.dev/v1alpha1", "kind": "DevOpsPolicy", **made})
    key = town.add(workload())
    await town.process.look()
    case = await town.process.controller.observe(key, town.now)

    assert wakes == reconcile(case).requeue_after


@pytest.mark.looptime
async def test_what_comes_before_the_end_of_an_exemption_wakes_before(town):
    waiver = {"checks": ["latest_tag"], "reason": "x", "expires": (town.now + dt.timedelta(days=1)).isoformat()}
    made = msgspec.to_builtins(policy(exemptions=[waiver]))
    town.api.add({"apiVersion": "policy.steward.dev/v1alpha1", "kind": "DevOpsPolicy", **made})
    key = town.add(workload(status={"availableReplicas": 1}))
    await town.process.look()
    case = await town.process.controller.observe(key, town.now)

    assert 60 == reconcile(case).requeue_after
