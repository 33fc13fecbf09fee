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

from faults.harness.cluster import Cluster
from faults.harness.replicas import Operator
from faults.harness.report import REPORT, Report
from faults.harness.witness import Witness
from steward import __version__

_numbers = itertools.count(1)
TIMEOUT_SECONDS = 400
"""Of one test. What it waits for has shorter deadlines with better words; this one ends a test that hangs."""


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
