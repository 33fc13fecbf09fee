"""From the chart of the commit before to this one: an upgrade replaces nothing that users rely on."""

import subprocess

import pytest
from cluster.support.cluster import REPOSITORY
from cluster.support.release import Release
from demolib import workloads

VALUES = {
    "serviceMonitor": {"enabled": True},
    "prometheusRule": {"enabled": True},
    "networkPolicy": {"enabled": True},
    "podDisruptionBudget": {"enabled": True},
}
"""Names that no version of the chart may change."""
KINDS = (
    "deployments",
    "services",
    "serviceaccounts",
    "configmaps",
    "roles",
    "rolebindings",
    "clusterroles",
    "clusterrolebindings",
    "servicemonitors",
)


def git(*arguments):
    """What git prints, as bytes. Raises: CalledProcessError."""
    return subprocess.run(["git", *arguments], cwd=REPOSITORY, capture_output=True, check=True).stdout


@pytest.fixture(scope="module")
def chart_before(tmp_path_factory):
    """The chart of the commit before this one; of the last one, while something of the chart is not committed."""
    parts = ("chart", "alerts", "dashboards", "LICENSE")
    try:
        changed = git("status", "--porcelain", "--", *parts)
        archive = git("archive", "HEAD" if changed else "HEAD~1", *parts)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"there is no commit before this one here: {getattr(error, 'stderr', b'').decode().strip() or error}")
    folder = tmp_path_factory.mktemp("before")
    subprocess.run(["tar", "--extract", "--directory", folder], input=archive, check=True)
    return folder / "chart"


def identities(release):
    """What lives on through an upgrade: kind, name and uid of each object."""
    return {(kind, one["metadata"]["name"], one["metadata"]["uid"]) for kind in KINDS for one in release.objects(kind)}


def test_an_upgrade_keeps_objects_selectors_and_names(cluster, releases, team, chart_before):
    """Every object of the old chart is still the same one, and a name is answered all the time."""
    release = releases("test-upgrade-steward")
    Release(cluster, str(chart_before), release.name, release.namespace).install(VALUES)
    before = identities(release)
    (selector,) = [deployment["spec"]["selector"] for deployment in release.objects("deployments")]
    team.apply(workloads.bare("steady", team.spec))
    team.until_answered("steady", team.address("steady"))

    with team.watch_answers(team.full_name("steady")) as answers:
        release.upgrade(VALUES)

    assert before <= identities(release)
    assert [selector] == [deployment["spec"]["selector"] for deployment in release.objects("deployments")]
    assert [] == [line for _, line in answers.seen[1:]]
    assert "answered 200" in release.test()
