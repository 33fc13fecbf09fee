"""kind: Kubernetes in a container of a Docker engine, with the node provider's audit policy."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from string import Template

from clusterlib import processes, progress
from clusterlib.cluster import Cluster
from clusterlib.errors import ClusterError
from clusterlib.node import config
from clusterlib.paths import Paths
from clusterlib.tools.build import Tools

_MANIFEST = Path(__file__).resolve().parents[1] / "manifests" / "kind.yaml"
_AUDIT_LOG = "/var/log/kubernetes/audit.log"


class Kind:
    """A kind cluster named after this cache."""

    name = "kind"

    def __init__(self, paths: Paths, tools: Tools) -> None:
        self._paths = paths
        self._tools = tools
        self._cluster = f"steward-{paths.identity}"
        self._kubeconfig = paths.kind / "admin.kubeconfig"
        self._env = processes.environment(paths.cache, KUBECONFIG=str(self._kubeconfig))

    def up(self) -> Cluster:
        """A cluster that is ready. One whose creation was interrupted is made anew."""
        if self._cluster in self._kind("get", "clusters").split():
            if self._answers():
                progress.say(f"kind cluster {self._cluster} is up already")
                return self._description
            progress.say(f"kind cluster {self._cluster} does not answer; making it anew")
            self.down()
        self._paths.kind.mkdir(parents=True, exist_ok=True)
        policy = self._paths.kind / "audit-policy.yaml"
        policy.write_text(config.AUDIT_POLICY.read_text())
        manifest = self._paths.kind / "kind.yaml"
        manifest.write_text(Template(_MANIFEST.read_text()).substitute(audit_policy=policy, audit_log=_AUDIT_LOG))
        with progress.step(f"creating kind cluster {self._cluster}", "the kind cluster is ready"):
            self._kind("create", "cluster", "--config", str(manifest), "--kubeconfig", str(self._kubeconfig), "--wait", "180s")
        return self._description

    def down(self) -> None:
        """Delete the cluster, if this cache ever had one."""
        if self._paths.kind.exists():
            self._kind("delete", "cluster", "--kubeconfig", str(self._kubeconfig))
            shutil.rmtree(self._paths.kind, ignore_errors=True)

    def load(self, archives: Sequence[Path]) -> None:
        """Put image archives into the cluster's container."""
        for archive in archives:
            self._kind("load", "image-archive", str(archive))

    def provide(self, names: Sequence[str]) -> None:
        """They are public; the cluster pulls them."""

    def audit(self) -> list[str]:
        """Read inside the container, where root may."""
        return ["docker", "exec", f"{self._cluster}-control-plane", "cat", _AUDIT_LOG]

    @property
    def _description(self) -> Cluster:
        return Cluster(self.name, str(self._kubeconfig))

    def _answers(self) -> bool:
        ready: list[str | Path] = [self._tools.either("kubectl"), "get", "--raw", "/readyz", "--request-timeout=10s"]
        return self._kubeconfig.exists() and processes.succeeds(ready, env=self._env)

    def _kind(self, *arguments: str) -> str:
        name = ["--name", self._cluster] if arguments[0] != "get" else []
        try:
            return processes.run([self._tools.either("kind"), *arguments, *name], env=self._env)
        except ClusterError as error:
            raise ClusterError(error.reason, "Check with `docker info` that the Docker engine answers, and that its disk is not full") from error
