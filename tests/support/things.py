"""A kind for tests of the runtime, which knows no component: ConfigMaps, as a struct, as manifests, and as something we own."""

from typing import Any

from prometheus_client import CollectorRegistry

from steward.runtime import metrics
from steward.runtime.client import Client
from steward.runtime.resource import ChildMeta, Key, OwnerReference, Resource, Struct
from steward.runtime.transport import Transport
from steward.telemetry.metrics import Instruments, bind
from support.fakeapi import FakeAPI, MemoryTransport

LABEL = {"made-by": "test"}
OWNER = OwnerReference(api_version="v1", kind="Pod", name="owner", uid="owner-1", controller=True)


class Thing(Struct, frozen=True):
    """A ConfigMap."""

    metadata: ChildMeta = ChildMeta()
    data: dict[str, str] = {}


THINGS: Resource[Thing] = Resource("", "v1", "ConfigMap", "configmaps", Thing, shared=("metadata.labels",))


def manifest(name: str, *, namespace: str = "default", labels: dict[str, str] | None = None, **data: str) -> dict[str, Any]:
    """A ConfigMap as somebody else would write it."""
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": namespace, "labels": labels or {}}, "data": data}


def thing(
    name: str, *, namespace: str = "default", uid: str = "uid-1", version: int | str = 1, labels: dict[str, str] | None = None, **data: str
) -> Thing:
    """A ConfigMap as it is read."""
    meta = ChildMeta(name=name, namespace=namespace, uid=uid, resource_version=str(version), labels=labels or {})
    return Thing(metadata=meta, data=data)


def desired(name: str, *, namespace: str = "default", **data: str) -> Thing:
    """A ConfigMap of ours, as it should be."""
    return Thing(metadata=ChildMeta(name=name, namespace=namespace, labels=LABEL, owner_references=(OWNER,)), data=data)


def is_ours(item: Thing) -> bool:
    """Whether it was made by :func:`desired`."""
    owner = item.metadata.controller
    return owner is not None and owner.uid == OWNER.uid and item.metadata.labels.items() >= LABEL.items()


def instruments() -> Instruments:
    """Fresh metrics."""
    return bind(metrics.ALL, CollectorRegistry(), component="test")


def client(api: FakeAPI | Transport, *, field_manager: str = "steward-test") -> Client:
    """A client of a fake server, or over any transport."""
    transport = MemoryTransport(api) if isinstance(api, FakeAPI) else api
    return Client(transport, field_manager=field_manager, instruments=instruments())


def key(name: str, namespace: str = "default") -> Key:
    """A key in the namespace of most tests."""
    return Key(namespace, name)
