"""The peer on the official client: its SharedInformer, its models, and a pool of threads that writes one object after the other.

It holds no lease, watches no children and writes no Events: the client has no parts for that which could be used.
"""

from __future__ import annotations

import argparse
import logging
import os
import signal
import threading
from concurrent.futures import ThreadPoolExecutor

from kubernetes import client, config
from kubernetes.client.exceptions import ApiException
from kubernetes.informer import ADDED, MODIFIED, SharedInformer

ANNOTATION = "steward.dev/headless-service"
THREADS = 32

log = logging.getLogger(__name__)


class Peer:
    """Writes the children of every annotated pod that has an address."""

    def __init__(self, api: client.ApiClient) -> None:
        self._core = client.CoreV1Api(api)
        self._discovery = client.DiscoveryV1Api(api)
        self._threads = ThreadPoolExecutor(THREADS)

    def run(self, resync_seconds: float) -> None:
        """Work until SIGTERM."""
        informer = SharedInformer(self._core.list_pod_for_all_namespaces, resync_period=resync_seconds)
        informer.add_event_handler(ADDED, self.pod_changed)
        informer.add_event_handler(MODIFIED, self.pod_changed)
        informer.start()
        stop = threading.Event()
        signal.signal(signal.SIGTERM, lambda *_: stop.set())
        stop.wait()
        # The informer's thread may hang in a read for minutes; nothing is lost by leaving it.
        os._exit(0)

    def pod_changed(self, pod: client.V1Pod) -> None:
        """Have the children created, if it asks for them."""
        if (pod.metadata.annotations or {}).get(ANNOTATION) == "true" and pod.status.pod_ip:
            self._threads.submit(self._write, pod)

    def _write(self, pod: client.V1Pod) -> None:
        try:
            for create, made in (
                (self._core.create_namespaced_service, service(pod)),
                (self._discovery.create_namespaced_endpoint_slice, endpoint_slice(pod)),
            ):
                try:
                    create(pod.metadata.namespace, made)
                except ApiException as error:
                    if error.status != 409:
                        raise
        except Exception:
            log.exception("%s/%s", pod.metadata.namespace, pod.metadata.name)


def service(pod: client.V1Pod) -> client.V1Service:
    """The headless Service of a pod."""
    ports = [client.V1ServicePort(name=port.name, port=port.container_port, protocol=port.protocol) for port in container_ports(pod)]
    spec = client.V1ServiceSpec(cluster_ip="None", publish_not_ready_addresses=True, ports=ports)
    return client.V1Service(metadata=meta(pod, {}), spec=spec)


def endpoint_slice(pod: client.V1Pod) -> client.V1EndpointSlice:
    """The EndpointSlice of a pod."""
    about = pod.metadata
    endpoint = client.V1Endpoint(
        addresses=[pod.status.pod_ip],
        conditions=client.V1EndpointConditions(ready=True),
        hostname=about.name,
        node_name=pod.spec.node_name,
        target_ref=client.V1ObjectReference(kind="Pod", namespace=about.namespace, name=about.name, uid=about.uid),
    )
    ports = [client.DiscoveryV1EndpointPort(name=port.name, port=port.container_port, protocol=port.protocol) for port in container_ports(pod)]
    labels = {"kubernetes.io/service-name": about.name, "endpointslice.kubernetes.io/managed-by": "headless.informer-peer"}
    return client.V1EndpointSlice(metadata=meta(pod, labels), address_type="IPv4", endpoints=[endpoint], ports=ports)


def container_ports(pod: client.V1Pod) -> list[client.V1ContainerPort]:
    """The ports of all containers."""
    return [port for container in pod.spec.containers for port in container.ports or ()]


def meta(pod: client.V1Pod, labels: dict[str, str]) -> client.V1ObjectMeta:
    """Metadata of a child."""
    about = pod.metadata
    owner = client.V1OwnerReference(api_version="v1", kind="Pod", name=about.name, uid=about.uid, controller=True)
    labels = labels | {"app.kubernetes.io/managed-by": "informer-peer"}
    return client.V1ObjectMeta(name=about.name, namespace=about.namespace, labels=labels, owner_references=[owner])


def main() -> None:
    """Run the peer."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--resync-seconds", type=float, default=600.0)
    logging.basicConfig(level=logging.ERROR)
    configuration = client.Configuration()
    config.load_kube_config(os.environ["KUBECONFIG"], client_configuration=configuration)
    # One for each thread, and one for the watch.
    configuration.connection_pool_maxsize = THREADS + 1
    Peer(client.ApiClient(configuration)).run(arguments.parse_args().resync_seconds)


if __name__ == "__main__":
    main()
