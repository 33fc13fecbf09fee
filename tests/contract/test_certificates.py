"""Certificates of the webhook before a real API server that calls by them: nobody is refused while they are replaced."""

import pytest

from steward.runtime.transport import HTTPTransport
from support.doors import Door
from support.rig import Rig

pytestmark = [pytest.mark.apiserver, pytest.mark.slow, pytest.mark.timeout(180)]


@pytest.fixture
async def rig(control_plane):
    """Two replicas that are called for each pod of a namespace."""
    transport = HTTPTransport(control_plane.credentials())
    door = Door(transport, control_plane.compact)
    await door.open()
    rig = Rig(control_plane, door)
    await rig.open("webhook-a", "webhook-b")
    yield rig
    await rig.close()
    await transport.close()


async def test_authorities_and_leaves_are_replaced_under_load_without_one_refusal(rig):
    """The long run, with 20 authorities and 200 leaves, is in tests/faults."""
    before = sum(replica.answering.calls for replica in rig.replicas)
    async with rig.load():
        await rig.until(lambda: rig.steps()["drain"] >= 2, seconds=150)

    assert [] == rig.refused
    assert rig.created > 50
    assert sum(replica.answering.calls for replica in rig.replicas) - before >= 2 * rig.created
