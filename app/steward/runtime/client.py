"""Objects in, objects out: builds requests, decodes answers, raises typed errors. Never reads a cache."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeVar

import msgspec

from steward.runtime import errors, metrics
from steward.runtime.answers import Answers, Page, Sign, WatchEvent, revealed
from steward.runtime.circuit import always
from steward.runtime.fence import OPEN, Fence
from steward.runtime.resource import HasMeta, Key, Resource
from steward.runtime.transport import Request, Response, Transport
from steward.telemetry.metrics import Instruments
from steward.telemetry.tracing import tracing

T = TypeVar("T", bound=HasMeta)

APPLY = "application/apply-patch+yaml"
JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"

PAGE_SIZE = 500
"""Objects per page: client-go's default, and 8 ms of decoding, so that one page never holds the interpreter longer."""

REQUEST_TIMEOUT = 30.0
"""Seconds for one request that is neither a list nor a watch. The API server gives up after 60 s (--request-timeout)."""

ASK_TIMEOUT = 5.0
"""Seconds for a request that only asks whether the server is there."""

LIST_TIMEOUT = 60.0
"""Seconds for one page, as the server's own limit."""

IN_FLIGHT = 32
"""Writes under way at once. Replaces client-side QPS, whose default costs client-go 22 s p99 at 50 pods/s; the server's priority and fairness does
the rest, and its 429 is honoured."""


_PATCHES = msgspec.json.Encoder(enc_hook=revealed)
"""A patch may carry secrets to the server."""


class Client:
    """Talks to one API server as one field manager.

    Attributes:
        reachable: Waits while the server cannot be reached. For whoever repeats something; a request itself never waits.
    """

    def __init__(
        self, transport: Transport, *, field_manager: str, instruments: Instruments, reachable: Callable[[], Awaitable[None]] = always
    ) -> None:
        self.field_manager = field_manager
        self.reachable = reachable
        self._transport = transport
        self._instruments = instruments
        self._in_flight = asyncio.Semaphore(IN_FLIGHT)
        self._answers = Answers()

    async def ask(self) -> None:
        """Ask for something small, to see whether the server answers; also a refusal is an answer.

        Raises:
            APIError, TransportError: As for any other request.
        """
        await self._send(Request(errors.Call("get", "version"), "GET", "/version"), timeout=ASK_TIMEOUT)

    async def get(self, resource: Resource[T], key: Key, *, timeout: float = REQUEST_TIMEOUT) -> T:
        """Read one object from the server.

        Raises:
            NotFound: It does not exist.
            APIError, TransportError, DecodeError: Anything else.
        """
        call = errors.Call("get", resource.plural, key.namespace, key.name)
        answer = await self._send(Request(call, "GET", resource.path(*key)), timeout=timeout)
        return self._answers.object(resource, answer.body)

    async def find(self, resource: Resource[T], key: Key, *, selector: str = "") -> T | None:
        """Read one object by the right to list alone, fresh from the server; None when it does not exist, or does not match the selector."""
        call = errors.Call("list", resource.plural, key.namespace, key.name)
        query = {"limit": "1"} | _chosen(key.name, selector)
        answer = await self._send(Request(call, "GET", resource.path(key.namespace), query), timeout=REQUEST_TIMEOUT)
        found = self._answers.page(resource, answer.body).items
        return found[0] if found else None

    async def page(self, resource: Resource[T], *, namespace: str = "", name: str = "", selector: str = "", token: str = "") -> Page[T]:
        """Read one page of a list; the first when ``token`` is empty.

        No resource version is named, so the answer is at least as new as everything written before the call. An object that does not fit its
        struct is told apart and logged: one broken object must not blind the component to all others.

        Raises:
            Gone: The token expired; start again.
        """
        call = errors.Call("list", resource.plural, namespace)
        query = {"limit": str(PAGE_SIZE)} | ({"continue": token} if token else {}) | _chosen(name, selector)
        answer = await self._send(Request(call, "GET", resource.path(namespace), query), timeout=LIST_TIMEOUT)
        return self._answers.page(resource, answer.body)

    async def watch(
        self, resource: Resource[T], *, since: str, server_timeout: int, idle_timeout: float, namespace: str = "", name: str = "", selector: str = ""
    ) -> AsyncIterator[list[WatchEvent[T] | Sign]]:
        """Follow changes after a resource version, as batches of what arrived together, until the server ends the stream.

        The first batch is empty: the server has answered.

        Without a version the whole list comes first, at least as new as everything written before the call; a bookmark ends it (KEP-3157).

        Args:
            resource: What to watch.
            since: Resource version to go on from, or empty.
            server_timeout: Seconds after which the server shall end the stream.
            idle_timeout: Seconds of silence, bookmarks included, after which it counts as dead.
            namespace: Only this namespace.
            name: Only the object of this name; RBAC can limit the right to it.
            selector: Label selector.

        Raises:
            Gone: ``since`` is too old; list again.
            APIError, TransportError, DecodeError: Anything else; go on from the last version seen.
        """
        call = errors.Call("watch", resource.plural, namespace)
        query = {"watch": "true", "allowWatchBookmarks": "true", "resourceVersion": since, "timeoutSeconds": str(server_timeout)}
        if not since:
            query |= {"sendInitialEvents": "true", "resourceVersionMatch": "NotOlderThan"}
        query |= _chosen(name, selector)
        rest = b""
        started = asyncio.get_running_loop().time()
        answered = False
        try:
            async with self._transport.stream(Request(call, "GET", resource.path(namespace), query), idle_timeout=idle_timeout) as chunks:
                self._count(call, "200", started)
                answered = True
                yield []
                async for chunk in chunks:
                    lines = (rest + chunk).split(b"\n")
                    rest = lines.pop()
                    events = [self._answers.event(resource, call, line) for line in lines if line]
                    if events:
                        yield events
        except (errors.APIError, errors.TransportError) as error:
            # What ends a stream later is no second request.
            if not answered:
                self._count(call, str(getattr(error, "status", "")), started)
            raise

    async def create(self, resource: Resource[T], desired: HasMeta, *, dry_run: bool = False, fence: Fence = OPEN) -> T:
        """Create an object; the server decides who came first.

        Like every write it takes no longer than its fence is sure to stand, and nothing leaves once that fell. In a dry run the server does all but
        keep it: admission, defaults and quota have their say.

        Raises:
            LeaseLost: The fence fell before the request left.
            AlreadyExists: Somebody, perhaps we, made one of that name.
        """
        meta = desired.metadata
        call = errors.Call("create", resource.plural, meta.namespace, meta.name)
        query = self._managed(dry_run=dry_run)
        request = Request(call, "POST", resource.path(meta.namespace), query, resource.encoded(desired), guard=fence.check)
        answer = await self._write(request, fence)
        return self._answers.object(resource, answer.body)

    async def apply(
        self,
        resource: Resource[T],
        desired: HasMeta,
        *,
        uid: str = "",
        force: bool = False,
        subresource: str = "",
        manager: str = "",
        dry_run: bool = False,
        fence: Fence = OPEN,
    ) -> T:
        """Server-side apply onto the one object with this uid (KEP-555).

        Args:
            resource: What kind of object, and what of the answer is read.
            desired: Name, namespace and every field that shall be ours.
            uid: Which object; empty for whatever has the name, also nothing yet.
            force: Take over fields of other managers.
            subresource: Apply to this part of it.
            manager: Field manager, if not the client's own.
            dry_run: As for :meth:`create`.
            fence: Likewise.

        Raises:
            Conflict: Another object has the name now, or another manager owns a field and ``force`` is false.
        """
        meta = desired.metadata
        call = errors.Call("patch", resource.plural, meta.namespace, meta.name)
        body = resource.manifest(desired)
        if uid:
            body["metadata"]["uid"] = uid
        query = self._managed(manager, dry_run=dry_run) | ({"force": "true"} if force else {})
        request = Request(
            call, "PATCH", resource.path(meta.namespace, meta.name, subresource), query, msgspec.json.encode(body), APPLY, guard=fence.check
        )
        answer = await self._write(request, fence)
        return self._answers.object(resource, answer.body)

    async def patch(
        self,
        resource: Resource[T],
        key: Key,
        body: object,
        *,
        content_type: str,
        fence: Fence = OPEN,
        timeout: float = REQUEST_TIMEOUT,
    ) -> T:
        """Change parts of an object; what the body does not name stays as it is.

        Args:
            resource: Of what kind.
            key: Which object.
            body: The patch.
            content_type: :data:`JSON_PATCH` (RFC 6902) or :data:`MERGE_PATCH` (RFC 7386). A merge patch that names ``metadata.resourceVersion``
                raises Conflict when the object moved; a failed ``test`` of a JSON patch raises Invalid.
            fence: As for :meth:`create`.
            timeout: Seconds.
        """
        call = errors.Call("patch", resource.plural, key.namespace, key.name)
        request = Request(call, "PATCH", resource.path(*key), self._managed(), _PATCHES.encode(body), content_type, guard=fence.check)
        answer = await self._write(request, fence, timeout)
        return self._answers.object(resource, answer.body)

    async def delete(self, resource: Resource[T], key: Key, *, uid: str, version: str, fence: Fence = OPEN) -> T | None:
        """Delete the one object with this uid, if it is still as it was at this version.

        Returns:
            The object while finalizers keep it, or None when it is gone.

        Raises:
            NotFound: It is gone already.
            Conflict: It changed, or another object has the name now.
        """
        call = errors.Call("delete", resource.plural, key.namespace, key.name)
        body = msgspec.json.encode({"preconditions": {"uid": uid, "resourceVersion": version}})
        answer = await self._write(Request(call, "DELETE", resource.path(*key), {}, body, guard=fence.check), fence)
        left = self._answers.object(resource, answer.body)
        return left if left.metadata.uid == uid and left.metadata.deletion_timestamp else None

    def _managed(self, manager: str = "", *, dry_run: bool = False) -> dict[str, str]:
        return {"fieldManager": manager or self.field_manager} | ({"dryRun": "All"} if dry_run else {})

    async def _write(self, request: Request, fence: Fence, timeout: float = REQUEST_TIMEOUT) -> Response:
        async with self._in_flight:
            # Asked after the wait for a place: it may have taken much of the time there was.
            return await self._send(request, timeout=min(timeout, fence.time_left()))

    async def _send(self, request: Request, *, timeout: float) -> Response:
        call, started = request.call, asyncio.get_running_loop().time()
        with tracing.request(call.verb, call.resource) as span:
            try:
                answer = await self._transport.send(request, timeout=timeout)
            except errors.TransportError:
                self._count(call, "", started)
                raise
            span.set("http.response.status_code", answer.status)
            self._count(call, str(answer.status), started)
            if not 200 <= answer.status < 300:
                raise errors.from_response(call, answer.status, answer.body, answer.retry_after)
        return answer

    def _count(self, call: errors.Call, code: str, started: float) -> None:
        """Count a request; the code is ``<error>`` when no answer came, as client-go counts it."""
        self._instruments[metrics.API_REQUESTS].labels(call.verb, call.resource, code or "<error>").inc()
        elapsed = asyncio.get_running_loop().time() - started
        self._instruments[metrics.API_DURATION].labels(call.verb, call.resource).observe(elapsed, tracing.exemplar())


def _chosen(name: str, selector: str) -> dict[str, str]:
    """The part of a query that says which objects are meant."""
    return ({"fieldSelector": f"metadata.name={name}"} if name else {}) | ({"labelSelector": selector} if selector else {})
