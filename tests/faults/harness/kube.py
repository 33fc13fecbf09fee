"""A small client of the Kubernetes API: JSON over HTTP, nothing cached, nothing retried. Shares no code with what is under test."""

import json
import ssl
from collections.abc import AsyncIterator
from typing import Any

import aiohttp

Object = dict[str, Any]

SILENCE_SECONDS = 75
"""A healthy watch has a bookmark every minute."""

COLLECTIONS = {
    "Pod": "/api/v1/namespaces/{namespace}/pods",
    "Service": "/api/v1/namespaces/{namespace}/services",
    "EndpointSlice": "/apis/discovery.k8s.io/v1/namespaces/{namespace}/endpointslices",
}


class Refused(Exception):
    """The server answered, and not with what was asked for."""

    def __init__(self, status: int, body: str) -> None:
        self.status = status
        super().__init__(f"{status} {body[:300]}")


class Unreachable(Exception):
    """No answer came, or it broke off."""


class Kube:
    """Talks to one API server as its administrator.

    Args:
        url: Where it is.
        tls: With the certificate of the administrator.
    """

    def __init__(self, url: str, tls: ssl.SSLContext) -> None:
        self._url = url
        self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=tls, limit=0))

    async def close(self) -> None:
        """Give back the connections."""
        await self._session.close()

    async def ask(self, method: str, path: str, body: Object | None = None, *, seconds: float = 10, type: str = "application/json") -> Object:
        """Send one request; its answer.

        Raises: Refused, Unreachable.
        """
        limit = aiohttp.ClientTimeout(total=seconds)
        data = None if body is None else json.dumps(body)
        try:
            async with self._session.request(method, self._url + path, data=data, headers={"Content-Type": type}, timeout=limit) as answer:
                text = await answer.text()
                if answer.status >= 300:
                    raise Refused(answer.status, text)
                return json.loads(text) if text.startswith("{") else {}
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            raise Unreachable(f"{method} {path}: {error or type(error).__name__}") from error

    async def items(self, kind: str, namespace: str) -> tuple[list[Object], str]:
        """All objects of a kind as they are at the server now, and the version of that list."""
        listed = await self.ask("GET", COLLECTIONS[kind].format(namespace=namespace))
        return listed["items"], listed["metadata"]["resourceVersion"]

    async def create(self, kind: str, manifest: Object) -> Object:
        """Make an object."""
        return await self.ask("POST", COLLECTIONS[kind].format(namespace=manifest["metadata"]["namespace"]), manifest)

    async def delete(self, kind: str, namespace: str, name: str) -> None:
        """Delete an object; one that is not there is fine."""
        try:
            await self.ask("DELETE", f"{COLLECTIONS[kind].format(namespace=namespace)}/{name}")
        except Refused as refused:
            if refused.status != 404:
                raise

    async def watch(self, kind: str, namespace: str, version: str) -> AsyncIterator[tuple[str, Object]]:
        """Follow the changes after a version: type and object of each, until the stream ends.

        Raises: Refused, Unreachable.
        """
        query = {"watch": "true", "allowWatchBookmarks": "true", "resourceVersion": version, "timeoutSeconds": "600"}
        limit = aiohttp.ClientTimeout(total=None, sock_connect=5, sock_read=SILENCE_SECONDS)
        url = self._url + COLLECTIONS[kind].format(namespace=namespace)
        try:
            async with self._session.get(url, params=query, timeout=limit) as answer:
                if answer.status != 200:
                    raise Refused(answer.status, await answer.text())
                rest = b""
                async for chunk in answer.content.iter_any():
                    *lines, rest = (rest + chunk).split(b"\n")
                    for line in filter(None, lines):
                        event = json.loads(line)
                        if event["type"] == "ERROR":
                            raise Refused(event["object"].get("code", 500), json.dumps(event["object"]))
                        yield event["type"], event["object"]
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            raise Unreachable(f"watch {kind}: {error or type(error).__name__}") from error
