"""One of several replicas works; it is killed, frozen, or told to go."""

import asyncio
import random
import signal
import time
from contextlib import asynccontextmanager

import pytest

from faults.harness.replicas import Replicas
from faults.harness.wait import until

PODS = 200
CHURN = 20.0
"""Pods replaced each second."""

RENEW_DEADLINE = 10
"""Seconds after its last renewal at which a leader stops (the chart's default)."""

ON_THE_WAY_SECONDS = 1
"""A request that left before its sender was lost arrives within a second."""

FROZEN_SECONDS = 20
"""Longer than the lease's 15."""

TOLERANCE = 1.0
"""Seconds for requests and processes on a busy machine; the promises are arithmetic of the lease's durations."""


@asynccontextmanager
async def churning(witness):
    """Pods come and go, so that whoever leads has something to write."""
    churn = asyncio.create_task(witness.churn(per_second=CHURN, pods=PODS))
    try:
        await until(lambda: len(witness.lives) >= PODS, f"{PODS} pods", within=60)
        yield
    finally:
        churn.cancel()
        await asyncio.gather(churn, return_exceptions=True)


@pytest.fixture
async def replicas(operators, witness):
    replicas = Replicas(witness.kube, [operators(), operators()])
    await replicas.start()
    return replicas


async def takeover(cluster, witness, mark: int, *, after: float, on_the_way: float = ON_THE_WAY_SECONDS, but: str = "") -> float:
    """Seconds from a moment at which the leader was lost until the first write of a name, by anybody but one credential."""

    def found() -> list[float]:
        writes = [write for write in cluster.audit.writes(mark, witness.namespace) if write.credential != but]
        return [write.at for write in writes if write.at > after + on_the_way]

    await until(lambda: bool(found()), "write of a name", within=60)
    return found()[0] - after


async def test_killed_at_random_moments_another_takes_over(cluster, replicas, witness, figure, extent):
    """The leader dies by SIGKILL, in turn one of its two processes and both, while 200 pods come and go."""
    failovers = []
    async with churning(witness):
        for number in range(extent.kills):
            # Who was killed before is back; with both away, the time until the kubelet starts one would be measured.
            await asyncio.gather(*(operator.ready() for operator in replicas.operators))
            leader = await replicas.leader()
            await asyncio.sleep(random.uniform(0, 4))
            mark, killed = cluster.audit.mark(), time.time()
            if number % 2:
                leader.signal(signal.SIGKILL)
            else:
                leader.kill_worker()
            failovers.append(await takeover(cluster, witness, mark, after=killed))
    recovery = await witness.settled(within=30)

    names = witness.names()
    note = figure("operator killed")
    note("kills", extent.kills)
    note("longest failover", max(failovers), "s", target=17)
    note("pods", names.pods)
    note("longest wait for a name", names.longest, "s")
    note("lost names", names.lost, target=0)
    note("all right after the last", recovery, "s")
    assert max(failovers) <= 17 + TOLERANCE


async def test_told_to_go_another_takes_over_at_once(cluster, replicas, witness, figure):
    """SIGTERM: what is in work is finished, the lease is given back, the exit code is 0."""
    async with churning(witness):
        leader = await replicas.leader()
        mark, told = cluster.audit.mark(), time.time()
        leader.terminate()
        failover = await takeover(cluster, witness, mark, after=told, on_the_way=0, but=leader.credential)
        await until(lambda: bool(leader.exits), "end of the old leader", within=30)
        ended = leader.exits[0]
    await witness.settled(within=30)

    note = figure("operator told to stop")
    note("failover", failover, "s", target=3)
    note("end of its process", ended.at - told, "s")
    assert 0 == ended.code
    assert failover <= 3 + TOLERANCE


async def test_frozen_beyond_its_lease_and_thawed_the_old_leader_writes_nothing(cluster, replicas, witness, figure, extent):
    """It finds a backlog of changes and open connections; the fence has fallen all the same. The audit log is the proof."""
    late, failovers = [], []
    async with churning(witness):
        for _ in range(extent.freezes):
            leader = await replicas.leader()
            await asyncio.sleep(random.uniform(0, 2))
            mark, frozen, ends = cluster.audit.mark(), time.time(), len(leader.exits)
            leader.signal(signal.SIGSTOP)
            failovers.append(await takeover(cluster, witness, mark, after=frozen))
            await asyncio.sleep(max(0.0, FROZEN_SECONDS - failovers[-1]))
            leader.signal(signal.SIGCONT)
            await until(lambda leader=leader, ends=ends: len(leader.exits) > ends, "end of the old leader", within=30)
            written = [one for one in cluster.audit.since(mark) if one.is_write and one.credential == leader.credential]
            late += [one for one in written if one.at > frozen + RENEW_DEADLINE]
            assert 3 == leader.exits[-1].code
    await witness.settled(within=30)

    note = figure("leader frozen beyond its lease")
    note("freezes", extent.freezes)
    note("longest failover", max(failovers), "s", target=17)
    note("writes after the renew deadline", len(late), target=0)
    assert [] == late
