"""An informer at a real API server whose CustomResourceDefinition is missing, comes, goes and comes again."""

import asyncio
import contextlib

import pytest

from steward.runtime.crd import CustomResource, manifest
from steward.runtime.informer import Informer
from steward.runtime.resource import Resource
from steward.runtime.store import Store, Writer
from steward.runtime.transport import HTTPTransport
from support.managers import until
from support.things import Thing, client

pytestmark = [pytest.mark.apiserver, pytest.mark.slow, pytest.mark.timeout(240)]

WIDGETS: Resource[Thing] = Resource("test.steward.dev", "v1", "Widget", "widgets", Thing, custom=True)
DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
PATH = "/apis/test.steward.dev/v1/namespaces/{}/widgets"


def definition():
    """A definition that takes anything."""
    found = manifest(CustomResource(WIDGETS, Thing))
    found["spec"]["versions"][0]["schema"]["openAPIV3Schema"] = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    return found


@pytest.mark.parametrize("streams", [True, False], ids=["streamed", "paged"])
async def test_a_definition_may_come_and_go(control_plane, real_door, streams):
    changes = []
    transport = HTTPTransport(control_plane.credentials())
    writer = Writer(Store(WIDGETS))
    writer.subscribe(changes.append)
    informer = Informer(client(transport), WIDGETS, writer=writer)
    informer._streams = streams
    task = asyncio.create_task(informer.run())
    store = writer.store
    try:
        await until(lambda: informer.is_synced, unless=task)
        assert (False, 0, None) == (store.served, len(store), informer.failure)

        for name in ("first", "second"):
            await real_door.create(DEFINITIONS, definition())
            await until(lambda: store.served, unless=task)
            await real_door.create(PATH, {"apiVersion": "test.steward.dev/v1", "kind": "Widget", "metadata": {"name": name}})
            await until(lambda expected=name: [expected] == [one.metadata.name for one in store], unless=task)
            await real_door.ok("DELETE", f"{DEFINITIONS}/{WIDGETS}")
            await until(lambda: not store.served, unless=task)
            assert 0 == len(store)
            assert changes[-1].new is None
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        await transport.close()
