"""A component without a Manager: stores filled by hand, its controller asked step by step."""

from collections.abc import Coroutine, Iterable
from typing import Any

from prometheus_client import CollectorRegistry

from steward.headless.component import COMPONENT
from steward.headless.config import Config
from steward.headless.controller import State
from steward.runtime.plan import Plan
from steward.runtime.resource import Key, Resource
from steward.runtime.store import Change, Index, Store, Writer
from steward.telemetry.metrics import StateGauge, bind
from support.builders import Manifest, model


class Desk:
    """What the component is built from, as ``steward.runtime.component.Context`` says, and the controller it then is.

    Args:
        config: Its configuration; the default one if None.

    Attributes:
        woken: Keys that changes asked for, in their order, each once.
    """

    def __init__(self, config: Config | None = None) -> None:
        self.config = Config() if config is None else config
        self.instance = "default.steward-headless"
        self.own_namespace = "default"
        self.namespaces: tuple[str, ...] = ()
        self.registry = CollectorRegistry()
        self.instruments = bind(COMPONENT.metrics, self.registry, component=COMPONENT.name)
        self.selectors: dict[str, str] = {}
        self.writers: dict[str, Writer[Any]] = {}
        self.woken: dict[Key, None] = {}
        self._version = 0
        (self.controller,) = COMPONENT.build(self)
        for watch in self.controller.watches:
            self.writers[str(watch.store.resource)].subscribe(lambda change, watch=watch: self._wake(watch, change))

    def store(self, resource: Resource[Any], *indexes: Index[Any], selector: str = "") -> Store[Any]:
        """An empty store."""
        self.writers[str(resource)] = Writer(Store(resource, indexes, selector=selector))
        self.selectors[str(resource)] = selector
        return self.writers[str(resource)].store

    def expose(self, gauge: StateGauge[Any], source: Any) -> None:
        """Read from now on."""
        self.instruments.observe(gauge, source)

    def file(self, *manifests: Manifest) -> None:
        """Put objects into their stores, each as a newer version of what has its name."""
        for manifest in manifests:
            self._version += 1
            writer = self._writer(manifest)
            meta = {"resourceVersion": str(self._version), "uid": f"uid-of-{manifest['kind']}-{manifest['metadata']['name']}"} | manifest["metadata"]
            writer.upsert(model(writer.store.resource, manifest | {"metadata": meta}))

    def drop(self, manifest: Manifest) -> None:
        """Take an object out of its store, as a DELETED event does."""
        store = self._writer(manifest).store
        held = store.get(Key(manifest["metadata"]["namespace"], manifest["metadata"]["name"]))
        assert held is not None, "it is not there"
        self._writer(manifest).remove(held)

    def observe(self, key: Key) -> State | None:
        """What the controller sees of a key."""
        return at_once(self.controller.observe(key, None))

    def plan(self, key: Key) -> Plan:
        """What the controller would do about a key; nothing if it sees nothing."""
        state = self.observe(key)
        return Plan() if state is None else self.controller.reconcile(state)

    def sample(self, name: str, **labels: str) -> float | None:
        """The value of a series."""
        return self.registry.get_sample_value(name, labels)

    def _writer(self, manifest: Manifest) -> Writer[Any]:
        return next(writer for writer in self.writers.values() if writer.store.resource.kind == manifest["kind"])

    def _wake(self, watch: Any, change: Change[Any]) -> None:
        if watch.seen is not None:
            watch.seen(change)
        self.woken |= dict.fromkeys(watch.keys(change))


def state(*manifests: Manifest, config: Config | None = None, key: Key | None = None) -> State:
    """What the controller sees of the first pod, or of ``key``, when these objects are there."""
    found = Desk(config)
    found.file(*manifests)
    seen = found.observe(key if key is not None else _first_pod(manifests))
    assert seen is not None, "nothing to decide on"
    return seen


def at_once(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """The result of a coroutine that does not wait for anything: an observe only looks into stores."""
    try:
        coroutine.send(None)
    except StopIteration as ended:
        return ended.value
    finally:
        coroutine.close()
    raise AssertionError("it waited")


def children(pod: Manifest, config: Config | None = None) -> list[Manifest]:
    """The Service and the EndpointSlices that a pod gets, as they are sent."""
    found = Desk(config)
    found.file(pod)
    return [action.resource.manifest(action.desired) for action in found.plan(_first_pod([pod])).actions]


def _first_pod(manifests: Iterable[Manifest]) -> Key:
    meta = next(manifest["metadata"] for manifest in manifests if manifest["kind"] == "Pod")
    return Key(meta["namespace"], meta["name"])
