"""State in, Plan out: every trigger of the behaviour table (inventory 0.3) and what is told about it."""

import pytest

from steward.headless import reasons
from steward.headless.config import Config
from steward.headless.controller import reconcile
from steward.headless.model import SERVICES
from steward.runtime.plan import Plan, Reference
from steward.runtime.resource import Key
from support.builders import OUR_LABELS, owner_of, pod, service
from support.desk import Desk, children, state

ANNOTATION, LEGACY = "steward.dev/headless-service", "srcd.host/create-headless-service"
WEB = pod("web-0")
CHILDREN = children(WEB)

NO_PORT = (
    'steward.dev/headless-service-ports: "http" is not a port; write name=port/protocol, such as web=8080 or 9090/UDP. '
    "The ports of the containers are published."
)
NO_BOOLEAN = 'steward.dev/publish-not-ready: "yes" is neither true nor false. The operator\'s configuration decides.'


def shape(plan):
    """The actions of a plan as words: what is done to which kind."""
    return sorted(f"{type(action).__name__} {action.resource.kind}" for action in plan.actions)


def told(plan):
    """The Events of a plan, those that follow its actions too: reason and note."""
    events = (plan.done, *plan.events, *(action.done for action in plan.actions))
    return [(event.reason, event.note) for event in events if event is not None]


def observe(*manifests, config=None):
    """What is seen of the pod web-0; None when it is of no interest."""
    desk = Desk(config)
    desk.file(*manifests)
    return desk.observe(Key("shop", "web-0"))


def with_annotation(**annotations):
    return pod("web-0", annotations={f"steward.dev/{name.replace('_', '-')}": value for name, value in annotations.items()})


def test_a_pod_that_asks_gets_a_service_and_an_endpointslice_at_once():
    """Neither waits for the other, and the Service is announced by its name and address."""
    plan = reconcile(state(WEB))

    assert ["Create EndpointSlice", "Create Service"] == shape(plan)
    assert [(reasons.CREATED, "web-0.shop.svc answers with 10.0.0.1")] == told(plan)


@pytest.mark.parametrize(
    ("ready", "publish", "late"), [(True, True, ""), (True, False, ""), (False, True, ""), (False, False, " once the pod is ready")]
)
def test_the_announcement_promises_no_more_than_is_so(ready, publish, late):
    plan = reconcile(state(pod(ready=ready), config=Config(publish_not_ready_addresses=publish)))

    assert [(reasons.CREATED, f"web-0.shop.svc answers with 10.0.0.1{late}")] == told(plan)


def test_the_announcement_names_the_pod():
    assert Reference("v1", "Pod", "shop", "web-0", "uid-1") == reconcile(state(WEB)).done.regarding


@pytest.mark.parametrize("value", ["true", "True", "1"])
@pytest.mark.parametrize("name", [ANNOTATION, LEGACY], ids=["annotation", "legacy annotation"])
def test_either_annotation_asks(name, value):
    """Row 40."""
    assert ["Create EndpointSlice", "Create Service"] == shape(reconcile(state(pod(annotated=False, annotations={name: value}))))


@pytest.mark.parametrize("value", ["false", "", "yes", "0"])
def test_any_other_value_does_not_ask(value):
    assert None is observe(pod(annotated=False, annotations={ANNOTATION: value, LEGACY: value}))


def test_nothing_is_done_about_a_pod_that_does_not_ask():
    assert None is observe(pod(annotated=False))


def test_nothing_is_done_when_nothing_changed():
    """Resync, restart in place, any change of the pod that says nothing new: no write, no Event."""
    assert Plan() == reconcile(state(WEB, *CHILDREN))


def test_a_new_address_changes_the_endpointslice_alone():
    """Row 46."""
    plan = reconcile(state(pod(ips=("10.0.0.2",)), *CHILDREN))

    assert ["Apply EndpointSlice"] == shape(plan)
    assert [(reasons.UPDATED, "web-0.shop.svc answers with 10.0.0.2")] == told(plan)


def test_new_ports_change_both():
    """Row 44."""
    plan = reconcile(state(pod(annotations={"steward.dev/headless-service-ports": "grpc=9090"}), *CHILDREN))

    assert ["Apply EndpointSlice", "Apply Service"] == shape(plan)


def test_a_second_family_adds_an_endpointslice_and_a_lost_one_takes_it_away():
    """Row 54."""
    both = pod(ips=("10.0.0.1", "fd00::1"))

    assert ["Create EndpointSlice"] == shape(reconcile(state(both, *CHILDREN)))
    assert ["Delete EndpointSlice"] == shape(reconcile(state(WEB, *children(both))))


def test_readiness_is_followed_where_it_counts():
    """Row 45: where only ready pods are answered for, a change of readiness is a change of the EndpointSlice."""
    config = Config(publish_not_ready_addresses=False)
    late = pod(ready=False)
    plan = reconcile(state(late, *children(WEB, config), config=config))

    assert ["Apply EndpointSlice"] == shape(plan)
    assert [(reasons.UPDATED, "web-0.shop.svc answers with 10.0.0.1 once the pod is ready")] == told(plan)


@pytest.mark.parametrize(
    "withdrawn",
    [pod(annotated=False), pod(annotated=False, annotations={ANNOTATION: "false"}), pod(deleting=True), pod(phase="Succeeded"), pod(phase="Failed")],
    ids=["annotation removed", "annotation false", "terminating", "succeeded", "failed"],
)
def test_a_pod_that_is_over_or_asks_no_more_loses_its_name_and_is_told(withdrawn):
    """Row 47."""
    plan = reconcile(state(withdrawn, *CHILDREN))

    assert ["Delete EndpointSlice", "Delete Service"] == shape(plan)
    assert [(reasons.DELETED, "web-0.shop.svc is not answered any more")] == told(plan)


def test_what_is_left_of_a_pod_that_is_gone_is_deleted_without_a_word():
    """Row 48: collected at start as at any other moment. There is no object left that an Event could be about."""
    plan = reconcile(state(*CHILDREN, key=Key("shop", "web-0")))

    assert ["Delete EndpointSlice", "Delete Service"] == shape(plan)
    assert [] == told(plan)


@pytest.mark.parametrize("left", CHILDREN, ids=lambda child: child["kind"])
def test_whatever_part_is_left_is_deleted(left):
    assert [f"Delete {left['kind']}"] == shape(reconcile(state(left, key=Key("shop", "web-0"))))


def test_nothing_is_done_about_a_pod_that_is_gone_without_a_trace():
    """Absent is what was wanted."""
    assert None is Desk().observe(Key("shop", "web-0"))


@pytest.mark.parametrize("there", CHILDREN, ids=lambda child: child["kind"])
def test_the_missing_half_is_made(there):
    """Row 56: half of a creation failed."""
    (missing,) = (child["kind"] for child in CHILDREN if child is not there)

    plan = reconcile(state(WEB, there))

    assert [f"Create {missing}"] == shape(plan)
    assert [(reasons.CREATED, "web-0.shop.svc answers with 10.0.0.1")] == told(plan)


def test_children_of_a_former_pod_of_the_same_name_make_room_first():
    """Row 49: a name is free only when its deletion was confirmed, which wakes the key again."""
    former = children(pod(uid="former"))

    assert ["Delete EndpointSlice", "Delete Service"] == shape(reconcile(state(pod(uid="new"), *former)))
    assert ["Create EndpointSlice", "Create Service"] == shape(reconcile(state(pod(uid="new"))))


def test_an_endpointslice_of_another_family_makes_room_first():
    """addressType cannot change."""
    wrong = [child | {"addressType": "IPv6"} if child["kind"] == "EndpointSlice" else child for child in CHILDREN]

    assert ["Delete EndpointSlice"] == shape(reconcile(state(WEB, *wrong)))


@pytest.mark.parametrize("spoilt", [{"selector": {"app": "shop"}}, {"clusterIP": "10.96.0.7"}], ids=["selector", "address"])
def test_a_service_that_cannot_be_headless_again_makes_room_first(spoilt):
    spec = CHILDREN[0]["spec"] | spoilt

    assert ["Delete Service"] == shape(reconcile(state(WEB, CHILDREN[0] | {"spec": spec}, CHILDREN[1])))


@pytest.mark.parametrize("then", [WEB, pod(annotated=False), pod(uid="new")], ids=["wanted", "unwanted", "of a former pod"])
def test_a_child_that_is_being_deleted_is_left_until_it_is_gone(then):
    """A finalizer keeps it. Deleting it again would be a write without effect at each look, an apply one that is lost."""
    going = [child | {"metadata": child["metadata"] | {"deletionTimestamp": "2026-01-01T00:00:00Z"}} for child in CHILDREN]

    assert () == reconcile(state(then, *going)).actions


def test_a_name_that_is_not_the_pods_any_more_goes_when_the_right_one_comes():
    """The operator was told to skip long names: what it made while it hashed them is taken back."""
    hashing, long = Config(long_names="hash"), pod("x" * 64)
    plan = reconcile(state(long, *children(long, hashing)))

    assert ["Delete EndpointSlice", "Delete Service"] == shape(plan)
    assert [reasons.NAME_TOO_LONG, reasons.DELETED] == [reason for reason, _ in told(plan)]


@pytest.mark.parametrize(
    ("occupant", "whose"),
    [
        (service(), "no pod controls it"),
        (service(labels=OUR_LABELS), "no pod controls it"),
        (service(labels={"app.kubernetes.io/managed-by": "Helm"}), "Helm manages it"),
        (service(owner=owner_of(WEB, kind="Deployment", name="web")), "Deployment web controls it"),
        (service(owner=pod("web-1")), "Pod web-1 controls it"),
    ],
    ids=["nobody's", "our labels alone", "Helm's", "a Deployment's", "another pod's"],
)
def test_a_service_that_is_not_this_pods_is_a_conflict_that_says_whose_it_is(occupant, whose):
    """Row 50. One that is ours and another pod's is that pod's business: taking it would be a fight without end."""
    plan = reconcile(state(WEB, occupant))
    note = f"Service shop/web-0 is not this pod's: {whose}. It is left alone; rename the pod, or delete the Service."

    assert () == plan.actions
    assert [(reasons.NAME_CONFLICT, note)] == told(plan)


def test_an_endpointslice_that_leads_to_a_conflicting_service_is_withdrawn():
    """It was made in the moment in which the other Service was."""
    assert ["Delete EndpointSlice"] == shape(reconcile(state(WEB, service(), CHILDREN[1])))


def test_only_the_very_objects_that_were_seen_are_targets():
    """What is observed goes with the action: its uid is the precondition of the write."""
    plan = reconcile(state(pod(ips=("10.0.0.2",), annotations={"steward.dev/headless-service-ports": "80"}), *CHILDREN))

    assert ["uid-of-Service-web-0", "uid-of-EndpointSlice-web-0-ipv4"] == [action.observed.metadata.uid for action in plan.actions]


@pytest.mark.parametrize("made_by_us", [True, False], ids=["ours", "of another installation"])
@pytest.mark.parametrize(
    "scope",
    [
        {"manifests": ()},
        {"manifests": (WEB,), "config": Config(exclude_namespaces=("shop",))},
        {"manifests": (WEB,), "config": Config(annotation="example.com/other")},
        {"manifests": (pod(host_network=True),), "config": Config(host_network="deny")},
    ],
    ids=["gone or not selected", "excluded", "asked by another annotation", "not to be named"],
)
def test_what_another_installation_made_for_a_pod_that_is_none_of_ours_is_left_to_it(scope, made_by_us):
    """Two releases with different configurations see each other's children. One deleted what the other made, without end."""
    labels = {} if made_by_us else {"steward.dev/instance": "other.steward-headless"}
    found = [child | {"metadata": child["metadata"] | {"labels": child["metadata"]["labels"] | labels}} for child in CHILDREN]
    plan = reconcile(state(*scope["manifests"], *found, key=Key("shop", "web-0"), config=scope.get("config")))

    assert (["Delete EndpointSlice", "Delete Service"] if made_by_us else []) == shape(plan)


@pytest.mark.parametrize(
    "then", [pod(phase="Failed"), pod(deleting=True), pod(uid="new", annotated=False)], ids=["failed", "terminating", "made anew"]
)
def test_what_another_installation_made_for_a_pod_that_is_over_is_withdrawn_by_whoever_sees_it(then):
    """That one may be gone, its release renamed; the address may be somebody else's."""
    labels = {"steward.dev/instance": "other.steward-headless"}
    found = [child | {"metadata": child["metadata"] | {"labels": child["metadata"]["labels"] | labels}} for child in CHILDREN]

    assert ["Delete EndpointSlice", "Delete Service"] == shape(reconcile(state(then, *found)))


def test_children_that_do_not_say_who_made_them_are_withdrawn_as_ours():
    """Somebody took the label away; nobody else would withdraw them from a pod that lives on."""
    bare = [child | {"metadata": child["metadata"] | {"labels": labels_without_instance(child)}} for child in CHILDREN]

    assert ["Delete EndpointSlice", "Delete Service"] == shape(reconcile(state(pod(annotated=False), *bare)))


def labels_without_instance(child):
    return {name: value for name, value in child["metadata"]["labels"].items() if name != "steward.dev/instance"}


def test_what_another_installation_made_for_a_pod_of_ours_too_is_as_good():
    """Scopes that overlap: both want the same, and neither writes because the other did."""
    labels = {"steward.dev/instance": "other.steward-headless"}
    found = [child | {"metadata": child["metadata"] | {"labels": child["metadata"]["labels"] | labels}} for child in CHILDREN]

    assert Plan() == reconcile(state(WEB, *found))


@pytest.mark.parametrize(
    ("annotations", "note"),
    [
        ({"headless_service_ports": "web=80,http"}, NO_PORT),
        ({"publish_not_ready": "yes"}, NO_BOOLEAN),
    ],
    ids=["ports", "publish-not-ready"],
)
def test_an_annotation_that_is_not_understood_is_told_and_counts_as_absent(annotations, note):
    """The pod gets its name nevertheless, as if the annotation were not there."""
    plan, usual = reconcile(state(with_annotation(**annotations))), reconcile(state(WEB))

    assert [(reasons.INVALID_ANNOTATION, note)] == [(event.reason, event.note) for event in plan.events]
    assert [action.desired for action in usual.actions] == [action.desired for action in plan.actions]


@pytest.mark.parametrize("configured", [True, False])
@pytest.mark.parametrize(("said", "expected"), [(None, None), ("true", True), ("1", True), ("false", False), ("F", False), ("yes", None), ("", None)])
def test_publishing_before_ready_is_said_by_the_pod_or_else_by_the_configuration(said, expected, configured):
    annotated = with_annotation(publish_not_ready=said) if said is not None else WEB
    plan = reconcile(state(annotated, config=Config(publish_not_ready_addresses=configured)))
    (made,) = (action.desired for action in plan.actions if action.resource is SERVICES)

    assert (configured if expected is None else expected) is made.spec.publish_not_ready_addresses
