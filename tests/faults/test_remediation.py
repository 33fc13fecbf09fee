"""Workloads that really roll out, mended: what the audit log says, and what became of their pods."""

import asyncio
import copy
import json

import pytest

from faults.harness.teams import OBSERVED, Team, until
from steward.policy.remediation import metrics

BRIEFLY = 5
"""Seconds that a patched workload is watched where that is waited for: fewer than can be configured."""


async def test_a_deployment_without_a_probe_is_mended_and_becomes_healthy(plane, at_work):
    team = Team(plane)
    team.add()
    team.ask()

    await until(lambda: "readinessProbe" in team.main(), "readiness probe")
    await asyncio.to_thread(team.rolled_out)
    await until(lambda: "RemediationApplied" in team.said(), "Event")
    await until(lambda: [f"deployment/{team.name}/web"] == team.status().get("remediatedWorkloads"), "status of the policy")
    pods = [pod for pod in team.get("pods")["items"] if "deletionTimestamp" not in pod["metadata"]]
    deployment = team.get("deployment", "web")

    assert {"port": 8080} == team.main()["readinessProbe"]["tcpSocket"]
    assert {"kube-devops-operator"} == {pod["metadata"]["annotations"]["policy.steward.dev/patched-by"] for pod in pods}
    assert (2, 2) == (deployment["status"]["availableReplicas"], deployment["status"]["updatedReplicas"])
    assert [("patch", "deployments", True), ("create", "pods", True), ("patch", "deployments", False)] == [
        (request.verb, request.resource, request.is_dry_run) for request in at_work.written()
    ]


@pytest.mark.long
async def test_liveness_comes_once_readiness_has_proved_itself(plane, at_work):
    team = Team(plane)
    team.add(progressDeadlineSeconds=OBSERVED)
    team.ask(requireReadinessProbe=True, requireLivenessProbe=True, defaultProbe={"periodSeconds": 10})
    await until(lambda: "readinessProbe" in team.main(), "readiness probe")
    first = team.main()
    await until(lambda: "RemediationSucceeded" in team.said(), "Event", seconds=2 * OBSERVED)
    await until(lambda: "livenessProbe" in team.main(), "liveness probe")
    await asyncio.to_thread(team.rolled_out)

    assert "livenessProbe" not in first
    assert first["readinessProbe"] == team.main()["readinessProbe"]
    assert 2 == team.get("deployment", "web")["status"]["availableReplicas"]
    assert 3 == len(at_work.written(dry=False))


async def test_a_patch_whose_pods_a_quota_refuses_is_not_written(plane, at_work):
    team = Team(plane)
    team.add()
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "full", "namespace": team.name}, "spec": {"hard": {"pods": "2"}}}
    plane.apply(quota)
    await until(lambda: team.get("resourcequota", "full").get("status", {}).get("used", {}).get("pods") == "2", "count of the quota")
    team.ask()

    await until(lambda: "RemediationRefused" in team.said(), "Event")
    assert "readinessProbe" not in team.main()
    assert [] == at_work.written(dry=False)
    assert "exceeded quota: full" in team.notes()


async def test_a_patch_whose_pods_a_limit_range_refuses_is_not_written(plane, at_work):
    team = Team(plane)
    team.add()
    limits = {"limits": [{"type": "Container", "max": {"memory": "100Mi"}}]}
    plane.apply({"apiVersion": "v1", "kind": "LimitRange", "metadata": {"name": "small", "namespace": team.name}, "spec": limits})
    team.ask(requireResources=True, defaultResources={"memoryRequest": "128Mi", "memoryLimit": "256Mi"})

    await until(lambda: "RemediationRefused" in team.said(), "Event")
    assert "resources" not in team.main() or not team.main()["resources"]
    assert [] == at_work.written(dry=False)
    assert "maximum memory usage per Container is 100Mi" in team.notes()


async def test_a_patch_whose_pods_pod_security_refuses_is_not_written(plane, at_work):
    team = Team(plane)
    team.add()
    plane.kubectl("label", "namespace", team.name, "pod-security.kubernetes.io/enforce=restricted")
    team.ask()

    await until(lambda: "RemediationRefused" in team.said(), "Event")
    assert "readinessProbe" not in team.main()
    assert [] == at_work.written(dry=False)
    assert "violates PodSecurity" in team.notes()


async def test_a_patch_after_which_pods_restart_is_taken_back(plane, at_work):
    team = Team(plane)
    team.add()
    before = team.get("deployment", "web")["spec"]
    team.ask()
    await until(lambda: "readinessProbe" in team.main(), "readiness probe")
    await asyncio.to_thread(team.rolled_out)
    patched = [
        pod["metadata"]["name"] for pod in team.get("pods")["items"] if "policy.steward.dev/patched-by" in pod["metadata"].get("annotations", {})
    ]
    status = {"name": "main", "image": "x", "imageID": "x", "ready": False, "restartCount": 2}
    restarted = json.dumps({"status": {"containerStatuses": [status]}})
    plane.kubectl("patch", "pod", patched[0], f"--namespace={team.name}", "--subresource=status", "--patch", restarted)

    await until(lambda: "RemediationReverted" in team.said(), "Event")
    assert before == team.get("deployment", "web")["spec"]
    assert 2 == len(at_work.written(dry=False))


async def test_a_patch_whose_pods_do_not_get_ready_is_taken_back_and_rests(plane, start):
    """Also for the next leader."""
    work, team = start(observation_seconds=BRIEFLY), Team(plane)
    team.add(progressDeadlineSeconds=BRIEFLY)
    before = team.get("deployment", "web")["spec"]
    plane.kill("kwok")
    try:
        team.ask()
        await until(lambda: "RemediationApplied" in team.said(), "Event")
        await until(lambda: "RemediationReverted" in team.said(), "Event")
    finally:
        plane.start_one("kwok")
    await asyncio.to_thread(team.rolled_out)
    await until(lambda: "RemediationHeld" in team.said(), "Event of the next look")
    await work.stop()
    following = start(observation_seconds=BRIEFLY)
    await until(lambda: following.sample(metrics.SKIPPED, "backing_off"), "look of another leader")

    assert before == team.get("deployment", "web")["spec"]
    assert "it did not become available in time" in team.notes()
    assert (1, 1) == (work.sample(metrics.REVERTED), work.sample(metrics.FAILED, "missing_readiness"))
    assert (2, 0) == (len(work.written(dry=False)), len(following.written()))


async def test_an_opponent_that_reverts_sees_one_patch_of_each_template(plane, at_work):
    team, later = Team(plane), Team(plane)
    team.add()
    first = team.get("deployment", "web")
    for made in ("uid", "resourceVersion", "generation", "creationTimestamp"):
        first["metadata"].pop(made, None)
    second = copy.deepcopy(first)
    second["spec"]["template"]["spec"]["containers"][0]["image"] = "registry.k8s.io/pause:3.10"
    for number, template in enumerate((first, second), start=1):
        team.replace(template)
        team.ask()
        await until(lambda: "readinessProbe" in team.main(), "readiness probe")
        await asyncio.to_thread(team.rolled_out)
        team.replace(template)
        await until(lambda number=number: number == at_work.sample(metrics.SKIPPED, "contested"), "end of the contest")
    for template in (first, second) * 2:
        team.replace(template)
        await asyncio.to_thread(team.rolled_out)
    # All workloads are in one queue, so the other has been looked at by the time that this one is patched.
    later.add()
    later.ask()
    await until(lambda: "readinessProbe" in later.main(), "readiness probe of another workload")

    assert "RemediationContested" in team.said()
    assert "readinessProbe" not in team.main()
    assert 2 == sum(request.namespace == team.name for request in at_work.written(dry=False))
