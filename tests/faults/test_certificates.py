"""Twenty authorities and two hundred leaves of the webhook, one after the other, while pods are created that have to pass it."""

import pytest
import yaml
from admission.balancer import balancing

from steward.runtime.transport import HTTPTransport
from support import helm
from support.doors import Door
from support.reviewing import Paced, Reviewing
from support.rig import Rig

AUTHORITIES, LEAVES = 20, 200

CREATES, PACE = 100, 110
"""Creates a second that are asked for, and that are made: a little more, so that a moment of the machine's own is made up for."""


@pytest.fixture
async def door(cluster):
    definition = yaml.safe_load((helm.CHART / "files" / "crds" / "devopspolicies.policy.steward.dev.yaml").read_text())
    cluster.apply(definition)
    cluster.kubectl("wait", "--for=condition=Established", f"crd/{definition['metadata']['name']}", "--timeout=60s")
    transport = HTTPTransport(cluster.credentials())
    door = Door(transport, cluster.compact)
    await door.open()
    yield door
    await transport.close()


@pytest.fixture
def front():
    """The one address of both replicas."""
    with balancing() as balancer:
        yield balancer


@pytest.mark.long
async def test_certificates_are_replaced_for_minutes_without_one_wrong_answer(cluster, door, front, figure):
    """Two replicas behind one address, with failurePolicy Fail; every other pod is one to deny, so nothing passes unseen either."""
    rig, paced = Rig(cluster, door, answering=Reviewing), Paced(door, rate=PACE)
    await rig.open("webhook-a", "webhook-b", front=front)
    await paced.denied()
    steps, handshakes = rig.steps(), sum(front.opened.values())
    calls = [replica.answering.calls for replica in rig.replicas]
    async with paced.load():
        await rig.until(lambda: (rig.steps() - steps)["drain"] >= AUTHORITIES and (rig.steps() - steps)["leaf"] >= LEAVES, seconds=600)
    taken = rig.steps() - steps
    shares = [replica.answering.calls - before for replica, before in zip(rig.replicas, calls, strict=True)]
    handshakes = sum(front.opened.values()) - handshakes
    await rig.close()

    rate = paced.answers / paced.seconds
    note = figure("webhook: its certificates replaced")
    note("authorities", taken["drain"])
    note("leaves", taken["leaf"])
    note("creates meanwhile, half of them to be denied", paced.answers)
    note("creates a second", rate, least=CREATES)
    note("handshakes", handshakes)
    note("longest create", paced.longest, "s")
    note("wrong answers", len(paced.wrong), target=0)
    assert [] == paced.wrong
    assert paced.answers == sum(shares)
    assert min(shares) > paced.answers / 4
    assert rate >= CREATES
