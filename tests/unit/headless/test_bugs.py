"""The bugs of the reference (inventory 0.4, H1 to H19), each by its number: none of them is here."""

import asyncio
import logging

import pytest

from steward.headless import reasons
from steward.headless.component import COMPONENT
from steward.headless.config import Config
from steward.headless.controller import reconcile
from steward.headless.model import SERVICES
from steward.runtime import errors
from steward.runtime.apply import perform
from steward.runtime.client import MERGE_PATCH
from steward.runtime.fence import Open
from steward.runtime.plan import Apply, Plan
from steward.runtime.resource import Key
from support.builders import pod, service
from support.desk import Desk, children, state
from support.fakeapi import FakeAPI
from support.managers import Running, running, settled
from support.worked import Worked, client

on_virtual_time = pytest.mark.looptime

WEB = pod("web-0")
KEY = Key("shop", "web-0")
NAME, SLICE = "shop/web-0", "shop/web-0-ipv4"
LEASE = "default/steward-headless"


def shape(plan):
    return sorted(f"{type(action).__name__} {action.resource.kind}" for action in plan.actions)


def has_name(api, name=NAME):
    return bool(api.get("services", name) and api.get("endpointslices", f"{name}-ipv4"))


def has_nothing(api):
    return not api.keys("services") and not api.keys("endpointslices")


@pytest.mark.parametrize("left", [(), children(WEB)[1:]], ids=["nothing left", "the EndpointSlice left"])
@pytest.mark.parametrize("then", [(), (pod(deleting=True),), (pod(phase="Failed"),)], ids=["gone", "terminating", "failed"])
def test_h1_a_missing_service_of_a_dead_pod_is_never_made_again(then, left):
    """The reference took the absence of the Service for the start of its life."""
    desk = Desk()
    desk.file(*then, *left)

    assert ["Delete EndpointSlice"] * len(left) == shape(desk.plan(KEY))


@on_virtual_time
async def test_h2_what_a_dead_operator_left_is_collected_by_the_next():
    """No collector of Kubernetes' own helps here: the fake server has none."""
    api = FakeAPI()
    api.add(WEB)
    async with running(api) as steward:
        await steward.until(lambda: has_name(api))
    api.remove("pods", NAME)
    async with running(api) as steward:
        await steward.until(lambda: has_nothing(api))

        assert 2 == steward.sample("k8s_headless_service_operator_orphans_deleted_total")


def test_h2_what_we_make_says_whose_it_is():
    """Labels to find it by, and an owner, so that Kubernetes collects it too."""
    for action in reconcile(state(WEB)).actions:
        meta = action.desired.metadata
        assert {"app.kubernetes.io/managed-by": "steward", "operator": "headless-service-operator"}.items() <= meta.labels.items()
        assert ("Pod", "uid-1", True) == (meta.controller.kind, meta.controller.uid, meta.controller.controller)


@on_virtual_time
async def test_h3_an_annotation_that_is_removed_takes_the_name_with_it():
    api = FakeAPI()
    api.add(WEB)
    async with running(api) as steward:
        await steward.until(lambda: has_name(api))
        api.merge("pods", NAME, {"metadata": {"annotations": None}})
        await steward.until(lambda: has_nothing(api))

        assert reasons.DELETED.name in [event["reason"] for event in steward.events()]


@on_virtual_time
async def test_h4_a_service_of_somebody_else_is_the_same_before_during_and_after_the_pod():
    api = FakeAPI()
    theirs = api.add(service("web-0", spec={"clusterIP": "None", "selector": {"app": "shop"}, "ports": [{"port": 80}]}))
    async with running(api) as steward:
        api.add(WEB)
        await steward.until(lambda: reasons.NAME_CONFLICT.name in [event["reason"] for event in steward.events()])
        api.remove("pods", NAME)
        await settled(api)

    assert theirs == api.get("services", NAME)
    assert 0 == api.requests("write services")
    assert set() == api.keys("endpointslices")


@on_virtual_time
async def test_h4_a_service_that_comes_in_the_same_moment_is_not_taken_over():
    """Our cache does not show it yet, so we create, and the server says who came first. What went out with it is taken back."""
    api = FakeAPI()
    async with running(api) as steward:
        api.lag(5.0, "watch services")
        theirs = api.add(service("web-0"))
        api.add(WEB)
        await steward.until(lambda: reasons.NAME_CONFLICT.name in [event["reason"] for event in steward.events()])
        await settled(api)

        assert theirs == api.get("services", NAME)
        assert set() == api.keys("endpointslices")


def test_h5_no_annotation_of_a_pod_reaches_its_service_unasked():
    """last-applied-configuration would make kubectl prune fields, prometheus.io/scrape would have the pod scraped twice."""
    names = ("kubectl.kubernetes.io/last-applied-configuration", "prometheus.io/scrape", "cni.projectcalico.org/podIP")
    plan = reconcile(state(pod(annotations=dict.fromkeys(names, "true"))))

    assert [["steward.dev/desired-hash"], []] == [list(action.desired.metadata.annotations) for action in plan.actions]


@pytest.mark.parametrize("half", ["services", "endpointslices"])
@on_virtual_time
async def test_h6_a_half_that_could_not_be_made_is_made_on_the_next_pass(half):
    api = FakeAPI()
    api.answer(500, match=f"create {half}", times=1)
    async with running(api) as steward:
        api.add(WEB)
        await steward.until(lambda: has_name(api), seconds=1)

    assert [2, 1] == sorted([api.requests("create services"), api.requests("create endpointslices")], reverse=True)


@pytest.mark.parametrize("code", [400, 401, 403, 405, 408, 409, 410, 422, 429, 500, 502, 503, 504])
def test_h7_only_404_means_absent(code):
    error = errors.from_response(errors.Call("get", "services", "shop", "web-0"), code, b"")

    assert not isinstance(error, errors.NotFound)
    assert isinstance(errors.from_response(error.call, 404, b""), errors.NotFound)


@pytest.mark.parametrize("code", [403, 429, 500, 503])
@on_virtual_time
async def test_h7_nothing_is_made_while_nobody_says_what_is_there(code):
    """The list of Services fails for a minute. Afterwards everything is as it should be, so there is nothing to write at all."""
    api = FakeAPI()
    api.add(WEB)
    async with running(api) as before:
        await before.until(lambda: has_name(api))
        await settled(api)
    written = api.requests("write services") + api.requests("write endpointslices")
    api.answer(code, match="* services", seconds=60)
    steward = Running(api)
    steward.start()
    await steward.ready(seconds=120)
    await settled(api)
    await steward.stop()

    assert written == api.requests("write services") + api.requests("write endpointslices")


@on_virtual_time
async def test_h7_a_name_is_not_taken_for_free_because_the_look_for_its_owner_failed():
    """The create says that somebody has the name; who that is cannot be asked for a while."""
    api = FakeAPI()
    async with running(api) as steward:
        api.lag(3600.0, "watch services")
        theirs = api.add(service("web-0"))
        api.answer(503, match="list services", times=3)
        api.add(WEB)
        await steward.until(lambda: reasons.NAME_CONFLICT.name in [event["reason"] for event in steward.events()])

        assert theirs == api.get("services", NAME)
        assert 0 == api.requests("patch services") + api.requests("delete services")


@on_virtual_time
async def test_h8_a_deletion_that_nobody_saw_happens_in_the_next_list():
    """The connection is gone, the pod too, and so is the history that would have told of it."""
    api = FakeAPI()
    api.add(WEB)
    async with running(api) as steward:
        await steward.until(lambda: has_name(api))
        api.stop()
        api.remove("pods", NAME)
        api.compact()
        api.start()
        await steward.until(lambda: has_nothing(api))


async def test_h9_what_others_wrote_into_a_child_stays():
    """A label, a port and an owner of theirs survive a change of ours; the reference replaced the whole object."""
    api = FakeAPI()
    api.add(WEB)
    worked = Worked(api)
    await worked.settle(limit=2)
    theirs = {"metadata": {"labels": {"team": "shop"}}, "spec": {"ports": [{"name": "theirs", "port": 4711, "protocol": "TCP"}]}}
    await client(api, "helm").patch(SERVICES, KEY, theirs, content_type=MERGE_PATCH)
    api.merge("pods", NAME, {"metadata": {"annotations": {"steward.dev/headless-service-ports": "grpc=9090"}}})
    await worked.settle(limit=2)
    found = api.get("services", NAME)

    assert "shop" == found["metadata"]["labels"]["team"]
    assert {("theirs", 4711), ("grpc", 9090)} == {(port["name"], port["port"]) for port in found["spec"]["ports"]}


async def test_h9_a_write_hits_the_object_that_was_looked_at_or_none():
    """The Service was made anew by somebody else between the look and the write."""
    api = FakeAPI()
    api.add(WEB)
    worked = Worked(api)
    await worked.settle(limit=2)
    api.merge("pods", NAME, {"metadata": {"annotations": {"steward.dev/headless-service-ports": "grpc=9090"}}})
    await worked.look()
    plan = Plan(actions=tuple(action for action in worked.desk.plan(KEY).actions if isinstance(action, Apply) and action.resource is SERVICES))
    api.remove("services", NAME)
    theirs = api.add(service("web-0"))
    outcome = await perform(plan, client=client(api, "steward-headless"), recorder=worked, fence=Open(), writers=worked.desk.writers)

    assert [True] == [isinstance(error, errors.Conflict | errors.Invalid) for error in outcome.errors]
    assert theirs == api.get("services", NAME)


def test_h10_an_address_is_published_while_it_is_the_pods_and_as_ready_as_the_pod_is():
    config = Config(publish_not_ready_addresses=False)
    late = pod(ready=False)

    assert [False] == [a.desired.endpoints[0].conditions.ready for a in reconcile(state(late, config=config)).actions if a.resource is not SERVICES]
    for over in (pod(phase="Succeeded"), pod(phase="Failed"), pod(deleting=True)):
        assert Plan(skip="terminated") == reconcile(state(over))


def test_h11_a_port_has_one_name_in_both_objects_which_is_what_srv_records_are_made_of():
    ports = ({"name": "http", "containerPort": 80}, {"containerPort": 9090}, {"containerPort": 53, "protocol": "UDP"})
    made = {action.resource.kind: action.desired for action in reconcile(state(pod(ports=ports))).actions}
    expected = [("http", "TCP", 80), ("tcp-9090", "TCP", 9090), ("udp-53", "UDP", 53)]

    assert expected == [(port.name, port.protocol, port.port) for port in made["Service"].spec.ports]
    assert expected == [(port.name, port.protocol, port.port) for port in made["EndpointSlice"].ports]


def test_h12_addresses_are_written_as_endpointslices_that_kubernetes_leaves_alone():
    """core/v1 Endpoints are deprecated since 1.33. Without the label its own controller would delete what it did not make."""
    assert "endpoints" not in {right.resource.plural for right in COMPONENT.rights}
    made = [action.desired for action in reconcile(state(WEB)).actions if "discovery.k8s.io" == action.resource.group]

    assert [("web-0", "headless.steward.dev")] == [
        (found.metadata.labels["kubernetes.io/service-name"], found.metadata.labels["endpointslice.kubernetes.io/managed-by"]) for found in made
    ]


@on_virtual_time
async def test_h13_one_slow_write_keeps_nobody_else_waiting():
    api = FakeAPI()
    api.delay(20.0, "create services shop/slow")
    async with running(api) as steward:
        api.add(pod("slow"))
        for number in range(50):
            api.add(pod(f"web-{number}"))
        await steward.until(lambda: all(has_name(api, f"shop/web-{number}") for number in range(50)), seconds=2)

        assert not has_name(api, "shop/slow")

        await steward.until(lambda: has_name(api, "shop/slow"), seconds=25)


@on_virtual_time
async def test_h13_what_failed_is_tried_again_in_moments_not_in_a_minute():
    api = FakeAPI()
    api.answer(500, match="create services", times=5)
    async with running(api) as steward:
        api.add(WEB)
        await steward.until(lambda: has_name(api), seconds=1)

    assert 6 == api.requests("create services")


@on_virtual_time
async def test_h14_half_an_hour_in_which_nothing_happens_costs_nothing():
    """The reference read two objects for each annotated pod in each minute: 1,200 requests here."""
    api = FakeAPI()
    for number in range(20):
        api.add(pod(f"web-{number}"))
    async with running(api, lease=True) as steward:
        await steward.until(lambda: all(has_name(api, f"shop/web-{number}") for number in range(20)))
        await asyncio.sleep(60)
        before = len(api.journal)
        await asyncio.sleep(1800)
        asked = [(seen.target.verb, seen.target.kind.plural) for seen in list(api.journal)[before:]]

    # A lease is renewed every two seconds; a watch ends after five to ten minutes.
    assert {("patch", "leases"), *(("watch", plural) for plural in ("pods", "services", "endpointslices"))} == set(asked)
    assert len([verb for verb, _ in asked if verb == "watch"]) <= 3 * 1800 / 300


@on_virtual_time
async def test_h15_of_two_replicas_one_writes():
    api = FakeAPI()
    async with running(api, lease=True) as leader, running(api, lease=True, identity="steward-1") as other:
        await leader.until(lambda: leader.sample("steward_leader") == 1)
        for number in range(10):
            api.add(pod(f"web-{number}"))
        await leader.until(lambda: all(has_name(api, f"shop/web-{number}") for number in range(10)))
        await settled(api, quiet=0.5)

        assert [1, 0] == [one.sample("steward_leader") for one in (leader, other)]
        assert [0, 10] == sorted(
            one.sample("k8s_headless_service_operator_operations_total", operation="create", status="success") for one in (leader, other)
        )
        assert [10, 10] == [api.requests("write services"), api.requests("write endpointslices")]


@pytest.mark.parametrize("applied", [True, False], ids=["that arrived", "that was lost"])
@on_virtual_time
async def test_h16_a_write_without_an_answer_does_not_keep_the_process_from_ending(applied):
    """SIGTERM, 30 s of the kubelet's grace; the next leader need not wait for the lease to expire."""
    api = FakeAPI()
    steward = Running(api, lease=True)
    steward.start()
    await steward.until(lambda: steward.sample("steward_leader") == 1)
    api.hang("create services", applied=applied)
    api.add(WEB)
    await steward.until(lambda: api.requests("create services"))
    told = asyncio.get_running_loop().time()
    await steward.stop()

    assert asyncio.get_running_loop().time() - told < 25
    assert not api.get("leases", LEASE)["spec"].get("holderIdentity")


@on_virtual_time
async def test_h16_being_told_twice_to_end_is_being_told_once():
    api = FakeAPI()
    steward = Running(api)
    steward.start()
    await steward.ready()
    steward.manager.stop()
    steward.manager.stop()
    await steward.stop()
    steward.manager.stop()

    assert steward.transport.is_closed


@on_virtual_time
async def test_h17_a_failure_is_logged_as_an_error_and_what_is_nothing_is_not_logged(caplog):
    """The reference said both at level info: failures, and each minute every pod that does not ask."""
    caplog.set_level(logging.INFO)
    api = FakeAPI()
    for number in range(20):
        api.add(pod(f"quiet-{number}", annotated=False))
    api.add(pod("waiting", ips=()))
    api.answer(500, match="create services", times=2)
    async with running(api) as steward:
        api.add(WEB)
        await steward.until(lambda: has_name(api))
        await asyncio.sleep(1800)
    failures = [record for record in caplog.records if "reconcile failed, trying again" == record.message]

    assert [logging.ERROR] * 2 == [record.levelno for record in failures]
    assert [] == [record for record in caplog.records if "quiet" in str(record.__dict__) or "waiting" in str(record.__dict__)]


def test_h18_what_the_tests_ask_is_what_runs():
    """The reference's tests were a second implementation. Ours ask the controller that the manager gets, built as it is declared."""
    assert reconcile is Desk().controller.reconcile
    assert "steward.headless.controller" == COMPONENT.build.__module__


@pytest.mark.parametrize("watch_list", [True, False], ids=["streamed lists", "lists"])
@on_virtual_time
async def test_h19_the_rights_are_those_that_are_used(watch_list):
    """Every request is covered by a right, every right by a request, and none is a wildcard."""
    api = FakeAPI()
    api.watch_list = watch_list
    async with running(api, lease=True) as steward:
        await live_a_life(api, steward)
    declared = {(verb, right.resource.plural) for right in COMPONENT.all_rights for verb in right.verbs.split()}
    used = {(seen.target.verb, seen.target.kind.plural) for seen in api.journal if seen.target.kind.stored}

    assert "*" not in {part for right in declared for part in right}
    assert used <= declared
    # Both lists are needed by an API server that cannot stream them, and one to ask who has a name.
    assert declared - used <= ({("list", "pods"), ("list", "endpointslices")} if watch_list else set())


async def live_a_life(api, steward):
    """A pod is born, changes its address and its ports, and ends; another finds its name taken; an Event repeats itself."""
    api.lag(5.0, "watch services")
    api.add(service("taken"))
    api.add(pod("taken"))
    await steward.until(lambda: reasons.NAME_CONFLICT.name in [event["reason"] for event in steward.events()])
    api.add(WEB)
    await steward.until(lambda: has_name(api))
    api.merge("pods", NAME, {"metadata": {"annotations": {"steward.dev/headless-service-ports": "81"}}, "status": {"podIPs": [{"ip": "10.0.0.2"}]}})
    await steward.until(lambda: api.requests("patch endpointslices") and api.requests("patch services"))
    await steward.until(lambda: any("10.0.0.2" in event["note"] for event in api.all("events")))
    for number, address in enumerate(("10.0.0.1", "10.0.0.2"), start=api.requests("patch endpointslices") + 1):
        api.merge("pods", NAME, {"status": {"podIPs": [{"ip": address}]}})
        await steward.until(lambda number=number: number <= api.requests("patch endpointslices"))
    await steward.until(lambda: api.requests("patch events"))
    api.remove("pods", NAME)
    await steward.until(lambda: {"shop/taken"} == api.keys("services") and not api.keys("endpointslices"))
    await steward.until(lambda: api.requests("patch leases"))
