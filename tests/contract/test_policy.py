"""The component ``policy`` at a real API server, with the definitions that the chart installs."""

import asyncio
from contextlib import asynccontextmanager

import pytest
import yaml
from prometheus_client import CollectorRegistry

from steward.cli.crd import definitions
from steward.policy.component import COMPONENT
from steward.policy.config import AuditResults, Config, OpenReports
from steward.runtime import metrics
from steward.runtime.manager import Manager
from steward.runtime.transport import HTTPTransport
from steward.telemetry.metrics import bind
from support import crds, helm
from support.doors import APPLY, MERGE_PATCH, PODS
from support.managers import until

pytestmark = [pytest.mark.apiserver, pytest.mark.timeout(180)]

DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
POLICIES = "/apis/policy.steward.dev/v1alpha1/namespaces/{}/devopspolicies"
REPORTS = "/apis/openreports.io/v1alpha1/namespaces/{}/reports"
RESULTS = "/apis/policy.steward.dev/v1alpha1/namespaces/{}/policyauditresults"
POLICY = {"apiVersion": "policy.steward.dev/v1alpha1", "kind": "DevOpsPolicy", "metadata": {"name": "rules"}}
SPEC = {"forbidLatestTag": True, "requireReadinessProbe": True, "maxRestartCount": 3}


def pod(name, image="app"):
    """A pod that no node will ever take."""
    # Of a workload that lasts: what bare pods violate is no news. Nobody collects garbage here.
    owner = {"apiVersion": "apps/v1", "kind": "StatefulSet", "name": name, "uid": name, "controller": True}
    spec = {"containers": [{"name": "web", "image": image}]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "ownerReferences": [owner]}, "spec": spec}


class Desk:
    """The component at work in one namespace, and what it wrote there."""

    def __init__(self, door, task, registry):
        self.door, self.task, self.registry = door, task, registry

    async def policy(self):
        return await self.door.ok("GET", POLICIES + "/rules")

    async def status(self):
        return (await self.policy()).get("status") or {}

    async def told(self, **expected):
        """Wait for a status with these fields."""
        async with asyncio.timeout(60):
            while True:
                status = await self.status()
                if expected.items() <= status.items():
                    return status
                if self.task.done():
                    self.task.result()
                await asyncio.sleep(0.05)

    def sample(self, name, **labels):
        return self.registry.get_sample_value(name, {"namespace": self.door.namespace, "policy": "rules", **labels})


async def listed(door, path, *, at_least=1):
    """Wait until there are so many objects. A definition that is new is not served at once, and then says 429 for a while."""
    async with asyncio.timeout(60):
        while True:
            code, answer = await door.call("GET", path)
            if code == 200 and len(answer["items"]) >= at_least:
                return answer["items"]
            await asyncio.sleep(0.05)


@asynccontextmanager
async def at_work(control_plane, door, config):
    registry = CollectorRegistry()
    manager = Manager(
        COMPONENT,
        config,
        transport=HTTPTransport(control_plane.credentials()),
        instruments=bind((*metrics.ALL, *COMPONENT.metrics), registry, component=COMPONENT.name),
        identity="steward-0",
        instance="default.steward-policy",
        lease=None,
        own_namespace="default",
        namespaces=(door.namespace,),
    )
    task = asyncio.create_task(manager.run())
    try:
        yield Desk(door, task, registry)
    finally:
        manager.stop()
        await task


@pytest.fixture
async def installed(real_door):
    """The API server with the definitions."""
    for definition in definitions():
        path = f"{DEFINITIONS}/{definition['metadata']['name']}"
        await real_door.ok("PATCH", path, definition, content_type=APPLY, fieldManager="kube-devops-cli", force="true")
    for path in (POLICIES, RESULTS):
        await listed(real_door, path, at_least=0)
    return real_door


async def test_a_policy_is_evaluated_told_and_then_left_alone(control_plane, installed):
    door = installed
    await door.create(PODS, pod("bare"))
    async with at_work(control_plane, door, Config(audit_results=AuditResults(min_interval_seconds=1))) as desk:
        created = await door.create(POLICIES, POLICY | {"spec": SPEC})
        status = await desk.told(observedGeneration=1, violations=2)
        assert ("2 violations across 1 pod — Healthy (93)", 93, True) == (status["message"], status["healthScore"], status["healthy"])
        await until(lambda: desk.sample("devopspolicy_violations", type="latest_tag", severity="high") == 1, unless=desk.task)

        crashed = {"name": "web", "image": "app", "imageID": "", "ready": False, "restartCount": 9}
        await door.ok("PATCH", f"{PODS}/bare/status", {"status": {"phase": "Running", "containerStatuses": [crashed]}}, content_type=MERGE_PATCH)
        status = await desk.told(violations=3)
        assert (63, False) == (status["healthScore"], status["healthy"])
        assert {"Ready": "True", "Healthy": "False"} == {one["type"]: one["status"] for one in status["conditions"]}
        found = await listed(door, RESULTS, at_least=2)
        newest = max(found, key=lambda one: one["metadata"]["name"])["spec"]
        assert ["high_restarts", "latest_tag", "missing_readiness"] == [one["violationType"] for one in newest["violations"]]
        assert {created["metadata"]["uid"]} == {owner["uid"] for one in found for owner in one["metadata"]["ownerReferences"]}

        before = (await desk.policy())["metadata"]["resourceVersion"]
        await asyncio.sleep(3)
        assert before == (await desk.policy())["metadata"]["resourceVersion"]
        assert not (await desk.policy())["metadata"].get("finalizers")

        await door.ok("DELETE", POLICIES + "/rules")
        await until(lambda: desk.sample("devopspolicy_health_score") is None, unless=desk.task)


async def test_findings_become_a_report_that_the_real_definition_takes(control_plane, installed):
    door = installed
    definition = crds.definitions()["Report"]
    await door.ok("PATCH", f"{DEFINITIONS}/{definition['metadata']['name']}", definition, content_type=APPLY, fieldManager="test", force="true")
    await door.create(PODS, pod("bare"))
    await door.create(POLICIES, POLICY | {"spec": SPEC})
    config = Config(audit_results=AuditResults(min_interval_seconds=1), open_reports=OpenReports(enabled=True))
    async with at_work(control_plane, door, config) as desk:
        (report,) = await listed(door, REPORTS)
        assert ("steward", {"pass": 1, "fail": 1, "warn": 1, "error": 0, "skip": 0}) == (report["source"], report["summary"])
        assert [("latest_tag", "fail", "high"), ("missing_readiness", "warn", "low")] == [
            (one["rule"], one["result"], one["severity"]) for one in report["results"]
        ]
        assert {"apiVersion": "v1", "kind": "Pod", "namespace": door.namespace, "name": "bare"} == report["results"][0]["resources"][0]

        await door.ok("PATCH", POLICIES + "/rules", {"spec": {"requireReadinessProbe": False}}, content_type=MERGE_PATCH)
        await desk.told(violations=1)
        async with asyncio.timeout(60):
            while (report := (await listed(door, REPORTS))[0])["summary"]["warn"]:  # noqa: ASYNC110 - as above
                await asyncio.sleep(0.05)
        assert 1 == len(report["results"])


async def test_the_last_violation_goes_from_status_results_and_report(control_plane, installed):
    """What an apply leaves empty that held something before becomes null, and null is not what a definition asks for."""
    door = installed
    definition = crds.definitions()["Report"]
    await door.ok("PATCH", f"{DEFINITIONS}/{definition['metadata']['name']}", definition, content_type=APPLY, fieldManager="test", force="true")
    for name, image in (("fine", "app:1"), ("late", "app")):
        await door.create(PODS, pod(name, image))
    await door.create(POLICIES, POLICY | {"spec": {"forbidLatestTag": True}})
    config = Config(audit_results=AuditResults(min_interval_seconds=1), open_reports=OpenReports(enabled=True))
    async with at_work(control_plane, door, config) as desk:
        before = await desk.told(violations=1)
        assert {"deniedPods": 1, "workloads": [f"statefulset/{door.namespace}/late"]} == before["preview"]

        await door.ok("DELETE", f"{PODS}/late", gracePeriodSeconds="0")
        after = await desk.told(violations=0)
        assert (100, {"deniedPods": 0}) == (after["healthScore"], after["preview"])
        found = await listed(door, RESULTS, at_least=2)
        assert [1, 0] == [one["spec"]["totalViolations"] for one in sorted(found, key=lambda one: one["metadata"]["name"])]
        async with asyncio.timeout(60):
            while (report := (await listed(door, REPORTS))[0])["summary"]["fail"]:  # noqa: ASYNC110 - as above
                await asyncio.sleep(0.05)
        assert ({"pass": 1, "fail": 0, "warn": 0, "error": 0, "skip": 0}, []) == (report["summary"], report["results"])


async def test_its_role_is_enough(control_plane, installed):
    """Asked of the API server's own authorizer, for the account and the roles that the chart renders."""
    objects = helm.render(component="policy", namespace=installed.namespace)
    roles = {
        "ClusterRole": "/apis/rbac.authorization.k8s.io/v1/clusterroles",
        "ClusterRoleBinding": "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
    }
    for found in objects:
        if found["kind"] in roles:
            await installed.create(roles[found["kind"]], found)
    account = helm.only(objects, "ServiceAccount")["metadata"]["name"]

    async def may(verb, resource, group="policy.steward.dev", subresource=""):
        attributes = {"verb": verb, "group": group, "resource": resource, "subresource": subresource, "namespace": installed.namespace}
        user = f"system:serviceaccount:{installed.namespace}:{account}"
        review = {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": {"user": user, "resourceAttributes": attributes}}
        answer = await installed.create("/apis/authorization.k8s.io/v1/subjectaccessreviews", review)
        return answer["status"]["allowed"]

    assert await may("patch", "devopspolicies", subresource="status")
    assert not await may("patch", "devopspolicies")
    assert await may("create", "policyauditresults")
    assert not await may("patch", "deployments", "apps")
    assert not await may("create", "pods", "")


async def test_what_the_chart_renders_is_taken_as_a_definition(installed):
    """Helm reads the file and writes it again: numbers must stay what they are."""
    for found in helm.of_kind(helm.render(component="policy"), "CustomResourceDefinition"):
        (expected,) = [one for one in definitions() if one["metadata"]["name"] == found["metadata"]["name"]]
        assert expected["spec"] == yaml.safe_load(yaml.safe_dump(found["spec"]))
        path = f"{DEFINITIONS}/{found['metadata']['name']}"
        await installed.ok("PATCH", path, found, content_type=APPLY, fieldManager="helm", force="true", dryRun="All")
