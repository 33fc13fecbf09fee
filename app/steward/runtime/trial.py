"""A client for asking what would be: it reads, and all it writes is a dry run."""

from __future__ import annotations

from typing import TypeVar

from steward.runtime.answers import Page
from steward.runtime.client import Client
from steward.runtime.fence import Fence
from steward.runtime.resource import HasMeta, Resource

T = TypeVar("T", bound=HasMeta)


class Trial:
    """What a proof may ask of the API server. Nothing is kept, whatever it asks; errors are those of :class:`~steward.runtime.client.Client`."""

    def __init__(self, client: Client, fence: Fence) -> None:
        self._client = client
        self._fence = fence

    async def apply(self, resource: Resource[T], desired: HasMeta, *, uid: str, manager: str) -> T:
        """What the object would be after an apply, without force."""
        return await self._client.apply(resource, desired, uid=uid, manager=manager, dry_run=True, fence=self._fence)

    async def create(self, resource: Resource[T], desired: HasMeta) -> T:
        """What would be made."""
        return await self._client.create(resource, desired, dry_run=True, fence=self._fence)

    async def page(self, resource: Resource[T], *, namespace: str, selector: str = "") -> Page[T]:
        """The first objects of a kind in a namespace, up to a page of them."""
        return await self._client.page(resource, namespace=namespace, selector=selector)
