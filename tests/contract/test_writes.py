"""Writes: create, update, patches, deletes, and what the server adds."""

import pytest

from support.doors import (
    ACCESS_REVIEWS,
    CONFIGMAPS,
    EVENTS,
    JSON_PATCH,
    LEASES,
    MERGE_PATCH,
    PODS,
    REVIEWS,
    SERVICES,
    SLICES,
    TOKEN_REVIEWS,
    configmap,
    lease,
    service,
)

OWNER = {"apiVersion": "v1", "kind": "Pod", "name": "a", "uid": "u-1", "controller": True}
POD = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "a"},
    "spec": {"containers": [{"name": "main", "image": "app", "ports": [{"containerPort": 80}]}]},
}
SLICE = {
    "apiVersion": "discovery.k8s.io/v1",
    "kind": "EndpointSlice",
    "metadata": {"name": "a", "labels": {"kubernetes.io/service-name": "a"}},
    "addressType": "IPv4",
    "endpoints": [{"addresses": ["10.0.0.1"], "conditions": {"ready": True}}],
    "ports": [{"name": "web", "port": 80}],
}


def _event(door, **changed):
    event = {
        "apiVersion": "events.k8s.io/v1",
        "kind": "Event",
        "metadata": {"name": "a"},
        "eventTime": "2026-01-01T00:00:00.000000Z",
        "reportingController": "steward.dev/headless",
        "reportingInstance": "steward-0",
        "action": "Create",
        "reason": "Created",
        "regarding": {"apiVersion": "v1", "kind": "Pod", "namespace": door.namespace, "name": "a"},
        "note": "made",
        "type": "Normal",
    }
    return event | changed


async def test_the_server_adds_what_only_it_knows(door):
    made = await door.create(SERVICES, service("a"))

    meta = made["metadata"]
    assert door.namespace == meta["namespace"]
    assert meta["uid"]
    assert meta["creationTimestamp"].endswith("Z")
    assert made == await door.ok("GET", SERVICES + "/a")


async def test_a_headless_service_is_filled_in(door):
    """Both families without a selector, also where the cluster has one; ports get a protocol and a target."""
    made = await door.create(SERVICES, service("a", ports=[{"name": "web", "port": 80}]))

    assert {
        "clusterIP": "None",
        "clusterIPs": ["None"],
        "internalTrafficPolicy": "Cluster",
        "ipFamilies": ["IPv4", "IPv6"],
        "ipFamilyPolicy": "RequireDualStack",
        "ports": [{"name": "web", "port": 80, "protocol": "TCP", "targetPort": 80}],
        "sessionAffinity": "None",
        "type": "ClusterIP",
    } == made["spec"]


async def test_an_endpointslice_is_filled_in(door):
    made = await door.create(SLICES, SLICE)

    assert [{"name": "web", "port": 80, "protocol": "TCP"}] == made["ports"]
    assert 1 == made["metadata"]["generation"]


async def test_an_update_raises_the_version_and_one_that_changes_nothing_does_not(door):
    made = await door.create(CONFIGMAPS, configmap("a"))

    same = await door.ok("PATCH", CONFIGMAPS + "/a", {"data": {"key": "value"}}, content_type=MERGE_PATCH)
    other = await door.ok("PATCH", CONFIGMAPS + "/a", {"data": {"key": "other"}}, content_type=MERGE_PATCH)

    assert made["metadata"]["resourceVersion"] == same["metadata"]["resourceVersion"]
    assert int(same["metadata"]["resourceVersion"]) < int(other["metadata"]["resourceVersion"])


async def test_a_merge_patch_removes_what_is_null_and_keeps_what_it_does_not_name(door):
    made = await door.create(LEASES, lease("a", holderIdentity="me", leaseDurationSeconds=15, leaseTransitions=3))
    patch = {"metadata": {"resourceVersion": made["metadata"]["resourceVersion"]}, "spec": {"holderIdentity": None, "leaseDurationSeconds": 1}}

    changed = await door.ok("PATCH", LEASES + "/a", patch, content_type=MERGE_PATCH)

    assert {"leaseDurationSeconds": 1, "leaseTransitions": 3} == changed["spec"]


async def test_the_second_of_two_who_saw_the_same_lease_is_refused(door):
    made = await door.create(LEASES, lease("a", holderIdentity="one", leaseDurationSeconds=15))
    seen = {"resourceVersion": made["metadata"]["resourceVersion"]}

    first, _ = await door.call("PATCH", LEASES + "/a", {"metadata": seen, "spec": {"holderIdentity": "two"}}, content_type=MERGE_PATCH)
    second, refused = await door.call("PATCH", LEASES + "/a", {"metadata": seen, "spec": {"holderIdentity": "three"}}, content_type=MERGE_PATCH)

    assert (200, 409, "Conflict") == (first, second, refused["reason"])
    assert "two" == (await door.ok("GET", LEASES + "/a"))["spec"]["holderIdentity"]


async def test_a_put_of_an_old_version_is_refused(door):
    made = await door.create(CONFIGMAPS, configmap("a"))
    await door.ok("PUT", CONFIGMAPS + "/a", made | {"data": {"key": "new"}})

    code, refused = await door.call("PUT", CONFIGMAPS + "/a", made | {"data": {"key": "newer"}})

    assert (409, "Conflict") == (code, refused["reason"])


async def test_a_json_patch_whose_test_holds_is_done_and_one_whose_test_fails_changes_nothing(door):
    await door.create(CONFIGMAPS, configmap("a"))

    def patch(expected: str) -> list[dict[str, str]]:
        return [{"op": "test", "path": "/data/key", "value": expected}, {"op": "replace", "path": "/data/key", "value": "new"}]

    code, refused = await door.call("PATCH", CONFIGMAPS + "/a", patch("other"), content_type=JSON_PATCH)
    unchanged = await door.ok("GET", CONFIGMAPS + "/a")
    changed = await door.ok("PATCH", CONFIGMAPS + "/a", patch("value"), content_type=JSON_PATCH)

    assert (422, "Invalid") == (code, refused["reason"])
    assert ({"key": "value"}, {"key": "new"}) == (unchanged["data"], changed["data"])


async def test_the_last_finalizer_lets_go(door):
    """A deletion with finalizers leaves the object with a time of deletion; without them it is gone."""
    await door.create(SERVICES, {**service("a"), "metadata": {"name": "a", "finalizers": ["steward.dev/test"]}})

    kept = await door.ok("DELETE", SERVICES + "/a")
    await door.ok("PATCH", SERVICES + "/a", {"metadata": {"finalizers": None}}, content_type=MERGE_PATCH)
    code, _ = await door.call("GET", SERVICES + "/a")

    assert kept["metadata"]["deletionTimestamp"]
    assert 404 == code


@pytest.mark.parametrize("wrong", [{"uid": "other"}, {"resourceVersion": "1"}], ids=["uid", "version"])
async def test_a_delete_of_another_than_expected_is_refused(door, wrong):
    made = await door.create(CONFIGMAPS, configmap("a"))

    code, refused = await door.call("DELETE", CONFIGMAPS + "/a", {"preconditions": wrong})
    await door.ok("DELETE", CONFIGMAPS + "/a", {"preconditions": {"uid": made["metadata"]["uid"]}})

    assert (409, "Conflict") == (code, refused["reason"])
    assert 404 == (await door.call("GET", CONFIGMAPS + "/a"))[0]


@pytest.mark.parametrize(("path", "body", "kind"), [(SERVICES, service("a"), "Service"), (SLICES, SLICE, "Status"), (LEASES, lease("a"), "Status")])
async def test_a_delete_answers_with_the_object_or_with_a_status(door, path, body, kind):
    """Which, depends on the kind; a client that decodes the answer meets both."""
    made = await door.create(path, body)

    answer = await door.ok("DELETE", path + "/a")

    assert kind == answer["kind"]
    assert made["metadata"]["uid"] == (answer["metadata"] if kind == "Service" else answer["details"])["uid"]
    assert "deletionTimestamp" not in answer["metadata"]


async def test_status_is_a_subresource(door):
    """Writing one path leaves the other's half as it is."""
    await door.create(PODS, POD)

    await door.ok("PATCH", PODS + "/a", {"status": {"podIP": "10.0.0.1"}, "metadata": {"labels": {"a": "b"}}}, content_type=MERGE_PATCH)
    unmoved = await door.ok("GET", PODS + "/a")
    moved = await door.ok("PATCH", PODS + "/a/status", {"status": {"phase": "Running"}, "spec": {"nodeName": "x"}}, content_type=MERGE_PATCH)

    assert ("Pending", None, {"a": "b"}) == (unmoved["status"]["phase"], unmoved["status"].get("podIP"), unmoved["metadata"]["labels"])
    assert ("Running", None) == (moved["status"]["phase"], moved["spec"].get("nodeName"))


async def test_an_administrator_may_do_everything(door):
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": {"verb": "list", "resource": "pods"}},
    }

    answer = await door.create(REVIEWS, review)

    assert True is answer["status"]["allowed"]


async def test_a_token_that_nobody_issued_is_not_authenticated(door):
    answer = await door.create(TOKEN_REVIEWS, {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": {"token": "made-up"}})

    assert ("authenticated" in answer["status"], answer["status"]["user"]) == (False, {})


@pytest.mark.parametrize(("groups", "allowed"), [(["system:masters"], True), ([], False)], ids=["administrator", "stranger"])
async def test_a_review_says_of_somebody_else_whether_they_may_get_a_path(door, groups, allowed):
    spec = {"user": "somebody", "groups": groups, "nonResourceAttributes": {"path": "/metrics", "verb": "get"}}

    answer = await door.create(ACCESS_REVIEWS, {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": spec})

    assert allowed is answer["status"]["allowed"]


async def test_an_event_grows_a_series_and_changes_nothing_else(door):
    await door.create(EVENTS, _event(door))
    series = {"count": 2, "lastObservedTime": "2026-01-01T00:01:00.000000Z"}

    grown = await door.ok("PATCH", EVENTS + "/a", {"series": series}, content_type=MERGE_PATCH)
    code, refused = await door.call("PATCH", EVENTS + "/a", {"note": "other"}, content_type=MERGE_PATCH)

    assert series == grown["series"]
    assert (422, "Invalid") == (code, refused["reason"])


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"regarding": {"kind": "Node", "name": "a"}}, "involvedObject.namespace"),
        ({"eventTime": None}, "eventTime"),
        ({"type": "Sad"}, "type"),
        ({"action": ""}, "action"),
        ({"series": {"count": 1, "lastObservedTime": "2026-01-01T00:01:00.000000Z"}}, "series.count"),
        ({"note": "n" * 1025}, "message"),
    ],
    ids=["no namespace", "no time", "unknown type", "no action", "series of one", "long note"],
)
async def test_an_event_that_breaks_a_rule_is_refused(door, changed, field):
    code, refused = await door.call("POST", EVENTS, _event(door, **changed))

    assert (422, "Invalid") == (code, refused["reason"])
    assert field in [cause["field"] for cause in refused["details"]["causes"]]
