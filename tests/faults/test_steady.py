"""Nothing happens, for longer than anything in the operator waits: it asks for nothing, writes nothing, and grows by nothing."""

import asyncio
from collections import Counter

import pytest

from faults.harness.replicas import Replicas

PODS = 500
SECONDS = 660
"""Longer than a resync of all keys (600 s) and than the longest watch (600 s)."""

WARM_UP_SECONDS = 60
GROWTH_KIB = 2048
"""What memory may differ between two looks: arenas of the allocator, buffers of a scrape."""

AT_ONCE = 32
"""Requests that make the HTTP server fill its pool: it adds a thread when one finds none idle, up to four."""

READS = ("get", "list", "watch")


@pytest.mark.long
@pytest.mark.timeout(SECONDS * 2, func_only=True)
async def test_eleven_minutes_in_which_nothing_changes_cost_nothing(cluster, operators, witness, figure):
    """Every key was looked at again and every watch renewed; the leader renewed its lease, the standby looked at it, and that is all."""
    replicas = Replicas(witness.kube, [operators(), operators()])
    await replicas.start()
    await witness.create(PODS)
    await witness.settled(within=60)
    await asyncio.sleep(WARM_UP_SECONDS)
    for operator in replicas.operators:
        await asyncio.gather(*(operator.metrics() for _ in range(AT_ONCE)))
    mark, before = cluster.audit.mark(), [operator.holdings() for operator in replicas.operators]
    worked = [await reconciled(operator) for operator in replicas.operators]

    await asyncio.sleep(SECONDS)
    resynced = max([await reconciled(operator) - was for operator, was in zip(replicas.operators, worked, strict=True)])
    after = [operator.holdings() for operator in replicas.operators]
    asked = Counter((request.verb, request.resource) for request in cluster.audit.since(mark))
    writes = sum(number for (verb, resource), number in asked.items() if verb not in READS and resource != "leases")
    growth = [now.memory_kib - was.memory_kib for was, now in zip(before, after, strict=True)]

    note = figure(f"{SECONDS // 60} minutes in which nothing changes, {PODS} pods, 2 replicas")
    note("writes but of the lease", writes, target=0)
    note("lists", sum(number for (verb, _), number in asked.items() if verb == "list"), target=0)
    note("watches opened again", sum(number for (verb, _), number in asked.items() if verb == "watch"))
    note("requests for the lease", sum(number for (_, resource), number in asked.items() if resource == "leases"))
    note("keys looked at again", resynced)
    note("growth of memory", max(growth) / 1024, "MiB", target=GROWTH_KIB / 1024)
    note("more open files and connections", max(now.files - was.files for was, now in zip(before, after, strict=True)), target=0)
    note("more threads", max(now.threads - was.threads for was, now in zip(before, after, strict=True)), target=0)
    assert PODS <= resynced
    assert 0 == writes
    assert {"leases", "pods", "services", "endpointslices"} >= {resource for _, resource in asked}
    assert not any(verb == "list" for verb, _ in asked)
    assert max(growth) <= GROWTH_KIB
    assert all(now.files <= was.files and now.threads <= was.threads for was, now in zip(before, after, strict=True))


async def reconciled(operator) -> float:
    """Keys it has looked at since it started."""
    return sum(value for name, value in (await operator.metrics()).items() if name.startswith("steward_reconcile_total{"))
