"""The peer on kopf: one handler for the events of annotated pods, writes through aiohttp, both at once.

kopf is used at its best: no events of its own, no handler state in annotations, lists in pages. It keeps no objects, holds no lease and does not
watch the children.
"""

from __future__ import annotations

import asyncio
import logging
import os
import ssl
from typing import Any

import aiohttp
import kopf
from kubernetes import client, config

ANNOTATION = "steward.dev/headless-service"


@kopf.on.startup()
async def start(settings: kopf.OperatorSettings, memo: kopf.Memo, **_: Any) -> None:
    """Settings of a busy operator, and a session for the writes."""
    settings.posting.enabled = False
    settings.scanning.disabled = True
    settings.watching.chunk_size = 500
    configuration = client.Configuration()
    config.load_kube_config(os.environ["KUBECONFIG"], client_configuration=configuration)
    tls = ssl.create_default_context(cafile=configuration.ssl_ca_cert)
    if configuration.cert_file:
        tls.load_cert_chain(configuration.cert_file, configuration.key_file)
    headers = {auth["key"]: auth["value"] for auth in configuration.auth_settings().values()}
    memo.session = aiohttp.ClientSession(configuration.host, headers=headers, connector=aiohttp.TCPConnector(ssl=tls, limit=32))


@kopf.on.cleanup()
async def stop(memo: kopf.Memo, **_: Any) -> None:
    """Give the connections back."""
    await memo.session.close()


@kopf.on.event("pods", annotations={ANNOTATION: "true"})
async def pod_changed(type: str | None, body: kopf.Body, memo: kopf.Memo, **_: Any) -> None:
    """Create the children of a pod that has an address."""
    if type == "DELETED" or not body.status.get("podIP"):
        return
    space = body.metadata.namespace
    await asyncio.gather(
        create(memo.session, f"/api/v1/namespaces/{space}/services", service(body)),
        create(memo.session, f"/apis/discovery.k8s.io/v1/namespaces/{space}/endpointslices", endpoint_slice(body)),
    )


async def create(session: aiohttp.ClientSession, path: str, body: dict[str, Any]) -> None:
    """Create an object; one that exists is well."""
    async with session.post(path, json=body) as answer:
        await answer.read()
        if answer.status not in {201, 409}:
            raise kopf.TemporaryError(f"{path}: {answer.status}")


def service(pod: kopf.Body) -> dict[str, Any]:
    """The headless Service of a pod."""
    ports = [
        {"name": port["name"], "port": port["containerPort"], "protocol": port.get("protocol", "TCP")}
        for container in pod.spec["containers"]
        for port in container.get("ports", ())
    ]
    spec = {"clusterIP": "None", "publishNotReadyAddresses": True, "ports": ports}
    return {"apiVersion": "v1", "kind": "Service", "metadata": meta(pod, {}), "spec": spec}


def endpoint_slice(pod: kopf.Body) -> dict[str, Any]:
    """The EndpointSlice of a pod."""
    about = pod.metadata
    endpoint = {
        "addresses": [pod.status["podIP"]],
        "conditions": {"ready": True},
        "hostname": about.name,
        "nodeName": pod.spec["nodeName"],
        "targetRef": {"kind": "Pod", "namespace": about.namespace, "name": about.name, "uid": about.uid},
    }
    ports = [{"name": port["name"], "port": port["port"], "protocol": port["protocol"]} for port in service(pod)["spec"]["ports"]]
    labels = {"kubernetes.io/service-name": about.name, "endpointslice.kubernetes.io/managed-by": "headless.kopf-peer"}
    made = {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "metadata": meta(pod, labels)}
    return made | {"addressType": "IPv4", "endpoints": [endpoint], "ports": ports}


def meta(pod: kopf.Body, labels: dict[str, str]) -> dict[str, Any]:
    """Metadata of a child."""
    about = pod.metadata
    owner = {"apiVersion": "v1", "kind": "Pod", "name": about.name, "uid": about.uid, "controller": True}
    labels = labels | {"app.kubernetes.io/managed-by": "kopf-peer"}
    return {"name": about.name, "namespace": about.namespace, "labels": labels, "ownerReferences": [owner]}


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING)
    kopf.run(clusterwide=True, standalone=True)
