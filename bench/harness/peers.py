"""Who is measured, and how each is started."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from harness.prepare import BENCH

SPEED = 60
"""How many times faster the idle hour passes."""


@dataclass(frozen=True)
class Peer:
    """One program that gives annotated pods a headless Service.

    Attributes:
        name: As in the tables.
        command: Its command line, given a directory for its files.
        idle: The same for an hour of resyncs in a minute.
        environment: Further variables.
        metrics: Where it tells what it did, given the directory; None when it does not.
    """

    name: str
    command: Callable[[Path], list[str]]
    idle: Callable[[Path], list[str]]
    environment: Mapping[str, str] = field(default_factory=dict)
    metrics: Callable[[Path], str] | None = None


def made() -> Path:
    """What :mod:`harness.prepare` made."""
    return Path(os.environ["BENCH_MADE"])


def _steward_config(directory: Path, config: str, *, elects: bool) -> str:
    ports = [_free_port(), _free_port()]
    path = directory / "steward.yaml"
    path.write_text(
        f"http: {{metricsPort: {ports[0]}, healthPort: {ports[1]}}}\n"
        f"leaderElection: {{enabled: {str(elects).lower()}, leaseName: steward, leaseNamespace: default}}\n"
        f"config: {config}\n"
    )
    return str(path)


def steward(component: str, directory: Path, config: str = "{}") -> list[str]:
    """A component with this configuration, in YAML."""
    return [str(made() / "steward" / "bin" / "steward"), "run", component, "--config", _steward_config(directory, config, elects=True)]


def steward_in_a_hurry(component: str, directory: Path) -> list[str]:
    """A component in a time that passes :data:`SPEED` times faster."""
    # A lease that has to be renewed every 30 ms is not what an idle hour is about.
    python = str(made() / "steward" / "bin" / "python")
    return [python, "-m", "harness.hurry", str(SPEED), "run", component, "--config", _steward_config(directory, "{}", elects=False)]


def metrics_of(directory: Path) -> str:
    """Where the program of :func:`steward` tells what it did."""
    found = re.search(r"metricsPort: (\d+)", (directory / "steward.yaml").read_text())
    assert found is not None, "written above"
    return f"http://127.0.0.1:{found[1]}/metrics"


def _go(*arguments: str) -> Callable[[Path], list[str]]:
    return lambda _: [str(made() / "bin" / "client-go"), *arguments]


def _python(name: str, *arguments: str) -> Callable[[Path], list[str]]:
    return lambda _: [str(made() / "peers" / "bin" / "python"), str(BENCH / "peers" / name / "main.py"), *arguments]


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as held:
        port: int = held.getsockname()[1]
        return port


STEWARD_ENVIRONMENT = {"POD_NAME": "bench", "POD_NAMESPACE": "default"}

STEWARD = Peer(
    "Steward",
    lambda directory: steward("headless", directory),
    lambda directory: steward_in_a_hurry("headless", directory),
    STEWARD_ENVIRONMENT,
    metrics_of,
)
USUAL = Peer("client-go, as usual", _go(), _go("-resync=10s"))
TUNED = Peer("client-go, tuned", _go("-together", "-lean"), _go("-together", "-lean", "-resync=10s"))
KOPF = Peer("kopf", _python("kopf"), _python("kopf"))
INFORMER = Peer("Python informer", _python("informer"), _python("informer", "--resync-seconds=10"))

CLIENT_GO = (STEWARD, USUAL, TUNED)
"""Steward and whom its promises name."""

ALL = (*CLIENT_GO, KOPF, INFORMER)
