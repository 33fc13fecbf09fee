"""What perform writes, what it leaves alone, and what it makes of refusals."""

import asyncio

import pytest

from steward.runtime import errors
from steward.runtime.apply import perform
from steward.runtime.client import IN_FLIGHT, JSON_PATCH, MERGE_PATCH
from steward.runtime.fence import Held, Open
from steward.runtime.plan import Apply, Create, Delete, Event, Patch, Plan, Reason, Reference
from steward.runtime.recorder import Recorder
from steward.runtime.store import Store, Writer
from steward.telemetry.secret import Secret
from support.fakeapi import MemoryTransport
from support.things import LABEL, THINGS, client, desired, is_ours, key, manifest, thing

pytestmark = pytest.mark.looptime

REASON = Reason("Done", "Normal", "It was done.")
DONE = Event(Reference("v1", "Pod", "default", "owner", "owner-1"), REASON, "done", "Do")


class Desk:
    """All that perform needs, on a fake server."""

    def __init__(self, api) -> None:
        self.api = api
        self.transport = MemoryTransport(api)
        self.client = client(self.transport)
        self.recorder = Recorder(self.client, controller="test", instance="test")
        self.fence = Open()
        self.writer: Writer = Writer(Store(THINGS))

    async def perform(self, *actions, **options):
        """Carry actions out; the outcome."""
        plan = Plan(actions=actions, **options)
        return await perform(plan, client=self.client, recorder=self.recorder, fence=self.fence, writers={str(THINGS): self.writer})

    async def made(self, name: str, **data: str):
        """An object of ours, made by perform."""
        outcome = await self.perform(Create(THINGS, desired(name, **data)))
        assert not outcome.errors
        return self.held(name)

    def held(self, name: str):
        """The object in the cache."""
        return self.writer.store.get(key(name))

    def there(self, name: str):
        """The object at the server."""
        return self.api.get("configmaps", f"default/{name}")

    def said(self) -> list[str]:
        """The notes of the events that were recorded."""
        return [line for line in self.recorder.recent().decode().splitlines() if line]


@pytest.fixture
def desk(api):
    return Desk(api)


async def test_a_create_is_at_the_server_and_in_the_cache(desk):
    """Before the watch tells of it: the next look at the key sees it."""
    await desk.perform(Create(THINGS, desired("a", x="1"), done=DONE))

    assert {"x": "1"} == desk.there("a")["data"] == desk.held("a").data
    assert desk.there("a")["metadata"]["resourceVersion"] == desk.held("a").metadata.resource_version
    assert 1 == len(desk.said())


async def test_all_actions_leave_at_once(desk):
    """Service and slice do not wait for each other: half the latency."""
    desk.api.delay(1.0, "create")
    await desk.perform(*(Create(THINGS, desired(name)) for name in "abcd"))

    assert 1.0 == pytest.approx(asyncio.get_running_loop().time(), abs=0.01)
    assert 4 == len(desk.writer.store)


async def test_no_more_writes_are_under_way_than_allowed(desk):
    desk.api.delay(1.0, "create")
    work = asyncio.gather(*(desk.perform(Create(THINGS, desired(f"thing-{n}"))) for n in range(2 * IN_FLIGHT + 1)))
    await asyncio.sleep(0.5)

    assert IN_FLIGHT == desk.api.requests("create")
    await work
    assert 3 == pytest.approx(asyncio.get_running_loop().time(), abs=0.01)


async def test_one_action_that_fails_does_not_stop_the_others(desk):
    desk.api.answer(500, match="create configmaps bad")
    outcome = await desk.perform(*(Create(THINGS, desired(name), done=DONE) for name in ("a", "bad", "b")))

    assert [None, errors.ServerError, None] == [error and type(error) for _, error in outcome.results]
    assert {"default/a", "default/b"} == desk.api.keys("configmaps")


async def test_a_create_by_name_needs_no_right_to_create_others(desk):
    """POST names nothing, so RBAC cannot limit it; an apply does."""
    await desk.perform(Create(THINGS, desired("a"), named=True, done=DONE))

    assert "a" == desk.held("a").metadata.name
    assert 0 == desk.api.requests("create")
    assert 1 == len(desk.said())


async def test_a_create_by_name_leaves_what_is_there_as_it_is(desk):
    """It is filed, so that the next look decides on it; it may be anybody's."""
    desk.api.add(manifest("a", x="theirs"))
    outcome = await desk.perform(Create(THINGS, desired("a", x="ours"), named=True))

    assert not outcome.errors
    assert {"x": "theirs"} == desk.there("a")["data"] == desk.held("a").data
    assert 0 == desk.api.requests("write")


async def test_a_create_by_name_gives_back_what_somebody_else_made_at_that_moment(desk):
    """Between the look and the apply, which lands on it: our labels would make it ours, and the next write its end."""
    desk.api.delay(1.0, "write")
    ours = asyncio.create_task(desk.perform(Create(THINGS, desired("a"), named=True)))
    await asyncio.sleep(0.5)
    desk.api.add(manifest("a", labels={"of": "theirs"}, x="theirs"))
    outcome = await ours

    assert not outcome.errors
    assert {"x": "theirs"} == desk.there("a")["data"] == desk.held("a").data
    assert {"of": "theirs"} == desk.there("a")["metadata"]["labels"] == desk.held("a").metadata.labels
    assert not desk.there("a")["metadata"].get("ownerReferences")


def a_patch(observed, fields):
    """A patch of something of ours."""
    return Patch(THINGS, observed, fields, owned=is_ours, done=DONE)


async def test_a_patch_changes_what_it_names(desk):
    made = await desk.made("a", x="1", y="1", z="1")
    await desk.perform(a_patch(made, {"data": {"x": "2", "y": None}}))

    assert {"x": "2", "z": "1"} == desk.there("a")["data"] == desk.held("a").data
    assert 1 == len(desk.said())


async def test_of_two_patches_of_one_observation_one_gets_a_conflict(desk):
    """Two leaders who decided on the same observation: the second one has to look again."""
    made = await desk.made("a", x="1")
    first, second = [await desk.perform(a_patch(made, {"data": {"x": x}})) for x in "23"]

    assert (0, errors.Conflict) == (len(first.errors), type(second.errors[0]))
    assert {"x": "2"} == desk.there("a")["data"]


async def test_a_patch_never_hits_another_object_of_the_name(desk):
    made = await desk.made("a")
    desk.api.remove("configmaps", "default/a")
    desk.api.add(manifest("a", x="theirs"))
    outcome = await desk.perform(a_patch(made, {"data": {"x": "ours"}}))

    assert [errors.Conflict] == [type(error) for error in outcome.errors]
    assert {"x": "theirs"} == desk.there("a")["data"]


async def test_a_patch_proves_that_the_object_is_ours(desk):
    outcome = await desk.perform(a_patch(thing("a"), {"data": {"x": "1"}}))

    assert [errors.NotOurs] == [type(error) for error in outcome.errors]
    assert 0 == desk.api.requests("write")


async def test_a_secret_is_shown_to_the_server_alone(desk, caplog):
    made = await desk.made("a")
    action = a_patch(made, {"data": {"x": Secret("s3cr3t")}})
    await desk.perform(action)

    assert {"x": "s3cr3t"} == desk.there("a")["data"]
    assert "s3cr3t" not in repr(action) + caplog.text


async def test_an_apply_may_speak_for_another_manager(desk):
    """Whose field it is shows in the object; people and other tools go by that."""
    made = await desk.made("a", x="1")
    await desk.perform(Apply(THINGS, made, desired("a", x="2"), owned=is_ours, manager="special"))

    assert ("special", "Apply") in {(entry["manager"], entry["operation"]) for entry in desk.there("a")["metadata"]["managedFields"]}


async def test_an_action_is_told_when_it_was_done_and_not_before(desk):
    desk.api.answer(500, match="create configmaps")
    await desk.perform(Create(THINGS, desired("a"), done=DONE))

    assert [] == desk.said()


# Ownership.


@pytest.mark.parametrize("action", [Apply, Delete])
@pytest.mark.parametrize(
    "foreign",
    [
        manifest("a"),
        manifest("a", labels=LABEL),
        manifest("a")
        | {
            "metadata": {"name": "a", "ownerReferences": [{"apiVersion": "v1", "kind": "Pod", "name": "owner", "uid": "owner-1", "controller": True}]}
        },
        manifest("a", labels=LABEL)
        | {"metadata": {"name": "a", "labels": LABEL, "ownerReferences": [{"apiVersion": "v1", "kind": "Pod", "name": "owner", "uid": "other"}]}},
    ],
    ids=["no label, no owner", "our label alone", "our owner alone", "another owner"],
)
async def test_what_is_not_ours_is_left_alone(desk, action, foreign):
    """The guard is here, not left to reconcile: no request leaves."""
    desk.api.add(foreign)
    observed = await desk.client.get(THINGS, key("a"))
    before = desk.api.requests("write")
    act = Apply(THINGS, observed, desired("a"), owned=is_ours) if action is Apply else Delete(THINGS, observed, owned=is_ours)
    (error,) = (await desk.perform(act)).errors

    assert isinstance(error, errors.NotOurs)
    assert "default/a" in str(error)
    assert before == desk.api.requests("write")


async def test_a_name_that_is_taken_is_found_out_and_never_overwritten(desk):
    """The cache was behind. What is there goes into it, so that the next look decides on what is."""
    desk.api.add(manifest("a", theirs="yes"))
    (error,) = (await desk.perform(Create(THINGS, desired("a", ours="yes")))).errors

    assert isinstance(error, errors.AlreadyExists)
    assert {"theirs": "yes"} == desk.there("a")["data"] == desk.held("a").data


async def test_an_update_hits_the_observed_object_or_none(desk):
    """Made anew under the same name in between: the new one is not ours to change."""
    observed = await desk.made("a", x="1")
    desk.api.remove("configmaps", "default/a")
    desk.api.add(manifest("a", theirs="yes"))
    (error,) = (await desk.perform(Apply(THINGS, observed, desired("a", x="2"), owned=is_ours))).errors

    assert isinstance(error, errors.Conflict)
    assert {"theirs": "yes"} == desk.there("a")["data"]


async def test_an_update_of_what_is_gone_does_not_bring_it_back(desk):
    """Server-side apply would create it."""
    observed = await desk.made("a", x="1")
    desk.api.remove("configmaps", "default/a")
    (error,) = (await desk.perform(Apply(THINGS, observed, desired("a", x="2"), owned=is_ours))).errors

    assert isinstance(error, errors.Conflict | errors.NotFound)
    assert desk.there("a") is None


async def test_a_delete_hits_the_observed_object_or_none(desk):
    observed = await desk.made("a")
    desk.api.remove("configmaps", "default/a")
    desk.api.add(manifest("a", theirs="yes"))
    (error,) = (await desk.perform(Delete(THINGS, observed, owned=is_ours))).errors

    assert isinstance(error, errors.Conflict)
    assert desk.there("a") is not None


async def test_a_stolen_object_is_not_deleted(desk):
    """Ours when we looked, somebody's since: the uid is the same, the version is not."""
    observed = await desk.made("a")
    desk.api.merge("configmaps", "default/a", {"metadata": {"labels": None, "ownerReferences": None}, "data": {"theirs": "yes"}})
    (error,) = (await desk.perform(Delete(THINGS, observed, owned=is_ours))).errors

    assert isinstance(error, errors.Conflict)
    assert desk.there("a") is not None


async def test_a_delete_of_what_is_gone_is_done(desk):
    """The garbage collector was faster."""
    observed = await desk.made("a")
    desk.api.remove("configmaps", "default/a")
    outcome = await desk.perform(Delete(THINGS, observed, owned=is_ours))

    assert not outcome.errors
    assert desk.held("a") is None


async def test_a_delete_that_waits_for_a_finalizer_stays_in_the_cache(desk):
    await desk.made("a")
    desk.api.merge("configmaps", "default/a", {"metadata": {"finalizers": ["test.dev/wait"]}})
    observed = await desk.client.get(THINGS, key("a"))
    await desk.perform(Delete(THINGS, observed, owned=is_ours))

    assert desk.held("a").metadata.deletion_timestamp is not None


# What an update leaves and takes.


async def test_what_we_do_not_want_any_more_goes_and_what_others_added_stays(desk):
    """Although our first write was a create: its fields are turned into applied ones first."""
    observed = await desk.made("a", mine="1", dropped="1")
    desk.api.add(manifest("unrelated"))
    await desk.client.patch(THINGS, key("a"), {"data": {"theirs": "1"}}, content_type=MERGE_PATCH)
    theirs = client(desk.transport, field_manager="somebody")
    await theirs.patch(THINGS, key("a"), {"data": {"foreign": "1"}}, content_type=MERGE_PATCH)
    observed = await desk.client.get(THINGS, key("a"))
    outcome = await desk.perform(Apply(THINGS, observed, desired("a", mine="2"), owned=is_ours))

    assert not outcome.errors
    assert {"mine": "2", "foreign": "1"} == desk.there("a")["data"]


async def test_a_field_that_we_know_nothing_of_survives(desk):
    """An object of a newer server has fields our structs have not; typed models would erase them."""
    observed = await desk.made("a", x="1")
    desk.api.merge("configmaps", "default/a", {"immutable": False, "binaryData": {"new": "Zm9v"}})
    observed = await desk.client.get(THINGS, key("a"))
    await desk.perform(Apply(THINGS, observed, desired("a", x="2"), owned=is_ours))

    assert ({"x": "2"}, {"new": "Zm9v"}) == (desk.there("a")["data"], desk.there("a")["binaryData"])


async def test_a_field_somebody_took_from_us_is_taken_back(desk):
    """By contract it is ours."""
    observed = await desk.made("a", x="1")
    theirs = client(desk.transport, field_manager="somebody")
    await theirs.patch(THINGS, key("a"), {"data": {"x": "theirs"}}, content_type=MERGE_PATCH)
    observed = await desk.client.get(THINGS, key("a"))
    await desk.perform(Apply(THINGS, observed, desired("a", x="1"), owned=is_ours))

    assert {"x": "1"} == desk.there("a")["data"]


async def test_the_second_update_is_one_request(desk):
    """The first turns the created fields into applied ones, for good."""
    await desk.made("a", x="1")
    requests = []
    for value in "23":
        before = desk.api.requests("patch")
        await desk.perform(Apply(THINGS, desk.held("a"), desired("a", x=value), owned=is_ours))
        requests.append(desk.api.requests("patch") - before)

    assert [2, 1] == requests


async def test_an_object_that_moved_meanwhile_is_a_conflict(desk):
    """An ordinary race: the cache is behind, and no error for the log."""
    observed = await desk.made("a", x="1")
    desk.api.merge("configmaps", "default/a", {"metadata": {"labels": {"theirs": "1"}}})
    (error,) = (await desk.perform(Apply(THINGS, observed, desired("a", x="2"), owned=is_ours))).errors

    assert isinstance(error, errors.Conflict)


# Fence and time.


async def test_nothing_leaves_after_the_fence_fell(desk):
    observed = await desk.made("a")
    desk.fence = Held(0.0, asyncio.get_running_loop().time)
    before = desk.api.requests()
    with pytest.raises(errors.LeaseLost):
        await desk.perform(Create(THINGS, desired("b")), Delete(THINGS, observed, owned=is_ours))

    assert before == desk.api.requests()


async def test_a_write_that_waits_for_its_turn_is_stopped_by_the_fence(desk):
    """It was allowed when it was asked for; by the time it may leave, the lease may be another's."""
    loop = asyncio.get_running_loop()
    desk.fence = Held(loop.time() + 5, loop.time)
    desk.api.delay(6, "create")
    first = asyncio.gather(*(desk.perform(Create(THINGS, desired(f"thing-{n}"))) for n in range(IN_FLIGHT)), return_exceptions=True)
    await asyncio.sleep(0.1)
    with pytest.raises(errors.LeaseLost):
        await desk.perform(Create(THINGS, desired("late")))
    await first

    assert 0 == desk.api.requests("create configmaps late")


async def test_a_write_takes_no_longer_than_the_leadership_is_sure_to_last(desk):
    loop = asyncio.get_running_loop()
    desk.fence = Held(loop.time() + 4, loop.time)
    desk.api.hang("create")
    (error,) = (await desk.perform(Create(THINGS, desired("a")))).errors

    assert isinstance(error, errors.Timeout)
    assert 4 == pytest.approx(loop.time(), abs=0.1)


async def test_a_write_that_waited_for_its_turn_has_what_is_then_left_of_the_leadership(desk):
    """Counted from before the wait, it would go on after another replica leads."""
    loop = asyncio.get_running_loop()
    desk.fence = Held(loop.time() + 10, loop.time)
    desk.api.delay(8, "create", times=IN_FLIGHT)
    first = asyncio.gather(*(desk.perform(Create(THINGS, desired(f"slow-{number}"))) for number in range(IN_FLIGHT)))
    await asyncio.sleep(1)
    desk.api.hang("create configmaps default/late")
    (error,) = (await desk.perform(Create(THINGS, desired("late")))).errors
    await first

    assert isinstance(error, errors.Timeout)
    assert 10 == pytest.approx(loop.time(), abs=0.1)


# Bugs.


async def test_a_bug_in_one_action_does_not_leave_the_others_behind(desk):
    """Who waits for a plan waits for all of it: two workers on one key would be the end of the queue's promise."""
    desk.api.delay(3, "create")
    other = THINGS.__class__("", "v1", "Secret", "secrets", THINGS.type)
    outcome = await desk.perform(Create(THINGS, desired("a")), Delete(other, thing("b"), owned=lambda _: True))

    assert 3 == pytest.approx(asyncio.get_running_loop().time(), abs=0.1)
    assert [None, KeyError] == [error and type(error) for _, error in outcome.results]


async def test_an_answer_that_is_lost_is_made_up_for_by_the_next_look(desk):
    """The create came through, its answer did not; the second finds the name taken by ourselves."""
    desk.api.drop("create configmaps", applied=True, times=1)
    first = await desk.perform(Create(THINGS, desired("a")))
    second = await desk.perform(Create(THINGS, desired("a")))

    assert [errors.StreamBroken, errors.AlreadyExists] == [type(outcome.errors[0]) for outcome in (first, second)]
    assert is_ours(desk.held("a"))
    assert {"default/a"} == desk.api.keys("configmaps")


async def test_a_test_of_a_json_patch_is_the_servers(desk):
    """A finalizer is removed by a patch that tests for it, so nobody else's goes."""
    await desk.made("a")
    desk.api.merge("configmaps", "default/a", {"metadata": {"finalizers": ["theirs.dev/x", "ours.dev/x"]}})
    wrong = [{"op": "test", "path": "/metadata/finalizers/0", "value": "ours.dev/x"}, {"op": "remove", "path": "/metadata/finalizers/0"}]
    with pytest.raises(errors.Invalid):
        await desk.client.patch(THINGS, key("a"), wrong, content_type=JSON_PATCH)

    assert ["theirs.dev/x", "ours.dev/x"] == desk.there("a")["metadata"]["finalizers"]


async def test_events_of_a_plan_are_recorded_without_an_action(desk):
    await desk.perform(events=(DONE,))

    assert 1 == len(desk.said())
    assert 0 == desk.api.requests()
