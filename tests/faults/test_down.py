"""What happens while no operator runs is made up for when one does."""

import signal
from collections import Counter

import pytest

from faults.harness.replicas import Replicas
from faults.harness.wait import until

PODS = 60


@pytest.fixture
def no_garbage_collector(cluster):
    """Nobody but the operator deletes children of pods that are gone."""
    cluster.kill("kube-controller-manager")
    yield
    cluster.start_one("kube-controller-manager")


@pytest.mark.usefixtures("no_garbage_collector")
async def test_pods_that_came_and_went_while_the_operator_was_down(cluster, operators, witness, figure):
    """A third is deleted, a third replaced by pods of the same name, and some are new. Children of the old ones go, whoever is left keeps its own."""
    operator = operators()
    replicas = Replicas(witness.kube, [operator])
    await replicas.start()
    names = await witness.create(PODS)
    await witness.settled(within=60)
    third = PODS // 3
    replaced = names[third : 2 * third]
    kept = await witness.children(names[2 * third :])

    await operator.stop()
    await witness.delete(names[: 2 * third])
    await witness.gone(names[: 2 * third])
    await witness.recreate(replaced)
    await witness.create(third)
    mark = cluster.audit.mark()
    await operator.start()
    await replicas.leader()
    recovered = await witness.settled(within=30)

    writes = cluster.audit.writes(mark, witness.namespace)
    note = figure("pods changed while the operator was down")
    note("pods", 3 * third)
    note("all right after it led again", recovered, "s")
    note("lost names", witness.names().lost, target=0)
    assert kept == await witness.children(names[2 * third :])
    assert {"create": 4 * third, "delete": 4 * third} == Counter(write.verb for write in writes)


@pytest.mark.long
async def test_killed_in_the_middle_of_its_work_it_leaves_nothing_half_done(cluster, operators, witness, figure, extent):
    """SIGKILL while it makes names for a hundred pods: some have a Service without an EndpointSlice or the reverse, until it is back."""
    operator = operators()
    replicas = Replicas(witness.kube, [operator])
    await replicas.start()
    for _ in range(extent.kills // 2):
        mark = cluster.audit.mark()
        await witness.create(100)
        await until(lambda mark=mark: len(cluster.audit.writes(mark, witness.namespace)) > 40, "forty writes", within=30)
        operator.signal(signal.SIGKILL)
        await replicas.leader()
    recovered = await witness.settled(within=30)

    note = figure("operator killed in the middle of 100 pods")
    note("all right after it led again", recovered, "s")
