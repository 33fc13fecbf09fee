"""Remediation step by step on a fake API server, at a time that the test says."""

import copy
import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from steward.governance.model import PODS
from steward.policy.remediation import metrics
from steward.policy.remediation.config import RemediationConfig
from steward.policy.remediation.controller import controller, key_of
from steward.policy.remediation.model import WORKLOADS
from steward.runtime import errors
from steward.runtime.apply import perform
from steward.runtime.fence import OPEN
from steward.runtime.plan import Event, Outcome
from steward.runtime.recorder import Recorder
from steward.runtime.resource import Key, Resource
from steward.runtime.store import Index, Store, Writer
from steward.telemetry.metrics import Instruments, bind
from support.fakeapi import FakeAPI
from support.things import client

NAMESPACE = "shop"


class Process:
    """One process of the component, without a manager: what :class:`steward.runtime.component.Context` says, and its memory."""

    def __init__(self, api: FakeAPI, config: RemediationConfig) -> None:
        self.registry = CollectorRegistry()
        self.instruments: Instruments = bind(metrics.ALL, self.registry, component="policy")
        self.writers: dict[str, Writer[Any]] = {}
        self.client = client(api)
        self.recorder = Recorder(self.client, controller="test", instance="test")
        self.controller, self.cluster = controller(self, config, PODS)  # type: ignore[arg-type]
        self.told: dict[Key, tuple[Event, ...]] = {}

    def store(self, resource: Resource[Any], *indexes: Index[Any], selector: str = "") -> Store[Any]:
        """An empty store."""
        self.writers[str(resource)] = Writer(Store(resource, indexes, selector=selector))
        return self.writers[str(resource)].store

    async def look(self) -> None:
        """Bring the stores up to date."""
        for writer in self.writers.values():
            try:
                page = await self.client.page(writer.store.resource)
            except errors.NotFound:
                continue
            await writer.replace({item.metadata.key: item for item in page.items}, started=0.0, unreadable=page.unreadable)

    async def step(self, key: Key, now: dt.datetime) -> Outcome | None:
        """What a worker does with one key."""
        await self.look()
        case = await self.controller.observe(key, now)
        if case is None:
            return None
        plan = self.controller.reconcile(case)
        told = self.told.get(key, ())
        outcome = await perform(plan, client=self.client, recorder=self.recorder, fence=OPEN, writers=self.writers, told=told)
        self.told[key] = (*plan.events, *outcome.failed)
        self.controller.concluded(case, plan, outcome, 0.0)
        return outcome

    def sample(self, metric, *labels: str) -> float:
        """The value of a counter."""
        return self.registry.get_sample_value(metric.name, dict(zip(metric.labels, labels, strict=True))) or 0.0


class Town:
    """A namespace with policies and workloads, a clock, and whoever makes rollouts run."""

    def __init__(self) -> None:
        self.api = FakeAPI()
        self.now = dt.datetime.now(dt.UTC).replace(microsecond=0)
        self.config = RemediationConfig(enabled=True)
        self.process = Process(self.api, self.config)

    def restart(self) -> None:
        """Another process takes over, and remembers nothing."""
        self.process = Process(self.api, self.config)

    def add(self, manifest: dict[str, Any]) -> Key:
        """Put a workload there; its key."""
        manifest = copy.deepcopy(manifest)
        for made in ("uid", "generation"):
            manifest["metadata"].pop(made, None)
        self.api.add(manifest)
        return key_of(manifest["kind"], Key(manifest["metadata"]["namespace"], manifest["metadata"]["name"]))

    def there(self, key: Key) -> dict[str, Any]:
        """A workload at the server."""
        kind, _, name = key.name.partition("/")
        return self.api.get(f"{kind}s", f"{key.namespace}/{name}")

    def main(self, key: Key) -> dict[str, Any]:
        """Its first container."""
        return self.there(key)["spec"]["template"]["spec"]["containers"][0]

    def roll(self, key: Key) -> None:
        """Its rollout is over, and all is available."""
        kind, _, name = key.name.partition("/")
        generation = self.there(key)["metadata"].get("generation", 1)
        self.api.merge(f"{kind}s", f"{key.namespace}/{name}", {"status": {"observedGeneration": generation}})

    def replace(self, key: Key, change: Callable[[dict[str, Any]], object]) -> None:
        """Somebody writes the whole workload, as it is but for a change."""
        kind, _, name = key.name.partition("/")
        whole, table = self.there(key), self.api.database.table(f"{kind}s")
        change(whole)
        self.api.database.replace(table.kind, table.objects[f"{key.namespace}/{name}"], whole)

    async def step(self, key: Key, *, after: dt.timedelta = dt.timedelta(seconds=30)) -> Outcome | None:
        """Some time later the controller looks."""
        self.now += after
        return await self.process.step(key, self.now)

    def said(self) -> list[str]:
        """The reasons of all Events."""
        return [line.split('"reason":"')[1].split('"')[0] for line in self.process.recorder.recent().decode().splitlines()]

    def patches(self) -> int:
        """Patches of workloads that were no dry runs."""
        plurals = {resource.plural for resource in WORKLOADS.values()}
        return sum(seen.target.kind.plural in plurals and seen.target.verb == "patch" and "dryRun" not in seen.query for seen in self.api.journal)


@pytest.fixture
def town() -> Town:
    return Town()
