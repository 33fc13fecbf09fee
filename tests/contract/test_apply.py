"""Server-side apply (KEP-555): who owns a field, what is taken away, what stays."""

import pytest

from support.doors import APPLY, JSON_PATCH, MERGE_PATCH, PODS, SERVICES, SLICES, service

WEB = {"name": "web", "port": 80, "targetPort": 80, "protocol": "TCP"}
METRICS = {"name": "metrics", "port": 9090, "targetPort": 9090, "protocol": "TCP"}


def _wanted(*ports, labels=None, **spec):
    """A Service as an applier writes it."""
    wanted = service("a", ports=list(ports), **spec)
    wanted["metadata"]["labels"] = labels or {}
    return wanted


def _managers(obj) -> set[tuple[str, str]]:
    return {(entry["manager"], entry["operation"]) for entry in obj["metadata"]["managedFields"]}


def _fields(obj, manager: str, operation: str):
    return next(e["fieldsV1"] for e in obj["metadata"]["managedFields"] if (e["manager"], e["operation"]) == (manager, operation))


async def test_the_creator_owns_what_is_there_after_defaults(door):
    made = await door.create(SERVICES, _wanted(WEB, labels={"a": "1"}), "maker")

    assert {
        "f:metadata": {"f:labels": {".": {}, "f:a": {}}},
        "f:spec": {
            "f:clusterIP": {},
            "f:internalTrafficPolicy": {},
            "f:ports": {
                ".": {},
                'k:{"port":80,"protocol":"TCP"}': {".": {}, "f:name": {}, "f:port": {}, "f:protocol": {}, "f:targetPort": {}},
            },
            "f:sessionAffinity": {},
            "f:type": {},
        },
    } == _fields(made, "maker", "Update")


async def test_an_apply_of_what_is_not_there_creates_it_and_owns_what_it_names(door):
    code, made = await door.call("PATCH", SERVICES + "/a", _wanted(WEB, labels={"a": "1"}), content_type=APPLY, fieldManager="maker")

    assert 201 == code
    assert {
        "f:metadata": {"f:labels": {"f:a": {}}},
        "f:spec": {
            "f:clusterIP": {},
            "f:ports": {'k:{"port":80,"protocol":"TCP"}': {".": {}, "f:name": {}, "f:port": {}, "f:protocol": {}, "f:targetPort": {}}},
        },
    } == _fields(made, "maker", "Apply")


async def test_the_same_apply_again_writes_nothing(door):
    first = await door.apply(SERVICES + "/a", _wanted(WEB))
    second = await door.apply(SERVICES + "/a", _wanted(WEB))

    assert first == second


async def test_what_an_applier_does_not_name_any_more_is_taken_away(door):
    await door.apply(SERVICES + "/a", _wanted(WEB, METRICS, labels={"a": "1", "b": "2"}))

    left = await door.apply(SERVICES + "/a", _wanted(WEB, labels={"a": "1"}))

    assert [WEB] == left["spec"]["ports"]
    assert {"a": "1"} == left["metadata"]["labels"]


async def test_the_last_label_is_taken_away_with_its_map(door):
    await door.apply(SERVICES + "/a", _wanted(WEB, labels={"a": "1"}))

    left = await door.apply(SERVICES + "/a", _wanted(WEB))

    assert "labels" not in left["metadata"]


async def test_what_another_manager_added_stays(door):
    await door.apply(SERVICES + "/a", _wanted(WEB, labels={"a": "1"}))
    await door.ok("PATCH", SERVICES + "/a", {"metadata": {"labels": {"theirs": "x"}}}, content_type=MERGE_PATCH, fieldManager="somebody")

    after = await door.apply(SERVICES + "/a", _wanted(WEB))

    assert {"theirs": "x"} == after["metadata"]["labels"]


async def test_a_value_two_appliers_agree_on_stays_when_one_lets_go(door):
    for manager in ("one", "two"):
        await door.apply(SERVICES + "/a", _wanted(WEB, labels={"a": "1"}), manager)

    after = await door.apply(SERVICES + "/a", _wanted(WEB), "one")

    assert {"a": "1"} == after["metadata"]["labels"]


async def test_an_apply_without_force_that_changes_what_another_applied_is_refused(door):
    await door.apply(SERVICES + "/a", _wanted(WEB, labels={"a": "1"}), "one")

    body = _wanted(WEB | {"targetPort": 81}, labels={"a": "2"})
    code, refused = await door.call("PATCH", SERVICES + "/a", body, content_type=APPLY, fieldManager="two")

    assert (409, "Conflict") == (code, refused["reason"])
    assert [".metadata.labels.a", '.spec.ports[port=80,protocol="TCP"].targetPort'] == [c["field"] for c in refused["details"]["causes"]]


async def test_an_apply_with_force_takes_the_fields_over(door):
    await door.apply(SERVICES + "/a", _wanted(WEB, labels={"a": "1"}), "one")

    after = await door.apply(SERVICES + "/a", _wanted(WEB, labels={"a": "2"}), "two", force=True)

    assert {"a": "2"} == after["metadata"]["labels"]
    assert "f:metadata" not in _fields(after, "one", "Apply")
    assert {"f:labels": {"f:a": {}}} == _fields(after, "two", "Apply")["f:metadata"]


async def test_after_a_create_an_apply_by_the_same_manager_takes_nothing_away(door):
    """The two operations are two owners: the reason for the next case."""
    await door.create(SERVICES, _wanted(WEB, METRICS))

    after = await door.apply(SERVICES + "/a", _wanted(WEB))

    assert [WEB, METRICS] == after["spec"]["ports"]
    assert {("maker", "Update"), ("maker", "Apply")} == _managers(after)


async def test_a_create_turned_into_an_apply_lets_the_next_one_take_away(door):
    """What ``steward.runtime.client.takeover`` writes, and client-go's csaupgrade."""
    made = await door.create(SERVICES, _wanted(WEB, METRICS))
    turn = [
        {"op": "test", "path": "/metadata/resourceVersion", "value": made["metadata"]["resourceVersion"]},
        {"op": "test", "path": "/metadata/managedFields/0/manager", "value": "maker"},
        {"op": "replace", "path": "/metadata/managedFields/0/operation", "value": "Apply"},
    ]
    turned = await door.ok("PATCH", SERVICES + "/a", turn, content_type=JSON_PATCH, fieldManager="maker")

    after = await door.apply(SERVICES + "/a", _wanted(WEB))

    assert {("maker", "Apply")} == _managers(turned)
    assert [WEB] == after["spec"]["ports"]
    assert {("maker", "Apply")} == _managers(after)


async def test_a_list_without_keys_is_one_value(door):
    """The endpoints of an EndpointSlice: an apply replaces them as a whole."""
    body = {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "metadata": {"name": "a"}, "addressType": "IPv4"}
    await door.apply(SLICES + "/a", body | {"endpoints": [{"addresses": ["10.0.0.1"]}, {"addresses": ["10.0.0.2"]}]})

    after = await door.apply(SLICES + "/a", body | {"endpoints": [{"addresses": ["10.0.0.3"]}]})

    assert [["10.0.0.3"]] == [endpoint["addresses"] for endpoint in after["endpoints"]]
    assert 2 == after["metadata"]["generation"]


@pytest.mark.parametrize(("exists", "code", "reason"), [(True, 422, "Invalid"), (False, 409, "Conflict")], ids=["another is there", "none is there"])
async def test_an_apply_onto_a_uid_hits_that_object_or_none(door, exists, code, reason):
    if exists:
        await door.create(SERVICES, _wanted(WEB))
    body = _wanted(WEB, METRICS)
    body["metadata"]["uid"] = "00000000-0000-0000-0000-00000000dead"

    answered, refused = await door.call("PATCH", SERVICES + "/a", body, content_type=APPLY, fieldManager="maker", force="true")

    assert (code, reason) == (answered, refused["reason"])


async def test_an_apply_to_the_status_writes_and_owns_nothing_of_the_spec(door):
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}, "spec": {"containers": [{"name": "main", "image": "app"}]}}
    made = await door.create(PODS, pod)
    uid = made["metadata"]["uid"]
    body = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "a", "uid": uid, "labels": {"a": "b"}},
        "spec": {"nodeName": "x"},
        "status": {"nominatedNodeName": "node-1"},
    }

    told = await door.ok("PATCH", PODS + "/a/status", body, content_type=APPLY, fieldManager="status", force="true")
    again = await door.ok("PATCH", PODS + "/a/status", body, content_type=APPLY, fieldManager="status", force="true")
    other = {**body, "metadata": {"name": "a", "uid": "00000000-0000-4000-8000-00000000dead"}}
    refused, _ = await door.call("PATCH", PODS + "/a/status", other, content_type=APPLY, fieldManager="status", force="true")

    assert ("node-1", {"a": "b"}) == (told["status"]["nominatedNodeName"], told["metadata"]["labels"])
    assert made["spec"] == told["spec"]
    assert told["metadata"]["resourceVersion"] == again["metadata"]["resourceVersion"]
    owned = [entry for entry in told["metadata"]["managedFields"] if entry["manager"] == "status"]
    assert [("Apply", "status", {"f:metadata", "f:status"})] == [
        (entry["operation"], entry["subresource"], set(entry["fieldsV1"])) for entry in owned
    ]
    assert 422 == refused


async def test_an_apply_of_an_old_version_is_refused(door):
    made = await door.apply(SERVICES + "/a", _wanted(WEB))
    await door.apply(SERVICES + "/a", _wanted(WEB, METRICS))
    body = _wanted(WEB)
    body["metadata"]["resourceVersion"] = made["metadata"]["resourceVersion"]

    code, refused = await door.call("PATCH", SERVICES + "/a", body, content_type=APPLY, fieldManager="maker", force="true")

    assert (409, "Conflict") == (code, refused["reason"])


async def test_an_update_takes_ownership_of_what_it_changes(door):
    await door.apply(SERVICES + "/a", _wanted(WEB, labels={"a": "1", "b": "1"}), "one")

    after = await door.ok("PATCH", SERVICES + "/a", {"metadata": {"labels": {"a": "2"}}}, content_type=MERGE_PATCH, fieldManager="two")

    assert {"f:labels": {"f:b": {}}} == _fields(after, "one", "Apply")["f:metadata"]
    assert {"f:metadata": {"f:labels": {"f:a": {}}}} == _fields(after, "two", "Update")
