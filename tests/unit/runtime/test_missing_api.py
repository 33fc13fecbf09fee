"""An API that is missing, because its CustomResourceDefinition is: no error, no wait, no cost; and it may come and go."""

import asyncio
import logging

import msgspec
import pytest

from steward.runtime import errors
from steward.runtime.component import Component, Right
from steward.runtime.controller import Controller, Watch
from steward.runtime.plan import Plan
from steward.telemetry.probes import READINESS
from support.managers import running
from support.things import THINGS, manifest

pytestmark = pytest.mark.looptime

CUSTOM = msgspec.structs.replace(THINGS, custom=True)


@pytest.fixture(params=[True, False], ids=["streamed", "paged"])
def api(api, request):
    """A server that streams its lists, and one that does not."""
    api.watch_list = request.param
    return api


async def test_it_is_synced_and_empty_at_once(api, follow):
    api.withdraw("configmaps")
    following = await follow(resource=CUSTOM)

    assert {} == following.held
    assert not following.informer.writer.store.served
    assert following.informer.failure is None
    assert asyncio.get_running_loop().time() < 1


async def test_an_hour_without_it_costs_three_requests_a_minute_one_line_and_no_list(api, follow, caplog):
    caplog.set_level(logging.INFO)
    api.withdraw("configmaps")
    following = await follow(resource=CUSTOM)
    before = api.strays
    await asyncio.sleep(3600)

    assert api.strays - before <= 3 * 60
    assert ["API is missing, looking again until its CustomResourceDefinition is there"] == [record.message for record in caplog.records]
    assert ["start"] == following.lists


async def test_what_is_there_once_the_api_is_comes_within_half_a_minute(api, follow):
    api.withdraw("configmaps")
    following = await follow(resource=CUSTOM)
    await asyncio.sleep(600)
    api.serve("configmaps")
    api.add(manifest("first"))

    await following.equal(seconds=30.5)
    assert following.informer.writer.store.served
    assert "appeared" == following.lists[-1]
    api.add(manifest("second"))
    await following.equal(seconds=1)


async def test_its_removal_empties_the_cache_with_a_change_for_each_object(api, follow):
    for name in ("a", "b"):
        api.add(manifest(name))
    following = await follow(resource=CUSTOM)
    api.silence("configmaps")
    api.withdraw("configmaps")
    api.drop("configmaps")

    await following.until(lambda: not following.informer.writer.store.served)
    assert {} == following.held
    assert [("deleted", "a"), ("deleted", "b")] == sorted(following.words()[2:])


async def test_it_may_come_and_go_many_times(api, follow):
    following = await follow(resource=CUSTOM)
    for number in range(5):
        api.add(manifest(f"thing-{number}"))
        await following.equal(seconds=31)
        api.withdraw("configmaps")
        await following.until(lambda: not following.informer.writer.store.served)
        api.serve("configmaps")
    await following.until(lambda: following.informer.writer.store.served)

    assert {} == following.held


async def test_one_server_of_several_that_does_not_know_it_yet_empties_nothing(api, follow):
    """A CustomResourceDefinition reaches the API servers one after the other."""
    api.add(manifest("a"))
    following = await follow(resource=CUSTOM)
    api.answer(404, match="configmaps", times=1)
    api.end("watch configmaps")
    await asyncio.sleep(60)

    assert [("added", "a")] == following.words()
    assert following.informer.writer.store.served


async def test_an_api_of_kubernetes_itself_that_is_missing_is_a_failure(api, follow):
    """No CustomResourceDefinition makes pods: whoever answers 404 is no API server, or its address has a wrong path."""
    api.withdraw("configmaps")
    following = await follow(synced=False)
    await asyncio.sleep(60)

    assert not following.informer.is_synced
    assert isinstance(following.informer.failure, errors.NotFound)


class Settings(msgspec.Struct, frozen=True, rename="camel"):
    """Configuration of the component below."""

    class Inner(msgspec.Struct, frozen=True, rename="camel"):
        """A part of it."""

        is_on: bool = False
        mode: str = "self"

    inner: Inner = Inner()


async def _nothing(key, now):
    return None


COMPONENT = Component(
    name="custom",
    summary="Follows something custom.",
    config=Settings,
    rights=(
        Right(THINGS, "list", why="always"),
        Right(THINGS, "create", why="sometimes", when="inner.isOn"),
        Right(THINGS, "delete", why="by mode", when="inner.mode=self"),
    ),
    metrics=(),
    reasons=(),
    build=lambda context: (
        Controller(
            "custom",
            watches=(Watch(context.store(CUSTOM), lambda change: (change.object.metadata.key,)),),
            observe=_nothing,
            reconcile=lambda _: Plan(),
        ),
    ),
)


async def test_readiness_is_true_without_it_and_says_so(api):
    api.withdraw("configmaps")
    async with running(api, Settings(), component=COMPONENT) as steward:
        (caches,) = [probe for probe in steward.manager.probes if READINESS in probe.paths]
        without, served = caches.check(), steward.sample("steward_informer_api_served", resource="configmaps")
        api.serve("configmaps")
        await steward.until(lambda: steward.sample("steward_informer_api_served", resource="configmaps") == 1)

        assert (True, "configmaps: API is missing", 0.0) == (without.ok, without.reason, served)
        assert "" == caches.check().reason


@pytest.mark.parametrize(
    ("settings", "verbs"),
    [
        (Settings(), {"list", "delete"}),
        (Settings(Settings.Inner(is_on=True)), {"list", "create", "delete"}),
        (Settings(Settings.Inner(mode="certManager")), {"list"}),
    ],
    ids=["off", "on", "another mode"],
)
async def test_only_rights_that_the_configuration_needs_are_asked_for(api, settings, verbs):
    for verb in {"list", "create", "delete"} - verbs:
        api.deny(f"{verb} configmaps")
    async with running(api, settings, component=COMPONENT) as steward:
        await steward.until(lambda: steward.manager._startup().reason == "")

        assert steward.manager._startup().ok


def test_a_right_that_depends_on_a_field_that_is_not_there_is_a_mistake():
    with pytest.raises(KeyError):
        Right(THINGS, "list", why="", when="inner.off").is_needed(Settings())


def test_a_right_to_a_single_object_is_asked_for_by_its_name_and_not_needed_without_one():
    named = Right(THINGS, "list", why="", named="inner.mode")

    assert "certManager" == named.name_in(Settings(Settings.Inner(mode="certManager")))
    assert named.is_needed(Settings(Settings.Inner(mode="certManager")))
    assert not named.is_needed(Settings(Settings.Inner(mode="")))
