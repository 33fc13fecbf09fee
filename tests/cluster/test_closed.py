"""Admission with `failurePolicy: Fail`: no bad pod passes, whatever happens to the webhook, and nothing of ours stands in its own way."""

import datetime as dt
import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from cluster.support.governed import SERVES, bad, bundles, give_authority, good, latest, policy, without
from cluster.support.wait import until
from demolib import workloads

from steward.http import pki

VALUES = {
    "components": {
        "headless": {"enabled": False},
        "watch": {"enabled": False},
        "policy": {"config": {"remediation": {"enabled": True, "observationSeconds": 60}}},
        "webhook": {"admission": {"failurePolicy": "Fail"}},
    }
}

MENDS = {"enforcementMode": "enforce", "defaultProbe": {"periodSeconds": 2}}


class PassedError(Exception):
    """A bad pod was let through."""


@pytest.fixture(scope="module")
def release(releases):
    """Installed by `helm install --wait`, into a cluster that knows nothing of it: closed from the first moment on."""
    release = releases("test-closed-steward", component=None)
    release.install(VALUES)
    return release


@pytest.fixture
def closed(gate):
    """Ask whether a bad pod passes; says whether the webhook itself has denied it, and not the API server for want of an answer."""

    def ask() -> bool:
        if not gate():
            raise PassedError
        return True

    return ask


def test_a_first_install_comes_up_and_good_pods_with_it(cluster, release, shop, closed):
    """Also those of other namespaces."""
    assert closed()
    assert 0 == shop.create(workloads.bare("fine", good(cluster, SERVES), {})).code
    cluster.kubectl("wait", "pod", "fine", "--namespace", shop.namespace, "--for=condition=Ready", "--timeout=60s")


def test_while_all_replicas_are_killed_nothing_passes(cluster, release, closed):
    """Not stopped: killed, at once. The API server refuses until another one answers."""
    selector = f"{release.selector},app.kubernetes.io/component=webhook"
    names = {one["metadata"]["name"] for one in cluster.select("pods", "--namespace", release.namespace, "--selector", selector)}
    cluster.kubectl("delete", "pod", *names, "--namespace", release.namespace, "--grace-period=0", "--force")

    until("another replica denies", closed)
    cluster.kubectl("rollout", "status", f"deployment/{release.fullname}-webhook", "--namespace", release.namespace, "--timeout=90s")
    assert closed()


def test_an_upgrade_refuses_nobody_and_keeps_the_authority(release, closed):
    """What helm applies has no `caBundle`."""
    before = bundles(release)
    with ThreadPoolExecutor(1) as pool:
        for note in ("one", "two"):
            upgrade = pool.submit(release.upgrade, {**VALUES, "podAnnotations": {"example.com/note": note}})
            while not upgrade.done():
                assert closed()
            upgrade.result()

    assert before == bundles(release)


def test_the_authority_is_rotated_and_nobody_is_refused(cluster, release, closed):
    """One that is near its end: the next is trusted a minute before it signs. Nobody has to be called, and nothing is refused meanwhile."""
    now = dt.datetime.now(dt.UTC)
    old = give_authority(release, pki.authority("near its end", pki.Validity(now - dt.timedelta(days=360), now + dt.timedelta(days=5))))
    until("a replica denies with it", closed)

    def switched():
        assert closed()
        events = cluster.select("events", "--namespace", "default", "--field-selector", "reason=WebhookAuthoritySwitched")
        return any(release.namespace in event["involvedObject"]["name"] for event in events)

    until("the next authority signs", switched, timeout=200)
    assert old not in bundles(release)
    assert all(closed() for _ in range(20))


def test_a_patch_passes_our_own_admission_in_one_rollout(cluster, release, shop):
    """The pod of the dry run is asked about by the API server like any other, and says that the patch mends what would be denied."""
    shop.apply(workloads.deployment("web", bad(cluster, SERVES), 1, {}))
    cluster.kubectl("rollout", "status", "deployment/web", "--namespace", shop.namespace, "--timeout=90s")
    shop.apply(policy("mending", requireReadinessProbe=True, severityOverrides={"missingReadiness": "high"}, **MENDS))

    def mended():
        return "readinessProbe" in shop.get("deployment", "web")["spec"]["template"]["spec"]["containers"][0]

    until("it is mended", mended, timeout=120, last=lambda: shop.status("mending"))
    cluster.kubectl("rollout", "status", "deployment/web", "--namespace", shop.namespace, "--timeout=90s")
    assert 2 == len(cluster.select("replicasets", "--namespace", shop.namespace))
    assert dry_runs(release) > 0


def dry_runs(release) -> float:
    """Reviews of dry runs that all replicas of the webhook have answered."""
    selector = f"{release.selector},app.kubernetes.io/component=webhook"
    total = 0.0
    for pod in release.cluster.select("pods", "--namespace", release.namespace, "--selector", selector):
        path = f"/api/v1/namespaces/{release.namespace}/pods/{pod['metadata']['name']}:8080/proxy/metrics"
        lines = release.cluster.kubectl("get", "--raw", path).splitlines()
        total += sum(float(line.rpartition(" ")[2]) for line in lines if re.match(r"kube_devops_webhook_requests_total\{.*dry_run=\"true\"", line))
    return total


def test_what_a_patch_cannot_mend_is_left_alone(cluster, release, shop):
    """Its pods would be denied: what runs would be replaced by nothing."""
    shop.apply(workloads.deployment("web", latest(cluster), 1, {}))
    until("it has a pod", lambda: cluster.select("pods", "--namespace", shop.namespace))
    shop.apply(policy("mending", forbidLatestTag=True, requireReadinessProbe=True, **MENDS))

    (note, *_) = until("it is told", lambda: shop.events("RemediationHeld"), timeout=120, last=lambda: shop.status("mending"))

    assert "a patch cannot mend it" in note
    assert 1 == shop.get("deployment", "web")["metadata"]["generation"]


def test_what_the_webhook_denies_in_the_dry_run_is_left_alone(cluster, release, shop):
    """Resources may be given by a LimitRange on the way, so that is tried. It is told in the words of the webhook."""
    shop.apply(workloads.deployment("web", without(good(cluster, SERVES), "readinessProbe", "resources"), 1, {}))
    cluster.kubectl("rollout", "status", "deployment/web", "--namespace", shop.namespace, "--timeout=90s")
    severe = {"severityOverrides": {"missingResources": "critical"}}
    shop.apply(policy("mending", requireResources=True, requireReadinessProbe=True, **severe, **MENDS))

    (note, *_) = until("it is told", lambda: shop.events("RemediationRefused"), timeout=120, last=lambda: shop.status("mending"))

    assert "Denied by DevOpsPolicy" in note
    assert 1 == shop.get("deployment", "web")["metadata"]["generation"]


def test_an_exemption_by_workload_holds_for_the_pods_that_a_replica_set_makes(cluster, release, shop):
    """A ReplicaSet makes the pods, without a name of their own; the other one is told why it cannot."""
    allowed = {"workload": {"kind": "Deployment", "name": "allowed"}, "reason": "to be mended", "expires": "2100-01-01T00:00:00Z"}
    shop.apply(policy("tags", forbidLatestTag=True, enforcementMode="enforce", exemptions=[{"checks": ["latest_tag"], **allowed}]))
    until("a bad pod is denied", lambda: shop.create(workloads.bare("late", latest(cluster), {}), "--dry-run=server").code)
    shop.apply(*(workloads.deployment(name, latest(cluster), 1, {}) for name in ("allowed", "denied")))

    messages = until("its owner is told", lambda: shop.events("FailedCreate"))

    assert all("Denied by DevOpsPolicy" in message for message in messages)
    until(
        "the exempt one has a pod",
        lambda: {"allowed"} == {one["metadata"]["labels"]["app"] for one in cluster.select("pods", "--namespace", shop.namespace)},
    )
