"""Twenty authorities and two hundred leaves of the webhook, one after the other, while pods are created that have to pass it."""

import pytest

from steward.runtime.transport import HTTPTransport
from support.doors import Door
from support.rig import Rig

AUTHORITIES, LEAVES = 20, 200


@pytest.mark.long
async def test_certificates_are_replaced_for_minutes_without_one_refusal(cluster, figure):
    """With failurePolicy Fail, so what is not answered is refused; and each create is answered by both replicas, so none is let through unasked."""
    transport = HTTPTransport(cluster.credentials())
    door = Door(transport, cluster.compact)
    await door.open()
    rig = Rig(cluster, door)
    await rig.open("webhook-a", "webhook-b")
    before = sum(replica.answering.calls for replica in rig.replicas)
    async with rig.load():
        await rig.until(lambda: rig.steps()["drain"] >= AUTHORITIES and rig.steps()["leaf"] >= LEAVES, seconds=600)
    calls = sum(replica.answering.calls for replica in rig.replicas) - before
    await rig.close()
    await transport.close()

    note = figure("the webhook's authority is replaced, 20 times")
    note("creates meanwhile", rig.created, "")
    note("refused", len(rig.refused), "", target=0)
    assert [] == rig.refused
    assert calls >= 2 * rig.created
