"""Where a cluster comes from, and which of the three ways is taken."""

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from clusterlib import cluster, processes
from clusterlib.cluster import Cluster
from clusterlib.errors import ClusterError
from clusterlib.paths import Paths
from clusterlib.tools.build import Tools

NAMES = ("existing", "kind", "node")


class Provider(Protocol):
    """A way to get a cluster."""

    name: str

    def up(self) -> Cluster:
        """Have a cluster that is ready; safe to call when there is one."""

    def down(self) -> None:
        """Remove what `up` made, in whatever state it is; safe to call when there is nothing."""

    def load(self, archives: Sequence[Path]) -> None:
        """Put image archives where the cluster's container runtime finds them."""

    def provide(self, names: Sequence[str]) -> None:
        """Have infrastructure images (see images.infrastructure) in the cluster, unless it can pull them."""

    def audit(self) -> list[str]:
        """A command that prints the API server's audit log, one JSON object per line. Raises: ClusterError where it cannot be had."""


def make(name: str, paths: Paths, tools: Tools) -> Provider:
    """The provider of that name."""
    from clusterlib.node.provider import Node
    from clusterlib.providers.existing import Existing
    from clusterlib.providers.kind import Kind

    makers: dict[str, Callable[[Paths, Tools], Provider]] = {"existing": Existing, "kind": Kind, "node": Node}
    return makers[name](paths, tools)


def choose(paths: Paths, asked: str) -> tuple[str, str]:
    """Which provider, and why. Raises: ClusterError when none is possible, or another one is up."""
    record = cluster.load(paths)
    if record and asked not in {"auto", record.provider}:
        raise ClusterError(f"--provider {asked}: a cluster of provider {record.provider} is up", "Run ci/cluster down first")
    if record:
        return record.provider, "it is what is up"
    if asked != "auto":
        return asked, "it was asked for"
    if kubeconfig := _kubeconfig(paths):
        return "existing", f"KUBECONFIG is set to {kubeconfig}"
    if docker_answers(paths):
        return "kind", "a Docker engine answers and KUBECONFIG is not set"
    if may_run_a_node():
        return "node", "this is Linux and root, no Docker engine answers, and KUBECONFIG is not set"
    raise ClusterError("no cluster is to be had here", "Start Docker, or set KUBECONFIG to a cluster of yours, or run this as root on Linux")


def _kubeconfig(paths: Paths) -> str:
    """$KUBECONFIG, unless it names a cluster of this cache: a shell of `ci/cluster shell` outlives the cluster it was opened on."""
    value = os.environ.get("KUBECONFIG", "")
    ours = any(path.resolve().is_relative_to(paths.cache) for path in cluster.kubeconfigs(value))
    return "" if ours else value


def may_run_a_node() -> bool:
    """The first two things the node provider needs; it checks the others itself."""
    return sys.platform == "linux" and os.geteuid() == 0


def docker_answers(paths: Paths) -> bool:
    """Whether there is a Docker engine, not only its client."""
    return processes.succeeds(["docker", "version", "--format", "{{.Server.Version}}"], env=processes.environment(paths.cache), timeout=10)
