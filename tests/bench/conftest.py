"""What the benchmark's tests share: its programs, built once, and pages of made-up figures."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.figures import Figure
from harness.governance.plan import WIRE
from harness.journal import Entry, Journal
from harness.peers import STEWARD, TUNED, USUAL
from harness.plan import FAKE
from harness.prepare import GO_PROGRAMS

REPOSITORY = Path(__file__).resolve().parents[2]

ABOUT: dict[str, Any] = {
    "plan": "standard", "measured": "", "rounds": 3, "date": "2026-11-21", "revision": "abc", "processor": "2 cores", "memory": "8 GiB",
    "system": "Linux", "python": "3.13", "packages": {"steward": {"msgspec": "1"}, "peers": {"kopf": "1"}}, "go": "go1.26", "client_go": "v0",
    "kube_apiserver": "v1", "etcd": "3", "load": 0.5,
}  # fmt: skip


@pytest.fixture(scope="session")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Go programs, and the checkout's Steward, where the harness looks for them. Without Go's cache this takes minutes."""
    made = tmp_path_factory.mktemp("made")
    for name, source in GO_PROGRAMS.items():
        subprocess.run(
            ["go", "build", "-trimpath", "-buildvcs=false", "-mod=readonly", "-o", made / "bin" / name, "."],
            cwd=source,
            env=os.environ | {"CGO_ENABLED": "0"},
            check=True,
        )
    (made / "steward").symlink_to(REPOSITORY / ".venv")
    return made


@pytest.fixture
def prepared(programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment that bench/run makes for the harness."""
    monkeypatch.setenv("BENCH_MADE", str(programs))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(REPOSITORY / "bench"), str(REPOSITORY / "tests")]))


def figure(name: str, value: float, *, peer: str = STEWARD.name, at: int = 0, number: int = 1) -> Figure:
    return Figure(FAKE, peer, name, at, number, value)


def rounds(name: str, at: int, values: dict[str, list[float]]) -> list[Figure]:
    """A value for each round, by peer."""
    return [figure(name, value, peer=peer, at=at, number=number) for peer, found in values.items() for number, value in enumerate(found, 1)]


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    """A run of three rounds at one size and one rate, in which kopf failed once."""
    of_all = [STEWARD.name, USUAL.name, TUNED.name]
    found = [
        *rounds("ready_seconds", 10_000, dict(zip(of_all, ([0.5, 0.6, 0.9], [1.0, 1.0, 1.0], [1.0, 0.9, 0.8]), strict=True))),
        *rounds("memory_bytes", 10_000, dict(zip(of_all, ([9e7] * 3, [2.7e8] * 3, [1.1e8] * 3), strict=True))),
        *rounds("p99_milliseconds", 500, dict(zip(of_all, ([7, 8, 90], [20, 20, 20], [10, 4, 9]), strict=True))),
        *rounds("cpu_microseconds_per_pod", 500, dict(zip(of_all, ([1200, 1100, 1300], [1000] * 3, [900] * 3), strict=True))),
        *rounds("idle_writes", 0, {STEWARD.name: [0, 0, 0]}),
        *rounds("idle_lists", 0, {STEWARD.name: [0, 1, 1]}),
    ]
    entries = [Entry("all of it", tuple(found), None, 60, 0.5), Entry("fake server, round 2: kopf", (), "Failed: it said nothing", 60, 0.3)]
    return Journal(tmp_path / "kept.json", dict(ABOUT), entries)


@pytest.fixture
def journal_of(tmp_path: Path) -> Callable[..., Journal]:
    """A run of governance's webhooks over eight connections: reviews a second, and 99th percentiles, by peer."""

    def made(per_second: dict[str, float], p99: dict[str, float] | None = None) -> Journal:
        found = [
            Figure(WIRE, peer, name, 8, 1, value)
            for name, values in (("reviews_per_second", per_second), ("review_p99_milliseconds", p99 or {}))
            for peer, value in values.items()
        ]
        return Journal(tmp_path / "governance.json", dict(ABOUT), [Entry("all of it", tuple(found), None, 60, 0.5)])

    return made
