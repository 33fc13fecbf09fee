"""One resource in the cache: its store, and the informers that fill it."""

from __future__ import annotations

import time
from typing import Generic, NamedTuple, TypeVar

from steward.runtime.informer import Informer
from steward.runtime.resource import HasMeta, Resource
from steward.runtime.store import Index, Store, Writer

T = TypeVar("T", bound=HasMeta)


class Part(NamedTuple):
    """Which objects of a resource.

    Attributes:
        selector: Label selector; empty for all.
        namespace: The only namespace; None for those of the configuration.
        name: The only name; empty for all.
    """

    selector: str = ""
    namespace: str | None = None
    name: str = ""

    def __str__(self) -> str:
        namespace = f", in namespace {self.namespace}" if self.namespace else ""
        return f"by the selector {self.selector!r}{namespace}{f', named {self.name}' if self.name else ''}"


EVERYTHING = Part()

STALE_SECONDS = 300.0
"""A cache of which nothing was heard for as long may be behind. Bookmarks come every minute."""


class Followed(Generic[T]):
    """One resource in the cache, with the informers that fill it."""

    def __init__(self, writer: Writer[T], part: Part = EVERYTHING) -> None:
        self.writer = writer
        self.part = part
        self.informers: list[Informer[T]] = []
        self.resource_name = str(writer.store.resource)

    def share(self, resource: Resource[T], *indexes: Index[T], part: Part) -> Store[T]:
        """The store, for one more who looks at it; found by these indexes too.

        Raises:
            ValueError: Another view of the resource was asked for.
        """
        store = self.writer.store
        if (store.resource, self.part) != (resource, part):
            raise ValueError(f"{self.resource_name} is followed already, as {store.resource.type.__name__} and {self.part}")
        store.index(*indexes)
        return store

    @property
    def is_synced(self) -> bool:
        """Whether the first whole list is there, of every namespace."""
        return all(informer.is_synced for informer in self.informers)

    @property
    def is_served(self) -> bool:
        """Whether the API server has such objects."""
        return self.writer.store.served

    @property
    def last_event(self) -> float:
        """Unix time at which the server was last heard: of several namespaces the one that was heard longest ago. 0 before that."""
        return min(informer.last_event for informer in self.informers)

    @property
    def is_stale(self) -> bool:
        """Whether nothing was heard for so long that what is here may be of another time."""
        return self.is_served and 0 < self.last_event < time.time() - STALE_SECONDS

    @property
    def unreadable(self) -> int:
        """Objects that do not fit their struct."""
        return len(self.writer.store.unreadable)

    def __len__(self) -> int:
        return len(self.writer.store)

    @property
    def note(self) -> str:
        """Why it is not synced, that there is nothing to sync, or that it may be old, in words; else empty."""
        if not self.is_served:
            return f"{self.resource_name}: API is missing"
        if self.is_stale:
            return f"{self.resource_name}: nothing heard for {time.time() - self.last_event:.0f} s"
        if self.is_synced:
            return ""
        failures = [str(informer.failure) for informer in self.informers if informer.failure is not None]
        return f"{self.resource_name} not synced: {failures[0] if failures else 'first list is on its way'}"
