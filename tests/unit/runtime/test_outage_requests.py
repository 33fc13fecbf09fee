"""What an outage costs the API server, and what we say about it."""

import asyncio

import pytest

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
