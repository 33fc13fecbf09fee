"""Authorities and leaves of the webhook are replaced, while pods are created that have to pass it."""

import asyncio
import base64
import datetime as dt

import pytest
import yaml
from admission.balancer import balancing

from faults.harness.late import Another, LateEtcd
from steward.runtime.transport import HTTPTransport
from steward.webhook.certificates.timing import TIMING, Timing
from support import helm
from support.doors import Door
from support.reviewing import Paced, Reviewing
from support.rig import CONFIGURATIONS, Rig

AUTHORITIES, LEAVES = 20, 200

CREATES, PACE = 100, 110
"""Creates a second that are asked for, and that are made: a little more, so that a moment of the machine's own is made up for."""

LATE_SECONDS = 30

SPREAD = Timing(
    authority=dt.timedelta(minutes=10),
    leaf=dt.timedelta(minutes=5),
    left=0.97,
    spread=TIMING.spread,
    poll=dt.timedelta(seconds=0.5),
)
"""The minute is that of production. An authority is replaced after 18 s, a leaf every 9 s."""


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


@pytest.fixture
async def elsewhere(cluster, door):
    """The way to an API server that hears of configurations as late as one says."""
    late = LateEtcd(cluster.etcd_port, "validatingwebhookconfigurations")
    another = Another(cluster, await late.open())
    # What it asks etcd comes through this loop.
    await asyncio.to_thread(another.start)
    transport = HTTPTransport(another.credentials())
    there = Door(transport, cluster.compact)
    there.namespace = door.namespace
    yield late, there
    await transport.close()
    await asyncio.to_thread(another.stop)
    await late.close()


async def trusted(door, name):
    """The bundle as an API server's cache has it, which is what it calls by."""
    found = await door.ok("GET", f"{CONFIGURATIONS}/{name}", resourceVersion="0")
    return base64.b64decode(found["webhooks"][0]["clientConfig"]["caBundle"])


@pytest.mark.long
async def test_an_api_server_that_hears_late_of_an_authority_refuses_nobody(cluster, door, front, elsewhere, figure):
    """A certificate of the next authority is shown a minute after the configuration was seen to trust it."""
    late, there = elsewhere
    rig, paced = Rig(cluster, door, answering=Reviewing), Paced(there, rate=20)
    await rig.open("webhook-a", "webhook-b", timing=SPREAD, front=front)
    await paced.denied()
    late.seconds = LATE_SECONDS
    loop = asyncio.get_running_loop()
    async with paced.load():
        before = await trusted(there, rig.configuration)
        steps = rig.steps()
        await rig.until(lambda: (rig.steps() - steps)["spread"], seconds=60)
        wrote, heard = loop.time(), await trusted(door, rig.configuration)
        assert before == await trusted(there, rig.configuration) != heard
        while await trusted(there, rig.configuration) == before:
            assert loop.time() - wrote < TIMING.spread.total_seconds()
            await asyncio.sleep(0.1)
        lag = loop.time() - wrote
        await rig.until(lambda: (rig.steps() - steps)["switch"], seconds=90)
        await asyncio.sleep(LATE_SECONDS)
    taken = rig.steps() - steps
    await rig.close()

    note = figure("webhook: an API server that hears late of its configuration")
    note("how late", lag, "s")
    note("authorities", taken["switch"])
    note("leaves", taken["leaf"])
    note("creates meanwhile, half of them to be denied", paced.answers)
    note("wrong answers", len(paced.wrong), target=0)
    assert [] == paced.wrong
    assert lag > LATE_SECONDS - 1
