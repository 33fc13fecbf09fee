"""While the server cannot be reached, the process asks as one; when it is back, everybody goes on."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from steward.runtime import backoff, errors
from steward.runtime.circuit import Circuit
from steward.runtime.client import Client
from steward.runtime.transport import Request, Response
from support.builders import lease, pod
from support.fakeapi import FakeAPI, MemoryTransport
from support.managers import Running, running
from support.things import THINGS, client, key

pytestmark = pytest.mark.looptime


@pytest.fixture
def api():
    return FakeAPI()


def fill(api: FakeAPI, number: int) -> None:
    for each in range(number):
        api.add(pod(f"web-{each}", ips=(f"10.0.{each // 250}.{each % 250 + 1}",)))


async def begun(api: FakeAPI, *, lease: bool = False) -> Running:
    """A Manager that is ready, and whose end is no part of the test."""
    steward = Running(api, lease=lease)
    steward.start()
    await steward.ready()
    return steward


async def is_closed(circuit: Circuit) -> bool:
    """Whether nobody has to wait."""
    try:
        async with asyncio.timeout(0.001):
            await circuit.closed()
    except TimeoutError:
        return False
    return True


def knocks(steward: Running) -> float:
    """Requests that found nobody, as the process counts them."""
    return sum(
        value
        for metric in steward.registry.collect()
        for name, labels, value, *_ in metric.samples
        if name == "steward_kube_api_requests_total" and labels["code"] == "<error>"
    )


@pytest.mark.parametrize("luck", [0.0, 0.999])
async def test_a_minute_of_outage_is_at_most_fifteen_requests_of_the_whole_process(api, monkeypatch, luck):
    """One for each of the three watches that broke, and twelve to see whether the server is back. Looks at the lease are not among them."""
    monkeypatch.setattr(backoff.random, "random", lambda: luck)
    api.add(lease(holder="somebody-else"))
    steward = await begun(api, lease=True)
    await asyncio.sleep(10)
    api.stop()
    await asyncio.sleep(60)

    assert 8 <= knocks(steward) <= 15
    await steward.kill()


async def test_a_busy_leader_does_not_try_key_after_key(api):
    """Two hundred pods come in the moment the server goes. What is on the way fails, the rest waits; the lease is renewed to the end."""
    fill(api, 200)
    steward = await begun(api, lease=True)
    await steward.until(lambda: len(api.keys("services")) > 50)
    api.stop()
    with pytest.raises(errors.LeaseLost):
        await steward.task

    assert knocks(steward) <= 40


async def test_without_a_lease_all_is_done_ten_seconds_after_the_server_is_back(api):
    """However long it was away, and although every key in work had failed."""
    fill(api, 200)
    async with running(api) as steward:
        await steward.until(lambda: len(api.keys("services")) > 50)
        api.stop(600)
        await asyncio.sleep(600)
        back = asyncio.get_running_loop().time()
        await steward.until(lambda: len(api.keys("services")) == len(api.keys("endpointslices")) == 200)

        assert asyncio.get_running_loop().time() - back <= 10


async def test_no_key_is_in_work_during_an_outage(api):
    """Or liveness would end a process for an outage of ten minutes."""
    fill(api, 100)
    async with running(api) as steward:
        await steward.until(lambda: len(api.keys("services")) > 50)
        api.stop(1200)
        await asyncio.sleep(1199)

        assert all(probe.check().ok for probe in steward.manager.probes if "livez" in probe.paths)
        await asyncio.sleep(20)


async def test_events_of_an_outage_are_told_after_it(api):
    """They do not use up their attempts while nobody listens."""
    async with running(api) as steward:
        fill(api, 1)
        await steward.until(lambda: api.get("services", "shop/web-0"))
        api.stop(600)
        await asyncio.sleep(630)

        assert ["HeadlessServiceCreated"] == [event["reason"] for event in api.all("events")]


async def test_a_stop_in_an_outage_does_not_wait_for_the_server(api):
    """What is left fails at once."""
    fill(api, 200)
    steward = await begun(api)
    await steward.until(lambda: len(api.keys("services")) > 50)
    api.stop()
    await asyncio.sleep(30)
    before = asyncio.get_running_loop().time()
    await steward.stop()

    assert asyncio.get_running_loop().time() - before <= 5


@pytest.mark.parametrize("code", [401, 429, 500, 503])
async def test_a_refusal_is_an_answer(api, code):
    """Whoever is refused has his own pauses."""
    circuit = Circuit(MemoryTransport(api))
    asking = client(circuit)
    api.stop()
    with pytest.raises(errors.ConnectFailed):
        await asking.ask()
    api.start()
    api.answer(code)
    with pytest.raises(errors.APIError):
        await asking.get(THINGS, key("any"))

    assert await is_closed(circuit)


class LoadBalancer(MemoryTransport):
    """Says in plain text that nobody is behind it, or passes on."""

    is_alone = True

    async def send(self, request: Request, *, timeout: float) -> Response:
        """See the class."""
        return Response(503, b"no healthy upstream") if self.is_alone else await super().send(request, timeout=timeout)

    @asynccontextmanager
    async def stream(self, request: Request, *, idle_timeout: float) -> AsyncIterator[AsyncIterator[bytes]]:
        """See the class."""
        if self.is_alone:
            raise errors.from_response(request.call, 503, b"no healthy upstream")
        async with super().stream(request, idle_timeout=idle_timeout) as chunks:
            yield chunks


async def watched(asking: Client) -> None:
    """Begin a watch, and be content."""
    async for _ in asking.watch(THINGS, since="1", server_timeout=1, idle_timeout=1):
        return


@pytest.mark.parametrize("request_", [Client.ask, watched], ids=["answer", "watch"])
async def test_a_load_balancer_with_nobody_behind_it_is_an_outage(api, request_):
    """Its 503 is not the API server's, which would have a Status."""
    between = LoadBalancer(api)
    circuit = Circuit(between)
    asking = client(circuit)
    with pytest.raises(errors.ServerError):
        await request_(asking)
    assert not await is_closed(circuit)
    between.is_alone = False
    with contextlib.suppress(errors.NotFound):
        await request_(asking)

    assert await is_closed(circuit)


async def test_a_connection_that_comes_and_goes_is_asked_for_less_and_less(api):
    """Every answer closes the circuit, every failure after it opens it again: a minute of that is no more than one of outage."""
    transport = MemoryTransport(api)
    circuit = Circuit(transport)
    asking = client(circuit)
    running = asyncio.ensure_future(circuit.run(asking.ask))
    failures = 0
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(60):
            while True:
                await circuit.closed()
                api.stop(0.1)
                failures += 1
                with pytest.raises(errors.ConnectFailed):
                    await asking.ask()
    running.cancel()

    assert failures <= 13


async def test_a_request_that_gets_no_answer_in_time_is_no_outage(api):
    """An admission webhook that is dead makes writes hang; reads go on."""
    circuit = Circuit(MemoryTransport(api))
    api.hang()
    with pytest.raises(errors.Timeout):
        await client(circuit).get(THINGS, key("any"))

    assert await is_closed(circuit)
