"""Names and addresses of the node."""

import os
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

from clusterlib.errors import ClusterError
from clusterlib.paths import Paths

CIDR_VARIABLE = "STEWARD_NODE_CIDR"
DEFAULT_CIDR = "10.213.0.0/16"
"""Private, and none of the ranges that kubeadm, kind, minikube, k3s or Docker take."""

ROOT = Path("/run/node")
"""Where the node sees its state directory, wherever that is on the machine: short, because a socket's path may have 107 bytes (unix(7))."""

CONTAINERD_SOCKET = "/run/containerd/containerd.sock"
NODE_LINK = "node0"
NODE_NAME = "steward-node"
API_PORT = 6443
_NETWORK_FILE = "network"


@dataclass(frozen=True)
class Settings:
    """What differs from node to node.

    Of the /16, the first /30 is the link between machine and node, the second quarter the pods', the third the Services'.
    """

    state: Path
    identity: str
    network: IPv4Network

    @property
    def host_ip(self) -> IPv4Address:
        """The machine's end of the link."""
        return self.network[1]

    @property
    def node_ip(self) -> IPv4Address:
        """The node's end of the link; the API server listens there."""
        return self.network[2]

    @property
    def pods(self) -> IPv4Network:
        """All pod addresses; the one node gets the first /24 of them."""
        return self._quarter(1)

    @property
    def node_pods(self) -> IPv4Network:
        """The node's own pod addresses. The controller manager would assign the same; fixed here so that CNI need not wait for it."""
        return next(self.pods.subnets(new_prefix=24))

    @property
    def services(self) -> IPv4Network:
        """Service addresses."""
        return self._quarter(2)

    @property
    def api_service_ip(self) -> IPv4Address:
        """Of the Service `kubernetes`: always the first of the range."""
        return self.services[1]

    @property
    def dns_ip(self) -> IPv4Address:
        """Of the Service `kube-dns`; the tenth by custom."""
        return self.services[10]

    @property
    def host_link(self) -> str:
        """The machine's end of the veth pair; interface names have at most 15 characters."""
        return f"stw{self.identity}"

    @property
    def cgroup(self) -> str:
        """Below the root of every hierarchy."""
        return f"steward-{self.identity}"

    @property
    def marker(self) -> str:
        """An argument of the supervisor, by which its process is found."""
        return f"--state={self.state}"

    def _quarter(self, index: int) -> IPv4Network:
        return list(self.network.subnets(prefixlen_diff=2))[index]


def find(paths: Paths) -> Settings:
    """Settings of this cache's node: one that was begun keeps its network, whoever asks.

    Raises: ClusterError when $STEWARD_NODE_CIDR is no private /16.
    """
    network = _begun(paths.node) or _asked_for()
    return Settings(paths.node, paths.identity, network)


def begin(settings: Settings) -> None:
    """Write down what :func:`find` reads of a node that was begun."""
    (settings.state / _NETWORK_FILE).write_text(f"{settings.network}\n")


def _begun(state: Path) -> IPv4Network | None:
    try:
        return IPv4Network((state / _NETWORK_FILE).read_text().strip())
    except (OSError, ValueError):  # no node, or one whose start was cut off in the middle of the file
        return None


def _asked_for() -> IPv4Network:
    cidr = os.environ.get(CIDR_VARIABLE) or DEFAULT_CIDR
    try:
        network = IPv4Network(cidr)
    except ValueError as error:
        raise ClusterError(f"{CIDR_VARIABLE}={cidr}: {error}", f"Give a private /16 that is not in use, like {DEFAULT_CIDR}") from error
    if network.prefixlen != 16 or not network.is_private:
        raise ClusterError(f"{CIDR_VARIABLE}={cidr} is not a private /16", f"Give one that is not in use, like {DEFAULT_CIDR}")
    return network
