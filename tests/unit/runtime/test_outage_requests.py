"""What an outage costs the API server, and what we say about it."""

import asyncio

import pytest

from steward.runtime import backoff
from support.builders import pod
from support.fakeapi import FakeAPI
from support.managers import Running, running

pytestmark = pytest.mark.looptime


async def test_a_server_that_is_away_at_the_start_is_asked_once_per_try_for_rights():
    """Not once for each right: a cluster full of restarted operators comes up against a server that has just come up."""
    api = FakeAPI()
    api.answer(503, seconds=60)
    steward = Running(api)
    steward.start()
    await asyncio.sleep(59)

    assert 5 <= api.requests("create selfsubjectaccessreviews") <= 10

    await steward.ready()
    await steward.stop()


@pytest.mark.parametrize("how", ["drop", "gone"])
async def test_a_stream_that_ends_badly_is_no_second_request(how):
    """It was counted and timed when it began; the metric is equal to what the server saw."""
    api = FakeAPI()
    async with running(api) as steward:
        await asyncio.sleep(100)
        getattr(api, how)("watch services")
        await steward.until(lambda: api.requests("watch services") == 2)
        await asyncio.sleep(1)
        counted = {
            labels["code"]: value
            for metric in steward.registry.collect()
            for name, labels, value, *_ in metric.samples
            if name == "steward_kube_api_requests_total" and labels["resource"] == "services" and labels["verb"] == "watch"
        }

        assert {"200": api.requests("watch services")} == counted
        assert 2 == steward.sample("steward_kube_api_request_duration_seconds_bucket", verb="watch", resource="services", le="1.0")


async def test_a_version_that_is_too_old_after_an_outage_costs_no_second_long_pause(monkeypatch):
    """The pause had grown to a quarter of a minute; it was for a server that is away, not for one that asks for a list."""
    monkeypatch.setattr(backoff.random, "random", lambda: 0.0)
    api = FakeAPI()
    async with running(api) as steward:
        api.stop(60)
        await asyncio.sleep(60)
        api.add(pod("web-0"))
        api.compact()
        await steward.until(lambda: api.requests("watch pods") == 2)
        back = asyncio.get_running_loop().time()

        await steward.until(lambda: api.get("services", "shop/web-0"))

        assert asyncio.get_running_loop().time() - back <= backoff.WATCH_BACKOFF.first + 0.1


async def test_a_server_that_forgets_at_once_is_not_asked_for_lists_without_end():
    """A watch that is too old right after each list: the lists become rarer and rarer."""
    api = FakeAPI()
    async with running(api):
        api.gone("watch pods", how="status", times=None)
        api.drop("watch pods")
        await asyncio.sleep(60)

        assert api.requests("watch pods") <= 20
        api.heal()
