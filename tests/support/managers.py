"""A whole Manager at work on a fake API server."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any

import msgspec
from prometheus_client import CollectorRegistry

from steward.headless.component import COMPONENT
from steward.headless.config import Config
from steward.runtime import metrics
from steward.runtime.component import Component
from steward.runtime.lease import LeaseConfig
from steward.runtime.manager import Manager
from steward.runtime.resource import Key
from steward.telemetry.metrics import bind
from support.fakeapi import FakeAPI, MemoryTransport


class Running:
    """A Manager and what can be seen of it from outside."""

    def __init__(
        self,
        api: FakeAPI,
        config: Any = None,
        *,
        component: Component[Any] = COMPONENT,
        identity: str = "steward-0",
        instance: str = "default.steward-headless",
        lease: bool = False,
        namespaces: tuple[str, ...] = (),
    ) -> None:
        self.api = api
        self.registry = CollectorRegistry()
        self.transport = MemoryTransport(api)
        key = Key("default", f"steward-{component.name}")
        self.manager = Manager(
            component,
            Config() if config is None else config,
            transport=self.transport,
            instruments=bind((*metrics.ALL, *component.metrics), self.registry, component=component.name),
            identity=identity,
            instance=instance,
            own_namespace="default",
            lease=LeaseConfig(key=key, identity=identity) if lease else None,
            namespaces=namespaces,
        )
        self.task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Run it in the background."""
        self.task = asyncio.create_task(self.manager.run())

    async def stop(self) -> None:
        """As SIGTERM does; raises what killed it."""
        assert self.task is not None
        self.manager.stop()
        await self.task

    async def kill(self) -> None:
        """As SIGKILL does: nothing is given back."""
        assert self.task is not None
        self.transport.cut()
        self.task.cancel()
        with contextlib.suppress(BaseException):
            await self.task

    async def until(self, condition: Callable[[], Any], *, seconds: float = 60.0) -> None:
        """Wait until something is so, on the clock of the loop; fails when the manager dies before."""
        await until(condition, seconds=seconds, unless=self.task)

    async def ready(self, *, seconds: float = 60.0) -> None:
        """Wait for the readiness probe."""
        await self.until(lambda: self.manager.is_ready, seconds=seconds)

    def sample(self, name: str, **labels: str) -> float | None:
        """The value of a series; the label ``component`` is filled in."""
        if name.startswith("steward_"):
            labels = {"component": self.manager.component.name, **labels}
        return self.registry.get_sample_value(name, labels)

    def events(self) -> list[dict[str, str]]:
        """What ``/events`` shows."""
        return [msgspec.json.decode(line) for line in self.manager.recent_events().splitlines()]


@contextlib.asynccontextmanager
async def running(api: FakeAPI, config: Any = None, **options: Any) -> AsyncIterator[Running]:
    """A Manager that is ready, and stopped in good order at the end."""
    one = Running(api, config, **options)
    one.start()
    try:
        await one.ready()
        yield one
        await one.stop()
    finally:
        if one.task is not None and not one.task.done():
            await one.kill()


async def until(condition: Callable[[], Any], *, seconds: float = 60.0, unless: asyncio.Task[Any] | None = None) -> None:
    """Wait until something is so, on the clock of the loop: looks after a millisecond, and less and less often, down to four times a second."""
    deadline = asyncio.get_running_loop().time() + seconds
    pause = 0.001
    while not condition():
        if unless is not None and unless.done():
            unless.result()
            raise AssertionError("it ended before that")
        assert asyncio.get_running_loop().time() < deadline, f"not so within {seconds:g} s"
        await asyncio.sleep(pause)
        pause = min(pause * 1.2, 0.25)


async def settled(api: FakeAPI, *, quiet: float = 2.0, seconds: float = 120.0) -> None:
    """Wait until no request other than a watch came for a while."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    while True:
        before = len(api.journal)
        await asyncio.sleep(quiet)
        if len(api.journal) == before:
            return
        assert loop.time() < deadline, f"still requests after {seconds:g} s"
