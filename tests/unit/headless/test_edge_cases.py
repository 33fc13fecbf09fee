"""The table of edge cases (inventory 0.3), a test for each of its rows and for each way a row can happen."""

import pytest

from steward.headless import reasons
from steward.headless.config import Config
from steward.headless.controller import reconcile
from steward.headless.model import SERVICES, SLICES
from steward.headless.names import hashed
from steward.runtime.plan import Plan
from steward.runtime.resource import Key
from support.addresses import REFUSED
from support.builders import endpoint_slice, pod, service
from support.desk import Desk, children, state

WEB = pod("web-0")


def shape(plan):
    return sorted(f"{type(action).__name__} {action.resource.kind}" for action in plan.actions)


def skipped(*manifests, config=None):
    """The reason the metric gives for the pods, by number; reasons without a pod are left out."""
    desk = Desk(config)
    desk.file(*manifests)
    labels = ("no_ip", "invalid_ip", "name_too_long", "invalid_name", "conflict", "host_network", "terminated")
    counts = {label: desk.sample("k8s_headless_service_operator_skipped_pods", reason=label) for label in labels}
    return {label: count for label, count in counts.items() if count}


def test_row_1_a_name_of_64_characters_is_skipped_with_an_event_and_counted():
    """Never in silence, and not on the path of creation alone."""
    long = pod("x" * 64)
    plan = reconcile(state(long))
    (event,) = plan.events

    assert () == plan.actions
    assert reasons.NAME_TOO_LONG == event.reason
    assert f"{'x' * 64} has 64 characters, a Service's name at most 63. Shorten it, or set longNames to hash." == event.note
    assert {"name_too_long": 1} == skipped(long)


def test_row_1_a_name_of_63_characters_is_a_name():
    assert ["Create EndpointSlice", "Create Service"] == shape(reconcile(state(pod("x" * 63))))


def test_row_1_a_hashed_name_stands_in_if_that_is_wanted():
    plan = reconcile(state(pod("x" * 64), config=Config(long_names="hash")))

    assert {hashed("x" * 64), f"{hashed('x' * 64)}-ipv4"} == {action.desired.metadata.name for action in plan.actions}
    assert () == plan.events


@pytest.mark.parametrize("name", ["web.0", "9lives"], ids=["dots", "leading digit"])
def test_row_2_a_name_that_a_service_cannot_have_is_skipped_with_an_event_and_counted(name):
    """RFC 1035; asked of the API server it would be an error every minute."""
    plan = reconcile(state(pod(name)))
    (event,) = plan.events

    assert () == plan.actions
    assert reasons.INVALID_NAME == event.reason
    assert event.note.startswith(f"{name} cannot be a Service's name: only a-z, 0-9 and -, and a letter first.")
    assert {"invalid_name": 1} == skipped(pod(name))


def test_row_3_a_pod_without_an_address_is_waited_for_in_silence():
    """Its address is a change, and that wakes it; nothing is asked again in between."""
    pending = pod(phase="Pending", ips=())

    assert Plan(skip="no_ip") == reconcile(state(pending))
    assert {"no_ip": 1} == skipped(pending)


def test_row_3_the_address_makes_the_name():
    desk = Desk()
    desk.file(pod(phase="Pending", ips=()))
    desk.woken.clear()
    desk.file(WEB)

    assert [Key("shop", "web-0")] == list(desk.woken)
    assert ["Create EndpointSlice", "Create Service"] == shape(desk.plan(Key("shop", "web-0")))


def test_row_3_an_address_that_is_lost_takes_the_name_with_it():
    assert ["Delete EndpointSlice", "Delete Service"] == shape(reconcile(state(pod(ips=()), *children(WEB))))


@pytest.mark.parametrize("address", REFUSED, ids=str)
def test_row_3_an_address_that_no_endpointslice_takes_is_none(address):
    """The server would refuse it for ever: the pod is skipped with an Event, and loses a name it had with another address."""
    odd = pod(ips=(address,))
    plan = reconcile(state(odd, *children(WEB)))

    assert ["Delete EndpointSlice", "Delete Service"] == shape(plan)
    assert reasons.INVALID_ADDRESS in [event.reason for event in plan.events]
    assert address in plan.events[0].note
    assert {"invalid_ip": 1} == skipped(odd)


def test_row_3_of_several_addresses_those_that_can_be_are_published():
    plan = reconcile(state(pod(ips=("10.0.0.1", "fe80::1"))))
    slices = [action.desired for action in plan.actions if action.resource is SLICES]

    assert {"IPv4": ("10.0.0.1",)} == {found.address_type: found.endpoints[0].addresses for found in slices}
    assert plan.done.note.endswith("answers with 10.0.0.1")


def test_row_4_a_pod_in_the_network_of_its_node_has_the_nodes_address():
    """Allowed by default, as the reference does it."""
    plan = reconcile(state(pod(host_network=True, ips=("192.0.2.1",))))
    (found,) = (action.desired for action in plan.actions if action.resource is SLICES)

    assert ("192.0.2.1",) == found.endpoints[0].addresses


def test_row_4_a_pod_in_the_network_of_its_node_is_skipped_and_counted_where_that_is_denied():
    on_node, config = pod(host_network=True), Config(host_network="deny")

    assert Plan(skip="host_network") == reconcile(state(on_node, config=config))
    assert ["Delete EndpointSlice", "Delete Service"] == shape(reconcile(state(on_node, *children(on_node), config=config)))
    assert {"host_network": 1} == skipped(on_node, config=config)


@pytest.mark.parametrize(
    ("ips", "expected"),
    [
        (("10.0.0.1", "fd00::1"), {"IPv4": ("10.0.0.1",), "IPv6": ("fd00::1",)}),
        (("fd00::1", "10.0.0.1"), {"IPv4": ("10.0.0.1",), "IPv6": ("fd00::1",)}),
        (("fd00::1",), {"IPv6": ("fd00::1",)}),
    ],
    ids=["IPv4 first", "IPv6 first", "IPv6 alone"],
)
def test_row_5_every_family_has_its_endpointslice(ips, expected):
    plan = reconcile(state(pod(ips=ips)))
    slices = [action.desired for action in plan.actions if action.resource is SLICES]

    assert expected == {found.address_type: found.endpoints[0].addresses for found in slices}


def test_row_6_a_restart_in_place_changes_nothing():
    """The same address, after a moment of not being ready."""
    assert Plan() == reconcile(state(pod(ready=False), *children(WEB)))
    assert Plan() == reconcile(state(pod(ready=True), *children(WEB)))


def test_row_7_a_pod_made_anew_under_its_name_gets_a_service_of_its_own():
    """A StatefulSet's: the leftovers of the former one are told by its uid, go first, and their going wakes the new one."""
    new = pod(uid="new", ips=("10.0.0.2",))
    former = children(pod(uid="former"))
    desk = Desk()
    desk.file(*former, new)

    assert ["Delete EndpointSlice", "Delete Service"] == shape(desk.plan(Key("shop", "web-0")))

    desk.woken.clear()
    for child in former:
        desk.drop(child)
    plan = desk.plan(Key("shop", "web-0"))

    assert [Key("shop", "web-0")] == list(desk.woken)
    assert ["Create EndpointSlice", "Create Service"] == shape(plan)
    assert {"new"} == {action.desired.metadata.owner_references[0].uid for action in plan.actions}


def test_row_7_a_new_pod_without_an_address_does_not_keep_the_former_ones():
    former = children(pod(uid="former"))

    assert ["Delete EndpointSlice", "Delete Service"] == shape(reconcile(state(pod(uid="new", ips=()), *former)))


@pytest.mark.parametrize(
    "over", [pod(phase="Succeeded"), pod(phase="Failed"), pod(deleting=True)], ids=["succeeded", "failed or evicted", "terminating"]
)
def test_row_8_a_pod_that_is_over_loses_its_address(over):
    """Somebody else may have it at any moment."""
    assert ["Delete EndpointSlice", "Delete Service"] == shape(reconcile(state(over, *children(WEB))))
    assert Plan(skip="terminated") == reconcile(state(over))
    assert {"terminated": 1} == skipped(over)


@pytest.mark.parametrize("publish", [True, False])
def test_row_9_a_pod_that_is_not_ready_is_answered_for_or_not_as_configured(publish):
    """By default it is: peers call back before it is ready."""
    plan = reconcile(state(pod(ready=False), config=Config(publish_not_ready_addresses=publish)))
    made = {action.resource.kind: action.desired for action in plan.actions}

    assert publish is made["Service"].spec.publish_not_ready_addresses
    assert publish is made["EndpointSlice"].endpoints[0].conditions.ready


def test_row_10_a_service_of_somebody_else_is_left_alone_told_and_counted():
    """Not adopted, not overwritten, not deleted with the pod."""
    theirs = service("web-0", spec={"clusterIP": "None", "selector": {"app": "shop"}})
    plan = reconcile(state(WEB, theirs))

    assert () == plan.actions
    assert [reasons.NAME_CONFLICT] == [event.reason for event in plan.events]
    assert {"conflict": 1} == skipped(WEB, theirs)


@pytest.mark.parametrize("then", [[pod(deleting=True)], [pod(annotated=False)], []], ids=["terminating", "annotation removed", "gone"])
def test_row_10_a_service_of_somebody_else_outlives_the_pod(then):
    desk = Desk()
    desk.file(*then, service("web-0"), endpoint_slice("web-0-abcde"))

    assert () == desk.plan(Key("shop", "web-0")).actions


def test_row_10_the_name_is_taken_when_it_is_free():
    desk = Desk()
    desk.file(WEB, service("web-0"))
    desk.woken.clear()
    desk.drop(service("web-0"))

    assert [Key("shop", "web-0")] == list(desk.woken)
    assert ["Create EndpointSlice", "Create Service"] == shape(desk.plan(Key("shop", "web-0")))


@pytest.mark.parametrize("value", [None, "false", ""], ids=["removed", "false", "empty"])
def test_row_11_a_live_pod_that_asks_no_more_loses_its_name(value):
    """Also when the operator was down meanwhile: the child itself wakes the key."""
    quiet = pod(annotated=False, annotations={} if value is None else {"steward.dev/headless-service": value})
    desk = Desk()
    desk.file(quiet, *children(WEB))

    assert [Key("shop", "web-0")] == list(desk.woken)
    assert ["Delete EndpointSlice", "Delete Service"] == shape(desk.plan(Key("shop", "web-0")))


def test_row_12_what_is_left_of_a_pod_deleted_while_the_operator_was_down_is_collected_at_start():
    desk = Desk()
    desk.file(*children(WEB))

    assert [Key("shop", "web-0")] == list(desk.woken)
    assert ["Delete EndpointSlice", "Delete Service"] == shape(desk.plan(Key("shop", "web-0")))


def test_row_12_a_service_knows_its_owner_for_kubernetes_own_collector():
    """The operator may stay down."""
    owners = [action.desired.metadata.owner_references for action in reconcile(state(WEB)).actions]

    assert [[("v1", "Pod", "web-0", "uid-1", True)]] * 2 == [
        [(owner.api_version, owner.kind, owner.name, owner.uid, owner.controller) for owner in found] for found in owners
    ]


async def test_row_13_a_deletion_in_a_gap_of_the_watch_is_a_deletion():
    """The whole list after the gap does not have the pod. There is no tombstone to be mistaken for one."""
    desk = Desk()
    desk.file(WEB, *children(WEB))
    desk.woken.clear()
    await desk.writers["pods"].replace({}, started=0.0)

    assert [Key("shop", "web-0")] == list(desk.woken)
    assert ["Delete EndpointSlice", "Delete Service"] == shape(desk.plan(Key("shop", "web-0")))


async def test_row_13_a_pod_made_anew_in_a_gap_of_the_watch_is_another_pod():
    desk, other = Desk(), Desk()
    desk.file(WEB, *children(WEB))
    other.file(pod(uid="new"))
    await desk.writers["pods"].replace({Key("shop", "web-0"): other.observe(Key("shop", "web-0")).pod}, started=0.0)

    assert ["Delete EndpointSlice", "Delete Service"] == shape(desk.plan(Key("shop", "web-0")))


def test_all_rows_at_once_are_counted_each_under_its_reason():
    """The order of facts: what ended is not blamed for its name, and a conflict is told before there is an address."""
    found = [
        pod("ended.", phase="Failed"),
        pod("y" * 64, host_network=True),
        pod("web.0", ips=()),
        pod("node", host_network=True, ips=()),
        pod("taken", ips=()),
        service("taken"),
        pod("waiting", ips=()),
        pod("fine"),
        pod("quiet", annotated=False, phase="Failed"),
    ]

    assert {
        "terminated": 1,
        "name_too_long": 1,
        "invalid_name": 1,
        "host_network": 1,
        "conflict": 1,
        "no_ip": 1,
    } == skipped(*found, config=Config(host_network="deny"))


def test_the_service_is_what_the_row_of_pod_add_asks_for():
    """Headless, without a selector, ports from the containers, and none of the pod's annotations."""
    annotated = pod(annotations={"kubectl.kubernetes.io/last-applied-configuration": "{}", "prometheus.io/scrape": "true"})
    (found,) = (action.desired for action in reconcile(state(annotated)).actions if action.resource is SERVICES)

    assert ("None", {}, [("http", 80)]) == (found.spec.cluster_ip, found.spec.selector, [(port.name, port.port) for port in found.spec.ports])
    assert ["steward.dev/desired-hash"] == list(found.metadata.annotations)
