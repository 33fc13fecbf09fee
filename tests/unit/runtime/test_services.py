"""What a component serves on every replica: from synced caches until it has given everything back, leader or not."""

import asyncio

import msgspec
import pytest

from steward.headless.component import COMPONENT
from steward.telemetry.probes import Verdict
from support.fakeapi import FakeAPI
from support.managers import Running, running

pytestmark = pytest.mark.looptime


class Server:
    """Serves for a while after it is told to stop."""

    name = "server"

    def __init__(self, *, lingers=0.0, dies=None):
        self.lingers, self.dies = lingers, dies
        self.began = self.ended = self.cancelled = False
        self.verdict = Verdict(True)

    async def run(self, stopping):
        self.began = True
        if self.dies is not None:
            raise self.dies
        try:
            await stopping.wait()
            await asyncio.sleep(self.lingers)
        except asyncio.CancelledError:
            self.cancelled = True
            raise
        self.ended = True

    def ready(self):
        return self.verdict


def serving(server):
    """The component, with one more thing to do."""

    def build(context):
        context.serve(server)
        return COMPONENT.build(context)

    return msgspec.structs.replace(COMPONENT, build=build)


async def test_nothing_is_served_before_the_caches_are_synced():
    api, server = FakeAPI(), Server()
    api.delay(30, "watch services", times=1)
    steward = Running(api, component=serving(server))
    steward.start()
    await asyncio.sleep(29)
    early = server.began
    await steward.ready()
    await steward.stop()

    assert not early
    assert server.began


async def test_a_standby_serves_and_goes_on_until_all_is_given_back():
    """It waits for a lease that another holds, and that must not end it before its time."""
    api, server = FakeAPI(), Server(lingers=10)
    async with running(api, lease=True, identity="steward-0"):
        other = Running(api, lease=True, identity="steward-1", component=serving(server))
        other.start()
        await other.ready()
        started = asyncio.get_running_loop().time()
        await other.stop()
        took = asyncio.get_running_loop().time() - started

    assert (True, False) == (server.ended, server.cancelled)
    assert 10 <= took < 11


async def test_the_caches_are_kept_up_to_date_while_a_server_lingers():
    """What it answers in its last seconds must not be older than what others answer."""
    api, server = FakeAPI(), Server(lingers=10)
    steward = Running(api, component=serving(server))
    steward.start()
    await steward.ready()
    steward.manager.stop()
    await asyncio.sleep(5)
    watching = api.requests("watch pods")
    api.gone()
    await asyncio.sleep(3)
    rewatched = api.requests("watch pods")
    await steward.task

    assert rewatched > watching


async def test_a_server_that_is_not_ready_keeps_the_process_from_being_ready():
    server = Server()
    async with running(FakeAPI(), component=serving(server)) as steward:
        server.verdict = Verdict(False, "no certificate yet")
        said = [probe.check() for probe in steward.manager.probes if probe.name == "caches"]
        was_ready = steward.manager.is_ready
        server.verdict = Verdict(True)

    assert [Verdict(False, "no certificate yet")] == said
    assert not was_ready


async def test_a_server_that_dies_takes_the_process_along():
    steward = Running(FakeAPI(), component=serving(Server(dies=OSError("broken"))))
    steward.start()
    with pytest.raises(OSError, match="broken"):
        await asyncio.wait_for(steward.task, 60)
