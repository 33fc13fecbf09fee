"""The cluster, releases of the chart on it, and teams that use it."""

import json
import os
import re
import shlex
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY / "ci"))

from cluster.support import cluster as clusters  # noqa: E402 (what it imports is found by the line above)
from cluster.support.cluster import Cluster  # noqa: E402
from cluster.support.governed import Shop, gate_of, latest, policy  # noqa: E402
from cluster.support.prometheus import Prometheus  # noqa: E402
from cluster.support.release import Release  # noqa: E402
from cluster.support.team import RESOLVER, Team  # noqa: E402
from cluster.support.wait import until  # noqa: E402
from demolib import workloads  # noqa: E402
from demolib.stage import MADE_BY  # noqa: E402

from support import crds, helm  # noqa: E402

FIGURES = pytest.StashKey[list[str]]()
RESTRICTED = {"labels": {"pod-security.kubernetes.io/enforce": "restricted", MADE_BY: "tests"}}
TIMEOUT_SECONDS = 300
"""Of one test. What it waits for has shorter deadlines with better words; this one ends a test that hangs."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Every test here needs a cluster, and more time than one in memory; fixtures install, and count by themselves."""
    if not config.getoption("--faults-long", default=False):
        left_out = [item for item in items if "tests/cluster/" in item.path.as_posix() and item.get_closest_marker("long")]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]
    for item in items:
        if "tests/cluster/" in item.path.as_posix():
            item.add_marker(pytest.mark.cluster)
            item.add_marker(pytest.mark.timeout(TIMEOUT_SECONDS, func_only=True))


@pytest.fixture(scope="session")
def cluster(request: pytest.FixtureRequest) -> Cluster:
    """The cluster under test: the one that is up, else one is started."""
    capture = request.config.pluginmanager.getplugin("capturemanager")
    reporter = request.config.pluginmanager.getplugin("terminalreporter")
    values = request.config.getoption("app_config_file_path") or os.environ.get("ATS_APP_CONFIG_FILE_PATH", "")
    found = clusters.up(request.config.getoption("kubeconfig") or "", values)
    sweep(found)
    with capture.global_and_fixture_disabled():
        reporter.write_line(f"\ncluster: provider {found.provider}, Kubernetes {found.version}, image {found.image}")
    return found


def sweep(cluster: Cluster) -> None:
    """Remove the demo, and what a run left that was killed: another operator would serve the pods of this one, and be scraped in its place."""
    for namespace in [one["metadata"]["name"] for one in cluster.select("namespaces", "--selector", MADE_BY)]:
        for name in cluster.run("helm", "list", "--short", "--namespace", namespace).split():
            Release(cluster, "", name, namespace).uninstall()
        cluster.kubectl("delete", "namespace", namespace, "--wait")


@pytest.fixture(scope="module")
def kube_config(cluster: Cluster) -> str:
    """What pytest-helm-charts opens for its fixtures."""
    return cluster.kubeconfig


@pytest.fixture(scope="module")
def chart_path(chart_path: str) -> str:
    """The chart under test: ours, unless --chart-path names another."""
    return chart_path or str(REPOSITORY / "chart")


@pytest.fixture(scope="module")
def releases(cluster: Cluster, namespace_factory, chart_path: str) -> Iterator[Callable[..., Release]]:
    """Makes releases that are yet to be installed, each in a namespace with Pod Security *restricted*. All are gone after the module."""
    made: list[Release] = []

    def new(namespace: str, *, name: str = "steward", component: str | None = "headless") -> Release:
        namespace_factory(namespace, extra_metadata=RESTRICTED)
        made.append(Release(cluster, chart_path, name, namespace, component))
        return made[-1]

    yield new
    for release in made:
        release.uninstall()


@pytest.fixture(scope="module")
def team(cluster: Cluster, namespace_factory, request: pytest.FixtureRequest) -> Team:
    """A namespace of a team, with a pod that asks the DNS. Named like the module."""
    namespace = request.module.__name__.rpartition(".")[2].replace("_", "-")
    namespace_factory(namespace, extra_metadata=RESTRICTED)
    team = Team(cluster, namespace, domain="")
    team.apply(workloads.bare(RESOLVER, team.spec, annotations={}))
    team.kubectl("wait", "pod", RESOLVER, "--for=condition=Ready", "--timeout=90s")
    search = team.kubectl("exec", RESOLVER, "--", "cat", "/etc/resolv.conf").partition("search ")[2].split()
    return Team(cluster, namespace, domain=search[1].removeprefix("svc."))


@pytest.fixture(scope="module")
def prometheus(kube_cluster) -> Prometheus:
    """The Prometheus of the cluster."""
    return Prometheus(kube_cluster.kube_client)


@pytest.fixture(scope="module")
def kinds_of_others(cluster: Cluster) -> Iterator[Callable[[list[helm.Object]], None]]:
    """Makes the cluster know the kinds of objects that belong to other operators, if not the operators. What was made is gone after the module.

    On a cluster of somebody else's nothing is made; the test is skipped where a kind is missing.
    """
    made: list[str] = []

    def know(objects: list[helm.Object]) -> None:
        for kind in {found["kind"] for found in objects} & crds.definitions().keys():
            name = crds.definitions()[kind]["metadata"]["name"]
            if cluster.get("crd", name):
                continue
            if cluster.provider == "existing":
                pytest.skip(f"the cluster has no {kind}")
            # Not applied: an annotation with the whole object would be too long.
            cluster.kubectl("create", "-f", "-", stdin=json.dumps(crds.definitions()[kind]))
            made.append(name)
            cluster.kubectl("wait", "--for=condition=Established", "crd", name, "--timeout=30s")

    yield know
    if made:
        cluster.kubectl("delete", "crd", *made, "--wait")


@pytest.fixture(scope="module")
def audit_log(cluster: Cluster) -> Callable[[str], list[helm.Object]]:
    """Reads the lines of the audit log that mention something; where there is no log to read, says why."""
    try:
        cluster.audit("nothing in particular")
    except clusters.Failed as error:
        pytest.skip(f"provider {cluster.provider}: no audit log to read: {error}")
    return cluster.audit


@pytest.fixture
def shop(cluster, namespace_factory, request):
    """A namespace for one test, without policies."""
    name = re.sub("[^a-z0-9]+", "-", request.node.name.removeprefix("test_"))[:40].strip("-")
    namespace_factory(name, extra_metadata={"labels": {"pod-security.kubernetes.io/enforce": "restricted"}})
    return Shop(cluster, name)


@pytest.fixture
def gate(cluster, shop) -> Callable[[], bool]:
    """Whether a bad pod is denied in the shop."""
    shop.apply(policy("tags", forbidLatestTag=True, enforcementMode="enforce"))
    gate = gate_of(shop, latest(cluster))
    until("the gate is shut", gate)
    return gate


@pytest.fixture
def figure(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Prints a figure at the end of the run."""
    return request.config.stash.setdefault(FIGURES, []).append


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """The figures."""
    if figures := config.stash.get(FIGURES, []):
        terminalreporter.section("figures")
        for text in figures:
            terminalreporter.write_line(text)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo):
    """What one would look at next, under every test that failed."""
    report = yield
    found = item.funcargs.get("cluster") if hasattr(item, "funcargs") else None
    if report.failed and found is not None:
        for command in _LOOK_AT:
            done = clusters.run(command, env=found.env)
            report.sections.append((shlex.join(map(str, command)), (done.stdout + done.stderr)[-8000:]))
    return report


_LOOK_AT = (
    ["kubectl", "get", "pods", "--all-namespaces", "-o", "wide"],
    ["kubectl", "get", "events", "--all-namespaces", "--sort-by=.metadata.creationTimestamp"],
    [clusters.PROGRAM, "logs", "headless"],
)
