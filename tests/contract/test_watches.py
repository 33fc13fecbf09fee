"""Watches: events, selectors, bookmarks, versions that are too old."""

import asyncio

import pytest

from support.doors import CONFIGMAPS, MERGE_PATCH, configmap, take


def _told(events) -> list[tuple[str, str]]:
    return [(event["type"], event["object"]["metadata"]["name"]) for event in events]


def _version(obj) -> int:
    return int(obj["metadata"]["resourceVersion"])


async def _listed(door) -> str:
    return (await door.ok("GET", CONFIGMAPS))["metadata"]["resourceVersion"]


async def test_a_watch_tells_what_happened_after_a_version_in_order(door):
    """A deletion shows the last state, under the version of the deletion."""
    await door.create(CONFIGMAPS, configmap("old"))
    async with door.watch(CONFIGMAPS, resourceVersion=await _listed(door)) as events:
        await door.create(CONFIGMAPS, configmap("a"))
        changed = await door.ok("PATCH", CONFIGMAPS + "/a", {"data": {"key": "changed"}}, content_type=MERGE_PATCH)
        await door.ok("DELETE", CONFIGMAPS + "/a")
        told = await take(events, 3)

    assert [("ADDED", "a"), ("MODIFIED", "a"), ("DELETED", "a")] == _told(told)
    added, modified, deleted = (event["object"] for event in told)
    assert _version(added) < _version(modified) == _version(changed) < _version(deleted)
    assert {"key": "changed"} == deleted["data"]
    assert ("ConfigMap", "v1") == (added["kind"], added["apiVersion"])


async def test_a_watch_catches_up_from_an_older_version(door):
    version = await _listed(door)
    await door.create(CONFIGMAPS, configmap("a"))
    await door.ok("DELETE", CONFIGMAPS + "/a")

    async with door.watch(CONFIGMAPS, resourceVersion=version) as events:
        assert [("ADDED", "a"), ("DELETED", "a")] == _told(await take(events, 2))


@pytest.mark.parametrize("version", ["", "0"], ids=["no version", "version 0"])
async def test_a_watch_from_nowhere_begins_with_what_there_is(door, version):
    for name in ("a", "b"):
        await door.create(CONFIGMAPS, configmap(name))

    async with door.watch(CONFIGMAPS, resourceVersion=version) as events:
        assert {("ADDED", "a"), ("ADDED", "b")} == set(_told(await take(events, 2)))


async def test_an_object_that_moves_in_and_out_of_the_selection_is_added_and_deleted(door):
    """The deletion shows the last state that was in the selection."""
    await door.create(CONFIGMAPS, configmap("a"))
    async with door.watch(CONFIGMAPS, resourceVersion=await _listed(door), labelSelector="tier=web") as events:
        for tier in ("web", "batch"):
            await door.ok("PATCH", CONFIGMAPS + "/a", {"metadata": {"labels": {"tier": tier}}}, content_type=MERGE_PATCH)
        added, deleted = await take(events, 2)

    assert ("ADDED", "DELETED") == (added["type"], deleted["type"])
    assert {"tier": "web"} == deleted["object"]["metadata"]["labels"]
    assert _version(added["object"]) < _version(deleted["object"])


async def test_a_watch_of_one_name_hears_no_other(door):
    async with door.watch(CONFIGMAPS, resourceVersion=await _listed(door), fieldSelector="metadata.name=b") as events:
        for name in ("a", "b"):
            await door.create(CONFIGMAPS, configmap(name))

        assert [("ADDED", "b")] == _told(await take(events, 1))


async def test_a_watch_from_too_long_ago_is_told_so_and_ended(door):
    """Not by the code of the answer, but by an ERROR event in it."""
    async with door.watch(CONFIGMAPS, resourceVersion="1") as events:
        (told,) = [event async for event in events]

    assert "ERROR" == told["type"]
    assert (410, "Expired", "Failure") == (told["object"]["code"], told["object"]["reason"], told["object"]["status"])


async def test_a_watch_ends_in_good_order_after_its_time(door):
    async with asyncio.timeout(10), door.watch(CONFIGMAPS, resourceVersion=await _listed(door), timeoutSeconds="1") as events:
        assert [] == [event async for event in events if event["type"] != "BOOKMARK"]


async def test_a_bookmark_comes_before_the_end(door):
    """It has the kind of what is watched, and of the metadata a version that is at least that of the last event."""
    async with door.watch(CONFIGMAPS, resourceVersion=await _listed(door), timeoutSeconds="4", allowWatchBookmarks="true") as events:
        made = await door.create(CONFIGMAPS, configmap("a"))
        told = [event async for event in events]
    marks = [event["object"] for event in told if event["type"] == "BOOKMARK"]

    assert marks
    assert all(_version(made) <= _version(mark) for mark in marks)
    assert {("ConfigMap", "v1")} == {(mark["kind"], mark["apiVersion"]) for mark in marks}
    assert {"resourceVersion"} == {name for name, value in marks[0]["metadata"].items() if value is not None}


async def test_nobody_gets_a_bookmark_of_the_version_it_began_with(door):
    """So a stream on which nothing happens may be silent, whatever was asked for."""
    async with door.watch(CONFIGMAPS, resourceVersion=await _listed(door), timeoutSeconds="3", allowWatchBookmarks="true") as events:
        assert [] == [event async for event in events]


async def test_nobody_gets_bookmarks_who_did_not_ask(door):
    async with door.watch(CONFIGMAPS, resourceVersion=await _listed(door), timeoutSeconds="3") as events:
        await door.create(CONFIGMAPS, configmap("a"))

        assert [("ADDED", "a")] == _told([event async for event in events])


async def test_a_streamed_list_ends_with_an_annotated_bookmark(door):
    """KEP-3157: what there is as ADDED, then a bookmark that says so, then changes."""
    for name in ("a", "b"):
        await door.create(CONFIGMAPS, configmap(name))
    query = {"sendInitialEvents": "true", "resourceVersionMatch": "NotOlderThan", "allowWatchBookmarks": "true"}

    async with door.watch(CONFIGMAPS, **query) as events:
        first, second, mark = [await anext(events) for _ in range(3)]
        await door.create(CONFIGMAPS, configmap("c"))
        (later,) = await take(events, 1)

    assert {("ADDED", "a"), ("ADDED", "b")} == set(_told([first, second]))
    assert ("BOOKMARK", {"k8s.io/initial-events-end": "true"}) == (mark["type"], mark["object"]["metadata"]["annotations"])
    assert _version(second["object"]) <= _version(mark["object"]) < _version(later["object"])
