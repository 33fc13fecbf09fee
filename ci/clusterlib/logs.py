"""`ci/cluster logs`: a daemon's log on the node, the audit log, or the pods of a component."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from clusterlib.errors import ClusterError
from clusterlib.kube import Kubectl

AUDIT = "audit"
_LABELS = ("app.kubernetes.io/component", "app.kubernetes.io/name", "k8s-app")
_TAIL_LINES = 200
_SUMMARY_LINES = 5


def show_file(path: Path, env: Mapping[str, str], *, follow: bool) -> int:
    """The end of a log; all that comes, when it is followed."""
    return subprocess.run(["tail", f"-n{_TAIL_LINES}", *(["-f"] if follow else []), os.fspath(path)], env=env, check=False).returncode


def summarise(directory: Path) -> None:
    """The last lines of every daemon."""
    for path in sorted(directory.glob("*.log")):
        if path.stem != AUDIT:
            print(f"== {path.stem}")
            print("\n".join(path.read_text(errors="replace").splitlines()[-_SUMMARY_LINES:]))


def show_pods(kubectl: Kubectl, component: str, *, follow: bool) -> int:
    """What the pods of a component write, wherever they are. Raises: ClusterError when there are none, or several to be followed."""
    pods = [pod["metadata"] for pod in kubectl.get("pods", "--all-namespaces").get("items", []) if _belongs(pod["metadata"], component)]
    if not pods:
        raise ClusterError(f"{component}: no daemon of the node, no pod of that name and none that is labelled so", "`ci/cluster status` lists them")
    if follow and len(pods) > 1:
        raise ClusterError(f"{component}: {len(pods)} pods, one can be followed", f"Name it: {', '.join(pod['name'] for pod in pods)}")
    env = {**kubectl.env, "KUBECONFIG": kubectl.kubeconfig}
    common: list[str | Path] = [kubectl.program, "logs", "--all-containers", "--prefix", f"--tail={_TAIL_LINES}", *(["--follow"] if follow else [])]
    return max(subprocess.run([*common, "--namespace", pod["namespace"], pod["name"]], env=env, check=False).returncode for pod in pods)


def _belongs(pod: dict[str, Any], component: str) -> bool:
    labels = pod.get("labels", {})
    return component in {labels.get(label) for label in _LABELS} or f"{pod['name']}-".startswith(f"{component}-")
