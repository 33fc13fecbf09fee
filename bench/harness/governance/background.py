"""The background: all pods of a cluster judged by the policies of their namespaces, and again whenever a pod or a policy changes."""

from __future__ import annotations

import re
import statistics
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness import cluster, waiting
from harness.cluster import Cluster, Told, Write
from harness.figures import Figure
from harness.governance import calls, policies
from harness.governance.plan import BACKGROUND, Size, Step
from harness.peers import SPEED, STEWARD_ENVIRONMENT, made, steward, steward_in_a_hurry
from harness.process import Running

NAMESPACES = 100
"""Those of bench/load/internal/pods; pod number n is in the one with the number n modulo this."""

VIOLATIONS = 2
"""Of each pod, by the policy of the benchmark: its proxy has no probes."""

CHANGES, CHANGE_RATE = 100, 20
"""Pods that lose the tag of their image, each in another namespace, and how many a second."""

SETTLED_SECONDS = 2.0
"""Without a write for so long, all is said."""


@dataclass(frozen=True)
class Controller:
    """One program that judges pods in the background.

    Attributes:
        name: As in the tables.
        command: Its command line.
        idle: The same in a time that passes :data:`harness.peers.SPEED` times faster; None where that cannot be had.
        environment: Further variables.
    """

    name: str
    command: Callable[[Path], list[str]]
    idle: Callable[[Path], list[str]] | None = None
    environment: Mapping[str, str] = field(default_factory=dict)


STEWARD = Controller(
    "Steward", lambda directory: steward("policy", directory), lambda directory: steward_in_a_hurry("policy", directory), STEWARD_ENVIRONMENT
)
GO = Controller("client-go", lambda _: [str(made() / "bin" / "auditor")])
ALL = (STEWARD, GO)


def names() -> list[str]:
    """The namespaces of the pods."""
    return [f"team-{number:02d}" for number in range(NAMESPACES)]


def written(generation: int = 1, **spec: object) -> list[dict[str, Any]]:
    """A policy for each namespace; it reports and changes nothing."""
    return [policies.policy(namespace, generation=generation, runtime=True, mode="audit", **spec) for namespace in names()]


def measure(step: Step, controller: Controller, size: Size, directory: Path) -> Iterator[Figure]:
    """Create policies, change them, change pods; then let time pass."""
    directory.mkdir(parents=True, exist_ok=True)

    def figure(name: str, value: float, at: int = size.pods) -> Figure:
        return Figure(BACKGROUND, step.peer, name, at, step.round, value)

    with among(controller, controller.command(directory), size.pods, directory) as (at, running):
        yield figure("background_rest_bytes", running.memory_bytes())
        for name, objects, each in (
            ("created", written(), VIOLATIONS),
            ("changed", written(2, requireReadinessProbe=False), VIOLATIONS - 1),
        ):
            used, asked, began = running.cpu_seconds(), _asked(at), time.time()
            at.put(objects)
            last = _until_said(at, running, dict.fromkeys(names(), size.pods // NAMESPACES * each))
            yield figure(f"{name}_seconds", last - began)
            yield figure(f"{name}_cpu_seconds", running.cpu_seconds() - used)
            yield figure(f"{name}_requests", _asked(at) - asked)
            yield from (figure(f"{name}_{what}", value) for what, value in _counted(at.writes(), since=began).items())
        used, began = running.cpu_seconds(), time.time()
        told = at.change(CHANGES, rate=CHANGE_RATE)
        _until_said(at, running, dict.fromkeys(names(), size.pods // NAMESPACES + CHANGES // NAMESPACES))
        waits = _waits(told, at.writes())
        yield figure("pod_p50_milliseconds", statistics.median(waits) * 1e3)
        yield figure("pod_p99_milliseconds", statistics.quantiles(waits, n=100)[98] * 1e3)
        yield figure("pod_cpu_milliseconds", (running.cpu_seconds() - used) / CHANGES * 1e3)
        yield figure("background_peak_bytes", running.peak_bytes())
        yield figure("background_bytes", running.memory_bytes())
    if controller.idle is not None:
        yield from (figure(name, value) for name, value in _idle(controller, size, directory / "idle").items())


@contextmanager
def among(
    controller: Controller, command: Sequence[str], pods: int, directory: Path, *, speed: float = 1, cores: Sequence[int] = ()
) -> Iterator[tuple[Cluster, Running]]:
    """A server with so many pods and no policies, and the controller at rest."""
    directory.mkdir(parents=True, exist_ok=True)
    with ExitStack() as opened:
        at = opened.enter_context(cluster.fake(directory, speed=speed, before=calls.pinned(cores)))
        at.fill(pods)
        running = Running([*calls.pinned(cores), *command], {"KUBECONFIG": at.kubeconfig, **controller.environment}, directory / "log")
        opened.callback(running.stop)
        waiting.until(lambda: at.requests().get("watch pods", 0) > 0, running)
        waiting.until_quiet(running)
        yield at, running


def _until_said(at: Cluster, running: Running, violations: Mapping[str, int]) -> float:
    """Wait until every policy has this result, and nothing more is written. Returns the moment of the last write. Raises: Failed."""

    def said() -> bool:
        found = {one["metadata"]["namespace"]: one for one in at.objects("devopspolicies")}
        return all(_is_said(found.get(namespace, {}), count) for namespace, count in violations.items())

    waiting.until(said, running)
    settled = [len(at.writes()), time.monotonic()]

    def is_settled() -> bool:
        now = len(_results(at.writes()))
        if now != settled[0]:
            settled[:] = [now, time.monotonic()]
        return time.monotonic() - settled[1] > SETTLED_SECONDS

    waiting.until(is_settled, running)
    return max(one.at for one in _results(at.writes()))


def _is_said(policy: Mapping[str, Any], violations: int) -> bool:
    status = policy.get("status", {})
    return status.get("violations") == violations and status.get("observedGeneration") == policy["metadata"]["generation"]


def _results(writes: Sequence[Write]) -> list[Write]:
    return [one for one in writes if one.resource in ("devopspolicies", "policyauditresults")]


def _asked(at: Cluster) -> int:
    """Requests so far; renewing a lease is not about policies."""
    return sum(count for what, count in at.requests().items() if not what.endswith(" leases"))


def _counted(writes: Sequence[Write], *, since: float) -> dict[str, float]:
    mine = [one for one in writes if one.at >= since and one.resource != "leases"]
    return {"writes": len(mine), "written_bytes": sum(one.bytes for one in mine)}


def _waits(told: Sequence[Told], writes: Sequence[Write]) -> list[float]:
    """Seconds from each change to the next status of the policy of its namespace."""
    found = []
    for one in told:
        answers = [each.at for each in writes if each.resource == "devopspolicies" and each.key.startswith(f"{one.namespace}/") and each.at >= one.at]
        if not answers:
            raise waiting.Failed(f"the change of a pod in {one.namespace} was never told")
        found.append(min(answers) - one.at)
    return found


def _idle(controller: Controller, size: Size, directory: Path) -> dict[str, float]:
    """What is asked and written while nothing changes."""
    directory.mkdir()
    assert controller.idle is not None, "asked by the caller"
    with among(controller, controller.idle(directory), size.pods, directory, speed=SPEED) as (at, running):
        at.put(written())
        _until_said(at, running, dict.fromkeys(names(), size.pods // NAMESPACES * VIOLATIONS))
        before, used, looked = at.requests(), running.cpu_seconds(), _evaluations(directory)
        began = time.time()
        time.sleep(size.idle_seconds)
        asked = {what: count - before.get(what, 0) for what, count in at.requests().items()}
        return {
            "idle_writes": _counted(at.writes(), since=began)["writes"],
            "idle_lists": sum(count for what, count in asked.items() if what.startswith("list ")),
            "idle_evaluations": (_evaluations(directory) - looked) / NAMESPACES,
            "idle_cpu_share": (running.cpu_seconds() - used) / (size.idle_seconds * SPEED),
        }


def _evaluations(directory: Path) -> float:
    """How often a policy was evaluated so far: the proof that the minutes have passed."""
    found = re.search(r"metricsPort: (\d+)", (directory / "steward.yaml").read_text())
    assert found is not None, "written by harness.peers"
    with urllib.request.urlopen(f"http://127.0.0.1:{found[1]}/metrics", timeout=10) as answer:
        text = answer.read().decode()
    return sum(float(value) for value in re.findall(r"^steward_reconcile_total\{[^}]*\} (\S+)$", text, re.MULTILINE))
