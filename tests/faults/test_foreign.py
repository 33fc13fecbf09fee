"""Somebody else has, takes or gives up the name of a pod."""

import asyncio
import random

from faults.harness.kube import Refused
from faults.harness.manifests import service
from faults.harness.replicas import Replicas
from faults.harness.wait import until

PODS = 30
HEADLESS = {"clusterIP": "None"}


async def came_first(witness, name: str) -> bool:
    """Make a foreign Service, unless there is one of that name."""
    try:
        await witness.put(service(witness.namespace, name, HEADLESS))
    except Refused as refused:
        if refused.status != 409:
            raise
        return False
    return True


async def test_a_foreign_service_takes_the_name_of_a_pod(cluster, operators, witness, figure):
    """Ours is deleted and theirs made before we can: theirs stays as it is, our EndpointSlice goes; when theirs goes, the pod has its name again."""
    replicas = Replicas(witness.kube, [operators()])
    await replicas.start()
    names = await witness.create(PODS)
    await witness.settled(within=60)

    taken = []
    for name in names:
        await witness.kube.delete("Service", witness.namespace, name)
        if await came_first(witness, name):
            taken.append(name)
    await witness.settled(within=30)
    note = figure("foreign Services under the names of pods")
    note("names taken", len(taken))

    for name in taken:
        await witness.withdraw("Service", name)
    given_back = await witness.settled(within=30)
    note("all right after they were given up", given_back, "s")
    assert taken


async def test_who_comes_first_has_the_name(cluster, operators, witness, figure):
    """Pods and foreign Services of the same names are made at the same time; the server decides, and nobody loses what is theirs."""
    replicas = Replicas(witness.kube, [operators()])
    await replicas.start()

    async def contend(name: str) -> None:
        await until(lambda: witness.runs(name), f"running pod {name}", within=30)
        await asyncio.sleep(random.uniform(0, 0.05))
        await came_first(witness, name)

    names = [f"pod-{number}" for number in range(PODS)]
    await asyncio.gather(witness.create(PODS), *map(contend, names))
    await witness.settled(within=30)

    foreign = sum(("Service", name) in witness.foreign for name in names)
    note = figure("pods and foreign Services at the same time")
    note("names", PODS)
    note("of them foreign", foreign)
