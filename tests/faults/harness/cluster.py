"""A control plane that may be hurt: etcd, kube-apiserver and kube-controller-manager, and nodes carried by kwok instead of kubelets.

It is on the loopback interface, needs no rights, and stands beside any other cluster.
"""

import base64
import json
import signal
import ssl
import subprocess
from pathlib import Path
from typing import Any

import yaml
from faults.harness import audit
from faults.harness.kube import Kube, Object

from support import helm
from support.certificates import Authority
from support.envtest import ControlPlane, find, free_ports

NAMESPACE = "steward"
NODE = "carrier"
POD_NETWORK = "10.64.0.0/16"
SETTINGS = Path(__file__).with_name("kwok.yaml")
CARRIERS = ("kube-controller-manager", "kwok")
RIGHTS = frozenset(("ServiceAccount", "ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"))
"""What the operator gets of the chart, besides its configuration."""


class Cluster(ControlPlane):
    """Everything but the operator.

    Args:
        directory: For certificates, data and logs.
    """

    def __init__(self, directory: Path) -> None:
        log, policy = directory / "audit.log", directory / "audit-policy.yaml"
        super().__init__(directory, apiserver=[f"--audit-policy-file={policy}", f"--audit-log-path={log}", "--audit-log-maxsize=4096"])
        policy.write_text(audit.POLICY)
        self.audit = audit.Audit(log)
        self._binaries |= {name: find(name) for name in CARRIERS}
        self._manager_port = free_ports(1)[0]
        self._kubectl = str(find("kubectl"))
        self.trusted = directory / "trusted.crt"
        self._server = "now"
        self._authorities: dict[str, Path] = {}
        self._chart = helm.render()
        self._account = helm.only(self._chart, "ServiceAccount")["metadata"]["name"]

    def start(self) -> None:
        """Start all, and make what every scenario needs: a node, and the chart's rights for its service account."""
        super().start()
        self.kubeconfig(self.directory / "admin.kubeconfig")
        for name in CARRIERS:
            self.start_one(name)
        self.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}, node())
        self.apply(*(found for found in self._chart if found["kind"] in RIGHTS))

    def start_one(self, name: str) -> None:
        """Start one program, without waiting."""
        match name:
            case "kube-controller-manager":
                self._run(name, *self._manager_arguments())
            case "kwok":
                admin = self.directory / "admin.kubeconfig"
                self._run(
                    name,
                    f"--kubeconfig={admin}",
                    f"--config={SETTINGS}",
                    "--manage-all-nodes",
                    f"--cidr={POD_NETWORK}",
                    "--node-lease-duration-seconds=0",
                )
            case _:
                super().start_one(name)

    def renew_carriers(self) -> None:
        """Start the controller manager and kwok afresh, so that their own recovery is no part of what is measured."""
        for name in CARRIERS:
            self.kill(name)
            self.start_one(name)

    def kill(self, name: str) -> None:
        """End a program at once, as a power failure does."""
        self.stop_one(name, signal.SIGKILL)

    def kubectl(self, *arguments: str, stdin: str = "") -> str:
        """What kubectl prints for the administrator."""
        asked = [self._kubectl, f"--kubeconfig={self.directory / 'admin.kubeconfig'}", *arguments]
        done = subprocess.run(asked, input=stdin, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"kubectl {' '.join(arguments)}: {done.stderr}"
        return done.stdout

    def apply(self, *objects: Object) -> None:
        """Make objects, or make them what they should be."""
        self.kubectl("apply", "-f", "-", stdin=yaml.safe_dump_all(objects))

    def kube(self) -> Kube:
        """A client, for the running event loop. It trusts both authorities."""
        tls = ssl.create_default_context(cafile=self.trusted)
        tls.load_cert_chain(self.directory / "admin.crt", self.directory / "admin.key")
        return Kube(self.url, tls)

    def versions(self) -> dict[str, str]:
        """Of everything that is not Steward."""
        kubernetes = json.loads(self.kubectl("version", "-o", "json"))["serverVersion"]["gitVersion"]
        etcd = subprocess.run([self._binaries["etcd"], "--version"], capture_output=True, text=True, check=True).stdout.split()[2]
        kwok = subprocess.run([self._binaries["kwok"], "--version"], capture_output=True, text=True, check=True).stdout.split()[2]
        return {"Kubernetes": kubernetes.removeprefix("v"), "etcd": etcd, "kwok": kwok.removeprefix("v")}

    def configuration(self) -> dict[str, Any]:
        """The configuration that the chart gives to the operator."""
        return yaml.safe_load(helm.only(self._chart, "ConfigMap")["data"]["config.yaml"])

    def ca(self, *names: str) -> str:
        """Certificates of authorities: ``now`` is the one in use, ``next`` the one that will be."""
        return "".join((self._authorities[name] / "ca.crt").read_text() for name in names)

    def serve_as(self, name: str) -> None:
        """Restart the API server with a certificate of one of the authorities, without waiting."""
        self._server = name
        self.kill("kube-apiserver")
        self.start_one("kube-apiserver")

    def token(self, bound_to: str) -> tuple[str, str]:
        """A new token of the operator's service account, and its id. It is refused as soon as the Secret it is bound to is gone."""
        self.apply({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": bound_to, "namespace": NAMESPACE}})
        bound = ("--bound-object-kind=Secret", f"--bound-object-name={bound_to}")
        token = self.kubectl("create", "token", self._account, f"--namespace={NAMESPACE}", "--duration=2h", *bound).strip()
        payload = token.split(".")[1]
        return token, json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))["jti"]

    def _certificates(self) -> None:
        super()._certificates()
        following = Authority(self.directory / "next")
        following.issue("server", "/CN=kube-apiserver", usage="server")
        self._authorities = {"now": self.directory, "next": following.directory}
        self.trusted.write_text(self.ca("now", "next"))

    def _apiserver_arguments(self) -> list[str]:
        at = self._authorities[self._server]
        return [*super()._apiserver_arguments(), f"--tls-cert-file={at / 'server.crt'}", f"--tls-private-key-file={at / 'server.key'}"]

    def _manager_arguments(self) -> list[str]:
        admin = self.directory / "admin.kubeconfig"
        return [
            f"--kubeconfig={admin}", "--leader-elect=false", "--bind-address=127.0.0.1", f"--secure-port={self._manager_port}",
            f"--cert-dir={self.directory}", f"--service-account-private-key-file={self.directory / 'accounts.key'}",
            f"--root-ca-file={self.directory / 'ca.crt'}", "--kube-api-qps=200", "--kube-api-burst=400",
            # The node is no subject here, and after an outage it would be called dead before kwok has said a word.
            "--controllers=*,-node-lifecycle-controller,-taint-eviction-controller",
        ]  # fmt: skip


def node() -> Object:
    """A node with room for all pods there will be."""
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": NODE},
        "spec": {"podCIDR": POD_NETWORK, "podCIDRs": [POD_NETWORK]},
        "status": {"allocatable": {"cpu": "1000", "memory": "1Ti", "pods": "10000"}, "capacity": {"cpu": "1000", "memory": "1Ti", "pods": "10000"}},
    }
