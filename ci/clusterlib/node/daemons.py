"""The daemons of the node: their command lines, and what each waits for."""

import json
from dataclasses import asdict, dataclass, field
from typing import Any

from clusterlib.node.settings import API_PORT, CONTAINERD_SOCKET, NODE_NAME, ROOT, Settings

ETCD = "127.0.0.1:2379"
_PKI = f"{ROOT}/pki"


@dataclass(frozen=True)
class Daemon:
    """A program the supervisor keeps running."""

    name: str
    argv: list[str]
    after: list[dict[str, Any]] = field(default_factory=list)
    """Conditions of the first start: {"tcp": "host:port"}, {"socket": path} or {"https": url, "ca", "cert", "key"}."""


_ETCD_LISTENS = {"tcp": ETCD}
_API_IS_READY = {"https": f"https://127.0.0.1:{API_PORT}/readyz", "ca": f"{_PKI}/ca.crt", "cert": f"{_PKI}/admin.crt", "key": f"{_PKI}/admin.key"}
_CONTAINERD_LISTENS = {"socket": CONTAINERD_SOCKET}


def as_json(settings: Settings) -> str:
    """What the supervisor reads: its network and every daemon."""
    daemons = [_containerd(), _etcd(), _apiserver(settings), _controller_manager(settings), _scheduler(), _kubelet(settings), _kube_proxy()]
    network = {"address": f"{settings.node_ip}/30", "services": str(settings.services), "gateway": str(settings.host_ip)}
    return json.dumps({"hostname": NODE_NAME, "network": network, "daemons": [asdict(daemon) for daemon in daemons]}, indent=1)


def _containerd() -> Daemon:
    return Daemon("containerd", ["containerd", "--config", f"{ROOT}/conf/containerd.toml"])


def _etcd() -> Daemon:
    certificates = [
        "--cert-file",
        f"{_PKI}/etcd.crt",
        "--key-file",
        f"{_PKI}/etcd.key",
        "--client-cert-auth",
        "--trusted-ca-file",
        f"{_PKI}/etcd-ca.crt",
    ]
    clients = ["--listen-client-urls", f"https://{ETCD}", "--advertise-client-urls", f"https://{ETCD}"]
    peer = "http://127.0.0.1:2380"
    peers = ["--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer, "--initial-cluster", f"node={peer}"]
    # The data does not outlive the machine, so it need not survive its power failure; a killed etcd loses nothing.
    return Daemon("etcd", ["etcd", "--name", "node", "--data-dir", f"{ROOT}/etcd", "--unsafe-no-fsync", *clients, *peers, *certificates])


def _apiserver(settings: Settings) -> Daemon:
    etcd = [
        f"--etcd-servers=https://{ETCD}",
        f"--etcd-cafile={_PKI}/etcd-ca.crt",
        f"--etcd-certfile={_PKI}/apiserver-etcd-client.crt",
        f"--etcd-keyfile={_PKI}/apiserver-etcd-client.key",
    ]
    door = [
        f"--advertise-address={settings.node_ip}",
        "--bind-address=0.0.0.0",
        f"--secure-port={API_PORT}",
        f"--service-cluster-ip-range={settings.services}",
    ]
    serving = [
        f"--tls-cert-file={_PKI}/apiserver.crt",
        f"--tls-private-key-file={_PKI}/apiserver.key",
        f"--client-ca-file={_PKI}/ca.crt",
        "--anonymous-auth=false",
    ]
    rights = ["--authorization-mode=Node,RBAC", "--enable-admission-plugins=NodeRestriction", "--allow-privileged=true"]
    kubelet = [
        f"--kubelet-client-certificate={_PKI}/apiserver-kubelet-client.crt",
        f"--kubelet-client-key={_PKI}/apiserver-kubelet-client.key",
        f"--kubelet-certificate-authority={_PKI}/ca.crt",
        "--kubelet-preferred-address-types=InternalIP",
    ]
    accounts = [
        f"--service-account-key-file={_PKI}/sa.pub",
        f"--service-account-signing-key-file={_PKI}/sa.key",
        "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
    ]
    aggregation = [
        f"--requestheader-client-ca-file={_PKI}/front-proxy-ca.crt",
        f"--proxy-client-cert-file={_PKI}/front-proxy-client.crt",
        f"--proxy-client-key-file={_PKI}/front-proxy-client.key",
        "--requestheader-allowed-names=front-proxy-client",
        "--requestheader-username-headers=X-Remote-User",
        "--requestheader-group-headers=X-Remote-Group",
        "--requestheader-extra-headers-prefix=X-Remote-Extra-",
    ]
    audit = [f"--audit-policy-file={ROOT}/conf/audit-policy.yaml", f"--audit-log-path={ROOT}/logs/audit.log", "--audit-log-maxsize=4000"]
    argv = ["kube-apiserver", *etcd, *door, *serving, *rights, *kubelet, *accounts, *aggregation, *audit, "--profiling=false"]
    return Daemon("kube-apiserver", argv, [_ETCD_LISTENS])


def _controller_manager(settings: Settings) -> Daemon:
    signing = [f"--cluster-signing-cert-file={_PKI}/ca.crt", f"--cluster-signing-key-file={_PKI}/ca.key", f"--root-ca-file={_PKI}/ca.crt"]
    accounts = ["--use-service-account-credentials", f"--service-account-private-key-file={_PKI}/sa.key"]
    addresses = ["--allocate-node-cidrs", f"--cluster-cidr={settings.pods}", f"--service-cluster-ip-range={settings.services}"]
    # It makes a service account per controller before it starts them; with the stock limits that takes five seconds, during which no pod starts.
    limits = ["--kube-api-qps=200", "--kube-api-burst=400"]
    argv = ["kube-controller-manager", *_clients("kube-controller-manager"), *signing, *accounts, *addresses, *limits]
    return Daemon("kube-controller-manager", argv, [_API_IS_READY])


def _scheduler() -> Daemon:
    return Daemon("kube-scheduler", ["kube-scheduler", *_clients("kube-scheduler")], [_API_IS_READY])


def _clients(name: str) -> list[str]:
    config = f"{ROOT}/{name}.kubeconfig"
    kubeconfigs = [f"--kubeconfig={config}", f"--authentication-kubeconfig={config}", f"--authorization-kubeconfig={config}"]
    return [*kubeconfigs, "--leader-elect=false", "--bind-address=127.0.0.1", "--profiling=false"]


def _kubelet(settings: Settings) -> Daemon:
    names = [f"--hostname-override={NODE_NAME}", f"--node-ip={settings.node_ip}"]
    argv = ["kubelet", f"--config={ROOT}/conf/kubelet.yaml", f"--kubeconfig={ROOT}/kubelet.kubeconfig", *names, "--v=2"]
    return Daemon("kubelet", argv, [_CONTAINERD_LISTENS, _API_IS_READY])


def _kube_proxy() -> Daemon:
    return Daemon("kube-proxy", ["kube-proxy", f"--config={ROOT}/conf/kube-proxy.yaml", "--v=2"], [_API_IS_READY])
