"""A real etcd and kube-apiserver for tests that need no node.

No kubelet, scheduler or controllers: what is written stays as it is, so nobody interferes with a test. RBAC is on. Everything listens on the
loopback interface, at free ports, with its data below one directory.
"""

import ctypes
import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path

import yaml
from kubernetes.client import Configuration

from steward.runtime.auth import Credentials
from support.certificates import Authority

START_SECONDS = 60
"""Time for the API server to become ready; 5 to 15 s on two busy cores."""

STOP_SECONDS = 10

FIRST_VERSION = 50
"""Versions below this one are older than anything the API server remembers."""

BINARIES = ("etcd", "kube-apiserver")


class NoBinaries(Exception):
    """The programs are not there; the message says how to get them."""


def find(name: str) -> Path:
    """A program in the cache of ``ci/cluster``, else on PATH.

    Raises:
        NoBinaries: It is in neither.
    """
    repository = Path(__file__).resolve().parents[2]
    cache = Path(os.environ.get("STEWARD_CACHE", repository / ".cache")) / "bin"
    found = shutil.which(name, path=os.pathsep.join([str(cache), os.environ.get("PATH", "")]))
    if found is None:
        raise NoBinaries(f"{name}: not in {cache} and not on PATH. Run: ci/cluster tools kubernetes")
    return Path(found)


class ControlPlane:
    """One etcd and one kube-apiserver, from :meth:`start` to :meth:`stop`.

    Between them each of the two may be stopped, started and signalled; it keeps its ports and its data.

    Args:
        directory: For certificates, data and logs.
        apiserver: Further arguments of kube-apiserver.

    Attributes:
        authority: Makes certificates that it accepts, of servers and of users.
    """

    authority: Authority

    def __init__(self, directory: Path, *, apiserver: Sequence[str] = ()) -> None:
        self.directory = directory
        self._apiserver = apiserver
        self.etcd_port, self._peer_port, self.port = free_ports(3)
        self.url = f"https://127.0.0.1:{self.port}"
        self.trusted = directory / "ca.crt"
        self._binaries = {name: find(name) for name in BINARIES}
        self._running: dict[str, subprocess.Popen] = {}

    def start(self) -> None:
        """Start both and wait until the API server is ready. Raises: RuntimeError with the end of the log when it is not."""
        self._certificates()
        self.start_one("etcd")
        self._await(self._is_etcd_ready)
        # Versions that are older than the server's caches: what begins at one of them is refused as too old.
        for _ in range(FIRST_VERSION):
            self._etcd("/v3/kv/put", b'{"key":"AA==","value":"AA=="}')
        self.start_one("kube-apiserver")
        self.wait_until_ready()

    def stop(self) -> None:
        """End both, the API server first."""
        for name in reversed(list(self._running)):
            self.stop_one(name)

    def start_one(self, name: str) -> None:
        """Start one of :data:`BINARIES`, without waiting."""
        arguments = self._etcd_arguments() if name == "etcd" else self._apiserver_arguments()
        self._run(name, *arguments)

    def stop_one(self, name: str, number: signal.Signals = signal.SIGTERM) -> None:
        """End one of them and wait for that."""
        process = self._running.pop(name)
        process.send_signal(number)
        process.send_signal(signal.SIGCONT)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def signal(self, name: str, number: signal.Signals) -> None:
        """Send a signal to one of them."""
        self._running[name].send_signal(number)

    def wait_until_ready(self) -> None:
        """Wait until the API server is ready. Raises: RuntimeError with the end of the logs when it is not."""
        self._await(self._is_ready)

    def credentials(self, user: str = "admin") -> Credentials:
        """Those of a cluster administrator, or of the user ``limited``, who may what RBAC says."""
        configuration = Configuration()
        configuration.host = self.url
        configuration.ssl_ca_cert = str(self.directory / "ca.crt")
        configuration.cert_file = str(self.directory / f"{user}.crt")
        configuration.key_file = str(self.directory / f"{user}.key")
        return Credentials(configuration, user_agent="tests/1")

    def kubeconfig(self, path: Path, *, server: str = "", token: str = "") -> None:
        """Write a kubeconfig: for the administrator, or with a token."""
        at = self.directory
        user = {"token": token} if token else {"client-certificate": str(at / "admin.crt"), "client-key": str(at / "admin.key")}
        document = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "here", "cluster": {"server": server or self.url, "certificate-authority": str(self.trusted)}}],
            "users": [{"name": "me", "user": user}],
            "contexts": [{"name": "here", "context": {"cluster": "here", "user": "me"}}],
            "current-context": "here",
        }
        path.write_text(yaml.safe_dump(document))

    def compact(self) -> None:
        """Make etcd forget every revision but the newest, as it does every five minutes."""
        self._etcd("/v3/kv/compaction", b'{"revision":%d,"physical":true}' % self._revision())

    def _revision(self) -> int:
        return int(json.loads(self._etcd("/v3/kv/range", b'{"key":"AA=="}'))["header"]["revision"])

    def _etcd(self, path: str, body: bytes) -> bytes:
        request = urllib.request.Request(f"http://127.0.0.1:{self.etcd_port}{path}", data=body, method="POST")
        with urllib.request.urlopen(request, timeout=5) as answer:
            return answer.read()

    def _certificates(self) -> None:
        self.authority = Authority(self.directory)
        self.authority.issue("server", "/CN=kube-apiserver", usage="server")
        self.authority.issue("admin", "/O=system:masters/CN=admin", usage="client")
        self.authority.issue("limited", "/CN=limited", usage="client")
        self.authority.key("accounts.key")

    def _etcd_arguments(self) -> list[str]:
        client, peer = f"http://127.0.0.1:{self.etcd_port}", f"http://127.0.0.1:{self._peer_port}"
        return [
            f"--data-dir={self.directory / 'etcd'}", f"--listen-client-urls={client}", f"--advertise-client-urls={client}",
            f"--listen-peer-urls={peer}", f"--initial-advertise-peer-urls={peer}", f"--initial-cluster=default={peer}",
            "--unsafe-no-fsync", "--log-level=warn",
        ]  # fmt: skip

    def _apiserver_arguments(self) -> list[str]:
        at = self.directory
        return [
            f"--etcd-servers=http://127.0.0.1:{self.etcd_port}", f"--secure-port={self.port}", "--bind-address=127.0.0.1",
            "--advertise-address=127.0.0.1", "--endpoint-reconciler-type=none", f"--cert-dir={at}",
            f"--tls-cert-file={at / 'server.crt'}", f"--tls-private-key-file={at / 'server.key'}", f"--client-ca-file={at / 'ca.crt'}",
            "--service-account-issuer=https://kubernetes.default.svc", f"--service-account-key-file={at / 'accounts.key'}",
            f"--service-account-signing-key-file={at / 'accounts.key'}", "--authorization-mode=RBAC", "--service-cluster-ip-range=10.96.0.0/24",
            # Without the controller manager no namespace has a service account, and no pod could be made.
            "--disable-admission-plugins=ServiceAccount", "--etcd-compaction-interval=0", *self._apiserver,
        ]  # fmt: skip

    def _run(self, name: str, *arguments: str) -> None:
        with (self.directory / f"{name}.log").open("ab") as log:
            self._running[name] = subprocess.Popen(
                [self._binaries[name], *arguments],
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=die_with_parent,  # noqa: PLW1509 - it calls one system call
            )

    def _await(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not condition():
            died = next((process for process in self._running.values() if process.poll() is not None), None)
            if died is not None or time.monotonic() > deadline:
                self.stop()
                raise RuntimeError(f"no API server after {START_SECONDS} s, or it ended:\n{self._last_words()}")
            time.sleep(0.1)

    def _is_etcd_ready(self) -> bool:
        try:
            self._revision()
        except OSError:
            return False
        return True

    def _is_ready(self) -> bool:
        context = ssl.create_default_context(cafile=self.directory / "ca.crt")
        context.load_cert_chain(self.directory / "admin.crt", self.directory / "admin.key")
        try:
            with urllib.request.urlopen(f"{self.url}/readyz", timeout=2, context=context) as answer:
                return answer.status == 200
        except urllib.error.HTTPError as refused:
            refused.close()
            return False
        except OSError:
            return False

    def _last_words(self) -> str:
        logs = [self.directory / f"{name}.log" for name in BINARIES]
        return "\n".join(log.read_text(errors="replace")[-2000:] for log in logs if log.exists())


def free_ports(number: int) -> list[int]:
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(number)]
    ports = [one.getsockname()[1] for one in held]
    for one in held:
        one.close()
    return ports


_LIBC = ctypes.CDLL(None, use_errno=True)
_PR_SET_PDEATHSIG = 1


def die_with_parent() -> None:
    """Killed with the test run, also when that is killed -9 (Linux, prctl(2))."""
    if hasattr(_LIBC, "prctl"):
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
