"""The life of a release: installed with its own defaults, tested, upgraded and back."""

import pytest
import yaml
from cluster.support.wait import until
from demolib import workloads
from pytest_helm_charts.k8s.deployment import wait_for_deployments_to_run

CHANGED = {
    "logLevel": "debug",
    "replicas": 2,
    "podDisruptionBudget": {"enabled": True},
    "resources": {"requests": {"memory": "144Mi"}},
    "components": {"headless": {"config": {"excludeNamespaces": ["kube-system"]}}},
}


@pytest.fixture(scope="module")
def release(releases):
    """A release with the chart's defaults."""
    release = releases("test-install-steward")
    release.install()
    return release


def test_it_runs_with_its_defaults_in_a_restricted_namespace(kube_cluster, cluster, release):
    """All pods are ready by all three of their probes, and none was restarted on the way."""
    assert "restricted" == cluster.get("namespace", release.namespace)["metadata"]["labels"]["pod-security.kubernetes.io/enforce"]
    wait_for_deployments_to_run(kube_cluster.kube_client, [release.workload], release.namespace, 60, missing_ok=False)

    (pod,) = release.objects("pods")
    (container,), (status,) = pod["spec"]["containers"], pod["status"]["containerStatuses"]
    assert {"startupProbe", "livenessProbe", "readinessProbe"} <= container.keys()
    assert (True, True, 0) == (status["started"], status["ready"], status["restartCount"])


def test_helm_test_is_green_and_leaves_nothing(release):
    """Its pod reaches the component through its Service, says so, and is gone."""
    said = release.test()

    assert "answered 200" in said
    assert ["headless"] == [pod["metadata"]["labels"]["app.kubernetes.io/component"] for pod in release.objects("pods")]


def test_an_upgrade_changes_what_it_says_and_no_name_is_lost_meanwhile(cluster, release, team):
    """Values reach the objects; a name that was there is answered all the time, by a Service that nobody touched."""
    team.apply(workloads.bare("steady", team.spec))
    team.until_answered("steady", team.address("steady"))
    before = team.get("service", "steady")["metadata"]

    with team.watch_answers("steady") as answers:
        release.upgrade(CHANGED)
        until("the old pod is gone", lambda: 2 == len(release.objects("pods")))
        team.apply(workloads.bare("late", team.spec))
        team.until_answered("late", team.address("late"))

    assert [] == [line for _, line in answers.seen[1:]]
    assert before == team.get("service", "steady")["metadata"]
    config = yaml.safe_load(cluster.get("configmap", release.workload, "-n", release.namespace)["data"]["config.yaml"])
    assert ("debug", ["kube-system"]) == (config["log"]["level"], config["config"]["excludeNamespaces"])
    (deployment,) = release.objects("deployments")
    assert (2, 2) == (deployment["status"]["readyReplicas"], deployment["status"]["updatedReplicas"])
    assert "144Mi" == deployment["spec"]["template"]["spec"]["containers"][0]["resources"]["requests"]["memory"]
    assert [release.workload] == [budget["metadata"]["name"] for budget in release.objects("poddisruptionbudgets")]


def test_an_upgrade_to_the_defaults_takes_away_what_was_added(release):
    """Nothing of the values of before stays."""
    release.upgrade(CHANGED)
    release.upgrade()

    assert [] == release.objects("poddisruptionbudgets")
    assert [1] == [deployment["status"]["replicas"] for deployment in release.objects("deployments")]
