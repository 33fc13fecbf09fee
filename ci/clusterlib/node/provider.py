"""The node provider: puts a node together, waits until it is ready, and takes it apart."""

import os
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from string import Template

from clusterlib import processes, progress, scratch
from clusterlib.background import Background
from clusterlib.cluster import Cluster
from clusterlib.errors import ClusterError
from clusterlib.images import infrastructure
from clusterlib.kube import Kubectl
from clusterlib.node import cgroups, checks, config, containerd, control, daemons, dns, machine, pki, settings
from clusterlib.node.api import Api
from clusterlib.paths import Paths
from clusterlib.tools.build import Tools

PROGRAMS = ("containerd", "cni", "coredns", "pause", "kubernetes")
_MANIFESTS = Path(__file__).resolve().parents[1] / "manifests"
_CRASHES = 3
"""How often a daemon may end while the node starts: the first time may be a race, the third is a fault."""


class Node:
    """A node of this cache's, up or not."""

    name = "node"

    def __init__(self, paths: Paths, tools: Tools) -> None:
        self._paths = paths
        self._tools = tools
        self._env = processes.environment(paths.cache)
        self.settings = settings.find(paths)

    @property
    def cluster(self) -> Cluster:
        """How to use it once it is up."""
        return Cluster(self.name, str(self.settings.state / "admin.kubeconfig"), str(self.settings.state / "logs" / "audit.log"))

    def up(self) -> Cluster:
        """A Ready node with CoreDNS. One that is up stays as it is; the remains of one that is not are removed first."""
        if self.is_up():
            progress.say("the node is up already")
            return self.cluster
        if machine.leftovers(self.settings, self._env):
            progress.say("removing what is left of an earlier node")
            self.down()
            self.settings = settings.find(self._paths)
        checks.require(checks.Machine(self.settings, self._env, scratch.directory(self._paths)))
        programs = self._tools.ensure(PROGRAMS)
        archives = infrastructure.ensure(self._paths, self._tools, infrastructure.NODE)
        self._prepare(programs)
        with progress.step("starting the node", "the node is Ready, names are answered"):
            self._start(archives, Kubectl(programs["kubectl"], self.cluster.kubeconfig, self._env))
        return self.cluster

    def is_up(self) -> bool:
        """Whether the supervisor runs and the node is Ready."""
        if machine.process_one(self.settings) is None or not (self.settings.state / "ready").exists():
            return False
        return Api(self.settings).node_is_ready()

    def down(self) -> None:
        """Nothing of the node is left afterwards. Raises: ClusterError naming what does not go."""
        machine.remove(self.settings, self._env)
        if left := machine.leftovers(self.settings, self._env):
            raise ClusterError(f"still there: {', '.join(left)}", "Run ci/cluster down again")

    def load(self, archives: Sequence[Path]) -> None:
        """Put images into containerd; those it has are left out."""
        containerd.load(self.settings, self._env, archives)

    def provide(self, names: Sequence[str]) -> None:
        """Have infrastructure images, which cannot be pulled."""
        self.load(list(infrastructure.ensure(self._paths, self._tools, names).values()))

    def audit(self) -> list[str]:
        """It is a file on this machine."""
        return ["cat", str(self.cluster.audit_log)]

    def _prepare(self, programs: Mapping[str, Path]) -> None:
        state = self.settings.state
        for name in ("bin", "conf", "logs"):
            (state / name).mkdir(parents=True, mode=0o700)
        settings.begin(self.settings)
        for name, path in programs.items():
            _place(path, state / "bin" / name)
        pki.make(self.settings, state / "pki", self._env)
        runc = shutil.which("runc", path=self._env["PATH"]) or "runc"
        config.write(state / "conf", config.render(self.settings, runc=runc, pause_image=infrastructure.reference(self._tools, "pause")))
        (state / "plan.json").write_text(daemons.as_json(self.settings))

    def _start(self, archives: Mapping[str, Path], kubectl: Kubectl) -> None:
        cgroups.make(self.settings.cgroup)
        machine.start(self.settings, self._env)
        api = Api(self.settings)
        self._wait("containerd answers", lambda: containerd.answers(self.settings, self._env))
        imports = Background(lambda: self.load(list(archives.values())))
        self._wait("the API server is ready", api.is_ready)
        kubectl.apply(Template((_MANIFESTS / "coredns.yaml").read_text()).substitute(
            coredns_image=infrastructure.reference(self._tools, "coredns"), dns_ip=self.settings.dns_ip))  # fmt: skip
        imports.result()
        self._wait("the node is Ready", api.node_is_ready)
        self._wait("CoreDNS answers", lambda: dns.answers(self.settings))
        (self.settings.state / "ready").touch()

    def _wait(self, what: str, holds: Callable[[], bool], *, timeout: float = 90.0) -> None:
        """Raises: ClusterError with the words of the daemon at fault when one keeps dying or the time is over."""
        deadline = time.monotonic() + timeout
        while not holds():
            if machine.process_one(self.settings) is None:
                raise ClusterError(f"the node ended while waiting until {what}: {self._last_words('supervisor')}", "Run ci/cluster up again")
            for daemon in control.ask(self.settings, do="list") if (self.settings.state / "control.sock").exists() else []:
                if daemon["starts"] >= _CRASHES and daemon["lastExit"] is not None:
                    raise ClusterError(
                        f"{daemon['name']} keeps ending with {daemon['lastExit']}: {self._last_words(daemon['name'])}",
                        f"See ci/cluster logs {daemon['name']}",
                    )
            if time.monotonic() > deadline:
                raise ClusterError(f"waited {timeout:.0f} s in vain until {what}", "See ci/cluster status and ci/cluster logs")
            time.sleep(0.1)
        progress.say(f"  {what}")

    def _last_words(self, daemon: str) -> str:
        log = self.settings.state / "logs" / f"{daemon}.log"
        return processes.tail(log.read_text(errors="replace"), 3) if log.exists() else "it wrote nothing"


def _place(source: Path, target: Path) -> None:
    """A second name for a program, so that the node keeps its own while the cache moves on; a copy where the file system has no links."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
