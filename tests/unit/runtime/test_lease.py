"""Leadership through every weather: held while it can be, given up in time, never held by two."""

import asyncio
import contextlib
import itertools
import logging
import random
from collections.abc import Callable

import pytest

from steward.runtime import errors
from steward.runtime.fence import Held
from steward.runtime.lease import Lease, LeaseConfig
from steward.runtime.resource import Key
from support.builders import lease
from support.fakeapi import FakeAPI, MemoryTransport
from support.managers import until
from support.things import client

pytestmark = pytest.mark.looptime

LEASE = "default/steward"


class Candidate:
    """A process that wants to lead, does nothing but lead, and wants again when it lost."""

    def __init__(self, api: FakeAPI, identity: str, **durations: float) -> None:
        self.transport = MemoryTransport(api)
        self.identity = identity
        self.config = LeaseConfig(Key("default", "steward"), identity=identity, **durations)
        self.fence: Held | None = None
        self.led: list[bool] = []
        self.lost: errors.LeaseLost | None = None
        self.on_leading: Callable[[], None] = lambda: None
        self.stop = asyncio.Event()
        self.task: asyncio.Task | None = None

    @property
    def leads(self) -> bool:
        """Whether it would write now."""
        if self.fence is None:
            return False
        try:
            self.fence.check()
        except errors.LeaseLost:
            return False
        return True

    def start(self) -> "Candidate":
        """Begin to want."""
        self.task = asyncio.ensure_future(self._run())
        return self

    async def end(self) -> None:
        """A clean stop."""
        self.stop.set()
        await self.task

    async def die(self) -> None:
        """kill -9."""
        self.transport.cut()
        self.task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self.task

    async def _run(self) -> None:
        mine = Lease(client(self.transport), self.config, leading=self.led.append)
        self.fence = await mine.acquire()
        try:
            async with mine.keep(self.fence):
                self.on_leading()
                await self.stop.wait()
        except errors.LeaseLost as lost:
            self.lost = lost


@pytest.fixture
def api():
    return FakeAPI()


def holder(api: FakeAPI) -> str | None:
    found = api.get("leases", LEASE)
    return found["spec"].get("holderIdentity") if found else None


async def _leader(api: FakeAPI, identity: str = "one", **durations: float) -> Candidate:
    candidate = Candidate(api, identity, **durations).start()
    await until(lambda: candidate.leads)
    return candidate


# An ordinary life.


async def test_the_first_makes_the_lease(api):
    one = await _leader(api)

    spec = api.get("leases", LEASE)["spec"]
    assert ("one", 15, 0) == (spec["holderIdentity"], spec["leaseDurationSeconds"], spec["leaseTransitions"])
    assert spec["acquireTime"] <= spec["renewTime"]
    assert [True] == one.led


async def test_it_is_renewed_every_two_seconds(api):
    await _leader(api)
    before = api.requests("patch leases")
    await asyncio.sleep(60)

    assert 30 == pytest.approx(api.requests("patch leases") - before, abs=1)
    assert "one" == holder(api)


async def test_fields_that_others_wrote_stay(api):
    """A coordinated election has fields we know nothing of (KEP-4355)."""
    await _leader(api)
    api.merge("leases", LEASE, {"spec": {"strategy": "OldestEmulationVersion"}, "metadata": {"labels": {"theirs": "1"}}})
    await asyncio.sleep(10)

    assert "OldestEmulationVersion" == api.get("leases", LEASE)["spec"]["strategy"]
    assert "one" == holder(api)


async def test_a_clean_stop_gives_the_lease_back(api):
    """Empty holder, one second: the next takes it within three."""
    one = await _leader(api)
    two = Candidate(api, "two").start()
    await asyncio.sleep(30)
    stopped = asyncio.get_running_loop().time()
    await one.end()
    assert not one.leads
    assert [True, False] == one.led
    await until(lambda: two.leads)

    assert asyncio.get_running_loop().time() - stopped <= 3
    assert 1 == api.get("leases", LEASE)["spec"]["leaseTransitions"]


async def test_a_crash_is_over_after_seventeen_seconds(api):
    one = await _leader(api)
    two = Candidate(api, "two").start()
    await asyncio.sleep(30)
    died = asyncio.get_running_loop().time()
    await one.die()
    await until(lambda: two.leads)

    assert 13 <= asyncio.get_running_loop().time() - died <= 17.3


async def test_each_change_of_hands_is_counted(api):
    for number in range(4):
        candidate = await _leader(api, f"candidate-{number}")
        await candidate.end()

    assert 3 == api.get("leases", LEASE)["spec"]["leaseTransitions"]


@pytest.mark.parametrize("year", [2001, 2099])
async def test_a_clock_that_is_wrong_by_years_changes_nothing(api, monkeypatch, year):
    """The times in the lease are for people: neither a past nor a future one makes a second leader, or none."""
    seconds = itertools.count()
    monkeypatch.setattr("steward.runtime.lease.micro_time", lambda: f"{year}-01-01T00:00:00.{next(seconds):06}Z")
    one = await _leader(api)
    two = Candidate(api, "two").start()
    await asyncio.sleep(120)
    assert one.leads
    assert not two.leads
    await one.die()
    await until(lambda: two.leads, seconds=17.3)


# The three cases that are fatal to the official client, and their kin.


@pytest.mark.parametrize("fault", ["stop", "hang", "answer"])
async def test_nothing_is_written_after_the_deadline(api, fault):
    """Server gone, request that hangs, errors: the fence falls ten seconds after the last renewal, five before anybody else may lead."""
    one = await _leader(api)
    await asyncio.sleep(31)
    renewed = asyncio.get_running_loop().time()
    match fault:
        case "stop":
            api.stop()
        case "hang":
            api.hang("leases")
        case "answer":
            api.answer(500, match="leases")
    await until(lambda: not one.leads)
    fell = asyncio.get_running_loop().time()
    await one.task

    assert 8 <= fell - renewed <= 10.1
    assert isinstance(one.lost, errors.LeaseLost)
    assert [True, False] == one.led


@pytest.mark.parametrize("fault", ["stop", "hang", "answer", "drop"])
async def test_six_seconds_without_the_server_cost_nothing(api, fault):
    """The deadline without the two pauses that may surround an outage."""
    one = await _leader(api)
    await asyncio.sleep(31)
    match fault:
        case "stop":
            api.stop(6)
        case "hang":
            api.hang("leases", times=1)
        case "answer":
            api.answer(503, match="leases", seconds=6)
        case "drop":
            api.drop("leases", applied=True, times=1)
    await asyncio.sleep(60)

    assert one.leads
    assert "one" == holder(api)


async def test_a_renewal_whose_answer_is_lost_costs_nothing(api):
    """It came through, we do not know: the next one is refused for its version, and the one after that is right."""
    one = await _leader(api)
    await asyncio.sleep(31)
    api.hang("patch leases", applied=True, times=1)
    await asyncio.sleep(60)

    assert one.leads


async def test_a_renewal_that_is_refused_for_its_version_is_tried_again(api):
    """Somebody put a label on the lease."""
    one = await _leader(api)
    await asyncio.sleep(31)
    api.merge("leases", LEASE, {"metadata": {"labels": {"theirs": "1"}}})
    await asyncio.sleep(60)

    assert one.leads
    assert {"theirs": "1"} == api.get("leases", LEASE)["metadata"]["labels"]


async def test_a_lease_that_is_deleted_is_made_again(api):
    one = await _leader(api)
    await asyncio.sleep(31)
    api.remove("leases", LEASE)
    await asyncio.sleep(10)

    assert one.leads
    assert "one" == holder(api)


async def test_a_lease_that_is_stolen_is_let_go_at_once(api):
    """By hand, or by a program that knows no manners."""
    one = await _leader(api)
    await asyncio.sleep(31)
    stolen = asyncio.get_running_loop().time()
    api.merge("leases", LEASE, {"spec": {"holderIdentity": "thief"}})
    await one.task

    assert "thief" in str(one.lost)
    assert asyncio.get_running_loop().time() - stolen <= 5
    assert "thief" == holder(api)


async def test_a_slow_takeover_leaves_time_for_the_first_renewal(api):
    """Four and a half seconds for each request."""
    api.delay(2.4, "leases")
    one = await _leader(api)
    await asyncio.sleep(120)

    assert one.leads


async def test_a_lease_that_cannot_be_read_is_not_taken_for_none(api):
    """Only NotFound means absent."""
    api.add(lease("steward", holder="other"))
    api.answer(500, match="get leases", seconds=60)
    two = Candidate(api, "two").start()
    await asyncio.sleep(30)

    assert not two.leads
    assert 0 == api.requests("write leases")


async def test_a_namespace_that_is_missing_is_said_once(api, caplog):
    """Else the process is ready, never leads, and nobody knows why."""
    api.answer(404, match="create leases")
    with caplog.at_level(logging.WARNING):
        one = Candidate(api, "one").start()
        await asyncio.sleep(60)

    assert not one.leads
    assert ["lease not reached"] == caplog.messages


async def test_of_two_who_come_at_once_one_leads(api):
    """Both see no lease; the server decides."""
    candidates = [Candidate(api, f"candidate-{n}").start() for n in range(8)]
    await asyncio.sleep(30)

    assert 1 == sum(candidate.leads for candidate in candidates)


async def test_a_stop_during_an_outage_does_not_hang(api):
    """The lease expires then; the process is gone in seconds."""
    one = await _leader(api)
    api.hang("leases")
    before = asyncio.get_running_loop().time()
    await one.end()

    assert asyncio.get_running_loop().time() - before <= 5


async def test_an_error_of_the_work_leaves_as_it_is(api):
    """And gives nothing back: what runs on is unknown."""
    mine = Lease(client(api), LeaseConfig(Key("default", "steward"), identity="one"))
    fence = await mine.acquire()

    async def work() -> None:
        async with mine.keep(fence):
            raise ZeroDivisionError

    with pytest.raises((ZeroDivisionError, ExceptionGroup)) as raised:
        await work()
    with pytest.raises(errors.LeaseLost):
        fence.check()

    assert isinstance(errors.innermost(raised.value), ZeroDivisionError)


class Storm:
    """Candidates that come and go, and a server with faults of every kind."""

    def __init__(self, api: FakeAPI, chance: random.Random) -> None:
        self.candidates: list[Candidate] = []
        self.terms = 0
        self._api = api
        self._chance = chance
        self._arrived = 0
        uniform = chance.uniform
        self.faults = [
            lambda: api.stop(uniform(0, 30)),
            lambda: api.hang("leases", applied=chance.random() < 0.5, times=chance.randint(1, 3)),
            lambda: api.drop("leases", applied=chance.random() < 0.5, times=chance.randint(1, 3)),
            lambda: api.delay(uniform(0, 9), "leases", seconds=uniform(0, 30)),
            lambda: api.answer(chance.choice([429, 500, 503]), match="leases", seconds=uniform(0, 20)),
            lambda: api.conflict("write leases", times=chance.randint(1, 3)),
        ]

    def leaders(self) -> int:
        """How many would write now."""
        return sum(candidate.leads for candidate in self.candidates)

    def fill(self) -> None:
        """Three candidates at any time."""
        while len(self.candidates) < 3:
            self._arrived += 1
            candidate = Candidate(self._api, f"candidate-{self._arrived}")
            candidate.on_leading = self._begins
            self.candidates.append(candidate.start())

    async def happen(self) -> None:
        """A fault, a death, or a clean end."""
        candidate, what = self._chance.choice(self.candidates), self._chance.random()
        if what < 0.5:
            self._chance.choice(self.faults)()
        elif what < 0.75:
            await candidate.die()
        elif candidate.leads:
            await candidate.end()
        for gone in [candidate for candidate in self.candidates if candidate.task.done()]:
            if not gone.task.cancelled():
                gone.task.result()
            self.candidates.remove(gone)

    def _begins(self) -> None:
        self.terms += 1
        assert 1 == self.leaders()


@pytest.mark.looptime(noop_cycles=8)
@pytest.mark.parametrize("seed", range(4))
async def test_there_are_never_two_leaders(api, seed):
    """Half an hour: whenever one may write, no other may."""
    chance = random.Random(seed)
    storm = Storm(api, chance)
    for _ in range(100):
        storm.fill()
        await asyncio.sleep(chance.uniform(0, 40))
        assert storm.leaders() <= 1
        await storm.happen()
    api.heal()
    storm.fill()
    await until(lambda: storm.leaders() == 1, seconds=120)

    assert storm.terms > 10
