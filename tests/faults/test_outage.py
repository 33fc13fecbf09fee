"""The API server, or the etcd behind it, is stopped or frozen."""

import asyncio
import signal
import time
from collections.abc import Callable

import msgspec
import pytest

from faults.harness.cluster import Cluster
from faults.harness.door import Door
from faults.harness.replicas import Replicas
from faults.harness.wait import answering, until

PODS = 100
CHANGED = 20
"""Pods that are replaced in the moment the server is back, so that there is something to miss."""

REQUESTS = 12
"""Requests of one informer in a minute of outage, at most."""

REQUESTS_OF_ALL = 15
"""Requests of a whole standby in a minute of outage, at most: one for each watch that broke, and the twelve of the circuit breaker."""

REQUESTS_OF_WORK = 100
"""The same of one that has keys in work: besides, both writes of each of its 32 workers, six renewals of its lease, an Event, and a start afresh."""

RECOVERY_SECONDS = 30
"""Between the server's return and the last name being right, at most."""

LEASE_LOST = 3
"""Exit code of a leader that could not renew its lease."""

INFORMERS = ("pods", "services", "endpointslices")


async def recover(cluster, witness, names: list[str]) -> float:
    """Seconds from the server's return until every name is right.

    At once some pods are replaced by others of the same name, some are taken away and some added: the operator has missed something.
    """
    await answering(witness.kube)
    back = time.monotonic()
    cluster.renew_carriers()
    third = CHANGED // 3
    await witness.delete(names[:CHANGED])
    await witness.gone(names[:third])
    await witness.recreate(names[:third])
    await witness.create(third)
    await witness.settled(within=90)
    return time.monotonic() - back


@pytest.fixture
async def doors(cluster):
    """Two ways to the API server that count; they are closed after the test."""
    doors = [Door(cluster.port), Door(cluster.port)]
    yield doors
    for door in doors:
        await door.close()


async def test_a_minute_without_api_server_costs_few_requests(cluster, operators, witness, doors, figure):
    """They are counted at the door, and the process tells the same number. The leader gives up and is restarted, the standby stays."""
    replicas = Replicas(witness.kube, [operators(server=await door.open()) for door in doors])
    await replicas.start()
    names = await witness.create(PODS)
    await witness.settled(within=60)
    leader = await replicas.leader()
    (standby,) = replicas.others(leader)
    before, used = await standby.requests(), standby.cpu_seconds()

    cluster.kill("kube-apiserver")
    began = time.monotonic()
    await asyncio.sleep(60)
    told, ended = await standby.requests() - before, time.monotonic()
    cpu = (standby.cpu_seconds() - used) / (ended - began)
    cluster.start_one("kube-apiserver")
    recovered = await recover(cluster, witness, names)

    knocks = {operator.name: door.between(began, ended) for operator, door in zip(replicas.operators, doors, strict=True)}
    note = figure("API server stopped for 60 s, 2 replicas")
    note("requests of one informer", max(told[name] for name in INFORMERS), target=REQUESTS)
    note("all requests of the standby", knocks[standby.name], target=REQUESTS_OF_ALL)
    note("all requests of the leader, which gives up and starts again", knocks[leader.name])
    note("processor of the standby", cpu * 100, "%", target=2)
    note("recovery", recovered, "s", target=RECOVERY_SECONDS)
    note("lost names", witness.names().lost, target=0)
    assert max(told[name] for name in INFORMERS) <= REQUESTS
    # A look at the lease that left in the last moment of the server had a connection already.
    assert 0 <= told.total() - knocks[standby.name] <= 1
    assert told.total() <= REQUESTS_OF_ALL
    assert cpu <= 0.02
    assert recovered <= RECOVERY_SECONDS
    assert [] == standby.exits
    assert [LEASE_LOST] == [end.code for end in leader.exits]


class Fault(msgspec.Struct, frozen=True):
    """Something that ends.

    Attributes:
        name: For people.
        seconds: How long it lasts.
        begin: How it begins.
        end: How it ends, without waiting for the API server to be well.
        replicas: How many replicas there are.
    """

    name: str
    seconds: int
    begin: Callable[[Cluster], None]
    end: Callable[[Cluster], None]
    replicas: int = 1

    def __str__(self) -> str:
        return f"{self.name} for {self.seconds} s, {self.replicas} replica{'s' if self.replicas > 1 else ''}"


def killed(name: str) -> Callable[[Cluster], None]:
    return lambda cluster: cluster.kill(name)


def started(name: str) -> Callable[[Cluster], None]:
    return lambda cluster: cluster.start_one(name)


def frozen(name: str) -> Callable[[Cluster], None]:
    return lambda cluster: cluster.signal(name, signal.SIGSTOP)


def thawed(name: str) -> Callable[[Cluster], None]:
    return lambda cluster: cluster.signal(name, signal.SIGCONT)


def restarted(name: str) -> Callable[[Cluster], None]:
    def restart(cluster: Cluster) -> None:
        cluster.kill(name)
        cluster.start_one(name)

    return restart


def compacted(cluster: Cluster) -> None:
    """Back, and remembers nothing but the newest versions."""
    cluster.start_one("etcd")
    cluster.wait_until_ready()
    cluster.compact()


API, ETCD = "kube-apiserver", "etcd"
SHORT = [
    Fault("API server frozen and then restarted", 30, frozen(API), restarted(API)),
    Fault("etcd stopped and then compacted", 20, killed(ETCD), compacted),
]
LONG = [
    Fault("API server stopped", 60, killed(API), started(API)),
    Fault("API server frozen and then restarted", 30, frozen(API), restarted(API), replicas=2),
    Fault("API server frozen", 60, frozen(API), thawed(API)),
    Fault("etcd frozen", 60, frozen(ETCD), thawed(ETCD), replicas=2),
    Fault("etcd stopped", 5, killed(ETCD), started(ETCD)),
]


@pytest.mark.parametrize("fault", [*SHORT, *(pytest.param(fault, marks=pytest.mark.long) for fault in LONG)], ids=str)
async def test_after_an_outage_all_is_right_within_half_a_minute(cluster, operators, witness, figure, fault):
    replicas = Replicas(witness.kube, [operators() for _ in range(fault.replicas)])
    await replicas.start()
    names = await witness.create(PODS)
    await witness.settled(within=60)

    fault.begin(cluster)
    await asyncio.sleep(fault.seconds)
    fault.end(cluster)
    recovered = await recover(cluster, witness, names)

    note = figure(str(fault))
    note("recovery", recovered, "s", target=RECOVERY_SECONDS)
    note("lost names", witness.names().lost, target=0)
    assert recovered <= RECOVERY_SECONDS


class Single(msgspec.Struct, frozen=True):
    """The only replica: what distinguishes it, for people, and the door it goes through."""

    name: str
    door: Door


@pytest.fixture(params=["with a lease", "without a lease"])
async def single(request, operators, doors):
    operator = operators(alone=request.param == "without a lease", server=await doors[0].open())
    await operator.start()
    await operator.ready()
    return Single(request.param, doors[0])


@pytest.mark.long
@pytest.mark.parametrize("program", [API, ETCD])
async def test_what_was_in_work_when_the_server_went_is_done_soon_after_it_is_back(cluster, single, witness, figure, program):
    """Keys fail again and again in the outage; how long the server was away must not say how long they wait after its return."""
    mark = cluster.audit.mark()
    creating = asyncio.create_task(witness.create(PODS))
    await until(lambda: len(cluster.audit.writes(mark, witness.namespace)) > PODS // 2, "writes", within=30)

    cluster.kill(program)
    went = time.monotonic()
    await asyncio.gather(creating, return_exceptions=True)
    await asyncio.sleep(60)
    knocks = single.door.between(went, went + 60)
    cluster.start_one(program)
    await answering(witness.kube)
    back = time.monotonic()
    cluster.renew_carriers()
    await witness.settled(within=120)
    recovered = time.monotonic() - back

    note = figure(f"{program} stopped for 60 s in the middle of {PODS} pods, {single.name}")
    note("connections in 60 s", knocks, target=REQUESTS_OF_WORK)
    note("recovery", recovered, "s", target=RECOVERY_SECONDS)
    note("lost names", witness.names().lost, target=0)
    assert recovered <= RECOVERY_SECONDS
    assert knocks <= REQUESTS_OF_WORK
