"""Steward as processes on this machine: started from the chart's own configuration, killed and frozen by signals, restarted as the kubelet would."""

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import aiohttp
import msgspec
import yaml
from faults.harness.cluster import NAMESPACE, Cluster
from faults.harness.kube import Kube, Object, Refused
from faults.harness.volume import Volume

from support.envtest import die_with_parent, free_ports

RESTART_SECONDS = (0, 10, 20, 40, 80, 160, 300)
"""Pauses of the kubelet before it starts a container again: at once the first time, then 10 s that double up to five minutes."""

IN_CLUSTER = Path(__file__).with_name("in_cluster.py")
LEASE = f"/apis/coordination.k8s.io/v1/namespaces/{NAMESPACE}/leases/steward-headless"
START_SECONDS = 120
"""For a process that was ended and is started again: after the third end the kubelet waits 40 s, and a lease lasts 15."""

STOP_SECONDS = 30
LATEST_LINES = 30


class Exit(msgspec.Struct, frozen=True):
    """One end of the process: wall clock, and exit code or negative signal."""

    at: float
    code: int


class Holdings(msgspec.Struct, frozen=True):
    """What the processes of a replica hold.

    Attributes:
        memory_kib: Their share of memory (proc(5), smaps_rollup, Pss).
        files: Open files, sockets among them.
        threads: Threads.
    """

    memory_kib: int
    files: int
    threads: int


class Operator:
    """One replica, with a token of its own, so that the audit log tells who wrote.

    Args:
        cluster: The cluster to work on.
        directory: For its configuration and log.
        name: As a pod would be named.
        server: URL of the API server, if not the cluster's own.
        in_pod: Whether it shall find the cluster as in a pod, by the files of a service account, and not by a kubeconfig.
        alone: Whether it needs no lease, because there is never another.
    """

    def __init__(self, cluster: Cluster, directory: Path, name: str, *, server: str = "", in_pod: bool = False, alone: bool = False) -> None:
        self.name = name
        self.exits: list[Exit] = []
        self.metrics_port, self._health_port = free_ports(2)
        self._log = directory / f"{name}.log"
        self._config = directory / f"{name}.yaml"
        self._process: asyncio.subprocess.Process | None = None
        self._keeper: asyncio.Task | None = None
        token, self.credential = cluster.token(name)
        if in_pod:
            self.files = Volume(directory / name, {"token": token, "ca.crt": cluster.ca("now"), "namespace": NAMESPACE})
            self._program = [sys.executable, "-P", str(IN_CLUSTER)]
            at = {"KUBERNETES_SERVICE_HOST": "127.0.0.1", "KUBERNETES_SERVICE_PORT": str(cluster.port)}
            self._access = {"SERVICE_ACCOUNT_FILES": str(self.files.directory), **at}
        else:
            kubeconfig = directory / f"{name}.kubeconfig"
            cluster.kubeconfig(kubeconfig, server=server, token=token)
            self._program = [str(Path(sys.executable).with_name("steward"))]
            self._access = {"KUBECONFIG": str(kubeconfig)}
        config = cluster.configuration()
        config["http"] = {"metricsPort": self.metrics_port, "healthPort": self._health_port}
        config["leaderElection"]["enabled"] = not alone
        self._config.write_text(yaml.safe_dump(config))

    async def start(self) -> None:
        """Start it and restart it whenever it ends, until :meth:`stop`."""
        await self._spawn()
        self._keeper = asyncio.create_task(self._keep())

    async def stop(self) -> None:
        """End it in good order, and do not start it again."""
        if self._keeper is not None:
            self._keeper.cancel()
        if self._process is not None and self._process.returncode is None:
            self.signal(signal.SIGCONT)
            self._process.terminate()
            try:
                await asyncio.wait_for(self._process.wait(), STOP_SECONDS)
            finally:
                self.signal(signal.SIGKILL)

    def terminate(self) -> None:
        """As the kubelet begins to end a container: SIGTERM to its first process."""
        assert self._process is not None
        self._process.terminate()

    def signal(self, number: signal.Signals) -> None:
        """To all processes of the container at once: SIGKILL, SIGSTOP or SIGCONT."""
        assert self._process is not None
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)

    def kill_worker(self) -> None:
        """Kill one process of the two, as the kernel does when memory is short."""
        assert self._process is not None
        os.kill(_children(self._process.pid)[0], signal.SIGKILL)

    async def metrics(self) -> dict[str, float]:
        """All series it exports now."""
        limit = aiohttp.ClientTimeout(total=5)
        async with aiohttp.ClientSession(timeout=limit) as session, session.get(f"http://127.0.0.1:{self.metrics_port}/metrics") as answer:
            lines = (await answer.text()).splitlines()
        pairs = (line.rsplit(" ", 1) for line in lines if line and not line.startswith("#"))
        return {name: float(value) for name, value in pairs}

    async def refused(self) -> int:
        """Requests that were answered with 401."""
        return int(sum(value for name, value in (await self.metrics()).items() if name.startswith('steward_kube_api_requests_total{code="401"')))

    async def requests(self) -> Counter[str]:
        """Requests since it started by resource, as it counts them itself."""
        found: Counter[str] = Counter()
        for name, value in (await self.metrics()).items():
            if name.startswith("steward_kube_api_requests_total{"):
                found[name.partition('resource="')[2].partition('"')[0]] += int(value)
        return found

    async def ready(self) -> None:
        """Wait until it says that it is ready."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            with contextlib.suppress(aiohttp.ClientError, TimeoutError):
                if (await self.metrics()).get('steward_component_ready{component="headless"}') == 1:
                    return
            await asyncio.sleep(0.05)
        raise AssertionError(f"{self.name} is not ready after {START_SECONDS} s:\n{self.last_words()}")

    async def says_it_leads(self) -> bool:
        """Whether it takes itself for the leader now; no, if it does not answer."""
        try:
            return (await self.metrics()).get('steward_leader{component="headless"}') == 1
        except (aiohttp.ClientError, TimeoutError):
            return False

    def cpu_seconds(self) -> float:
        """Processor time its processes have used since they were started (proc(5), stat)."""
        fields = [Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split() for pid in self._pids()]
        return sum(int(one[11]) + int(one[12]) for one in fields) / os.sysconf("SC_CLK_TCK")

    def holdings(self) -> Holdings:
        """What its processes hold now."""
        processes = [Path(f"/proc/{pid}") for pid in self._pids()]
        pss = [line.split()[1] for one in processes for line in (one / "smaps_rollup").read_text().splitlines() if line.startswith("Pss:")]
        return Holdings(
            memory_kib=sum(map(int, pss)),
            files=sum(len(list((one / "fd").iterdir())) for one in processes),
            threads=sum(len(list((one / "task").iterdir())) for one in processes),
        )

    def last_words(self) -> str:
        """The end of its log."""
        return "\n".join(self._log.read_text(errors="replace").splitlines()[-LATEST_LINES:])

    def _pids(self) -> list[int]:
        assert self._process is not None
        return [self._process.pid, *_children(self._process.pid)]

    async def _spawn(self) -> None:
        environment = {**os.environ, **self._access, "POD_NAME": self.name, "POD_NAMESPACE": NAMESPACE}
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self._program, "run", "headless", "--config", str(self._config),
                stdout=log, stderr=log, env=environment, start_new_session=True, preexec_fn=die_with_parent,
            )  # fmt: skip

    async def _keep(self) -> None:
        while True:
            assert self._process is not None
            code = await self._process.wait()
            # What is left of its group would be killed with the container.
            self.signal(signal.SIGKILL)
            self.exits.append(Exit(time.time(), code))
            await asyncio.sleep(RESTART_SECONDS[min(len(self.exits), len(RESTART_SECONDS)) - 1])
            await self._spawn()


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


class Replicas:
    """Several operators of which one leads.

    Args:
        kube: Where the lease is.
        operators: All of them.
    """

    def __init__(self, kube: Kube, operators: Sequence[Operator]) -> None:
        self._kube = kube
        self.operators = operators

    async def start(self) -> None:
        """Start all and wait until all are ready and one leads."""
        for operator in self.operators:
            await operator.start()
        for operator in self.operators:
            await operator.ready()
        await self.leader()

    async def leader(self) -> Operator:
        """Wait until one holds the lease, and says so; that one."""
        deadline = time.monotonic() + START_SECONDS
        held: Object = {}
        while time.monotonic() < deadline:
            held = await self._lease()
            for operator in self.operators:
                if (held.get("holderIdentity") or "").startswith(f"{operator.name}_") and await operator.says_it_leads():
                    return operator
            await asyncio.sleep(0.05)
        raise AssertionError(f"nobody leads after {START_SECONDS} s; the lease says {held}")

    def others(self, one: Operator) -> list[Operator]:
        """All but one."""
        return [operator for operator in self.operators if operator is not one]

    async def _lease(self) -> Object:
        try:
            return (await self._kube.ask("GET", LEASE))["spec"]
        except Refused:
            return {}
