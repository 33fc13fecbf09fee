"""What a pod's Service and EndpointSlices look like, when one is ours, and when one is not as it should be."""

import copy

import msgspec
import pytest

from steward.headless import children
from steward.headless.config import Config
from steward.headless.model import PODS, SERVICES, SLICES
from steward.runtime.resource import Key
from support.builders import endpoint_slice, model, owner_of, pod, service

INSTANCE = "default.steward-headless"
WEB = pod("web-0", uid="uid-web", ips=("10.0.0.1", "fd00::1"))
OWNER = {"apiVersion": "v1", "kind": "Pod", "name": "web-0", "uid": "uid-web", "controller": True}
LABELS = {"app.kubernetes.io/managed-by": "steward", "operator": "headless-service-operator", "steward.dev/instance": INSTANCE}


def service_of(manifest, **config):
    return children.service(model(PODS, manifest), "web-0", Config(**config), INSTANCE)


def slices_of(manifest, **config):
    return children.slices(model(PODS, manifest), "web-0", Config(**config), INSTANCE)


def sent(resource, child):
    """What goes over the wire."""
    return msgspec.json.decode(msgspec.json.encode(resource.manifest(child)))


def test_a_service_is_headless_owned_by_its_pod_and_found_by_label():
    """Rows 42, 44 and 67. It has no selector, so nobody else fills it; an owner reference, so it goes when the pod does."""
    made = sent(SERVICES, service_of(WEB))
    digest = made["metadata"].pop("annotations")

    assert ["steward.dev/desired-hash"] == list(digest)
    assert {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "web-0", "namespace": "shop", "labels": LABELS, "ownerReferences": [OWNER]},
        "spec": {
            "clusterIP": "None",
            "publishNotReadyAddresses": True,
            "ports": [{"name": "http", "protocol": "TCP", "port": 80, "targetPort": 80}],
        },
    } == made


def test_an_endpointslice_holds_the_addresses_of_one_family():
    """Rows 43 and 54: targetRef, nodeName and hostname, and a label that keeps Kubernetes' own controller away (KEP-752)."""
    labels = LABELS | {"kubernetes.io/service-name": "web-0", "endpointslice.kubernetes.io/managed-by": "headless.steward.dev"}

    def expected(family, address):
        return {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {"name": f"web-0-{family.lower()}", "namespace": "shop", "labels": labels, "ownerReferences": [OWNER]},
            "addressType": family,
            "endpoints": [
                {
                    "addresses": [address],
                    "conditions": {"ready": True},
                    "hostname": "web-0",
                    "nodeName": "node-1",
                    "targetRef": {"kind": "Pod", "namespace": "shop", "name": "web-0", "uid": "uid-web"},
                }
            ],
            "ports": [{"name": "http", "protocol": "TCP", "port": 80}],
        }

    assert [expected("IPv4", "10.0.0.1"), expected("IPv6", "fd00::1")] == [sent(SLICES, found) for found in slices_of(WEB)]


@pytest.mark.parametrize(
    ("ips", "families"),
    [
        (("10.0.0.1",), ["IPv4"]),
        (("fd00::1",), ["IPv6"]),
        (("fd00::1", "10.0.0.1"), ["IPv4", "IPv6"]),
        (("10.0.0.1", "10.0.0.2"), ["IPv4"]),
        ((), []),
    ],
    ids=["IPv4", "IPv6", "IPv6 first", "two of one family", "none"],
)
def test_there_is_one_slice_for_each_family(ips, families):
    assert families == [found.address_type for found in slices_of(pod(ips=ips))]


def test_an_old_kubelet_that_knows_one_address_only_is_enough():
    """podIPs came later than podIP."""
    old = pod()
    del old["status"]["podIPs"]

    assert [("10.0.0.1",)] == [found.endpoints[0].addresses for found in slices_of(old)]


def test_ports_that_nobody_named_are_said_to_be_none():
    """An apply that left the list out would leave in it what somebody else put there."""
    (found,) = slices_of(pod(ports=()))

    assert [] == sent(SLICES, found)["ports"]


def test_false_is_said_aloud():
    """As with lists: a field that is left out of an apply stays what somebody else made it."""
    assert False is sent(SERVICES, service_of(WEB, publish_not_ready_addresses=False))["spec"]["publishNotReadyAddresses"]


@pytest.mark.parametrize(
    ("meta", "ours"),
    [
        (service(owner=WEB), True),
        (service(labels=LABELS), False),
        (service(owner=WEB, labels={}), False),
        (service(owner=WEB, labels={"operator": "headless-service-operator"}), False),
        (service(owner=WEB, labels=LABELS | {"operator": "other"}), False),
        (service(owner=owner_of(WEB, kind="Deployment", apiVersion="apps/v1"), labels=LABELS), False),
        (service(owner=owner_of(WEB, controller=False), labels=LABELS), False),
    ],
    ids=["labels and pod", "labels alone", "pod alone", "one label", "another operator", "a Deployment's", "a pod that does not control it"],
)
def test_ours_is_what_has_our_labels_and_a_pod_that_controls_it(meta, ours):
    """H4: both are needed. Labels are copied by templates, owner references are set by others too."""
    found = model(SERVICES, meta).metadata

    assert ours == children.is_ours(found)
    assert (Key("shop", "web-0") if ours else None) == children.pod_key(found)


def test_a_child_of_a_former_pod_of_the_same_name_is_told_by_its_uid():
    former = model(SERVICES, service(owner=pod(uid="former"))).metadata

    assert not children.belongs_to(former, model(PODS, pod(uid="new")))
    assert children.belongs_to(former, model(PODS, pod(uid="former")))


def changed(manifest, **paths):
    """A copy with other values; ``metadata__labels__x`` is a path, None takes away."""
    copied = copy.deepcopy(manifest)
    for path, value in paths.items():
        *parents, last = path.split("__")
        node = copied
        for part in parents:
            node = node[int(part) if part.isdigit() else part]
        if value is None:
            del node[last]
        else:
            node[last] = value
    return copied


SERVICE = sent(SERVICES, service_of(WEB))
SLICE = sent(SLICES, slices_of(WEB)[0])
PORT = SERVICE["spec"]["ports"][0]

OTHERS_BUSINESS = {
    "a label": {"metadata__labels": SERVICE["metadata"]["labels"] | {"team": "shop"}},
    "an annotation": {"metadata__annotations": SERVICE["metadata"]["annotations"] | {"note": "mine"}},
    "an owner": {"metadata__ownerReferences": [*SERVICE["metadata"]["ownerReferences"], {"kind": "Shop", "uid": "1"}]},
    "the other installation that made it": {"metadata__labels": SERVICE["metadata"]["labels"] | {"steward.dev/instance": "other"}},
    "a finalizer": {"metadata__finalizers": ["example.com/wait"]},
}
MENDED = {
    "a label gone": {"metadata__labels": {}},
    "a label changed": {"metadata__labels": SERVICE["metadata"]["labels"] | {"operator": "other"}},
    "the owner gone": {"metadata__ownerReferences": None},
    "the owner not controlling": {"metadata__ownerReferences": [OWNER | {"controller": False}]},
}


@pytest.mark.parametrize(
    "change", [*OTHERS_BUSINESS.values(), {"spec__ports": [PORT, PORT | {"name": "more", "port": 81}]}], ids=[*OTHERS_BUSINESS, "a port"]
)
def test_what_others_add_to_a_service_is_theirs(change):
    """H9: nothing is overwritten that we have no opinion on."""
    assert not children.differences(model(SERVICES, changed(SERVICE, **change)), service_of(WEB))


@pytest.mark.parametrize(
    "change",
    [
        *MENDED.values(),
        {"metadata__annotations": None},
        {"metadata__annotations": {"steward.dev/desired-hash": "other"}},
        {"spec__publishNotReadyAddresses": None},
        {"spec__publishNotReadyAddresses": False},
        {"spec__ports": None},
        {"spec__ports": [PORT | {"name": "other"}]},
        {"spec__ports": [PORT | {"targetPort": "http"}]},
        {"spec__ports": [PORT | {"protocol": "UDP"}]},
    ],
    ids=[
        *MENDED,
        "annotations gone",
        "the hash changed",
        "publish gone",
        "publish false",
        "ports gone",
        "a port renamed",
        "a port redirected",
        "a port's protocol",
    ],
)
def test_what_others_change_in_a_service_is_mended(change):
    assert children.differences(model(SERVICES, changed(SERVICE, **change)), service_of(WEB))


def test_publishing_that_others_switched_on_is_seen_where_it_is_off():
    off = service_of(WEB, publish_not_ready_addresses=False)

    assert children.differences(model(SERVICES, changed(sent(SERVICES, off), spec__publishNotReadyAddresses=True)), off)
    assert not children.differences(model(SERVICES, changed(sent(SERVICES, off), spec__publishNotReadyAddresses=None)), off)


@pytest.mark.parametrize(
    ("change", "beyond"),
    [
        ({}, False),
        ({"spec__selector": {"app": "shop"}}, True),
        ({"spec__clusterIP": "10.96.0.7"}, True),
        ({"spec__clusterIP": None}, True),
    ],
    ids=["untouched", "a selector", "an address", "another type"],
)
def test_a_service_that_cannot_be_headless_again_is_beyond_repair(change, beyond):
    """clusterIP cannot change once set, and an apply that does not name the selector leaves it."""
    assert beyond == children.is_beyond_repair(model(SERVICES, changed(SERVICE, **change)))


@pytest.mark.parametrize("change", OTHERS_BUSINESS.values(), ids=OTHERS_BUSINESS)
def test_what_others_add_to_an_endpointslice_is_theirs(change):
    labels = {"metadata__labels": SLICE["metadata"]["labels"] | change["metadata__labels"]} if "metadata__labels" in change else change

    assert not children.differences(model(SLICES, changed(SLICE, **labels)), slices_of(WEB)[0])


@pytest.mark.parametrize(
    "change",
    [
        *MENDED.values(),
        {"metadata__labels": SLICE["metadata"]["labels"] | {"kubernetes.io/service-name": "other"}},
        {"metadata__labels": SLICE["metadata"]["labels"] | {"endpointslice.kubernetes.io/managed-by": "other"}},
        {"addressType": "IPv6"},
        {"endpoints": None},
        {"endpoints": []},
        {"endpoints": [*SLICE["endpoints"], {"addresses": ["10.9.9.9"]}]},
        {"endpoints__0__addresses": ["10.9.9.9"]},
        {"endpoints__0__conditions": {"ready": False}},
        {"endpoints__0__conditions": {}},
        {"endpoints__0__hostname": "other"},
        {"endpoints__0__nodeName": "node-2"},
        {"endpoints__0__targetRef": None},
        {"endpoints__0__targetRef__uid": "other"},
        {"ports": None},
        {"ports": [*SLICE["ports"], {"name": "more", "protocol": "TCP", "port": 81}]},
    ],
    ids=[
        *MENDED,
        "another service",
        "another manager",
        "another family",
        "endpoints gone",
        "endpoints empty",
        "an endpoint more",
        "another address",
        "not ready",
        "readiness unknown",
        "another hostname",
        "another node",
        "no target",
        "another target",
        "ports gone",
        "a port more",
    ],
)
def test_what_others_change_in_an_endpointslice_is_mended(change):
    """Its lists are atomic: ours as a whole, or not at all."""
    assert children.differences(model(SLICES, changed(SLICE, **change)), slices_of(WEB)[0])


@pytest.mark.parametrize(
    ("other", "config"),
    [
        (pod(uid="uid-web", ports=()), {}),
        (pod(uid="uid-web", annotations={"steward.dev/headless-service-ports": "web=80"}), {}),
        (pod(uid="uid-web", annotations={"steward.dev/publish-not-ready": "false"}), {}),
        (pod(uid="uid-web", annotations={"note": "two"}), {"copy_annotations": ("note",)}),
    ],
    ids=["ports of containers", "annotated ports", "publishing", "a copied annotation"],
)
def test_the_digest_moves_with_all_that_an_apply_could_take_away(other, config):
    """What is gone from the wish shows in no field of the observed Service."""
    digests = {service_of(one, **config).metadata.annotations["steward.dev/desired-hash"] for one in (WEB, other)}

    assert 2 == len(digests)


@pytest.mark.parametrize(
    "other", [pod(uid="uid-web", ips=("10.0.0.9",)), pod(uid="uid-web", ready=False), pod(uid="other")], ids=["address", "ready", "uid"]
)
def test_the_digest_does_not_move_with_what_the_service_does_not_say(other):
    digests = {service_of(one).metadata.annotations["steward.dev/desired-hash"] for one in (WEB, other)}

    assert 1 == len(digests)


def test_an_endpointslice_of_a_pod_that_is_not_ready_says_so_where_that_counts():
    """Row 45: published not-ready addresses are called ready, as Kubernetes' own controller does it (v1 Endpoints had no other way)."""
    late = pod(ready=False)

    assert [True] == [found.endpoints[0].conditions.ready for found in slices_of(late)]
    assert [False] == [found.endpoints[0].conditions.ready for found in slices_of(late, publish_not_ready_addresses=False)]


@pytest.mark.parametrize(
    ("conditions", "ready"),
    [
        ([], False),
        ([{"type": "PodScheduled", "status": "True"}, {"type": "Ready", "status": "False"}], False),
        ([{"type": "Ready", "status": "Unknown"}], False),
        ([{"type": "Initialized", "status": "False"}, {"type": "Ready", "status": "True"}], True),
    ],
    ids=["none", "scheduled only", "unknown", "ready"],
)
def test_a_pod_is_ready_if_its_condition_of_that_name_is_true(conditions, ready):
    found = pod()
    found["status"]["conditions"] = conditions

    assert [ready] == [one.endpoints[0].conditions.ready for one in slices_of(found, publish_not_ready_addresses=False)]


def test_an_observed_slice_without_lists_is_one_that_differs():
    """The API server answers null for a list that is empty."""
    empty = endpoint_slice(owner=WEB) | {"endpoints": None, "ports": None}

    assert children.differences(model(SLICES, empty), slices_of(WEB)[0])
