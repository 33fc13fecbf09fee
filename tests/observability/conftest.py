"""The stage, played once for all tests that look at what came of it."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "ci"))

from observability.stage.play import Stage, stage

PLAY_SECONDS = 40
TIMEOUT_SECONDS = 300
"""Of one test. The stage, which a fixture plays, has deadlines of its own."""


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("observability", "what the running program shows of itself")
    group.addoption("--play-seconds", type=float, default=PLAY_SECONDS, help="how long the program is under load (default: %(default)s)")
    group.addoption("--pictures", metavar="DIRECTORY", help="keep the pictures of the dashboards there")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/observability/" in item.path.as_posix():
            item.add_marker(pytest.mark.apiserver)
            item.add_marker(pytest.mark.timeout(TIMEOUT_SECONDS, func_only=True))


@pytest.fixture(scope="package")
def played(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Stage]:
    """The program after its play; it runs on, without load."""
    with stage(tmp_path_factory.mktemp("stage"), seconds=request.config.getoption("--play-seconds", PLAY_SECONDS)) as made:
        yield made
