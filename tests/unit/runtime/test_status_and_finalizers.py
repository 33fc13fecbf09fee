"""What a controller says in the status of an object, and how it lets one go that waits for it."""

import pytest

from steward.runtime import errors
from steward.runtime.apply import perform
from steward.runtime.fence import OPEN
from steward.runtime.plan import Plan, RemoveFinalizer, UpdateStatus
from steward.runtime.recorder import Recorder
from steward.runtime.resource import ChildMeta, Key, Resource, Struct
from steward.runtime.store import Store, Writer
from support.builders import pod
from support.things import client

pytestmark = pytest.mark.looptime

OURS, THEIRS = "example.com/ours", "example.com/theirs"


class Status(Struct, frozen=True):
    """What we say of a pod."""

    phase: str = ""
    observed_generation: int = 0


class Pool(Struct, frozen=True):
    """An object with a status, as a component reads it."""

    metadata: ChildMeta = ChildMeta()
    status: Status | None = None


POOLS: Resource[Pool] = Resource("", "v1", "Pod", "pods", Pool)


class Desk:
    """All that perform needs, and one object."""

    def __init__(self, api, **meta):
        self.api = api
        self.client = client(api)
        self.writer = Writer(Store(POOLS))
        made = pod()
        made["metadata"] |= meta
        self.key = Key("shop", api.add(made)["metadata"]["name"])

    async def look(self):
        """The object as it is now, from the server into the cache."""
        found = await self.client.get(POOLS, self.key)
        self.writer.upsert(found)
        return found

    async def do(self, action):
        """Carry an action out; its error."""
        recorder = Recorder(self.client, controller="test", instance="test")
        outcome = await perform(Plan(actions=(action,)), client=self.client, recorder=recorder, fence=OPEN, writers={"pods": self.writer})
        return next(iter(outcome.errors), None)

    @property
    def there(self):
        """The object at the server."""
        return self.api.get("pods", str(self.key))

    @property
    def held(self):
        """The object in the cache."""
        return self.writer.store.get(self.key)


def saying(observed, phase):
    """A status that speaks of what was looked at."""
    meta = observed.metadata
    return Pool(ChildMeta(name=meta.name, namespace=meta.namespace), Status(phase=phase, observed_generation=meta.generation))


@pytest.fixture
def desk(api):
    return Desk(api)


async def test_a_status_is_written_through_the_subresource_with_the_generation_it_speaks_of(desk):
    seen = await desk.look()
    desk.api.merge("pods", "shop/web-0", {"metadata": {"labels": {"by": "another"}}})

    assert await desk.do(UpdateStatus(POOLS, seen, saying(seen, "Succeeded"))) is None
    assert seen.metadata.generation > 0
    assert ("Succeeded", seen.metadata.generation) == (desk.there["status"]["phase"], desk.there["status"]["observedGeneration"])
    assert ["status"] == [request.target.subresource for request in desk.api.seen("patch pods")]
    assert {"by": "another"} == desk.there["metadata"]["labels"]
    assert "Succeeded" == desk.held.status.phase


async def test_an_equal_status_is_not_written(desk):
    seen = await desk.look()
    await desk.do(UpdateStatus(POOLS, seen, saying(seen, "Succeeded")))
    before = desk.api.requests()
    for _ in range(1000):
        await desk.do(UpdateStatus(POOLS, desk.held, saying(desk.held, "Succeeded")))

    assert before == desk.api.requests()


async def test_a_status_hits_the_object_that_was_looked_at_or_none(desk):
    seen = await desk.look()
    desk.api.remove("pods", "shop/web-0")
    desk.api.add(pod(uid="another"))

    assert isinstance(await desk.do(UpdateStatus(POOLS, seen, saying(seen, "Succeeded"))), errors.Conflict)
    assert "Running" == desk.there["status"]["phase"]


async def test_a_finalizer_of_ours_goes_and_those_of_others_stay(api):
    desk = Desk(api, finalizers=[THEIRS, OURS])
    seen = await desk.look()

    assert await desk.do(RemoveFinalizer(POOLS, seen, OURS)) is None
    assert [THEIRS] == desk.there["metadata"]["finalizers"]
    assert (THEIRS,) == desk.held.metadata.finalizers


async def test_the_last_finalizer_lets_a_deleted_object_go(api):
    """Until then it waits, however long what we clean up outside is out of reach."""
    desk = Desk(api, finalizers=[OURS], deletionTimestamp="2026-01-01T00:00:00Z")
    seen = await desk.look()
    assert desk.there is not None

    assert await desk.do(RemoveFinalizer(POOLS, seen, OURS)) is None
    assert desk.there is None
    assert desk.held is None


async def test_a_list_of_finalizers_that_moved_is_looked_at_again(api):
    """Another one stands where ours was: it must not be taken away by its place."""
    desk = Desk(api, finalizers=[OURS])
    seen = await desk.look()
    api.merge("pods", "shop/web-0", {"metadata": {"finalizers": [THEIRS, OURS]}})

    assert isinstance(await desk.do(RemoveFinalizer(POOLS, seen, OURS)), errors.Conflict)
    assert [THEIRS, OURS] == desk.there["metadata"]["finalizers"]
    assert await desk.do(RemoveFinalizer(POOLS, await desk.look(), OURS)) is None


async def test_a_finalizer_of_another_object_of_that_name_is_not_taken(api):
    desk = Desk(api, finalizers=[OURS])
    seen = await desk.look()
    api.remove("pods", "shop/web-0")
    api.add(pod(uid="another") | {"metadata": {"name": "web-0", "namespace": "shop", "finalizers": [OURS]}})

    assert isinstance(await desk.do(RemoveFinalizer(POOLS, seen, OURS)), errors.Conflict)
    assert [OURS] == desk.there["metadata"]["finalizers"]


async def test_an_object_that_is_gone_needs_no_letting_go(api):
    desk = Desk(api, finalizers=[OURS])
    seen = await desk.look()
    api.remove("pods", "shop/web-0")

    assert await desk.do(RemoveFinalizer(POOLS, seen, OURS)) is None
    assert desk.held is None
