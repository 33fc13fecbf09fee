"""A component worked by hand on a fake API server: lists instead of watches, one key after the other, and no time passes."""

import asyncio
from typing import Any

from prometheus_client import CollectorRegistry

from steward.headless.component import COMPONENT
from steward.headless.config import Config
from steward.runtime import errors, metrics
from steward.runtime.apply import perform
from steward.runtime.client import Client
from steward.runtime.fence import Open
from steward.runtime.plan import Action, Create, Event
from steward.runtime.resource import Key
from steward.telemetry.metrics import bind
from support.builders import Manifest
from support.desk import Desk
from support.fakeapi import FakeAPI, MemoryTransport


class Worked:
    """Looks, decides and writes, as informers, queue and workers do together.

    Attributes:
        written: Every action that was carried out, by key.
        refused: Kind and key of what belongs to others, and was not made.
        events: Every Event that was told.
    """

    def __init__(self, api: FakeAPI, config: Config | None = None) -> None:
        self.desk = Desk(config)
        self.written: dict[Key, list[Action]] = {}
        self.refused: set[tuple[str, Key]] = set()
        self.events: list[Event] = []
        self._api = api
        self._client = client(api, f"steward-{COMPONENT.name}")

    def record(self, event: Event) -> None:
        """Take an Event, as a recorder does."""
        self.events.append(event)

    async def look(self) -> None:
        """Make the stores what the server has."""
        now = asyncio.get_running_loop().time()
        for name, writer in self.desk.writers.items():
            page = await self._client.page(writer.store.resource, selector=self.desk.selectors[name])
            await writer.replace({item.metadata.key: item for item in page.items}, started=now)

    async def settle(self, *, limit: int) -> None:
        """Carry out what follows from what changed, until nothing does; fails if a key needs more rounds of writes than ``limit``."""
        rounds: dict[Key, int] = {}
        await self.look()
        while self.desk.woken:
            key = next(iter(self.desk.woken))
            del self.desk.woken[key]
            if await self._reconcile(key):
                rounds[key] = rounds.get(key, 0) + 1
                assert rounds[key] <= limit, f"{key} does not come to rest: {self.written[key]}"
            if not self.desk.woken:
                await self.look()

    def unfinished(self) -> dict[Key, tuple[Action, ...]]:
        """What would still be done if every key were looked at again, but for what was refused."""
        keys = {item.metadata.key for writer in self.desk.writers.values() for item in writer.store}
        plans = {key: [action for action in self.desk.plan(key).actions if _target(action) not in self.refused] for key in keys}
        return {key: tuple(actions) for key, actions in plans.items() if actions}

    async def _reconcile(self, key: Key) -> bool:
        state = self.desk.observe(key)
        if state is None:
            return False
        plan = self.desk.controller.reconcile(state)
        outcome = await perform(plan, client=self._client, recorder=self, fence=Open(), writers=self.desk.writers)
        self.desk.controller.concluded(state, plan, outcome, 0.0)
        self.refused -= set(map(_target, plan.actions))
        self.refused |= {_target(action) for action, error in outcome.results if isinstance(error, errors.NotOurs)}
        for error in outcome.errors:
            # The two that mean "look again"; any other would be said again and again.
            assert isinstance(error, errors.AlreadyExists | errors.Conflict | errors.NotOurs), error
            if not isinstance(error, errors.NotOurs):
                self.desk.woken[key] = None
        self.written.setdefault(key, []).extend(plan.actions)
        return bool(plan.actions)


def _target(action: Action) -> tuple[str, Key]:
    wanted = action.desired if isinstance(action, Create) else action.observed
    return action.resource.kind, wanted.metadata.key


def client(api: FakeAPI, manager: str) -> Client:
    """Somebody who writes, by the name that field ownership has for him."""
    return Client(MemoryTransport(api), field_manager=manager, instruments=bind(metrics.ALL, CollectorRegistry(), component="test"))


def everything(api: FakeAPI) -> dict[str, Any]:
    """Every Service and EndpointSlice there is, by resource, namespace and name."""
    return {f"{plural} {key}": api.get(plural, key) for plural in ("services", "endpointslices") for key in sorted(api.keys(plural))}


def is_of_a_pod(manifest: Manifest) -> bool:
    """Whether an object bears both proofs that it is the operator's: labels, and a pod that controls it. Told from the manifest alone."""
    meta = manifest["metadata"]
    labels = meta.get("labels") or {}
    owners = [owner for owner in meta.get("ownerReferences") or () if owner.get("controller")]
    marked = ("steward", "headless-service-operator") == (labels.get("app.kubernetes.io/managed-by"), labels.get("operator"))
    return marked and ["Pod"] == [owner["kind"] for owner in owners]
