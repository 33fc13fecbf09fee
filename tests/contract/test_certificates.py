"""Certificates of the webhook before a real API server that calls by them: nobody is refused while they are replaced."""

import asyncio
import contextlib
import datetime as dt
import itertools

import pytest

from steward.http import pki
from steward.runtime.client import Client
from steward.runtime.errors import StewardError
from steward.runtime.fence import OPEN
from steward.runtime.plan import Plan
from steward.runtime.transport import HTTPTransport
from steward.webhook import certificates
from steward.webhook.certificates import leader
from steward.webhook.certificates.model import encoded
from steward.webhook.certificates.rotation import Decision, decide
from support.doors import LEASES, Door
from support.rig import CONFIGURATIONS, SECRET, SECRETS, Rig

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


FOLLOWS = {"rotate": {"spread"}, "spread": {"switch", "rotate"}, "switch": {"drain", "rotate"}, "drain": {"spread"}}
"""What comes after which step. An authority that waited for a leader is so old here that the next one is made before the former is drained."""


class Halting:
    """Stands before what the leader decides: notes each step once its write is done, and lets nothing be written after one of them."""

    def __init__(self, rig, after):
        self._rig, self._after, self._known = rig, after, rig.steps()
        self.taken = []
        self.halted = False

    def __call__(self, situation):
        known = self._rig.steps()
        self.taken += [*(known - self._known)]
        self.taken = [step for step in self.taken if step != "leaf"]
        self._known = known
        self.halted = self.halted or (self._after is not None and self.taken[-len(self._after) :] == self._after)
        return Decision("", Plan(skip="halted")) if self.halted else decide(situation)

    def go_on(self):
        """Let the next one lead."""
        self._after, self._known, self.halted = None, self._rig.steps(), False


@pytest.mark.parametrize("after", ["rotate", "rotate spread", "switch", "drain", "drain spread"])
async def test_after_each_single_write_of_a_rotation_the_next_leader_goes_on(rig, after, monkeypatch):
    """The last one was killed between that write and the next. Its lease is taken away, which it would else hold for 15 s."""
    halting = Halting(rig, after.split())
    monkeypatch.setattr(leader, "decide", halting)
    async with rig.load(clients=2):
        await rig.until(lambda: halting.halted)
        lease = await rig.door.ok("GET", f"{LEASES}/{SECRET}")
        await rig.kill(next(one for one in rig.replicas if lease["spec"]["holderIdentity"].startswith(one.name)))
        written = list(halting.taken)
        await rig.door.ok("DELETE", f"{LEASES}/{SECRET}")
        halting.go_on()
        await rig.until(lambda: "drain spread" in " ".join(halting.taken[len(written) - 1 :]))

    assert after.split() == written[-len(after.split()) :]
    assert all(step in FOLLOWS[former] for former, step in itertools.pairwise(halting.taken))
    assert [] == rig.refused


async def test_two_who_both_believe_to_lead_leave_one_authority(rig):
    """A rotation by each, at once and without the lease: one writes, the other gets a Conflict and reads again."""
    leaders = [next(one for one in replica.manager._services if one.name == "certificate rotation") for replica in rig.replicas]

    async def lead(one, stopping):
        while not stopping.is_set():
            with contextlib.suppress(StewardError):
                await one.look(OPEN)
            await asyncio.sleep(0.01)

    stopping = asyncio.Event()
    async with asyncio.TaskGroup() as group, rig.load(clients=1):
        for one in leaders:
            group.create_task(lead(one, stopping))
        await rig.until(lambda: rig.steps()["drain"] >= 1, seconds=90)
        stopping.set()

    assert [] == rig.refused
    assert 1 == rig.steps()["bootstrap"]


@pytest.mark.parametrize("how", ["emptied by a merge", "emptied by apply", "replaced by apply"])
async def test_a_ca_bundle_that_another_manager_takes_is_back_within_five_seconds(rig, how):
    """As kubectl and Argo CD do it, the latter by force; in seconds from the write until the bundle is right and pods are made again."""
    theirs = "" if "emptied" in how else encoded(pki.pem([strange().certificate]))
    path = f"{CONFIGURATIONS}/{rig.configuration}"
    hooks = [{**hook, "clientConfig": {**hook["clientConfig"], "caBundle": theirs}} for hook in await rig.hooks()]
    loop = asyncio.get_running_loop()
    started = loop.time()
    if "apply" in how:
        kind = {"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration"}
        written = await rig.door.apply(path, kind | {"metadata": {"name": rig.configuration}, "webhooks": hooks}, "argocd", force=True)
    else:
        written = await rig.merge(path, {"webhooks": hooks})
    while not await rig.is_believed():
        assert loop.time() - started < 5
        await asyncio.sleep(0.05)
    await rig.passes(seconds=5)

    assert loop.time() - started < 5
    assert {theirs} == {hook["clientConfig"].get("caBundle", "") for hook in written["webhooks"]}


@pytest.mark.parametrize("how", ["deleted", "emptied", "with the key of another"])
async def test_a_secret_that_is_lost_is_replaced_without_one_refusal(rig, how):
    """While both replicas serve under the authority that was in it."""
    former = await rig.authority()
    async with rig.load(clients=2):
        path = f"{SECRETS}/{SECRET}"
        match how:
            case "deleted":
                await rig.door.ok("DELETE", path)
            case "emptied":
                await rig.merge(path, {"data": None})
            case _:
                await rig.merge(path, {"data": {"ca.key": encoded(strange().key_pem().reveal())}})
        await rig.until(lambda: rig.steps()["switch"] >= 1)
        await asyncio.sleep(1)

    assert [] == rig.refused
    assert await rig.authority() not in ("", former)


@pytest.mark.parametrize("pause", [0.0, 0.3], ids=["at once", "between look and write"])
async def test_a_secret_of_somebody_else_is_refused_with_an_event(rig, pause, monkeypatch):
    """It keeps what it has, pods pass all the same, and nobody has to guess why."""
    look, looked = Client.find, asyncio.Event()

    async def find(*args, **options):
        found = await look(*args, **options)
        if found is None:
            looked.set()
            await asyncio.sleep(pause)
        return found

    monkeypatch.setattr(Client, "find", find)
    path = f"{SECRETS}/{SECRET}"
    await rig.door.ok("DELETE", path)
    if pause:
        await looked.wait()
    theirs = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": SECRET}, "type": "Opaque", "stringData": {"ca.crt": "theirs"}}
    code, _ = await rig.door.call("POST", SECRETS, theirs)
    if code == 409:
        # The leader was faster; what it made is nobody's once it has lost its labels.
        await rig.merge(path, {"metadata": {"labels": None}, "data": {"ca.crt": encoded("theirs"), "ca.key": None}})
    await rig.until(lambda: any(b"WebhookSecretForeign" in one.manager.recent_events() for one in rig.replicas))
    before = await rig.secret()
    await asyncio.sleep(2)

    assert before == await rig.secret()
    assert await rig.passes() < 1


async def test_what_the_webhook_may_is_enough_and_is_used(control_plane):
    """By a user who has the rights of the declaration, limited to the two names, and nothing else."""
    transport = HTTPTransport(control_plane.credentials())
    door = Door(transport, control_plane.compact)
    await door.open()
    rig = Rig(control_plane, door, user="limited")
    for path, body in roles(certificates.RIGHTS, rig):
        await door.create(path, body)
    await rig.open("webhook-a")
    await rig.until(lambda: rig.steps()["drain"] >= 1)

    assert rig.replicas[0].manager.probes[0].check().ok
    await rig.close()
    await transport.close()


def strange():
    now = dt.datetime.now(dt.UTC)
    return pki.authority("strange", pki.Validity(now, now + dt.timedelta(days=1)))


def roles(rights, rig):
    """Roles and bindings, as the chart makes them of the same rights."""
    api = "rbac.authorization.k8s.io"
    names = {"serving.secretName": SECRET, "serving.configurationName": rig.configuration}
    events = {"apiGroups": ["events.k8s.io"], "resources": ["events"], "verbs": ["create", "patch"]}
    for kind, path, own in (
        ("ClusterRole", f"/apis/{api}/v1/clusterroles", False),
        ("Role", f"/apis/{api}/v1/namespaces/{{}}/roles", True),
    ):
        rules = [
            {"apiGroups": [right.resource.group], "resources": [right.resource.plural], "verbs": right.verbs.split()}
            | ({"resourceNames": [names[right.named]]} if right.named else {})
            for right in rights
            if right.own_namespace is own
        ]
        name = rig.configuration
        subjects = [{"kind": "User", "name": "limited", "apiGroup": api}]
        yield path, {"apiVersion": f"{api}/v1", "kind": kind, "metadata": {"name": name}, "rules": rules + [events] * (not own)}
        binding = {"apiVersion": f"{api}/v1", "kind": f"{kind}Binding", "metadata": {"name": name}, "subjects": subjects}
        yield f"{path.removesuffix('s')}bindings", binding | {"roleRef": {"kind": kind, "name": name, "apiGroup": api}}
