"""Governance on a real cluster: scores, remediation and admission of the installed chart, and what happens when a part of it is taken away."""

import datetime as dt
import re

import pytest
from cluster.support import rights
from cluster.support.governed import (
    GROUP,
    SERVES,
    authority_secret,
    bad,
    bundles,
    give_authority,
    good,
    latest,
    mentions,
    policy,
    series,
)
from cluster.support.wait import until
from demolib import workloads

from steward.http import pki

VALUES = {
    "components": {
        "headless": {"enabled": False},
        "watch": {"enabled": True},
        "policy": {
            "enabled": True,
            "config": {
                "auditResults": {"retention": 2, "minIntervalSeconds": 1},
                "remediation": {"enabled": True, "maxPerNamespace": 3, "observationSeconds": 60},
            },
        },
        "webhook": {"enabled": True},
    }
}
FLUX = {"kustomize.toolkit.fluxcd.io/name": "apps", "kustomize.toolkit.fluxcd.io/namespace": "flux-system"}
COMPONENTS = ("watch", "policy", "webhook")
UNUSED: dict[str, set[rights.Use]] = {
    "watch": {("", "pods", "list")},
    "policy": {
        ("", "pods", "list"),
        ("apps", "daemonsets", "list"),
        ("apps", "deployments", "list"),
        ("apps", "replicasets", "list"),
        ("apps", "statefulsets", "list"),
        ("autoscaling", "horizontalpodautoscalers", "list"),
        ("autoscaling.k8s.io", "verticalpodautoscalers", "list"),
        ("events.k8s.io", "events", "patch"),
        ("keda.sh", "scaledobjects", "list"),
        ("metrics.k8s.io", "pods", "list"),
        ("policy", "poddisruptionbudgets", "list"),
        ("policy.steward.dev", "devopspolicies", "list"),
        ("policy.steward.dev", "policyauditresults", "list"),
    },
    "webhook": {
        ("", "namespaces", "list"),
        ("", "secrets", "create"),
        ("", "secrets", "list"),
        ("admissionregistration.k8s.io", "validatingwebhookconfigurations", "list"),
        ("discovery.k8s.io", "endpointslices", "list"),
        ("events.k8s.io", "events", "patch"),
        ("policy.steward.dev", "devopspolicies", "list"),
    },
}
"""Granted, and not always seen to be used: the first list comes by the watch (KEP-3157), which API servers before 1.32 do not offer; an apply that
makes the object is logged as a patch and needs both rights; an Event is patched when it repeats; metrics are asked for memory limits."""
NOT_OURS = {
    ("authorization.k8s.io", "selfsubjectaccessreviews", "create"): "everybody may ask for his own rights, by system:basic-user",
}
"""Used and not granted by us, and who grants it."""


@pytest.fixture(scope="module")
def release(releases):
    """Scores, policies with remediation, and admission."""
    release = releases("test-governance-steward", component=None)
    release.install(VALUES)
    return release


def test_scores_are_as_computed_by_hand(cluster, release, shop):
    """Two pods without probes (3 + 2 each), one of them of the image of the day (5): 15 points among three pods are 5, so the score is 95."""
    specs = {"fine": good(cluster, SERVES), "bare": bad(cluster), "late": latest(cluster)}
    shop.apply(*(workloads.deployment(name, spec, 1, {}) for name, spec in specs.items()))
    asked = {"forbidLatestTag": True, "requireLivenessProbe": True, "requireReadinessProbe": True, "requireResources": True}
    shop.apply(policy(**asked))

    def points():
        found = series(release, "watch", f'kube_devops_namespace_score_points{{|namespace="{shop.namespace}"')
        return {re.findall('type="([^"]+)"', name)[0]: value for name, value in found.items() if value}

    until("the points are those", lambda: points() == {"missing_liveness": 6, "missing_readiness": 4, "latest_tag": 5}, last=points)
    scores = series(release, "watch", f'kube_devops_namespace_health_score{{|namespace="{shop.namespace}"')
    assert [95] == list(scores.values())
    status = until("the policy was judged", lambda: found if (found := shop.status("standard")).get("violations") == 5 else None)
    assert (95, True, "5 violations across 3 pods — Healthy (95)") == (status["healthScore"], status["healthy"], status["message"])

    def results():
        found = cluster.select(f"policyauditresults.{GROUP}", "--namespace", shop.namespace, "--sort-by=.metadata.creationTimestamp")
        return [one["spec"]["totalViolations"] for one in found]

    until("a result tells", lambda: 5 in results(), last=results)
    for name, left in (("late", 2), ("bare", 0)):
        cluster.kubectl("delete", "deployment", name, "--namespace", shop.namespace)
        until(f"a result tells of {left}", lambda left=left: left in results(), last=results)
    until("two results are kept", lambda: len(results()) == 2, last=results)
    until("the status tells", lambda: shop.status("standard")["healthScore"] == 100, last=lambda: shop.status("standard"))
    assert {0.0} == set(series(release, "policy", "devopspolicy_reconcile_errors_total").values())


def workloads_without_probes(cluster):
    """A Deployment, whose patch is watched for as short as can be before the next, a StatefulSet and a DaemonSet."""
    replicas = {"web": 1, "db": 2, "agent": 1}
    web, database, agent = (workloads.deployment(name, bad(cluster, SERVES), number, {}) for name, number in replicas.items())
    web["spec"]["progressDeadlineSeconds"] = 30
    database |= {"kind": "StatefulSet", "spec": {**database["spec"], "serviceName": "db"}}
    agent |= {"kind": "DaemonSet", "spec": {key: value for key, value in agent["spec"].items() if key != "replicas"}}
    # Where there is a single node its only pod would be away meanwhile, and it would be left alone.
    agent["spec"]["updateStrategy"] = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}
    return web, database, agent


def test_workloads_are_mended_and_their_rollouts_become_healthy(cluster, release, shop):
    """Readiness first, then liveness, on the port that the container declares; the policy tells."""
    shop.apply(policy("mending", requireLivenessProbe=True, requireReadinessProbe=True, enforcementMode="enforce", defaultProbe={"periodSeconds": 2}))
    shop.apply(*workloads_without_probes(cluster))

    def mended():
        template = shop.get("deployment", "web")["spec"]["template"]
        return template["metadata"].get("annotations", {}), template["spec"]["containers"][0]

    until("it has both probes", lambda: {"livenessProbe", "readinessProbe"} <= mended()[1].keys(), timeout=200, last=lambda: shop.status("mending"))
    cluster.kubectl("rollout", "status", "deployment/web", "--namespace", shop.namespace, "--timeout=90s")
    annotations, container = mended()
    assert "kube-devops-operator" == annotations[f"{GROUP}/patched-by"]
    assert {"http"} == {str(container[name]["tcpSocket"]["port"]) for name in ("livenessProbe", "readinessProbe")}
    told = {f"{kind}/{shop.namespace}/{name}" for kind, name in (("deployment", "web"), ("statefulset", "db"), ("daemonset", "agent"))}
    until("the policy tells", lambda: set(shop.status("mending").get("remediatedWorkloads", [])) == told, last=lambda: shop.status("mending"))
    for workload in ("statefulset/db", "daemonset/agent"):
        cluster.kubectl("rollout", "status", workload, "--namespace", shop.namespace, "--timeout=90s")
    pods = cluster.select("pods", "--namespace", shop.namespace)
    assert {0} == {status["restartCount"] for pod in pods for status in pod["status"]["containerStatuses"]}


def test_what_flux_applies_is_left_alone(cluster, release, shop):
    """The patch is shown instead; nobody but its owner has written the Deployment."""
    shop.apply(policy("mending", requireReadinessProbe=True, enforcementMode="enforce", defaultProbe={"periodSeconds": 2}))
    web = workloads.deployment("web", bad(cluster, SERVES), 1, {})
    shop.apply({**web, "metadata": {**web["metadata"], "labels": FLUX}})

    (proposal,) = until("the patch is shown", lambda: shop.status("mending").get("proposals"), timeout=90, last=lambda: shop.status("mending"))

    assert f"deployment/{shop.namespace}/web" == proposal["workload"]
    assert "readinessProbe" in proposal["patch"]
    found = shop.get("deployment", "web")
    assert 1 == found["metadata"]["generation"]
    managed = cluster.get("deployment", "web", "--namespace", shop.namespace, "--show-managed-fields")["metadata"]["managedFields"]
    assert "kube-devops-operator" not in {one["manager"] for one in managed}


def test_a_bad_pod_is_warned_about_and_denied_once_the_policy_is_enforced(cluster, release, shop):
    """kubectl shows what is wrong and what to write instead."""
    pod = workloads.bare("late", latest(cluster), {})
    shop.apply(policy("tags", forbidLatestTag=True))
    warned = until("it is warned about", lambda: said if "Warning" in (said := shop.create(pod, "--dry-run=server")).stderr else None)
    assert 0 == warned.code
    assert "registry.example:5000/shop/web" in warned.stderr

    shop.apply(policy("tags", forbidLatestTag=True, enforcementMode="enforce"))
    denied = until("it is denied", lambda: said if (said := shop.create(pod, "--dry-run=server")).code else None)

    assert "Denied by DevOpsPolicy: " in denied.stderr
    for word in ("tags", "main", "registry.example:5000/shop/web", "Write a version or a digest"):
        assert word in denied.stderr
    assert 0 == shop.create(workloads.bare("fine", good(cluster), {}), "--dry-run=server").code


def test_pods_are_made_while_the_webhook_is_gone_and_judged_once_it_is_back(cluster, release, gate):
    """It fails open: nothing hangs, and nothing is refused for its absence."""
    workload = f"{release.fullname}-webhook"
    cluster.kubectl("scale", "deployment", workload, "--namespace", release.namespace, "--replicas=0")
    until("the gate is open", lambda: not gate())

    release.upgrade(VALUES)

    until("the gate is shut again", gate)


def test_the_webhook_gets_another_certificate_after_its_secret_was_lost(cluster, release, gate):
    """A new authority is made, told to the API server, and used, while nobody who asks is refused for it."""
    before = bundles(release)
    cluster.kubectl("delete", "secret", authority_secret(release), "--namespace", release.namespace)

    def renewed():
        gate()
        return not before & bundles(release)

    until("the API server trusts another authority", renewed, timeout=180)
    until("the gate is shut with it", gate, timeout=180)


def test_the_webhook_gets_another_certificate_after_its_authority_expired(cluster, release, gate):
    """As after a year without the cluster: what the Secret holds and the API server trusts has ended, and nobody has to be called."""
    now = dt.datetime.now(dt.UTC)
    expired = pki.authority("a year ago", pki.Validity(now - dt.timedelta(days=400), now - dt.timedelta(days=35)))
    workload = f"{release.fullname}-webhook"
    cluster.kubectl("scale", "deployment", workload, "--namespace", release.namespace, "--replicas=0")
    until("the gate is open", lambda: not gate())
    trusted = give_authority(release, expired)

    cluster.kubectl("scale", "deployment", workload, "--namespace", release.namespace, "--replicas=2")

    until("the gate is shut with another authority", gate, timeout=180)
    assert trusted not in bundles(release)


def test_a_deleted_policy_is_gone_at_once_with_its_series(cluster, release, shop):
    """No finalizer holds it, and its namespace is not mentioned any more."""
    shop.apply(policy(requireReadinessProbe=True), workloads.bare("bare", bad(cluster), {}))
    until("it has series", lambda: mentions(release, "policy", shop.namespace))

    cluster.kubectl("delete", f"devopspolicies.{GROUP}", "standard", "--namespace", shop.namespace, "--wait", "--timeout=20s")

    until("its series are gone", lambda: not mentions(release, "policy", shop.namespace), last=lambda: mentions(release, "policy", shop.namespace))
    until("its results are gone", lambda: not cluster.select(f"policyauditresults.{GROUP}", "--namespace", shop.namespace), timeout=90)


def test_the_series_of_a_namespace_vanish_with_it(cluster, release, shop):
    """Also those of its score."""
    shop.apply(policy(requireReadinessProbe=True), workloads.bare("bare", bad(cluster), {}))
    for component in ("watch", "policy"):
        until(f"{component} has series", lambda component=component: mentions(release, component, shop.namespace))

    cluster.kubectl("delete", "namespace", shop.namespace, "--wait", "--timeout=90s")

    for component in ("watch", "policy"):
        until(f"its series are gone from {component}", lambda component=component: not mentions(release, component, shop.namespace))


def test_policies_can_be_taken_from_the_cluster_and_brought_back(cluster, release, shop, gate):
    """Without their definition nothing is judged and nothing breaks; the next upgrade brings it back, and all goes on without a restart."""
    before = restarts(release)
    cluster.kubectl("delete", "crd", f"devopspolicies.{GROUP}", f"policyauditresults.{GROUP}", "--wait", "--timeout=60s")
    until("the gate is open", lambda: not gate(), timeout=120)
    until("the series are gone", lambda: not mentions(release, "policy", shop.namespace), timeout=120)

    release.upgrade(VALUES)
    cluster.kubectl("wait", "--for=condition=Established", "crd", f"devopspolicies.{GROUP}", "--timeout=30s")
    shop.apply(policy("tags", forbidLatestTag=True, enforcementMode="enforce"))

    until("the gate is shut", gate, timeout=120)
    until("the policy was judged", lambda: shop.status("tags").get("message"), timeout=120)
    assert before == restarts(release)


def restarts(release) -> dict[str, int]:
    """How often each container of the release was started anew, by pod."""
    return {pod["metadata"]["name"]: sum(one["restartCount"] for one in pod["status"]["containerStatuses"]) for pod in release.objects("pods")}


@pytest.mark.parametrize("component", COMPONENTS)
def test_nothing_was_denied_to_a_component(audit_log, release, component):
    """Not one request of its service account was answered with 401 or 403, in all that the tests above did to it."""
    requests = rights.asked(audit_log, release, component)()

    assert requests
    assert [] == rights.denied(requests)


@pytest.mark.parametrize("component", COMPONENTS)
def test_every_right_of_a_component_is_used_and_every_use_is_granted(audit_log, release, component):
    """The roles allow exactly what it did, but for the exceptions of this file."""
    granted, asked = rights.granted(rights.bound(release, component)), rights.asked(audit_log, release, component)

    def unused():
        return granted - set(rights.used(asked())) - UNUSED[component]

    until("every granted right was used", lambda: not unused(), last=unused)
    assert set(rights.used(asked())) - granted <= NOT_OURS.keys()
