"""One resource in the cache: its store, and the informers that fill it."""

from __future__ import annotations

import time
from typing import Generic, TypeVar

from steward.runtime.informer import Informer
from steward.runtime.resource import HasMeta
from steward.runtime.store import Writer

T = TypeVar("T", bound=HasMeta)


class Followed(Generic[T]):
    """One resource in the cache, with the informers that fill it."""

    def __init__(self, writer: Writer[T]) -> None:
        self.writer = writer
        self.informers: list[Informer[T]] = []
        self.resource_name = str(writer.store.resource)
        self.last_event = 0.0

    @property
    def is_synced(self) -> bool:
        """Whether the first whole list is there, of every namespace."""
        return all(informer.is_synced for informer in self.informers)

    def moved(self) -> None:
        """Something was heard from the server."""
        self.last_event = time.time()

    @property
    def unreadable(self) -> int:
        """Objects that do not fit their struct."""
        return len(self.writer.store.unreadable)

    def __len__(self) -> int:
        return len(self.writer.store)

    def why_waiting(self) -> str:
        """Why it is not synced, in words."""
        failures = [str(informer.failure) for informer in self.informers if informer.failure is not None]
        return f"{self.resource_name} not synced: {failures[0] if failures else 'first list is on its way'}"
