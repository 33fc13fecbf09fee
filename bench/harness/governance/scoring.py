"""Scores: what it costs to judge and count many pods in one process, and what ``watch`` is as a whole one.

``python -m harness.governance.scoring NUMBER`` makes so many pods, judges and counts them, and prints milliseconds of CPU by figure.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from harness import cluster
from harness.figures import Figure
from harness.governance.plan import SCORES, Size, Step
from harness.peers import STEWARD_ENVIRONMENT, made, metrics_of, steward
from harness.process import Running
from harness.waiting import START_SECONDS, Failed, until_quiet

WORKLOADS, NAMESPACES = 200, 100
"""Replicas of a workload share what their specification is."""

TRIES = 15
"""The least of so many tries is told: what else ran on the machine only adds."""

SCRAPES = 20
LOOK_SECONDS = 0.02


def measure(step: Step, size: Size, directory: Path) -> Iterator[Figure]:
    """In process first, then the component among as many pods."""
    python = str(made() / "steward" / "bin" / "python")
    done = subprocess.run([python, "-m", __name__, str(size.pods)], capture_output=True, text=True, check=True)
    for name, value in (json.loads(done.stdout) | _component(size, directory)).items():
        yield Figure(SCORES, step.peer, name, size.pods, step.round, value)


def _component(size: Size, directory: Path) -> dict[str, float]:
    directory.mkdir(parents=True, exist_ok=True)
    with cluster.fake(directory) as at:
        at.fill(size.pods)
        running = Running(steward("watch", directory), STEWARD_ENVIRONMENT | {"KUBECONFIG": at.kubeconfig}, directory / "watch.log")
        try:
            url = metrics_of(directory)
            _until_ready(running, url)
            found = {"watch_ready_seconds": time.time() - running.started}
            until_quiet(running)
            found["watch_memory_bytes"] = running.memory_bytes()
            used, times = running.cpu_seconds(), [_timed(lambda: _read(url)) for _ in range(SCRAPES)]
            found["scrape_milliseconds"] = statistics.median(times)
            found["scrape_cpu_milliseconds"] = (running.cpu_seconds() - used) / SCRAPES * 1e3
            return found
        finally:
            running.stop()


def _until_ready(running: Running, url: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if not running.is_alive:
            raise Failed(f"the process has ended ({running.exit_code}): {running.last_words()}")
        try:
            if "\nkube_devops_cluster_health_score " in _read(url):
                return
        except OSError:
            pass  # it does not listen yet
        time.sleep(LOOK_SECONDS)
    raise Failed(f"no score after {START_SECONDS:.0f} s: {running.last_words()}")


def _read(url: str) -> str:
    with urllib.request.urlopen(url, timeout=START_SECONDS) as answer:
        text: str = answer.read().decode()
        return text


def _timed(work: Callable[[], object], clock: Callable[[], float] = time.perf_counter) -> float:
    """Milliseconds."""
    began = clock()
    work()
    return (clock() - began) * 1e3


def _pods(number: int) -> list[Any]:
    """As the informer would file them: two containers and an init container, some ten findings each, and a few that restarted."""
    import msgspec

    from steward.governance.model import PODS, Pod
    from steward.runtime.sharing import Sharer

    share = Sharer(PODS.shared, lambda: number)
    return [share(msgspec.convert(_pod(index), Pod)) for index in range(number)]


def _pod(index: int) -> dict[str, Any]:
    workload = index % WORKLOADS
    bare = {"name": "web", "image": f"registry.example.com:5000/team/app-{workload}"}
    whole = {"name": "proxy", "image": "envoy:1.2", "livenessProbe": {}, "readinessProbe": {}, "resources": {"limits": {"cpu": "1"}}}
    owner = {"kind": "ReplicaSet", "name": f"app-{workload}-7d9f8c", "uid": f"owner-{workload}", "controller": True}
    return {
        "metadata": {
            "name": f"app-{workload}-7d9f8c-{index}",
            "namespace": f"team-{workload % NAMESPACES}",
            "labels": {"app": f"app-{workload}", "pod-template-hash": "7d9f8c"},
            "ownerReferences": [owner],
        },
        "spec": {"containers": [bare, whole], "initContainers": [{"name": "init", "image": "busybox"}]},
        "status": {"phase": "Running", "containerStatuses": [{"name": "web", "restartCount": 9 if index % 50 == 0 else 0}, {"name": "proxy"}]},
    }


def _in_process(number: int) -> dict[str, float]:
    """Everything at once, its longest piece, and the same without that replicas are known to be alike."""
    import datetime as dt

    from steward.governance.bundles import STANDARD
    from steward.governance.memo import Judge
    from steward.governance.rules import evaluate
    from steward.governance.scores import Tally, contribution
    from steward.runtime.backoff import SLICE

    pods, now = _pods(number), dt.datetime.now(dt.UTC)

    def count(judge: Callable[[Any], Any], some: list[Any], tally: Tally) -> None:
        for pod in some:
            tally.add(judge(pod))

    def alone(pod: Any) -> Any:
        verdict = evaluate(pod, STANDARD, now=now)
        assert verdict is not None, "it runs"
        return contribution(verdict)

    def slices() -> list[float]:
        judge, tally = Judge(STANDARD, contribution), Tally()
        return [
            _timed(lambda first=first: count(lambda pod: judge(pod, now), pods[first : first + SLICE], tally), time.process_time)
            for first in range(0, number, SLICE)
        ]

    tries = [slices() for _ in range(TRIES)]
    return {
        "score_milliseconds": min(map(sum, tries)),
        "score_slice_milliseconds": min(map(max, tries)),
        "score_alone_milliseconds": min(_timed(lambda: count(alone, pods, Tally()), time.process_time) for _ in range(TRIES)),
    }


if __name__ == "__main__":
    print(json.dumps(_in_process(int(sys.argv[1]))))
