"""A cluster of the user's own, named by $KUBECONFIG. Only namespaces of ours are touched in it."""

import os
from collections.abc import Sequence
from pathlib import Path

from clusterlib import cluster, monitoring, processes, progress
from clusterlib.cluster import Cluster
from clusterlib.errors import ClusterError
from clusterlib.kube import Kubectl
from clusterlib.paths import Paths
from clusterlib.tools.build import Tools

_MEND = "Set KUBECONFIG to a file that `kubectl get nodes` works with, or unset it and choose another --provider"


class Existing:
    """Whatever cluster $KUBECONFIG names."""

    name = "existing"

    def __init__(self, paths: Paths, tools: Tools) -> None:
        self._paths = paths
        self._tools = tools
        self._env = processes.environment(paths.cache)

    def up(self) -> Cluster:
        """The cluster, if it answers."""
        kubeconfig = self._kubeconfig()
        kubectl = self._kubectl(kubeconfig)
        try:
            server = kubectl.run("config", "view", "--minify", "-o", "jsonpath={.current-context} at {.clusters[0].cluster.server}")
            kubectl.run("get", "--raw", "/readyz", "--request-timeout=15s")
        except ClusterError as error:
            raise ClusterError(f"KUBECONFIG={kubeconfig}: {error.reason}", _MEND) from error
        progress.say(f"using the cluster {server}")
        return Cluster(self.name, kubeconfig)

    def down(self) -> None:
        """The cluster stays; of what is in it, only a monitoring that we installed goes."""
        record = cluster.load(self._paths)
        if record and record.provider == self.name:
            monitoring.uninstall(self._kubectl(record.kubeconfig))

    def load(self, archives: Sequence[Path]) -> None:
        """Nobody but the user knows where their cluster pulls from."""
        for archive in archives:
            progress.say(f"{archive} is not loaded: push it to a registry your cluster pulls from, and set image.registry and image.repository")

    def provide(self, names: Sequence[str]) -> None:
        """They are public; the cluster pulls them."""

    def audit(self) -> list[str]:
        """Raises: ClusterError, always: it is on the machine of the API server."""
        raise ClusterError("the audit log of an existing cluster cannot be read from here", "Use --provider kind or node")

    def _kubectl(self, kubeconfig: str) -> Kubectl:
        return Kubectl(self._tools.either("kubectl"), kubeconfig, self._env)

    def _kubeconfig(self) -> str:
        value = os.environ.get("KUBECONFIG", "")
        if not value:
            raise ClusterError("KUBECONFIG is not set", _MEND)
        if not any(os.access(path, os.R_OK) for path in cluster.kubeconfigs(value)):
            raise ClusterError(f"KUBECONFIG={value}: no such file that can be read", _MEND)
        return value
