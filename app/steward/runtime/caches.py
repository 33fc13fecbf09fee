"""The caches of a process: one for each resource that its component looks at, filled by one informer for each namespace."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NoReturn, TypeVar

from steward.runtime import metrics
from steward.runtime.backoff import pause
from steward.runtime.circuit import Circuit
from steward.runtime.client import Client
from steward.runtime.followed import STALE_SECONDS, Followed, Part
from steward.runtime.informer import Informer
from steward.runtime.resource import HasMeta, Resource
from steward.runtime.store import Change, Index, Store, Writer
from steward.telemetry.logging import get_logger
from steward.telemetry.metrics import Instruments

T = TypeVar("T", bound=HasMeta)

LOOK_SECONDS = 30.0
"""Between two looks at how old the caches are."""

log = get_logger(__name__)


class Caches:
    """What is followed, by the name of its resource.

    Args:
        circuit: Told when the server answers again.
        instruments: Bound metrics.
        namespaces: The only namespaces to look at; empty for all.
    """

    def __init__(self, circuit: Circuit, instruments: Instruments, namespaces: Sequence[str]) -> None:
        self._circuit = circuit
        self._instruments = instruments
        self._namespaces = tuple(namespaces)
        self.followed: dict[str, Followed[Any]] = {}

    def store(
        self, client: Client, resource: Resource[T], *indexes: Index[T], selector: str = "", namespace: str | None = None, name: str = ""
    ) -> Store[T]:
        """See :class:`~steward.runtime.component.Context`. Two different views of one resource are a mistake."""
        part = Part(selector, namespace, name)
        followed = self.followed.get(str(resource))
        if followed is None:
            followed = self.followed[str(resource)] = Followed(Writer(Store(resource, selector=selector)), part)
            namespaces = (self._namespaces or ("",)) if namespace is None else (namespace,)
            followed.informers += [self._informer(client, followed.writer, one, name) for one in namespaces]
        return followed.share(resource, *indexes, part=part)

    def _informer(self, client: Client, writer: Writer[T], namespace: str, name: str) -> Informer[T]:
        store = writer.store

        def relisted(why: str) -> None:
            self._instruments[metrics.RELISTS].labels(str(store.resource), why).inc()

        return Informer(
            client,
            store.resource,
            writer=writer,
            namespace=namespace,
            name=name,
            selector=store.selector,
            relisted=relisted,
            recovered=self._circuit.recovered,
        )

    def subscribe(self, store: Store[T], handler: Callable[[Change[T]], None]) -> None:
        """See :class:`~steward.runtime.component.Context`."""
        self.followed[str(store.resource)].writer.subscribe(handler)

    @property
    def writers(self) -> dict[str, Writer[Any]]:
        """The write side of each."""
        return {name: followed.writer for name, followed in self.followed.items()}

    @property
    def informers(self) -> Iterable[tuple[str, Informer[Any]]]:
        """Every informer, with the name of what it follows."""
        return [(name, informer) for name, followed in self.followed.items() for informer in followed.informers]

    @property
    def sizes(self) -> dict[str, int]:
        """How many objects there are of each."""
        return {name: len(followed) for name, followed in self.followed.items()}

    async def synced(self) -> None:
        """Wait until all are synced."""
        await asyncio.gather(*(informer.synced() for _, informer in self.informers))

    @property
    def are_synced(self) -> bool:
        """Whether each holds its first whole list, or has found that there is nothing to list."""
        return all(followed.is_synced for followed in self.followed.values())

    @property
    def notes(self) -> list[str]:
        """What there is to say about them, in words: why one is not synced, or which kind the cluster does not know."""
        return [followed.note for followed in self.followed.values() if followed.note]

    async def tell_age(self) -> NoReturn:
        """Say once of each that nothing was heard of it for too long, and once that it is again."""
        told: set[str] = set()
        while True:
            await pause(LOOK_SECONDS)
            stale = {name for name, followed in self.followed.items() if followed.is_stale}
            for name in sorted(stale - told):
                log.warning("nothing heard of a resource, what is done rests on an old cache", resource=name, limit_seconds=STALE_SECONDS)
            for name in sorted(told - stale):
                log.info("resource is heard of again", resource=name)
            told = stale
