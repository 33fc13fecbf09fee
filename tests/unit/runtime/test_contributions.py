"""Fields that are added to objects of somebody else: tried first, never by force, taken away again."""

import pytest

from steward.runtime import errors
from steward.runtime.apply import perform
from steward.runtime.fence import Held, Open
from steward.runtime.plan import Contribute, Event, Plan, Reason, Reference
from steward.runtime.recorder import Recorder
from steward.runtime.resource import ObjectMeta
from steward.runtime.store import Store, Writer
from support.things import THINGS, Thing, client, key, manifest

pytestmark = pytest.mark.looptime

ABOUT = Reference("v1", "ConfigMap", "default", "a", "")
DONE = Event(ABOUT, Reason("Added", "Normal", "It was added."), "added", "Add")
FAILED = Reason("NotAdded", "Warning", "It was not added.")


def _failed(error):
    return Event(ABOUT, FAILED, str(error), "Add")


class Desk:
    """All that perform needs, and an object of somebody else."""

    def __init__(self, api) -> None:
        self.api = api
        self.client = client(api)
        self.recorder = Recorder(self.client, controller="test", instance="test")
        self.fence = Open()
        self.writer = Writer(Store(THINGS))
        api.add(manifest("a", theirs="1"))

    async def add(self, *, manager="contributor", proof=None, **data):
        """Contribute data; the error."""
        observed = await self.client.get(THINGS, key("a"))
        wanted = Thing(metadata=ObjectMeta(name="a", namespace="default"), data=data)
        action = Contribute(THINGS, observed, wanted, manager, proof=proof, done=DONE, failed=_failed)
        plan = Plan(actions=(action,))
        outcome = await perform(plan, client=self.client, recorder=self.recorder, fence=self.fence, writers={str(THINGS): self.writer})
        return next(iter(outcome.errors), None)

    def there(self):
        """The object at the server."""
        return self.api.get("configmaps", "default/a")

    def said(self) -> bytes:
        """The events that were recorded."""
        return self.recorder.recent()


@pytest.fixture
def desk(api):
    return Desk(api)


async def test_what_is_added_belongs_to_the_manager_of_the_action(desk):
    assert await desk.add(ours="2") is None

    assert {"theirs": "1", "ours": "2"} == desk.there()["data"]
    assert {"test", "contributor"} == {entry["manager"] for entry in desk.there()["metadata"]["managedFields"]}
    assert {"theirs": "1", "ours": "2"} == desk.writer.store.get(key("a")).data
    assert b"added" in desk.said()


async def test_what_is_not_named_any_more_is_taken_away(desk):
    await desk.add(ours="2")
    await desk.add()

    assert {"theirs": "1"} == desk.there()["data"]


async def test_a_field_of_somebody_else_is_a_conflict_and_stays(desk):
    error = await desk.add(theirs="2")

    assert isinstance(error, errors.Conflict)
    assert {"theirs": "1"} == desk.there()["data"]
    assert b"NotAdded" in desk.said()


async def test_nothing_is_written_when_the_proof_fails(desk):
    async def refuse(trial):
        raise errors.Unproved("the quota is used up")

    error = await desk.add(proof=refuse, ours="2")

    assert isinstance(error, errors.Unproved)
    assert 0 == desk.api.requests("patch")
    assert b"the quota is used up" in desk.said()


async def test_a_proof_sees_what_would_be_and_leaves_nothing_behind(desk):
    seen = []

    async def look(trial):
        observed = await desk.client.get(THINGS, key("a"))
        wanted = Thing(metadata=ObjectMeta(name="a", namespace="default"), data={"ours": "2"})
        seen.append(await trial.apply(THINGS, wanted, uid=observed.metadata.uid, manager="contributor"))
        seen.append(await trial.create(THINGS, Thing(metadata=ObjectMeta(name="b", namespace="default"))))
        seen.append((desk.there()["data"], desk.api.keys("configmaps")))
        raise errors.Unproved("seen enough")

    await desk.add(proof=look, ours="2")

    assert {"theirs": "1", "ours": "2"} == seen[0].data
    assert "b" == seen[1].metadata.name
    assert ({"theirs": "1"}, {"default/a"}) == seen[2]


async def test_an_object_that_was_made_anew_is_left_alone(desk):
    observed = await desk.client.get(THINGS, key("a"))
    desk.api.remove("configmaps", "default/a")
    desk.api.add(manifest("a", theirs="1"))
    wanted = Thing(metadata=ObjectMeta(name="a", namespace="default"), data={"ours": "2"})
    plan = Plan(actions=(Contribute(THINGS, observed, wanted, "contributor"),))

    outcome = await perform(plan, client=desk.client, recorder=desk.recorder, fence=desk.fence, writers={str(THINGS): desk.writer})

    assert [errors.Conflict] == [type(error) for error in outcome.errors]
    assert {"theirs": "1"} == desk.there()["data"]


async def test_no_proof_leaves_after_the_fence_fell(desk):
    desk.fence = Held(10.0, lambda: 0.0)

    async def slow(trial):
        desk.fence.fall()
        await trial.create(THINGS, Thing(metadata=ObjectMeta(name="b", namespace="default")))

    with pytest.raises(errors.LeaseLost):
        await desk.add(proof=slow, ours="2")
    assert 0 == desk.api.requests("write")
