"""The queue's promises: fair, stingy, one worker for a key, nothing lost."""

import asyncio
import random
from collections import Counter, defaultdict
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steward.runtime.workqueue import BUCKET_BURST, BUCKET_RATE, Observer, QueueClosed, WorkQueue
from support import virtual

pytestmark = pytest.mark.looptime


async def _handled(queue: WorkQueue, *, until: float) -> list[tuple[float, str]]:
    """What one quick worker gets until some time of the loop: when, and which key."""
    loop = asyncio.get_running_loop()
    found = []
    try:
        async with asyncio.timeout_at(until):
            while True:
                key = await queue.get()
                found.append((round(loop.time(), 3), key))
                queue.done(key)
    except (TimeoutError, QueueClosed):
        return found


async def _fail(queue: WorkQueue, key: str, times: int) -> list[float]:
    """When a key that always fails is handled."""
    loop = asyncio.get_running_loop()
    found = []
    queue.add(key)
    for _ in range(times):
        assert key == await queue.get()
        found.append(round(loop.time(), 6))
        queue.add_rate_limited(key)
        queue.done(key)
    return found


async def test_keys_are_handed_out_in_the_order_they_came():
    queue = WorkQueue()
    for key in "cab":
        queue.add(key)

    assert ["c", "a", "b"] == [key for _, key in await _handled(queue, until=1)]


async def test_a_key_that_waits_is_not_added_again():
    queue = WorkQueue()
    for _ in range(1000):
        queue.add("a")

    assert 1 == len(queue)
    assert 1 == len(await _handled(queue, until=1))


async def test_a_thousand_changes_while_a_key_is_handled_are_one_more_round():
    queue = WorkQueue()
    queue.add("a")
    key = await queue.get()
    for _ in range(1000):
        queue.add("a")
    assert 0 == len(queue)
    queue.done(key)

    assert [(0, "a")] == await _handled(queue, until=1)


async def test_a_key_in_work_does_not_hold_up_others():
    queue = WorkQueue()
    queue.add("slow")
    await queue.get()
    queue.add("slow")
    queue.add("quick")

    assert [(0, "quick")] == await _handled(queue, until=5)


async def test_of_several_delays_the_earliest_counts():
    queue = WorkQueue()
    for delay in (30, 10, 20):
        queue.add_after("a", delay)
    queue.add_after("b", 15)

    assert [(10, "a"), (15, "b")] == await _handled(queue, until=60)


@pytest.mark.parametrize("delay", [0, -1])
async def test_no_delay_is_now(delay):
    queue = WorkQueue()
    queue.add_after("a", delay)

    assert [(0, "a")] == await _handled(queue, until=1)


async def test_the_delay_doubles_with_each_failure():
    """5 ms, 10 ms, 20 ms …: exactly client-go's schedule."""
    queue = WorkQueue()
    times = await _fail(queue, "a", 12)

    assert [pytest.approx(0.005 * 2**n, abs=1e-6) for n in range(11)] == [later - earlier for earlier, later in pairwise(times)]


async def test_the_delay_ends_at_half_a_minute():
    """Sooner than client-go's 1000 s: who failed through an outage is tried soon after it."""
    queue = WorkQueue()
    times = await _fail(queue, "a", 24)

    assert [30, 30] == [pytest.approx(later - earlier, abs=1e-3) for earlier, later in pairwise(times[-3:])]


async def test_success_makes_the_next_failure_the_first():
    queue = WorkQueue()
    await _fail(queue, "a", 8)
    await queue.get()
    queue.forget("a")
    queue.add_rate_limited("a")
    queue.done("a")
    before = asyncio.get_running_loop().time()
    await queue.get()

    assert 0.005 == pytest.approx(asyncio.get_running_loop().time() - before, abs=1e-6)
    assert 1 == queue.failures("a")


async def test_all_keys_together_fail_at_most_ten_times_a_second_after_a_burst():
    """A hundred at once, then one each tenth of a second: a server that refuses everything is not hammered."""
    queue = WorkQueue()
    for number in range(BUCKET_BURST + 50):
        queue.add_rate_limited(f"key-{number}")
    times = [when for when, _ in await _handled(queue, until=60)]

    assert BUCKET_BURST == sum(1 for when in times if when < 0.05)
    assert [pytest.approx(n / BUCKET_RATE, abs=0.01) for n in range(1, 51)] == times[BUCKET_BURST:]


async def test_the_server_may_ask_for_a_longer_pause():
    queue = WorkQueue()
    queue.add_rate_limited("a", at_least=30)

    assert [(30, "a")] == await _handled(queue, until=60)


async def test_draining_hands_out_what_waits_and_refuses_what_comes():
    queue = WorkQueue()
    for number in range(100):
        queue.add(f"key-{number}")
    queue.add_after("later", 1)
    drained = asyncio.ensure_future(queue.drain(10))
    await asyncio.sleep(0)
    queue.add("too late")
    found = await _handled(queue, until=60)

    assert await drained
    assert [f"key-{number}" for number in range(100)] == [key for _, key in found]


async def test_a_change_of_a_key_in_work_is_still_handled_while_draining():
    """It came before the end began."""
    queue = WorkQueue()
    queue.add("a")
    key = await queue.get()
    queue.add("a")
    drained = asyncio.ensure_future(queue.drain(10))
    await asyncio.sleep(1)
    queue.done(key)

    assert [(1, "a")] == await _handled(queue, until=5)
    assert await drained


async def test_draining_ends_at_its_limit():
    queue = WorkQueue()
    queue.add("stuck")
    await queue.get()

    assert not await queue.drain(5)
    assert 5 == pytest.approx(asyncio.get_running_loop().time(), abs=0.02)


async def test_everybody_who_waits_hears_of_the_end():
    queue = WorkQueue()
    waiting = [asyncio.ensure_future(queue.get()) for _ in range(16)]
    await asyncio.sleep(0)
    queue.close()

    ended = await asyncio.gather(*waiting, return_exceptions=True)
    assert [QueueClosed] * 16 == [type(end) for end in ended]


async def test_a_worker_that_is_cancelled_as_it_is_woken_takes_nothing_with_it():
    queue = WorkQueue()
    first = asyncio.ensure_future(queue.get())
    second = asyncio.ensure_future(queue.get())
    await asyncio.sleep(0)
    queue.add("a")
    first.cancel()

    assert "a" == await asyncio.wait_for(second, 5)


async def test_seconds_in_work_are_told_while_they_pass():
    queue = WorkQueue()
    queue.add("a")
    await queue.get()
    await asyncio.sleep(7)

    assert [7] == queue.unfinished()


async def test_the_metrics_tell_of_adds_waiting_work_and_retries():
    told = defaultdict(list)
    queue = WorkQueue(Observer(lambda: told["added"].append(1), lambda: told["retried"].append(1), told["waited"].append, told["worked"].append))
    queue.add("a")
    queue.add("a")
    await asyncio.sleep(2)
    key = await queue.get()
    await asyncio.sleep(3)
    queue.add_rate_limited(key)
    queue.done(key)
    await queue.get()

    assert {"added": [1, 1], "retried": [1], "waited": [2, 0], "worked": [3]} == told


class Crew:
    """Workers that check the promises while they work.

    Every add raises the number of its key; who takes the key sees the number. In the end the last number must have been seen.
    """

    def __init__(self, workers: int, seconds: random.Random) -> None:
        self.queue: WorkQueue[int] = WorkQueue()
        self.wanted: Counter[int] = Counter()
        self.seen: Counter[int] = Counter()
        self.rounds = 0
        self._seconds = seconds
        self._in_work: set[int] = set()
        self._workers = [asyncio.ensure_future(self._work()) for _ in range(workers)]

    def want(self, key: int) -> None:
        self.wanted[key] += 1

    async def finished(self) -> None:
        """Wait for all work; afterwards nothing may be missing."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + 10_000
        while self.seen != self.wanted:
            assert loop.time() < deadline, {key: n for key, n in self.wanted.items() if self.seen[key] != n}
            await asyncio.sleep(1)
        self.queue.close()
        await asyncio.gather(*self._workers)

    async def _work(self) -> None:
        while True:
            try:
                key = await self.queue.get()
            except QueueClosed:
                return
            assert key not in self._in_work, f"{key} is handled twice at once"
            self._in_work.add(key)
            self.rounds += 1
            try:
                number = self.wanted[key]
                await asyncio.sleep(self._seconds.choice((0, 0, 0.001, 0.1)))
                self.seen[key] = max(self.seen[key], number)
            finally:
                self._in_work.discard(key)
                self.queue.done(key)


KEYS = st.integers(0, 5)
DELAYS = st.sampled_from((0.0, 0.001, 0.05, 2.0))
STEPS = st.one_of(
    st.tuples(st.just("add"), KEYS),
    st.tuples(st.just("add_after"), KEYS, DELAYS),
    st.tuples(st.just("add_rate_limited"), KEYS),
    st.tuples(st.just("forget"), KEYS),
    st.tuples(st.just("sleep"), DELAYS),
)


@given(steps=st.lists(STEPS, max_size=60), workers=st.integers(1, 4), seed=st.integers(0, 1000))
@settings(max_examples=150)
def test_no_key_is_in_two_hands_and_no_add_is_lost(steps, workers, seed):
    """Whatever is added, in whichever way and order: one worker for a key at a time, and each add is seen by a round after it."""

    async def scenario() -> None:
        crew = Crew(workers, random.Random(seed))
        for how, *arguments in steps:
            if how == "sleep":
                await asyncio.sleep(*arguments)
                continue
            if how != "forget":
                crew.want(arguments[0])
            getattr(crew.queue, how)(*arguments)
        await crew.finished()

    virtual.run(scenario())


async def test_a_hundred_thousand_adds_of_sixteen_workers_lose_nothing():
    """Bursts on two hundred keys, faster than they can be handled."""
    chance = random.Random(4)
    crew = Crew(16, chance)
    for _ in range(1000):
        for _ in range(100):
            key = chance.randrange(200)
            crew.want(key)
            crew.queue.add(key)
        await asyncio.sleep(0.01)
    await crew.finished()

    assert 100_000 == crew.wanted.total()
    assert crew.rounds < 50_000
