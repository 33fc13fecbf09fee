"""The certificates of the node, made with openssl: three authorities, a certificate for every door, elliptic keys because they are quickly made."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from clusterlib import processes
from clusterlib.node.settings import API_PORT, NODE_NAME, Settings

DAYS = 365
_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
_CLIENT = "clientAuth"
_SERVER = "serverAuth"


@dataclass(frozen=True)
class Leaf:
    """A certificate that some authority signs."""

    name: str
    authority: str
    subject: str
    usage: str
    names: str = ""
    """subjectAltName."""


AUTHORITIES = ("ca", "front-proxy-ca", "etcd-ca")

KUBECONFIGS = ("admin", "kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy")
"""Clients that get a kubeconfig, by the name of their certificate."""


def leaves(settings: Settings) -> list[Leaf]:
    """Every certificate of a cluster, as kubeadm makes them (kubernetes.io/docs/setup/best-practices/certificates)."""
    api_names = ["kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local", "localhost"]
    api_addresses = ["127.0.0.1", str(settings.node_ip), str(settings.api_service_ip)]
    api = ",".join([*(f"DNS:{name}" for name in api_names), *(f"IP:{address}" for address in api_addresses)])
    node = f"/O=system:nodes/CN=system:node:{NODE_NAME}"
    return [
        Leaf("apiserver", "ca", "/CN=kube-apiserver", _SERVER, api),
        Leaf("apiserver-kubelet-client", "ca", "/O=system:masters/CN=kube-apiserver-kubelet-client", _CLIENT),
        Leaf("apiserver-etcd-client", "etcd-ca", "/CN=kube-apiserver-etcd-client", _CLIENT),
        Leaf("front-proxy-client", "front-proxy-ca", "/CN=front-proxy-client", _CLIENT),
        Leaf("etcd", "etcd-ca", "/CN=etcd", f"{_SERVER},{_CLIENT}", "DNS:localhost,IP:127.0.0.1"),
        Leaf("admin", "ca", "/O=system:masters/CN=admin", _CLIENT),
        Leaf("kube-controller-manager", "ca", "/CN=system:kube-controller-manager", _CLIENT),
        Leaf("kube-scheduler", "ca", "/CN=system:kube-scheduler", _CLIENT),
        Leaf("kube-proxy", "ca", "/CN=system:kube-proxy", _CLIENT),
        Leaf("kubelet", "ca", node, _CLIENT),
        Leaf("kubelet-server", "ca", node, _SERVER, f"DNS:{NODE_NAME},IP:{settings.node_ip}"),
    ]


def make(settings: Settings, directory: Path, env: Mapping[str, str]) -> None:
    """Write keys and certificates into `directory` and the clients' kubeconfigs into the state directory."""
    directory.mkdir(parents=True, mode=0o700)
    for name in AUTHORITIES:
        usage = ("-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign,cRLSign,digitalSignature")
        _openssl(
            directory, env, "req", "-x509", *_KEY, "-keyout", f"{name}.key", "-out", f"{name}.crt", "-days", str(DAYS), "-subj", f"/CN={name}", *usage
        )
    for leaf in leaves(settings):
        _sign(leaf, directory, env)
    _openssl(directory, env, "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-out", "sa.key")
    _openssl(directory, env, "pkey", "-in", "sa.key", "-pubout", "-out", "sa.pub")
    for name in KUBECONFIGS:
        path = settings.state / f"{name}.kubeconfig"
        path.touch(mode=0o600)
        path.write_text(json.dumps(kubeconfig(settings, directory, name), indent=1))


def kubeconfig(settings: Settings, directory: Path, name: str) -> dict[str, object]:
    """A kubeconfig that holds its certificates, so that it can be read on the machine and inside the node alike."""

    def data(file: str) -> str:
        return base64.b64encode((directory / file).read_bytes()).decode()

    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {"name": NODE_NAME, "cluster": {"server": f"https://{settings.node_ip}:{API_PORT}", "certificate-authority-data": data("ca.crt")}}
        ],
        "users": [{"name": name, "user": {"client-certificate-data": data(f"{name}.crt"), "client-key-data": data(f"{name}.key")}}],
        "contexts": [{"name": NODE_NAME, "context": {"cluster": NODE_NAME, "user": name}}],
        "current-context": NODE_NAME,
    }


def _sign(leaf: Leaf, directory: Path, env: Mapping[str, str]) -> None:
    extensions = ["basicConstraints=CA:FALSE", "keyUsage=critical,digitalSignature,keyEncipherment", f"extendedKeyUsage={leaf.usage}"]
    if leaf.names:
        extensions.append(f"subjectAltName={leaf.names}")
    options = [word for extension in extensions for word in ("-addext", extension)]
    request = ["req", "-new", *_KEY, "-keyout", f"{leaf.name}.key", "-out", f"{leaf.name}.csr", "-subj", leaf.subject, *options]
    _openssl(directory, env, *request)
    authority = ["-CA", f"{leaf.authority}.crt", "-CAkey", f"{leaf.authority}.key", "-CAcreateserial"]
    _openssl(
        directory,
        env,
        "x509",
        "-req",
        "-in",
        f"{leaf.name}.csr",
        *authority,
        "-days",
        str(DAYS),
        "-copy_extensions",
        "copy",
        "-out",
        f"{leaf.name}.crt",
    )


def _openssl(directory: Path, env: Mapping[str, str], *arguments: str) -> None:
    processes.run(["openssl", *arguments], env=env, cwd=directory, mend="Install openssl 3 or newer")
