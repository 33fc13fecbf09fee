"""The informer on a server that keeps its promises, and on one that breaks them."""

import asyncio
import logging
import random

import pytest

from steward.runtime import errors, informer
from steward.runtime.informer import IDLE_TIMEOUT, SILENT_WATCHES, WATCH_SECONDS
from support.managers import until
from support.things import key, manifest

pytestmark = pytest.mark.looptime

STREAMED, PAGED = True, False


@pytest.fixture(params=[STREAMED, PAGED], ids=["streamed", "paged"])
def watch_list(api, request):
    """A server that streams its lists, and one that does not."""
    api.watch_list = request.param
    return request.param


def _fill(api, number: int, *, namespace: str = "default") -> None:
    for n in range(number):
        api.add(manifest(f"thing-{n:05}", namespace=namespace))


def _version(api) -> str:
    return str(api.database.version)


# The first list.


async def test_what_there_is_and_what_comes_is_in_the_cache(api, follow, watch_list):
    _fill(api, 3)
    following = await follow()
    api.add(manifest("later"))
    api.merge("configmaps", "default/thing-00000", {"data": {"x": "1"}})
    api.remove("configmaps", "default/thing-00001")

    await following.equal()
    assert [("added", "later"), ("updated", "thing-00000"), ("deleted", "thing-00001")] == following.words()[3:]


async def test_it_is_synced_when_the_last_page_is_filed_and_not_before(api, follow):
    """Subscribers have been told of all 1,200 by then: workers that start at that moment see everything."""
    api.watch_list = False
    _fill(api, 1200)
    following = await follow(synced=False)
    seen_while_waiting: set[int] = set()
    while not following.informer.is_synced:
        seen_while_waiting.add(len(following.informer.writer.store))
        await asyncio.sleep(0)

    assert 1200 == len(following.changes)
    assert max(seen_while_waiting) <= 1200


async def test_pages_have_five_hundred_objects(api, follow):
    api.watch_list = False
    _fill(api, 1200)
    await follow()

    asked = api.seen("list configmaps")
    assert [("500", False), ("500", True), ("500", True)] == [(seen.query["limit"], "continue" in seen.query) for seen in asked]


async def test_the_watch_goes_on_from_the_version_of_the_list(api, follow):
    """Never from 0: what happens between list and watch is neither lost nor told twice."""
    api.watch_list = False
    api.lag(0)
    _fill(api, 3)
    listed = _version(api)
    api.delay(5, match="watch configmaps", times=2)
    following = await follow()
    api.add(manifest("between"))
    await following.until(lambda: "between" in dict(following.held) or len(following.changes) == 4)

    assert listed == api.seen("watch configmaps")[-1].query["resourceVersion"]
    assert 4 == len(following.changes)


async def test_a_server_without_streamed_lists_is_asked_once_for_one(api, follow):
    """Then pages are read at once, and for ever."""
    api.watch_list = False
    following = await follow()
    api.gone("watch configmaps")
    await following.until(lambda: len(following.lists) == 3)
    await following.equal()

    assert 1 == sum("sendInitialEvents" in seen.query for seen in api.seen("watch"))
    assert asyncio.get_running_loop().time() < 5


@pytest.mark.parametrize("code", [400, 403, 422])
async def test_each_refusal_of_a_streamed_list_leads_to_pages_at_once(api, follow, code):
    api.answer(code, match="watch configmaps", times=1)
    _fill(api, 3)
    following = await follow()

    assert 3 == len(following.held)
    assert asyncio.get_running_loop().time() < 0.5


async def test_a_streamed_list_that_breaks_is_asked_for_again_from_the_beginning(api, follow):
    """Half a list is never shown: objects that the other half has would look deleted."""
    _fill(api, 3)
    api.gone("nothing")
    api.drop("watch configmaps", times=3)
    following = await follow()

    assert 3 == len(following.held)
    assert ["added"] * 3 == [word for word, _ in following.words()]


async def test_a_token_that_expires_between_pages_restarts_the_list(api, follow):
    """One clean list comes out of it."""
    api.watch_list = False
    _fill(api, 1200)
    api.gone("list configmaps", how="continue", times=1)
    following = await follow()

    assert ["start", "start", "continue_expired"] == following.lists
    assert 1200 == len(following.held) == len(following.changes)


async def test_a_page_that_fails_is_asked_for_again_alone(api, follow):
    api.watch_list = False
    _fill(api, 1200)
    api.delay(1, "list configmaps")
    following = await follow(synced=False)
    await until(lambda: api.requests("list configmaps") == 1)
    api.answer(503, match="list configmaps", times=2)
    await following.until(lambda: following.informer.is_synced)

    continued = ["continue" in seen.query for seen in api.seen("list configmaps")]
    assert [False, True, True, True, True] == continued
    assert 1200 == len(following.held)


@pytest.mark.parametrize("fault", ["answer", "hang", "stop"])
async def test_a_server_that_is_away_at_the_start_is_waited_for(api, follow, watch_list, fault):
    _fill(api, 3)
    match fault:
        case "answer":
            api.answer(503, seconds=60)
        case "hang":
            api.hang(seconds=60)
        case "stop":
            api.stop(60)
    following = await follow(synced=False)
    await following.until(lambda: following.informer.is_synced, seconds=200)

    assert 3 == len(following.held)


# Bookmarks and versions.


async def test_a_watch_is_asked_for_with_bookmarks(api, follow, watch_list):
    await follow()
    await until(lambda: api.streams("watch configmaps"))

    assert {"true"} == {seen.query["allowWatchBookmarks"] for seen in api.seen("watch configmaps")}


async def test_after_a_bookmark_the_watch_goes_on_from_there(api, follow, watch_list):
    """Other resources moved the version on; without the bookmark it would be too old one day."""
    following = await follow()
    await until(lambda: api.streams("watch configmaps"))
    for _ in range(10):
        api.add(manifest("other") | {"kind": "Secret"})
        api.remove("secrets", "default/other")
    api.bookmark()
    bookmarked = _version(api)
    await asyncio.sleep(1)
    api.compact()
    lists, requests = len(following.lists), api.requests("watch configmaps")
    api.drop()
    await until(lambda: api.requests("watch configmaps") > requests)

    assert bookmarked == api.seen("watch configmaps")[-1].query["resourceVersion"]
    assert lists == len(following.lists)


async def test_a_bookmark_is_no_change(api, follow):
    following = await follow()
    await until(api.streams)
    api.add(manifest("other") | {"kind": "Secret"})
    api.bookmark()
    await asyncio.sleep(1)

    assert [] == following.changes


async def test_a_watch_lasts_between_five_and_ten_minutes(api, follow):
    """Spread, so that replicas do not reconnect together; and every end in good order goes on without a list or a pause."""
    following = await follow()
    await asyncio.sleep(100 * sum(WATCH_SECONDS) / 2)
    asked = [int(seen.query["timeoutSeconds"]) for seen in api.seen("watch configmaps")]

    assert 80 < len(asked) < 130
    assert WATCH_SECONDS[0] <= min(asked) < 330
    assert 570 < max(asked) <= WATCH_SECONDS[1]
    assert ["start"] == following.lists


# What goes wrong with a watch.


async def test_a_version_that_is_too_old_is_a_list_told_as_differences(api, follow, watch_list):
    """Three deletions that nobody saw are three changes with the last known state; what stayed is not told again."""
    _fill(api, 6)
    following = await follow()
    api.stop()
    before = dict(following.held)
    for number in range(3):
        api.remove("configmaps", f"default/thing-{number:05}")
    api.merge("configmaps", "default/thing-00003", {"data": {"x": "1"}})
    api.compact()
    following.changes.clear()
    api.start()
    await following.equal()

    deleted = [change for change in following.changes if change.new is None]
    assert [("deleted", f"thing-{n:05}") for n in range(3)] + [("updated", "thing-00003")] == following.words()
    assert all(before[change.old.metadata.key] == change.old.metadata.resource_version for change in deleted)


@pytest.mark.parametrize("how", ["event", "status"])
async def test_a_410_in_either_form_is_a_list(api, follow, watch_list, how):
    _fill(api, 3)
    following = await follow()
    await until(lambda: api.streams("watch configmaps"))
    api.gone("watch configmaps", how=how)
    if how == "status":
        api.end()
    await following.until(lambda: "expired" in following.lists)
    api.add(manifest("later"))
    await following.equal()

    assert ["added"] * 4 == [word for word, _ in following.words()]


@pytest.mark.parametrize("fault", ["drop", "end", "silence"])
async def test_a_watch_that_stops_for_another_reason_goes_on_where_it_was(api, follow, watch_list, fault):
    _fill(api, 3)
    following = await follow()
    await until(lambda: api.streams("watch configmaps"))
    lists = api.requests("list")
    getattr(api, fault)()
    api.add(manifest("meanwhile"))
    await following.equal()

    assert lists == api.requests("list")
    assert 1 == len(set(following.lists))
    assert 4 == len(following.changes)


async def test_a_silent_stream_is_dead_after_its_limit(api, follow):
    """Open, without a byte, without an end: only the clock tells. Bookmarks come every minute, so a stream with nothing to tell is not a dead one."""
    following = await follow()
    await asyncio.sleep(3600)
    healthy = api.requests("watch configmaps")
    started = asyncio.get_running_loop().time()
    api.silence()
    api.add(manifest("unheard"))
    await following.equal()

    assert healthy <= 3600 / WATCH_SECONDS[0] + 1
    assert asyncio.get_running_loop().time() - started <= IDLE_TIMEOUT + 1


async def test_a_server_where_nothing_happens_is_no_fault(api, follow, caplog):
    """A bookmark is only sent when there is a newer version; a real server without other traffic was silent for two minutes.

    The watch is asked for anew without a word. After two such watches the list is, for a server that was restored looks the same.
    """
    api.database.lives = False
    following = await follow()
    await asyncio.sleep(3600)

    assert api.requests("watch configmaps") <= 3600 / IDLE_TIMEOUT + 1 + len(following.lists)
    assert len(following.lists) <= 3600 / (SILENT_WATCHES * IDLE_TIMEOUT) + 1
    assert [] == [record.message for record in caplog.records if record.levelno > logging.INFO]
    assert [] == following.changes


async def test_a_minute_of_outage_costs_at_most_twelve_requests(api, follow, watch_list):
    """And half a minute after it the cache is right again."""
    following = await follow()
    loop = asyncio.get_running_loop()
    await asyncio.sleep(600)
    begun, before = loop.time(), api.requests("configmaps")
    api.answer(503, seconds=60)
    api.drop()
    api.add(manifest("meanwhile"))
    await following.equal()

    assert api.requests("configmaps") - before <= 12
    assert 60 <= loop.time() - begun <= 90


async def test_a_server_that_ends_every_watch_at_once_is_not_hammered(api, follow):
    """The official informer reconnects 568 times a second here."""
    following = await follow()
    ending = asyncio.ensure_future(_end_for_ever(api))
    await asyncio.sleep(60)
    before = api.requests("watch configmaps")
    await asyncio.sleep(60)
    ending.cancel()

    assert api.requests("watch configmaps") - before <= 12
    assert 1 == len(following.lists)


async def _end_for_ever(api) -> None:
    while True:
        await until(api.streams)
        api.end()
        await until(lambda: not api.streams())


async def test_a_server_that_ends_watches_after_their_first_event_is_not_hammered(api, follow):
    """As if a proxy in between allowed each stream one write."""
    following = await follow()

    async def busy() -> None:
        number = 0
        while True:
            await until(api.streams)
            number += 1
            api.merge("configmaps", "default/busy", {"data": {"n": str(number)}})
            await asyncio.sleep(0.001)
            api.end()
            await until(lambda: not api.streams())

    api.add(manifest("busy"))
    writing = asyncio.ensure_future(busy())
    await asyncio.sleep(120)
    writing.cancel()

    assert api.requests("watch configmaps") < 40
    await following.equal()


async def test_what_the_server_asks_for_is_waited(api, follow):
    """429 with Retry-After."""
    following = await follow()
    await until(api.streams)
    loop, before = asyncio.get_running_loop(), api.requests("watch")
    begun = loop.time()
    api.answer(429, match="watch", times=1, retry_after=20)
    api.end()
    api.drop()
    await until(lambda: api.requests("watch") >= before + 2)

    assert loop.time() - begun >= 20
    assert following.informer.is_synced


async def test_a_long_life_makes_the_next_pause_short_again(api, follow):
    """Two minutes of health reset the backoff."""
    following = await follow()
    api.answer(503, seconds=120, match="watch")
    api.drop()
    await asyncio.sleep(150)
    await until(api.streams)
    await asyncio.sleep(300)
    begun = asyncio.get_running_loop().time()
    api.drop()
    api.add(manifest("later"))
    await following.equal()

    assert asyncio.get_running_loop().time() - begun <= 1.6 + 0.1


@pytest.mark.parametrize("seed", range(5))
async def test_through_any_weather_the_cache_becomes_what_the_server_has(api, follow, watch_list, seed):
    """Faults of all kinds over half an hour of changes; afterwards nothing is missing, and each change was told once."""
    chance = random.Random(seed)
    following = await follow()
    weather = [
        api.drop,
        api.end,
        api.silence,
        lambda: api.reorder(number=chance.randint(2, 4)),
        lambda: api.duplicate(times=3),
        lambda: api.gone("watch configmaps"),
        lambda: api.gone("watch configmaps", how="status"),
        lambda: api.gone("list configmaps", how="continue"),
        lambda: api.answer(chance.choice([429, 500, 503]), seconds=chance.uniform(1, 60)),
        lambda: api.hang("configmaps", times=1),
        lambda: api.stop(chance.uniform(1, 60)),
        lambda: api.lag(chance.choice([0.0, 2.0])),
    ]
    for _ in range(200):
        name = f"thing-{chance.randrange(8)}"
        if api.get("configmaps", f"default/{name}") is None:
            api.add(manifest(name))
        elif chance.random() < 0.3:
            api.remove("configmaps", f"default/{name}")
        else:
            api.merge("configmaps", f"default/{name}", {"data": {"n": str(chance.random())}})
        if chance.random() < 0.15:
            chance.choice(weather)()
        await asyncio.sleep(chance.uniform(0, 15))
    api.heal()
    for n in range(8):
        # A change that is held back for reordering is let go by the next ones.
        api.add(manifest(f"last-{n}"))
    await following.equal(seconds=300)

    believed: dict = {}
    for change in following.changes:
        where = change.object.metadata.key
        assert (where in believed) == (change.old is not None)
        believed[where] = change.new
        if change.new is None:
            del believed[where]
    assert following.held.keys() == believed.keys()


async def test_a_server_that_was_restored_is_listed_again(api, follow, watch_list):
    """It takes a watch from a version it has not reached, and is silent (etcd's documentation of --bump-revision)."""
    _fill(api, 3)
    backup = api.backup()
    following = await follow()
    for number in range(50):
        api.add(manifest(f"lost-{number}"))
    await following.equal()
    api.restore(backup)
    await following.equal(seconds=SILENT_WATCHES * IDLE_TIMEOUT + 10)

    assert ["start", "expired"] == following.lists[-2:]


# Selection, sharing, errors in objects.


async def test_a_namespace_and_a_selector_are_the_servers_business(api, follow, watch_list):
    api.add(manifest("a", namespace="shop", labels={"tier": "web"}))
    api.add(manifest("b", namespace="shop"))
    api.add(manifest("c", namespace="other", labels={"tier": "web"}))
    following = await follow(namespace="shop", selector="tier=web")
    api.merge("configmaps", "shop/b", {"metadata": {"labels": {"tier": "web"}}})
    api.merge("configmaps", "shop/a", {"metadata": {"labels": {"tier": "batch"}}})
    await asyncio.sleep(1)

    assert ["b"] == [key.name for key in following.held]
    assert all("/namespaces/" not in seen.query.get("labelSelector", "") and seen.target.namespace == "shop" for seen in api.seen("configmaps"))


async def test_a_single_object_is_followed_by_its_name(api, follow, watch_list):
    """Its end and its return too; RBAC that is limited to the name lets nothing else through."""
    for name in ("a", "b"):
        api.add(manifest(name))
    following = await follow(namespace="default", name="a")
    api.remove("configmaps", "default/a")
    api.add(manifest("a", x="1"))
    api.merge("configmaps", "default/b", {"data": {"x": "2"}})
    await asyncio.sleep(1)

    assert [("added", "a"), ("deleted", "a"), ("added", "a")] == following.words()
    assert all("metadata.name=a" == seen.query["fieldSelector"] for seen in api.seen("configmaps"))


async def test_an_object_that_does_not_fit_costs_itself_alone(api, follow, watch_list, caplog):
    """One broken object must not blind the component to all others; an error names it."""
    api.add(manifest("good"))
    api.add(manifest("bad") | {"data": {"key": 7}})
    following = await follow()
    api.add(manifest("worse") | {"data": "none"})
    api.add(manifest("fine"))
    await following.until(lambda: len(following.held) == 2)

    assert {"good", "fine"} == {key.name for key in following.held}
    assert {"bad", "worse"} == {key.name for key in following.informer.writer.store.unreadable}
    said = [record.steward_fields["object"] for record in caplog.records if "left as it is" in record.message]
    assert {"default/bad", "default/worse"} == set(said)


@pytest.mark.parametrize("relist", [False, True], ids=["told by the watch", "told by a list"])
async def test_an_object_that_does_not_fit_any_more_is_there_as_it_was(api, follow, watch_list, relist):
    """That it cannot be read does not mean that it is gone."""
    api.add(manifest("a", key="value"))
    following = await follow()
    if relist:
        api.gone()
    api.merge("configmaps", "default/a", {"data": {"key": 7}})
    await following.until(lambda: following.informer.writer.store.unreadable)

    assert {"key": "value"} == following.informer.writer.store.get(key("a")).data
    assert [("added", "a")] == following.words()


@pytest.mark.parametrize("relist", [False, True], ids=["told by the watch", "told by a list"])
async def test_an_object_that_could_not_be_read_may_be_deleted_or_mended(api, follow, watch_list, relist):
    for name in ("gone", "mended"):
        api.add(manifest(name))
    following = await follow()
    for name in ("gone", "mended"):
        api.merge("configmaps", f"default/{name}", {"data": {"key": 7}})
    await following.until(lambda: len(following.informer.writer.store.unreadable) == 2)
    if relist:
        api.gone()
    api.remove("configmaps", "default/gone")
    api.merge("configmaps", "default/mended", {"data": {"key": "7"}})
    await following.equal()

    assert not following.informer.writer.store.unreadable
    assert {("deleted", "gone"), ("updated", "mended")} == set(following.words()[2:])


async def test_each_outage_is_said_once(api, follow, caplog):
    """At error, with the reason; its repetitions at debug. The next outage is said again."""
    following = await follow()
    for _ in range(2):
        api.answer(503, seconds=60)
        api.drop()
        api.add(manifest("x"))
        await asyncio.sleep(120)
        api.remove("configmaps", "default/x")
        await following.equal()
        await asyncio.sleep(900)

    said = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert ["watch failed, trying again"] * 2 == [record.message for record in said if "503" in record.steward_fields["reason"]]


async def test_why_it_does_not_sync_can_be_told(api, follow):
    """The readiness probe shows it."""
    api.answer(403, match="configmaps")
    following = await follow(synced=False)
    await following.until(lambda: following.informer.failure is not None)

    assert isinstance(following.informer.failure, errors.Forbidden)
    assert "configmaps" in str(following.informer.failure)


async def test_a_bug_in_a_subscriber_ends_the_informer(api, follow):
    """Nothing is swallowed: the manager dies of it, and the kubelet sees that."""

    def broken(_change) -> None:
        raise ZeroDivisionError

    following = await follow()
    following.informer.writer.subscribe(broken)
    api.add(manifest("a"))
    await asyncio.sleep(5)

    assert isinstance(following.task.exception(), ZeroDivisionError)
    following.task = asyncio.ensure_future(asyncio.sleep(0))


def test_the_limit_of_silence_leaves_room_for_a_bookmark():
    """A bookmark a minute; less than a second one late is no dead stream."""
    assert 60 < informer.IDLE_TIMEOUT < 120
