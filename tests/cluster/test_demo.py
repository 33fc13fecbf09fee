"""The first command of the README, to its end."""

import pytest
from cluster.support.cluster import REPOSITORY
from demolib.stage import NAMESPACE, PODS_NAMESPACE, RELEASE

EXPECTED = (
    "db-0.steward-demo.svc",
    "Denied by DevOpsPolicy",
    "health score of the cluster",
    "Services managed",
    "StewardNoLeader",
    "Look around:",
    "make cluster-down",
)


@pytest.fixture
def away(cluster):
    """What the demo leaves is gone after the test."""
    yield
    cluster.run("helm", "uninstall", RELEASE, "--namespace", NAMESPACE, "--ignore-not-found", "--wait")
    cluster.kubectl("delete", "namespace", NAMESPACE, PODS_NAMESPACE, "--ignore-not-found", timeout=180)


@pytest.mark.timeout(400, func_only=True)
def test_the_demo_shows_names_findings_figures_and_alerts_and_ends_with_what_to_do_next(cluster, away):
    """On the cluster that is up, as a newcomer's second run finds it."""
    said = cluster.run(REPOSITORY / "ci" / "demo", "--provider", cluster.provider)

    for expected in EXPECTED:
        assert expected in said
