"""An API server as a test sees it that knows nothing of our client: paths and JSON, whichever server is behind."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import aclosing, asynccontextmanager
from typing import Any

import msgspec

from steward.runtime import errors
from steward.runtime.transport import Request, Transport

_numbers = itertools.count()

SERVICES = "/api/v1/namespaces/{}/services"
PODS = "/api/v1/namespaces/{}/pods"
CONFIGMAPS = "/api/v1/namespaces/{}/configmaps"
SLICES = "/apis/discovery.k8s.io/v1/namespaces/{}/endpointslices"
LEASES = "/apis/coordination.k8s.io/v1/namespaces/{}/leases"
EVENTS = "/apis/events.k8s.io/v1/namespaces/{}/events"
REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
ACCESS_REVIEWS = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
TOKEN_REVIEWS = "/apis/authentication.k8s.io/v1/tokenreviews"

APPLY, JSON_PATCH, MERGE_PATCH = "application/apply-patch+yaml", "application/json-patch+json", "application/merge-patch+json"

Body = dict[str, Any]


class Door:
    """One API server, and a namespace of its own for one test.

    Args:
        transport: The way there.
        compact: Makes the server forget all versions but the newest.
    """

    def __init__(self, transport: Transport, compact: Callable[[], None]) -> None:
        self.namespace = f"case-{next(_numbers)}"
        self.compact = compact
        self._transport = transport

    async def open(self) -> None:
        """Make the namespace."""
        await self.create("/api/v1/namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.namespace}})

    async def call(self, method: str, path: str, body: Any = None, *, content_type: str = "application/json", **query: str) -> tuple[int, Body]:
        """One request; the code and the decoded body. ``{}`` in a path is the namespace of the test."""
        request = self._request(method, path, query, msgspec.json.encode(body) if body is not None else None, content_type)
        answer = await self._transport.send(request, timeout=20)
        try:
            return answer.status, msgspec.json.decode(answer.body)
        except msgspec.DecodeError:
            # A group that nobody serves is answered in words.
            return answer.status, {"message": answer.body.decode()}

    async def ok(self, method: str, path: str, body: Any = None, **options: Any) -> Body:
        """As :meth:`call`, for what must succeed."""
        code, answer = await self.call(method, path, body, **options)
        assert 200 <= code < 300, answer
        return answer

    async def create(self, path: str, body: Body, manager: str = "maker") -> Body:
        """POST."""
        return await self.ok("POST", path, body, fieldManager=manager)

    async def apply(self, path: str, body: Body, manager: str = "maker", *, force: bool = True) -> Body:
        """Server-side apply."""
        return await self.ok("PATCH", path, body, content_type=APPLY, fieldManager=manager, force=str(force).lower())

    @asynccontextmanager
    async def watch(self, path: str, **query: str) -> AsyncIterator[AsyncIterator[Body]]:
        """An open watch, as decoded events."""
        request = self._request("GET", path, {"watch": "true", "timeoutSeconds": "30", **query}, None, "application/json")
        async with self._transport.stream(request, idle_timeout=20) as chunks, aclosing(_events(chunks)) as events:
            yield events

    def _request(self, method: str, path: str, query: Mapping[str, str], body: bytes | None, content_type: str) -> Request:
        return Request(errors.Call("get", "anything"), method, path.format(self.namespace), query, body, content_type)


async def _events(chunks: AsyncIterator[bytes]) -> AsyncIterator[Body]:
    rest = b""
    async for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            yield msgspec.json.decode(line)


async def take(events: AsyncIterator[Body], number: int) -> list[Body]:
    """The next events that are no bookmarks."""
    found: list[Body] = []
    async with asyncio.timeout(20):
        while len(found) < number:
            event = await anext(events)
            if event["type"] != "BOOKMARK":
                found.append(event)
    return found


def service(name: str, **spec: Any) -> Body:
    """A headless Service."""
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": {"clusterIP": "None", **spec}}


def configmap(name: str, **labels: str) -> Body:
    """A ConfigMap: the object with the fewest rules."""
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "labels": labels}, "data": {"key": "value"}}


def lease(name: str, **spec: Any) -> Body:
    """A Lease."""
    return {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": name}, "spec": spec}
