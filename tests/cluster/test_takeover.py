"""The installed chart loses its leader, again and again, while pods come and go; afterwards every pod has exactly its name."""

import asyncio
from contextlib import asynccontextmanager
from functools import partial

import pytest
from cluster.support.carrier import carrier, kube
from cluster.support.wait import until
from faults.harness.report import REPORT, Report
from faults.harness.wait import until as awaited
from faults.harness.witness import Witness

PODS = 200
CHURN = 20.0
"""Pods replaced each second."""

TAKEOVER_SECONDS = 60
"""A lease runs out after 15 s and is taken within 2 more; the rest is for a node that is busy with restarting what was killed."""

KILL_WORKER = "import os; os.kill(int(open('/proc/1/task/1/children').read().split()[0]), 9)"
"""In a container nobody can kill its first process; without the worker that ends by itself."""

FAULTS = ("killed", "deleted", "told to go")


@pytest.fixture(scope="module")
def release(releases):
    """Two replicas."""
    release = releases("test-takeover-steward")
    release.install({"replicas": 2})
    return release


@pytest.fixture
async def witness(cluster, tmp_path):
    """The client outside, and a node for its pods."""
    if cluster.provider == "existing":
        pytest.skip("provider existing: no node is added to a cluster of yours")
    client = kube(cluster)
    with carrier(cluster, tmp_path / "kwok.log"):
        witness = Witness(client, "test-takeover")
        await witness.open()
        yield witness
        await witness.close()
        await client.close()
        # While its node is still carried: nobody else would end its pods.
        await asyncio.to_thread(cluster.kubectl, "delete", "namespace", witness.namespace, "--wait")


@pytest.fixture
def note(request):
    """Takes a figure for the page on reliability, if there is to be one."""
    return partial(request.config.stash.get(REPORT, Report()).note, f"installed chart: leader {', '.join(FAULTS)}")


@pytest.mark.timeout(600, func_only=True)
async def test_the_leader_is_killed_deleted_and_told_to_go_while_200_pods_churn(release, witness, figure, note):
    """No name is lost, none is wrong, and nobody else's object was touched."""
    async with churning(witness):
        for fault in FAULTS:
            await asyncio.to_thread(replace, release, fault)
    recovered = await witness.settled(within=60)

    names = witness.names()
    figure(f"installed leader {', '.join(FAULTS)}: {names.pods} pods, {names.lost} lost names, longest wait for one {names.longest:.1f} s")
    note("pods", names.pods)
    note("longest wait for a name", names.longest, "s")
    note("lost names", names.lost, target=0)
    note("all right after the last", recovered, "s")
    assert 0 == names.lost


@asynccontextmanager
async def churning(witness):
    """Pods come and go."""
    churn = asyncio.create_task(witness.churn(per_second=CHURN, pods=PODS))
    try:
        await awaited(lambda: len(witness.lives) >= PODS, f"{PODS} running pods", within=60)
        yield
    finally:
        churn.cancel()
        await asyncio.gather(churn, return_exceptions=True)


def leader(release) -> str:
    """Who holds the lease: a pod's name, an underscore, and what tells its processes apart."""
    lease = release.cluster.get("lease", release.workload, "--namespace", release.namespace)
    return (lease or {"spec": {}})["spec"].get("holderIdentity") or ""


def replace(release, fault: str) -> None:
    """Let something happen to the leader, and wait for the next."""
    before = leader(release)
    lose(release, before.partition("_")[0], fault)
    until(f"another leads after one was {fault}", lambda: leader(release) not in {"", before}, timeout=TAKEOVER_SECONDS)


def lose(release, pod: str, fault: str) -> None:
    """Let something happen to a pod."""
    match fault:
        case "killed":
            release.cluster.kubectl("exec", pod, "--namespace", release.namespace, "--", "python3", "-c", KILL_WORKER)
        case "deleted":
            release.cluster.kubectl("delete", "pod", pod, "--namespace", release.namespace, "--force", "--grace-period=0")
        case "told to go":
            release.cluster.kubectl("delete", "pod", pod, "--namespace", release.namespace, "--wait=false")
