"""`ci/cluster logs`: a daemon's log on the node, the audit log, or the pods of a component."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from clusterlib.errors import ClusterError
from clusterlib.kube import Kubectl

AUDIT = "audit"
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
    """What the pods of a component write, wherever they are. Raises: ClusterError when there are none."""
    for label in ("app.kubernetes.io/component", "app.kubernetes.io/name", "k8s-app"):
        selector = f"{label}={component}"
        pods = kubectl.get("pods", "--all-namespaces", "--selector", selector).get("items", [])
        if pods:
            namespace = pods[0]["metadata"]["namespace"]
            command = [
                kubectl.program,
                "logs",
                "--namespace",
                namespace,
                "--selector",
                selector,
                "--all-containers",
                "--prefix",
                f"--tail={_TAIL_LINES}",
            ]
            env = {**kubectl.env, "KUBECONFIG": kubectl.kubeconfig}
            return subprocess.run([*command, *(["--follow"] if follow else [])], env=env, check=False).returncode
    raise ClusterError(f"{component}: no daemon of the node and no pod of that name", "`ci/cluster status` lists both")
