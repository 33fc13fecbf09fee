"""What a component is: one literal, from which the command line, the chart's tests, the docs and the manager are driven."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Generic, Protocol, TypeVar

import msgspec

from steward.runtime import metrics
from steward.runtime.controller import Controller
from steward.runtime.hands import Hands
from steward.runtime.lease import LEASES
from steward.runtime.plan import Reason
from steward.runtime.recorder import EVENTS
from steward.runtime.resource import HasMeta, Resource
from steward.runtime.store import Change, Index, Store
from steward.telemetry.metrics import SCRAPE_ERRORS, Instruments, Metric, Snapshot, StateGauge
from steward.telemetry.probes import Verdict

C = TypeVar("C")
C_co = TypeVar("C_co", covariant=True)
S = TypeVar("S")
T = TypeVar("T", bound=HasMeta)


class Right(msgspec.Struct, frozen=True):
    """One rule of RBAC.

    Attributes:
        resource: On what.
        verbs: Which, separated by spaces.
        why: What for; people decide on it.
        own_namespace: Whether it is only needed in the namespace the program runs in.
        subresource: A part of it, such as ``status``; empty for the object itself.
        when: A field of the component's configuration, as a dotted path in camelCase, without which the right is not needed: one that is true,
            or that has a value, such as ``remediation.enabled`` or ``tls.mode=self``. Empty for a right that is always needed.
        named: Where it is about a single object, the field of the configuration, likewise, that holds its name; without a name it is not needed.
            Not for a create by POST, which names nothing.
    """

    resource: Resource[Any]
    verbs: str
    why: str
    own_namespace: bool = False
    subresource: str = ""
    when: str = ""
    named: str = ""

    @property
    def plural(self) -> str:
        """The resource as RBAC names it."""
        return f"{self.resource.plural}/{self.subresource}" if self.subresource else self.resource.plural

    def __str__(self) -> str:
        return f"{self.plural}.{self.resource.group}" if self.resource.group else self.plural

    def is_needed(self, config: object) -> bool:
        """Whether a process of this configuration needs it.

        Raises: KeyError when the configuration has no such field.
        """
        path, _, value = self.when.partition("=")
        if self.named and not self.name_in(config):
            return False
        if not path:
            return True
        found = _field(config, path)
        return found == value if value else bool(found)

    def name_in(self, config: object) -> str:
        """The name of the only object it is about; empty where it is about all. Raises: KeyError as :meth:`is_needed`."""
        return str(_field(config, self.named)) if self.named else ""


def _field(config: object, path: str) -> object:
    found = msgspec.to_builtins(config)
    for step in path.split("."):
        found = found[step]
    return found


LEASE_RIGHT = Right(LEASES, "get create patch", why="one replica leads; the others wait", own_namespace=True)
EVENTS_RIGHT = Right(EVENTS, "create patch", why="tells owners of objects what was done, and why not")


class Service(Protocol):
    """What a component does on every replica besides its controllers, leader or not: a server, mostly."""

    @property
    def name(self) -> str:
        """For the log."""

    async def run(self, stopping: asyncio.Event) -> None:
        """Work from when the caches are synced until told to stop, and on until everything is given back. A death of it is that of the process."""

    def ready(self) -> Verdict:
        """Whether it can do its work; part of the readiness of the process. As :meth:`steward.telemetry.probes.Probe.check`."""


class Context(Protocol[C_co]):
    """What a component is built from."""

    @property
    def config(self) -> C_co:
        """The component's configuration."""

    @property
    def instance(self) -> str:
        """Which installation this is: a label value, the same for all its replicas and releases."""

    @property
    def own_namespace(self) -> str:
        """The namespace the process runs in."""

    @property
    def namespaces(self) -> Sequence[str]:
        """The only namespaces to look at; empty for all."""

    @property
    def instruments(self) -> Instruments:
        """The bound metrics."""

    @property
    def hands(self) -> Hands:
        """For a service that writes."""

    def store(self, resource: Resource[T], *indexes: Index[T], selector: str = "", namespace: str | None = None, name: str = "") -> Store[T]:
        """A cache of these objects, kept up to date by the manager; the same for all who ask for the same.

        Args:
            resource: What kind of object.
            indexes: Further ways to find them.
            selector: Only those with these labels.
            namespace: Only there, whatever namespaces the configuration names; empty for the whole cluster.
            name: Only the one of this name; RBAC can be limited to it.
        """

    def subscribe(self, store: Store[T], handler: Callable[[Change[T]], None]) -> None:
        """Call ``handler`` with every change of a cache, on every replica, from the first list on. It must not block, wait or raise."""

    @property
    def is_synced(self) -> bool:
        """Whether every cache holds its first whole list, so that what is counted is all there is. Callable from any thread."""

    def expose(self, gauge: StateGauge[S], source: S | Snapshot[S]) -> None:
        """Read this gauge from ``source`` at every scrape."""

    def serve(self, service: Service) -> None:
        """Run this on every replica."""


class Component(msgspec.Struct, Generic[C], frozen=True):
    """The declaration of a component.

    Attributes:
        name: As in ``steward run NAME``, values and labels.
        summary: One sentence.
        config: Struct of its configuration.
        rights: What it does at the API server, besides what :attr:`all_rights` adds.
        metrics: What it measures, besides :data:`steward.runtime.metrics.ALL`.
        reasons: The reasons of its Events.
        build: Makes its controllers; none, where counting what the caches hold is all.
        elects_leader: Whether one replica leads, whose controllers write, and the others wait. False where there are no controllers, and all
            replicas do the same.
        events_when: Where it tells Events in some configurations only, which, as :attr:`Right.when`; empty where it tells them in all.
    """

    name: str
    summary: str
    config: type[C]
    rights: tuple[Right, ...]
    metrics: tuple[Metric, ...]
    reasons: tuple[Reason, ...]
    build: Callable[[Context[C]], tuple[Controller[Any], ...]]
    elects_leader: bool = True
    events_when: str = ""

    @property
    def all_rights(self) -> tuple[Right, ...]:
        """What it does at the API server: to the lease only where leaders are elected, to Events only where some are told."""
        common = (LEASE_RIGHT,) * self.elects_leader + (self._events_right,) * bool(self.reasons)
        return common + self.rights

    @property
    def _events_right(self) -> Right:
        return msgspec.structs.replace(EVENTS_RIGHT, when=self.events_when)

    @property
    def all_metrics(self) -> tuple[Metric, ...]:
        """What it measures, the common metrics included that it has."""
        absent = (frozenset() if self.elects_leader else metrics.OF_CONTROLLERS) | (frozenset() if self.reasons else {metrics.EVENTS})
        return (*(metric for metric in metrics.ALL if metric not in absent), SCRAPE_ERRORS, *self.metrics)


def needed_rights(component: Component[C], config: C, *, elects: bool) -> tuple[Right, ...]:
    """What a process of this configuration does at the API server; ``elects`` says whether it takes part in an election."""
    return tuple(right for right in component.all_rights if right.is_needed(config) and (elects or right is not LEASE_RIGHT))
