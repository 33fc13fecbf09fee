"""What tests of the runtime share: a fake server, and an informer at work on it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from steward.runtime.informer import Informer
from steward.runtime.resource import Key, Resource
from steward.runtime.store import Change, Store, Writer
from support.fakeapi import FakeAPI, MemoryTransport
from support.managers import until
from support.things import THINGS, client


class Following:
    """An informer of ConfigMaps, what it told, and how it listed."""

    def __init__(self, api: FakeAPI, *, resource: Resource[Any] = THINGS, **options: Any) -> None:
        self.api = api
        self.transport = MemoryTransport(api)
        self.changes: list[Change] = []
        self.lists: list[str] = []
        writer = Writer(Store(resource))
        writer.subscribe(self.changes.append)
        self.informer = Informer(client(self.transport), resource, writer=writer, relisted=self.lists.append, **options)
        self.task: asyncio.Task | None = None

    @property
    def held(self) -> dict[Key, str]:
        """The version of every object in the cache."""
        return {item.metadata.key: item.metadata.resource_version for item in self.informer.writer.store}

    def there(self) -> dict[Key, str]:
        """The version of every object at the server."""
        objects = self.api.all("configmaps")
        return {Key(o["metadata"]["namespace"], o["metadata"]["name"]): o["metadata"]["resourceVersion"] for o in objects}

    def words(self) -> list[tuple[str, str]]:
        """Each change as a word and a name."""
        word = {(False, True): "added", (True, True): "updated", (True, False): "deleted"}
        return [(word[change.old is not None, change.new is not None], change.object.metadata.name) for change in self.changes]

    async def until(self, condition: Callable[[], Any], *, seconds: float = 60.0) -> None:
        """Wait for something, while the informer lives."""
        await until(condition, seconds=seconds, unless=self.task)

    async def equal(self, *, seconds: float = 120.0) -> None:
        """Wait until the cache is what the server has."""
        await self.until(lambda: self.held == self.there(), seconds=seconds)


@pytest.fixture
def api() -> FakeAPI:
    """A fake server."""
    return FakeAPI()


@pytest.fixture
async def follow(api: FakeAPI) -> AsyncIterator[Callable]:
    """Start an informer; it ends with the test."""
    started: list[Following] = []

    async def start(*, synced: bool = True, **options: Any) -> Following:
        following = Following(api, **options)
        started.append(following)
        following.task = asyncio.ensure_future(following.informer.run())
        if synced:
            await following.until(lambda: following.informer.is_synced)
        return following

    yield start
    for following in started:
        assert following.task is not None
        following.task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await following.task
