"""Children that something else changes as often as they are written: no fight, and the owner of the pod is told."""

import asyncio

import pytest

from steward.headless.memory import MENDS, WINDOW, Memory
from steward.headless.model import SERVICES, SLICES
from steward.runtime.client import MERGE_PATCH
from steward.runtime.plan import Apply, Create, Delete
from steward.runtime.resource import Key
from support.builders import endpoint_slice, model, pod, service
from support.fakeapi import FakeAPI, patches
from support.managers import running, settled
from support.worked import client

pytestmark = pytest.mark.looptime

KEY = Key("shop", "web-0")
REASON = "HeadlessServiceContested"
POLICIES = {
    "a selector": ("services", {"spec": {"selector": {"app": "shop"}}}, "Service", "spec.selector"),
    "an address": ("services", {"spec": {"clusterIP": "10.96.0.7"}}, "Service", "spec.clusterIP"),
    "a label besides": ("services", {"metadata": {"labels": {"mesh": "on"}}}, None, None),
    "ports": ("services", {"spec": {"ports": [{"name": "mesh", "port": 15001, "protocol": "TCP"}]}}, "Service", "spec.ports"),
    "endpoints": ("endpointslices", {"endpoints": [{"addresses": ["10.9.9.9"]}]}, "EndpointSlice", "endpoints"),
    "a family": ("endpointslices", {"addressType": "FQDN"}, "EndpointSlice", "addressType"),
}


def admit(api, plural, patch):
    """Let admission change what is written, as a MutatingAdmissionPolicy does."""
    insert, replace = api.database.insert, api.database.replace

    def changed(kind, obj):
        return patches.merge(obj, patch) if kind.plural == plural else obj

    api.database.insert = lambda kind, obj, **how: insert(kind, changed(kind, obj), **how)
    api.database.replace = lambda kind, held, obj, **how: replace(kind, held, changed(kind, obj), **how)


def told(steward):
    return [event["note"] for event in steward.events() if event["reason"] == REASON]


@pytest.mark.parametrize(("plural", "patch", "kind", "field"), POLICIES.values(), ids=POLICIES)
async def test_what_admission_changes_is_written_once_and_told(plural, patch, kind, field):
    """The answer to the create is not what was sent. Deleting and creating again would go on for ever, and so would an apply."""
    api = FakeAPI()
    admit(api, plural, patch)
    api.add(pod("web-0"))
    async with running(api) as steward:
        await asyncio.sleep(3 * WINDOW)

        assert [1, 1, 0] == [api.requests(f"create {plural}"), api.requests("create services"), api.requests(f"delete {plural}")]
        assert 0 == api.requests(f"patch {plural}")
        assert (1 if kind else 0) == len(told(steward)) == steward.sample("k8s_headless_service_operator_skipped_pods", reason="conflict")
        for note in told(steward):
            assert note.startswith(f"{kind} shop/web-0")
            assert f"changes {field} whenever it is written" in note


async def test_a_new_wish_is_written_once_more():
    """What admission does to other ports is not known before."""
    api = FakeAPI()
    admit(api, "endpointslices", {"endpoints": [{"addresses": ["10.9.9.9"]}]})
    api.add(pod("web-0"))
    async with running(api) as steward:
        await steward.until(lambda: told(steward))
        api.merge("pods", "shop/web-0", {"status": {"podIPs": [{"ip": "10.0.0.2"}]}})
        await asyncio.sleep(WINDOW)

        # The turn of our create's fields into an apply's is a request of its own.
        assert [1, 1] == [api.requests("create endpointslices"), api.requests("patch endpointslices") - 1]


async def test_the_mend_that_the_event_names_helps():
    """Once the policy is gone and the Service deleted, the pod gets its name, and is in no conflict."""
    api = FakeAPI()
    insert, replace = api.database.insert, api.database.replace
    admit(api, "services", {"spec": {"clusterIP": "10.96.0.7"}})
    api.add(pod("web-0"))
    async with running(api) as steward:
        await steward.until(lambda: told(steward))
        api.database.insert, api.database.replace = insert, replace
        api.remove("services", "shop/web-0")
        await steward.until(lambda: "None" == (api.get("services", "shop/web-0") or {"spec": {}})["spec"].get("clusterIP"))
        await settled(api)

        assert 0 == steward.sample("k8s_headless_service_operator_skipped_pods", reason="conflict")


HAND = [
    (SERVICES, "shop/web-0", {"spec": {"selector": {"app": "shop"}}}),
    (SERVICES, "shop/web-0", {"spec": {"publishNotReadyAddresses": False}}),
    (SLICES, "shop/web-0-ipv4", {"endpoints": [{"addresses": ["10.9.9.9"]}]}),
]


@pytest.mark.parametrize(("resource", "key", "patch"), HAND, ids=["a selector", "publishing", "endpoints"])
async def test_what_somebody_changes_by_hand_is_mended_a_few_times_and_a_war_is_not_waged(resource, key, patch):
    """A controller that changes it back within a second each time."""
    api = FakeAPI()
    api.add(pod("web-0"))
    async with running(api) as steward:
        await steward.until(lambda: api.get(resource.plural, key))
        made = api.get(resource.plural, key)
        hand = client(api, "other-controller")
        for number in range(MENDS):
            await hand.patch(resource, Key(*key.split("/")), patch, content_type=MERGE_PATCH)
            await steward.until(lambda: patches.merge(now(api, resource, key), patch) != now(api, resource, key))
            await settled(api)

            assert made.get("spec") == now(api, resource, key).get("spec"), number
            assert made.get("endpoints") == now(api, resource, key).get("endpoints"), number
        assert [] == told(steward)

        before = api.requests("write services") + api.requests("write endpointslices")
        await hand.patch(resource, Key(*key.split("/")), patch, content_type=MERGE_PATCH)
        await asyncio.sleep(60)

        assert before + 1 == api.requests("write services") + api.requests("write endpointslices")
        assert 1 == len(told(steward)) == steward.sample("k8s_headless_service_operator_skipped_pods", reason="conflict")


def now(api, resource, key):
    """The child as it is; nothing of it while it is made anew."""
    return api.get(resource.plural, key) or {}


def remembered(*actions, clock):
    memory = Memory(lambda: clock[0])
    for action in actions:
        (memory.deleted if isinstance(action, Delete) else lambda key, one: memory.wrote(key, one, ""))(KEY, action)
    return memory


CHILD = model(SERVICES, service(owner=pod()))
DELETE, CREATE = Delete(SERVICES, CHILD, owned=bool), Create(SERVICES, CHILD)
APPLY = Apply(SERVICES, CHILD, CHILD, owned=bool)
OTHER = Apply(SERVICES, CHILD, model(SERVICES, service(owner=pod(), annotations={"other": "wish"})), owned=bool)


@pytest.mark.parametrize(
    ("actions", "exhausted"),
    [
        ([DELETE, CREATE] * MENDS, True),
        ([DELETE, CREATE] * (MENDS - 1), False),
        ([APPLY] * MENDS, True),
        ([APPLY, OTHER] * MENDS, False),
    ],
    ids=["deletions", "not yet", "the same again", "other wishes"],
)
def test_patience_ends_where_the_same_is_mended_again_and_again(actions, exhausted):
    (attempt,) = remembered(*actions, clock=[1000.0]).attempts(KEY).values()

    assert exhausted == attempt.is_exhausted


@pytest.mark.parametrize("actions", [[DELETE, CREATE] * MENDS, [APPLY] * MENDS], ids=["deletions", "applies"])
def test_patience_comes_back(actions):
    clock = [1000.0]
    memory = remembered(*actions, clock=clock)
    clock[0] += WINDOW + 1

    assert {} == memory.attempts(KEY)


def test_what_is_right_at_once_is_not_remembered():
    assert {} == remembered(CREATE, Create(SLICES, model(SLICES, endpoint_slice(owner=pod()))), clock=[0.0]).attempts(KEY)


def test_nothing_is_kept_of_a_pod_that_is_gone():
    memory = remembered(*[APPLY] * MENDS, clock=[0.0])
    memory.judge(KEY, is_conflict=True)
    memory.forget(KEY)

    assert {} == memory.attempts(KEY)
    assert set() == memory.conflicts
