"""A control plane that may be hurt, a witness, and operators."""

import asyncio
import itertools
import platform
from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from faults.harness.cluster import NAMESPACE, RIGHTS, Cluster
from faults.harness.replicas import Operator
from faults.harness.report import REPORT, Report
from faults.harness.teams import OBSERVED, Work
from faults.harness.witness import Witness
from steward import __version__
from steward.policy.component import COMPONENT
from steward.policy.remediation.model import WORKLOADS
from support import helm

_numbers = itertools.count(1)
TIMEOUT_SECONDS = 400
"""Of one test. What it waits for has shorter deadlines with better words; this one ends a test that hangs."""

REMEDIATION = {
    "components": {
        "policy": {
            "config": {"remediation": {"enabled": True, "maxPerHour": 100, "observationSeconds": OBSERVED, "protectedNamespaces": ["vault-*"]}}
        }
    },
}
CRDS = helm.CHART / "files" / "crds"


class Extent(msgspec.Struct, frozen=True):
    """How often a test that repeats something does so."""

    kills: int
    freezes: int


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("faults", "faults of a real control plane")
    group.addoption("--faults-long", action="store_true", help="all faults, and each more often: an hour")
    group.addoption("--faults-report", metavar="FILE", help="write the figures to this page, and what failed")


def pytest_configure(config: pytest.Config) -> None:
    config.stash[REPORT] = Report()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    ours = [item for item in items if "tests/faults/" in item.path.as_posix()]
    for item in ours:
        item.add_marker(pytest.mark.faults)
        item.add_marker(pytest.mark.timeout(TIMEOUT_SECONDS * (1 + config.getoption("--faults-long")), func_only=True))
    if not config.getoption("--faults-long"):
        left_out = [item for item in ours if item.get_closest_marker("long")]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


@pytest.fixture
def extent(request: pytest.FixtureRequest) -> Extent:
    return Extent(kills=8, freezes=5) if request.config.getoption("--faults-long") else Extent(kills=2, freezes=1)


@pytest.fixture(scope="package")
def cluster(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Cluster]:
    """The control plane of the run."""
    cluster = Cluster(tmp_path_factory.mktemp("cluster"))
    cluster.start()
    request.config.stash[REPORT].versions = {"Steward": __version__, "Python": platform.python_version(), **cluster.versions()}
    yield cluster
    cluster.stop()


@pytest.fixture
async def witness(cluster: Cluster) -> AsyncIterator[Witness]:
    """The client outside, in a namespace of its own."""
    kube = cluster.kube()
    witness = Witness(kube, f"case-{next(_numbers)}")
    await witness.open()
    yield witness
    await witness.close()
    await kube.close()


@pytest.fixture
async def operators(cluster: Cluster, tmp_path: Path) -> AsyncIterator[Callable[..., Operator]]:
    """Makes replicas that are yet to be started; all are gone after the test."""
    made: list[Operator] = []

    def new(**options: Any) -> Operator:
        made.append(Operator(cluster, tmp_path, f"steward-{len(made)}", **options))
        return made[-1]

    yield new
    await asyncio.gather(*(operator.stop() for operator in made))


@pytest.fixture(scope="package")
def chart() -> list[dict[str, Any]]:
    """What the chart renders of policy with remediation switched on."""
    return helm.render(REMEDIATION, namespace=NAMESPACE, component="policy")


@pytest.fixture(scope="package")
def plane(cluster: Cluster, chart: list[dict[str, Any]]) -> Cluster:
    """The cluster, with the definitions and the rights of policy as the chart has them."""
    definitions = [yaml.safe_load(path.read_text()) for path in sorted(CRDS.glob("*.policy.steward.dev.yaml"))]
    cluster.apply(*definitions, *(found for found in chart if found["kind"] in RIGHTS))
    names = [f"crd/{one['metadata']['name']}" for one in definitions]
    cluster.kubectl("wait", "--for=condition=Established", *names, "--timeout=60s")
    return cluster


@pytest.fixture
async def start(plane: Cluster, chart: list[dict[str, Any]], tmp_path: Path) -> AsyncIterator[Callable[..., Work]]:
    """Sets policy to work, with other values of remediation if given. What it may be at work on is gone after the test."""
    account = helm.only(chart, "ServiceAccount")["metadata"]["name"]
    token = plane.kubectl("create", "token", account, f"--namespace={NAMESPACE}", "--duration=1h").strip()
    plane.kubeconfig(tmp_path / "kubeconfig", token=token)
    settings = yaml.safe_load(helm.only(chart, "ConfigMap")["data"]["config.yaml"])
    config = msgspec.convert(settings["config"], COMPONENT.config)
    started: list[Work] = []

    def start(**values: Any) -> Work:
        remediation = msgspec.structs.replace(config.remediation, **values)
        started.append(Work(plane, str(tmp_path / "kubeconfig"), msgspec.structs.replace(config, remediation=remediation)))
        return started[-1]

    yield start
    for work in started:
        await work.stop()
    kinds = ",".join(("devopspolicies", *(resource.plural for resource in WORKLOADS.values())))
    plane.kubectl("delete", kinds, "--all", "--all-namespaces", "--wait=false")


@pytest.fixture
async def at_work(start: Callable[..., Work]) -> Work:
    """Policy at work."""
    return start()


@pytest.fixture
def figure(request: pytest.FixtureRequest) -> Callable[[str], Callable[..., None]]:
    """Notes figures of a scenario: ``figure("scenario")("name", value, "unit", target=…)``."""
    report = request.config.stash[REPORT]
    return lambda scenario: partial(report.note, scenario)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, exitstatus: int, config: pytest.Config) -> None:
    """The figures, on the terminal and, if asked for, as a page."""
    report, page = config.stash[REPORT], config.getoption("--faults-report")
    if lines := report.lines():
        terminalreporter.section("faults")
        for line in lines:
            terminalreporter.write_line(line)
    if page and lines and exitstatus in {pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED}:
        failed = [one.nodeid for kind in ("failed", "error") for one in terminalreporter.stats.get(kind, ())]
        Path(page).write_text(report.page(failed, whole=bool(config.getoption("--faults-long"))), encoding="utf-8")
        terminalreporter.write_line(f"written to {page}")
