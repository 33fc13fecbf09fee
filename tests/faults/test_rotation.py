"""What proves who we are, and who the server is, is replaced while everybody works; and meanwhile a storm of pods."""

import time

import pytest

from faults.harness.replicas import Replicas
from faults.harness.wait import answering, until

STORM = 2000
STORM_SECONDS = 60
"""For pods, kwok, operator and API server together, on two busy cores."""

ROTATION_SECONDS = 60
"""A token that changed is read at most a minute later."""


SHORT_SECONDS = 6
"""A restart of the API server that no leader notices: the renew deadline of 10 s without the pauses around it. A busy machine needs longer."""


@pytest.fixture
def next_authority(cluster):
    """After the test the API server has its former certificate again."""
    yield
    cluster.serve_as("now")
    cluster.wait_until_ready()
    cluster.renew_carriers()


@pytest.mark.usefixtures("next_authority")
async def test_the_authority_of_the_api_server_rotates(cluster, operators, witness, figure):
    """First the bundle has the old and the new authority, as Kubernetes' documentation says; then the server has a certificate of the new one."""
    operator = operators(in_pod=True)
    await Replicas(witness.kube, [operator]).start()
    await witness.create(10)
    await witness.settled(within=30)

    operator.files.update({"ca.crt": cluster.ca("now", "next")})
    went = time.monotonic()
    cluster.serve_as("next")
    await answering(witness.kube)
    back = time.monotonic()
    cluster.renew_carriers()
    await witness.create(10)
    await witness.settled(within=60)

    note = figure("authority of the API server rotated")
    note("recovery", time.monotonic() - back, "s", target=30)
    assert time.monotonic() - back <= 30
    assert not operator.exits or back - went > SHORT_SECONDS


async def test_two_thousand_pods_at_once_while_the_token_rotates(cluster, operators, witness, figure):
    """Each pod gets its name by one create of each object. The new token is used within a minute; then the old one is revoked, and nobody notices."""
    operator = operators(in_pod=True)
    await Replicas(witness.kube, [operator]).start()
    token, credential = cluster.token("rotated")
    mark, rotated = cluster.audit.mark(), time.time()
    operator.files.update({"token": token})

    began = time.monotonic()
    await witness.create(STORM)
    await witness.settled(within=STORM_SECONDS)
    seconds = time.monotonic() - began
    names, writes = witness.names(), cluster.audit.writes(mark, witness.namespace)

    def used() -> list[float]:
        return [request.at - rotated for request in cluster.audit.since(mark) if request.credential == credential]

    await until(lambda: bool(used()), "request with the new token", within=ROTATION_SECONDS + 10)
    cluster.kubectl("delete", "secret", operator.name, "--namespace=steward")
    await witness.create(10)
    await witness.settled(within=30)

    note = figure("2,000 pods at once")
    note("until all names are right", seconds, "s")
    note("longest wait for a name", names.longest, "s")
    note("writes for one pod", len(writes) / STORM, target=2)
    note("lost names", names.lost, target=0)
    note = figure("token rotated")
    note("until it is used", used()[0], "s", target=ROTATION_SECONDS)
    note("requests refused", await operator.refused(), target=0)
    assert STORM == names.pods
    assert 2 * STORM == len(writes)
    assert used()[0] <= ROTATION_SECONDS + 1
    assert 0 == await operator.refused()
    assert [] == operator.exits
