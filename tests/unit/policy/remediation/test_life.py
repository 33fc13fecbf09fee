"""Workloads on an API server: mended in two steps, watched, taken back, and left alone where somebody objects."""

import datetime as dt

import msgspec
import pytest

from steward.governance.combining import judge
from steward.governance.model import Pod
from steward.policy.remediation import metrics
from steward.policy.remediation.config import RemediationConfig
from steward.policy.remediation.model import DEPLOYMENTS
from steward.policy.remediation.undo import undo
from steward.runtime import errors
from steward.runtime.client import MERGE_PATCH
from steward.runtime.errors import Call
from steward.runtime.resource import Key
from support.workloads import DIRECT, RESOURCES, container, policy, workload

pytestmark = pytest.mark.looptime

RESTRICTED = {"latestTag": "critical", "missingLiveness": "high", "missingReadiness": "high", "missingResources": "high"}
MINUTES = dt.timedelta(minutes=1)


def _policy(town, namespace="shop", **spec):
    made = msgspec.to_builtins(policy(namespace=namespace, **spec))
    town.api.add({"apiVersion": "policy.steward.dev/v1alpha1", "kind": "DevOpsPolicy", **made})


def _audit(town):
    town.api.merge("devopspolicies", "shop/shop", {"spec": {"enforcementMode": "audit"}})


async def _proved(town, key):
    """Patch a workload, let it roll out, and wait until it is judged."""
    await town.step(key)
    town.roll(key)
    await town.step(key, after=11 * MINUTES)


@pytest.mark.parametrize(("namespace", "protected"), [("calico-system", ()), ("calico-system", ("web-*",)), ("web-1", ("web-*",))])
async def test_workloads_of_system_and_of_protected_namespaces_are_left_alone(town, namespace, protected):
    town.config = RemediationConfig(enabled=True, protected_namespaces=protected)
    town.restart()
    _policy(town, namespace)
    key = town.add(workload(meta={"namespace": namespace}))
    await town.step(key)

    assert 0 == town.patches()
    assert 1 == town.process.sample(metrics.SKIPPED, "protected")


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet", "DaemonSet"])
async def test_a_workload_gets_its_probes_one_rollout_after_the_other(town, kind):
    _policy(town)
    key = town.add(workload(kind))
    await town.step(key)
    first = town.main(key)
    town.roll(key)
    await town.step(key)
    watched = town.patches()
    await town.step(key, after=11 * MINUTES)
    await town.step(key)
    second = town.main(key)

    assert {"port": 8080} == first["readinessProbe"]["tcpSocket"]
    assert "livenessProbe" not in first
    assert 1 == watched
    assert first["readinessProbe"] == second["readinessProbe"]
    assert 60 == second["livenessProbe"]["periodSeconds"] * second["livenessProbe"]["failureThreshold"]
    assert ["RemediationApplied", "RemediationSucceeded", "RemediationApplied"] == town.said()


async def test_a_policy_that_cannot_be_read_holds_back_the_others_of_its_namespace_alone(town):
    _policy(town)
    _policy(town, "other")
    town.api.add(
        {
            "apiVersion": "policy.steward.dev/v1alpha1",
            "kind": "DevOpsPolicy",
            "metadata": {"name": "newer", "namespace": "shop"},
            "spec": {"exemptions": [{"checks": ["moonlight"], "reason": "x", "expires": "2099-01-31T00:00:00Z"}]},
        }
    )
    held, free = town.add(workload()), town.add(_named("free", namespace="other"))
    await town.step(free)
    await town.step(held)
    before = "readinessProbe" in town.main(held)
    town.api.remove("devopspolicies", "shop/newer")
    await town.step(held)

    assert not before
    assert "readinessProbe" in town.main(held)
    assert "readinessProbe" in town.main(free)


async def test_only_what_is_ours_is_owned_by_us(town):
    _policy(town)
    key = town.add(workload())
    await town.step(key)

    entries = town.there(key)["metadata"]["managedFields"]
    assert {("test", "Update"), ("kube-devops-operator", "Apply")} == {(entry["manager"], entry["operation"]) for entry in entries}
    assert "kube-devops-operator" == town.there(key)["spec"]["template"]["metadata"]["annotations"]["policy.steward.dev/patched-by"]


async def test_no_write_in_a_hundred_rounds_of_a_steady_state(town):
    _policy(town, defaultResources=RESOURCES)
    mended, left = town.add(workload()), town.add(_named("theirs", labels={"app.kubernetes.io/managed-by": "x"}))
    lacking = town.add(_named("portless", container(ports=(), resources={"requests": {"cpu": "1"}})))
    await _proved(town, mended)
    await _proved(town, mended)
    settled, requests = town.patches(), town.api.requests("write")

    for _ in range(100):
        for key in (mended, left, lacking):
            await town.step(key, after=10 * MINUTES)

    assert settled == town.patches()
    assert requests == town.api.requests("write")


def _named(name, *containers, **meta):
    return workload("Deployment", *containers, meta={"name": name, **meta})


async def test_another_leader_goes_on_where_the_former_was(town):
    _policy(town)
    key = town.add(workload())
    await town.step(key)
    town.roll(key)
    town.restart()
    await town.step(key)

    assert 1 == town.patches()
    await town.step(key, after=11 * MINUTES)
    assert ["RemediationSucceeded"] == town.said()


# Undoing.


def _pod(town, key, *, restarts, after=MINUTES):
    """A pod of the patched workload, by way of a ReplicaSet."""
    deployment = town.there(key)
    owner = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "uid": deployment["metadata"]["uid"], "controller": True}
    meta = {"namespace": "shop", "name": "web-1", "ownerReferences": [owner]}
    spec = {"containers": [container()]}
    made = town.api.add({"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": meta, "spec": {"template": {"spec": spec}}})
    owner = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web-1", "uid": made["metadata"]["uid"], "controller": True}
    annotations = deployment["spec"]["template"]["metadata"]["annotations"]
    meta = {"namespace": "shop", "name": "web-1-a", "ownerReferences": [owner], "annotations": annotations}
    status = {"phase": "Running", "containerStatuses": [{"name": "main", "restartCount": restarts}]}
    town.api.add({"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec, "status": status})
    town.api.merge("pods", "shop/web-1-a", {"metadata": {"creationTimestamp": f"{town.now + after:%Y-%m-%dT%H:%M:%SZ}"}})


async def test_a_patch_after_which_containers_restart_is_taken_back_at_once(town):
    _policy(town)
    key = town.add(workload())
    before = town.there(key)["spec"]
    await town.step(key)
    _pod(town, key, restarts=1)
    await town.step(key)

    assert before == town.there(key)["spec"]
    assert ["RemediationApplied", "RemediationReverted"] == town.said()
    assert 1 == town.process.sample(metrics.REVERTED)
    assert 1 == town.process.sample(metrics.FAILED, "missing_readiness")


@pytest.mark.parametrize(("behind", "patches"), [(20, 2), (120, 1)])
async def test_pods_by_the_clock_of_a_server_that_is_behind_ours_are_of_the_patch(town, behind, patches):
    """Those of two minutes before are not."""
    _policy(town)
    key = town.add(workload())
    await town.step(key)
    _pod(town, key, restarts=1, after=dt.timedelta(seconds=-behind))
    await town.step(key)

    assert patches == town.patches()


async def test_pods_of_before_say_nothing_about_the_patch(town):
    _policy(town)
    key = town.add(workload())
    await town.step(key)
    _pod(town, key, restarts=7)
    town.api.merge("pods", "shop/web-1-a", {"metadata": {"creationTimestamp": "2026-01-01T00:00:00Z"}})
    await town.step(key)

    assert 1 == town.patches()


async def test_a_rollout_that_does_not_end_is_taken_back(town):
    _policy(town)
    key = town.add(workload())
    before = town.there(key)["spec"]
    await town.step(key)
    await town.step(key, after=9 * MINUTES)
    waited = town.patches()
    await town.step(key, after=2 * MINUTES)

    assert 1 == waited
    assert before == town.there(key)["spec"]


@pytest.mark.parametrize("restarted", [False, True])
async def test_what_was_taken_back_rests_for_a_day_then_two(town, restarted):
    _policy(town)
    key = town.add(workload())
    await town.step(key)
    await town.step(key, after=11 * MINUTES)
    town.roll(key)
    if restarted:
        town.restart()
    await town.step(key, after=dt.timedelta(hours=23))
    rested = town.patches()
    await town.step(key, after=dt.timedelta(hours=2))
    again = town.patches()
    await town.step(key, after=11 * MINUTES)
    town.roll(key)
    await town.step(key, after=dt.timedelta(hours=47))

    assert (2, 3, 4) == (rested, again, town.patches())


async def test_a_patch_is_taken_back_while_the_policy_only_audits_by_now(town):
    _policy(town)
    key = town.add(workload())
    await town.step(key)
    _audit(town)
    await town.step(key, after=11 * MINUTES)

    assert "readinessProbe" not in town.main(key)


async def test_a_mended_workload_stays_mended_without_its_policy(town):
    _policy(town)
    key = town.add(workload())
    await _proved(town, key)
    town.api.remove("devopspolicies", "shop/shop")
    patches = town.patches()
    await town.step(key)

    assert patches == town.patches()
    assert "readinessProbe" in town.main(key)


async def test_undone_by_hand_is_undone_for_good(town):
    _policy(town)
    key = town.add(workload())
    before = town.there(key)["spec"]
    await _proved(town, key)
    fields = await undo(town.process.client, "Deployment", Key("shop", "web"), now=town.now)
    town.roll(key)
    town.restart()
    await town.step(key, after=dt.timedelta(days=30))

    assert ("main.readinessProbe",) == fields
    assert before == town.there(key)["spec"]


async def test_nothing_of_ours_is_nothing_to_undo(town):
    town.add(workload())

    assert () == await undo(town.process.client, "Deployment", Key("shop", "web"), now=town.now)
    assert 0 == town.api.requests("write")


async def test_a_record_that_somebody_else_wrote_does_not_keep_a_patch_from_being_taken_back(town):
    _policy(town)
    key = town.add(workload())
    await town.step(key)
    town.roll(key)
    body = {"metadata": {"annotations": {"policy.steward.dev/remediation": '{"template":"x"}'}}}
    await town.process.client.patch(DEPLOYMENTS, Key("shop", "web"), body, content_type=MERGE_PATCH)
    _pod(town, key, restarts=2)
    for _ in range(2):
        await town.step(key)

    assert "readinessProbe" not in town.main(key)


# Loops.


@pytest.mark.parametrize("takes_record", [False, True], ids=["leaves the record", "takes the record too"])
async def test_an_opponent_that_reverts_sees_exactly_one_patch(town, takes_record):
    _policy(town)
    key = town.add(workload())

    def revert(whole):
        whole["spec"]["template"]["spec"]["containers"][0].pop("readinessProbe", None)
        whole["spec"]["template"]["metadata"].pop("annotations", None)
        whole["metadata"]["managedFields"] = [entry for entry in whole["metadata"]["managedFields"] if entry["manager"] == "test"]
        if takes_record:
            whole["metadata"].pop("annotations", None)

    for _ in range(20):
        await town.step(key, after=20 * MINUTES)
        town.replace(key, revert)
        town.roll(key)

    assert 1 == town.patches()
    assert 1 == town.said().count("RemediationContested")


async def test_another_template_ends_the_contest(town):
    _policy(town)
    key = town.add(workload())
    await town.step(key)

    def release(whole):
        whole["spec"]["template"]["spec"]["containers"] = [container(image="app:2")]
        whole["metadata"]["managedFields"] = []

    town.replace(key, release)
    town.roll(key)
    await town.step(key)

    assert 2 == town.patches()


# Who says no.


@pytest.mark.parametrize("namespace", ["kube-system", "kube-flannel", "flux-system", "monitoring"])
async def test_a_namespace_of_the_system_is_never_written(town, namespace):
    _policy(town, namespace)
    await town.step(town.add(workload(meta={"namespace": namespace})))

    assert 0 == town.api.requests("write")
    assert ["RemediationProposed"] == town.said()


async def test_a_workload_of_somebody_else_is_never_written(town):
    _policy(town)
    for number, kind in enumerate(("Deployment", "StatefulSet", "DaemonSet")):
        key = town.add(workload(kind, meta={"name": f"web-{number}", "labels": {"app.kubernetes.io/managed-by": "Helm"}}))
        await town.step(key)

    assert 0 == town.api.requests("write")
    assert ["RemediationProposed"] * 3 == town.said()


@pytest.mark.parametrize("refused", ["patch deployments", "create pods"])
async def test_a_refused_dry_run_writes_nothing_and_is_not_repeated_at_once(town, refused):
    _policy(town)
    key = town.add(workload())
    town.api.answer(403, match=refused)
    outcome = await town.step(key)
    requests = town.api.requests("write")
    for _ in range(5):
        await town.step(key)

    assert [errors.Unproved] == [type(error) for error in outcome.errors]
    assert 0 == town.patches()
    assert requests == town.api.requests("write")
    assert ["RemediationRefused"] == town.said()
    assert 1 == town.process.sample(metrics.FAILED, "missing_readiness")
    town.api.heal()
    await town.step(key, after=61 * MINUTES)
    assert 1 == town.patches()


async def test_what_is_refused_again_and_again_counts_once_and_is_tried_ever_less(town):
    _policy(town)
    key = town.add(workload())
    town.api.answer(403, match="create pods")
    hours = []
    for hour in range(80):
        outcome = await town.step(key, after=60 * MINUTES)
        if outcome.errors:
            hours.append(hour)

    assert [0, 1, 3, 7, 15, 31, 55, 79] == hours
    assert 1 == town.process.sample(metrics.FAILED, "missing_readiness")
    town.api.merge("deployments", "shop/web", {"metadata": {"generation": 2}})
    town.roll(key)
    assert (await town.step(key)).errors
    assert 2 == town.process.sample(metrics.FAILED, "missing_readiness")


async def test_a_conflict_ends_it_for_this_generation(town):
    _policy(town)
    key = town.add(workload())
    town.api.conflict("patch deployments", times=1)
    await town.step(key)
    for _ in range(5):
        await town.step(key, after=60 * MINUTES)
    tried = town.patches()
    town.api.merge("deployments", "shop/web", {"metadata": {"generation": 2}})
    town.roll(key)
    await town.step(key)

    assert ("RemediationConflict" in town.said(), tried, town.patches()) == (True, 0, 1)


async def test_the_server_that_is_away_is_asked_again(town):
    _policy(town)
    key = town.add(workload())
    town.api.answer(503, match="create pods", times=1)
    outcome = await town.step(key)
    await town.step(key)

    assert [errors.ServerError] == [type(error) for error in outcome.errors]
    assert 1 == town.patches()


async def test_the_tried_pod_is_the_one_the_controller_would_make(town):
    _policy(town)
    claims = [{"metadata": {"name": "data"}, "spec": {}}]
    key = town.add(workload("StatefulSet", container(volumeMounts=[{"name": "data", "mountPath": "/d"}]), volumeClaimTemplates=claims))
    seen = []
    create = town.process.client.create

    async def spy(resource, desired, **options):
        seen.append(msgspec.to_builtins(desired))
        return await create(resource, desired, **options)

    town.process.client.create = spy
    await town.step(key)

    (pod,) = seen
    assert "web-" == pod["metadata"]["generateName"]
    assert {"app": "web"} == pod["metadata"]["labels"]
    assert "readinessProbe" in pod["spec"]["containers"][0]
    assert [{"name": "data", "persistentVolumeClaim": {"claimName": "data-web-0"}}] == pod["spec"]["volumes"]


def _admission(town):
    """The webhook: pods are denied for what policies that are enforced say. The pods that were let pass."""
    create, passed = town.process.client.create, []

    async def reviewed(resource, desired, **options):
        body = msgspec.to_builtins(desired)
        policies = town.process.writers["devopspolicies.policy.steward.dev"].store
        combined = judge(msgspec.convert(body, Pod), policies, now=town.now)
        if combined.denied:
            raise errors.Forbidden(Call("create", "pods"), 403, message=combined.denied[0].message)
        passed.append(body)
        return await create(resource, desired, **options)

    town.process.client.create = reviewed
    return passed


async def test_the_restricted_bundle_with_the_webhook_is_mended_in_one_rollout(town):
    _policy(town, requireResources=True, forbidLatestTag=True, defaultResources=RESOURCES, severityOverrides=RESTRICTED)
    passed = _admission(town)
    key = town.add(workload())
    await town.step(key)

    assert {"livenessProbe", "readinessProbe", "resources"} <= town.main(key).keys()
    assert 1 == len(passed)
    assert 0 == town.process.sample(metrics.FAILED, "missing_liveness")
    town.roll(key)
    await town.step(key, after=11 * MINUTES)
    assert ["RemediationApplied", "RemediationSucceeded"] == town.said()


async def test_what_policies_deny_and_no_patch_mends_is_told_and_not_tried(town):
    _policy(town, forbidLatestTag=True)
    key = town.add(workload("Deployment", container(image="app:latest")))
    for _ in range(3):
        await town.step(key, after=120 * MINUTES)

    assert 0 == town.api.requests("write")
    assert ["RemediationHeld"] == town.said()
    assert "has the tag latest. Write a version or a digest" in town.process.recorder.recent().decode()
    assert 0 == town.process.sample(metrics.FAILED, "missing_readiness")
    assert 1 == town.process.sample(metrics.SKIPPED, "admission")
    summary = town.process.cluster.summary("shop")
    assert (0, ["admission"]) == (summary.failed, [proposal.reason for proposal in summary.proposals])


# Several workloads.


async def test_one_workload_of_a_namespace_after_the_other(town):
    _policy(town)
    first, second = town.add(workload()), town.add(_named("api"))
    await town.step(first)
    await town.step(second)
    together = town.patches()
    town.roll(first)
    await town.step(first, after=11 * MINUTES)
    await town.step(second)

    assert 1 == together
    assert "readinessProbe" in town.main(second)
    assert 1 == town.process.sample(metrics.SKIPPED, "namespace_busy")


async def test_a_workload_without_its_record_keeps_the_namespace_busy(town):
    _policy(town)
    robbed, other = town.add(workload()), town.add(_named("api"))
    await town.step(robbed)
    town.replace(robbed, lambda whole: whole["metadata"].pop("annotations"))
    await town.step(other)

    assert 1 == town.patches()
    assert 1 == town.process.sample(metrics.SKIPPED, "namespace_busy")


async def test_a_contest_does_not_keep_the_namespace_busy(town):
    _policy(town)
    contested, other = town.add(workload()), town.add(_named("api"))
    await town.step(contested)

    def revert(whole):
        del whole["spec"]["template"]["spec"]["containers"][0]["readinessProbe"]
        whole["metadata"]["managedFields"] = []

    town.replace(contested, revert)
    await town.step(contested)
    await town.step(other)
    at_once = town.patches()
    await town.step(other, after=12 * MINUTES)

    assert (1, 2) == (at_once, town.patches())


async def test_a_workload_that_was_made_anew_has_no_past(town):
    _policy(town)
    key = town.add(workload())
    await town.step(key)
    await town.step(key, after=11 * MINUTES)
    town.api.remove("deployments", "shop/web")
    await town.step(key)
    town.add(workload())
    await town.step(key)

    assert 3 == town.patches()
    assert 1 == len(town.process.cluster.memory._records)


@pytest.mark.parametrize("restarted", [False, True])
@pytest.mark.parametrize("proved", [False, True])
async def test_ten_workloads_an_hour_in_all_namespaces(town, restarted, proved):
    for number in range(12):
        _policy(town, f"team-{number}", requireLivenessProbe=False)
    keys = [town.add(workload(meta={"namespace": f"team-{number}"})) for number in range(12)]
    for key in keys[:10]:
        await town.step(key, after=dt.timedelta(seconds=1))
    if proved:
        for key in keys[:10]:
            town.roll(key)
            await town.step(key, after=dt.timedelta(seconds=70))
    if restarted:
        town.restart()
    for key in keys[10:]:
        await town.step(key, after=dt.timedelta(seconds=1))

    before = town.patches()
    await town.step(keys[10], after=61 * MINUTES)

    assert all("readinessProbe" not in town.main(key) for key in keys[11:])
    assert before + 1 == town.patches()


@pytest.mark.parametrize(
    ("after", "manager"),
    [(-MINUTES, "tenant"), (MINUTES, "tenant"), (MINUTES, "kube-devops-operator")],
    ids=["of the last hour", "yet to come", "yet to come, in our name"],
)
async def test_records_that_somebody_else_wrote_hold_nobody_up(town, after, manager):
    _policy(town)
    at = (town.now + after).isoformat()
    record = msgspec.json.encode({"template": "x", "patch": "y", "at": at}).decode()
    owned = {"f:metadata": {"f:annotations": {"f:policy.steward.dev/remediation": {}}}}
    entry = {"manager": manager, "operation": "Apply", "apiVersion": "apps/v1", "fieldsV1": owned}
    for number in range(town.config.max_per_hour):
        meta = {"namespace": "tenant", "annotations": {"policy.steward.dev/remediation": record}, "managedFields": [entry]}
        town.add(_named(f"web-{number}", **meta))
    key = town.add(workload())
    await town.step(key, after=dt.timedelta(seconds=1))

    assert 1 == town.patches()


# The status.


async def test_a_summary_waits_until_all_were_looked_at(town):
    _policy(town)
    mended, theirs = town.add(workload()), town.add(_named("theirs", labels={"app.kubernetes.io/managed-by": "x"}))
    await town.step(mended)
    early = town.process.cluster.summary("shop")
    await town.step(theirs)
    summary = town.process.cluster.summary("shop")

    assert early is None
    assert (1, 0, ("deployment/shop/web",)) == (summary.applied, summary.failed, summary.workloads)
    assert ["deployment/shop/theirs"] == [proposal.workload for proposal in summary.proposals]


async def test_limits_are_added_where_nothing_is_known_of_what_is_used(town):
    """There is no metrics API in this town."""
    _policy(town, requireReadinessProbe=False, requireLivenessProbe=False, defaultResources=RESOURCES)
    key = town.add(workload("Deployment", container(readinessProbe=DIRECT, livenessProbe=DIRECT)))
    await town.step(key)

    assert {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"cpu": "500m", "memory": "256Mi"}} == town.main(key)["resources"]
