"""A node that no kubelet carries but kwok, so that hundreds of pods cost a real cluster nothing, and a client for those who follow them."""

import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cluster.support.cluster import Cluster
from faults.harness import cluster as faults
from faults.harness.kube import Kube
from kubernetes.client import Configuration
from kubernetes.config import load_kube_config

from support.envtest import die_with_parent, find

LEASE_SECONDS = 40
"""Of the node's heartbeat, as a kubelet's."""


@contextmanager
def carrier(cluster: Cluster, log: Path) -> Iterator[None]:
    """Have the node while entered. Only pods that name it come to it: the scheduler keeps away."""
    node = {**faults.node(), "spec": {**faults.node()["spec"], "unschedulable": True}}
    cluster.apply(node)
    flags = [
        f"--kubeconfig={cluster.kubeconfig}",
        f"--config={faults.SETTINGS}",
        f"--manage-single-node={faults.NODE}",
        f"--cidr={faults.POD_NETWORK}",
        f"--node-lease-duration-seconds={LEASE_SECONDS}",
    ]
    with log.open("wb") as output:
        kwok = subprocess.Popen([find("kwok"), *flags], stdout=output, stderr=output, preexec_fn=die_with_parent)  # noqa: PLW1509 - it calls one system call
    try:
        yield
    finally:
        kwok.terminate()
        kwok.wait(10)
        cluster.kubectl("delete", "node", faults.NODE, "--ignore-not-found")


def kube(cluster: Cluster) -> Kube:
    """A client that shares no code with Steward, for the running event loop."""
    access = Configuration()
    load_kube_config(config_file=cluster.kubeconfig, client_configuration=access)
    tls = ssl.create_default_context(cafile=access.ssl_ca_cert)
    tls.load_cert_chain(access.cert_file, access.key_file)
    return Kube(access.host, tls)
