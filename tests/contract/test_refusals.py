"""What a refusal looks like, to the letter: clients read the code, the reason, the details and sometimes the message."""

import pytest

from steward.headless.names import endpoint_address
from support.addresses import REFUSED, TAKEN
from support.doors import APPLY, CONFIGMAPS, JSON_PATCH, LEASES, MERGE_PATCH, SERVICES, SLICES, configmap, lease, service

MODIFIED = "the object has been modified; please apply your changes to the latest version and try again"
REJECTED = "the server rejected our request due to an error in our request"


def _failure(code: int, reason: str, message: str, details: dict | None = None) -> dict:
    body = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": message, "reason": reason}
    return body | ({"details": details} if details is not None else {}) | {"code": code}


def _immutable(value: str) -> list[dict[str, str]]:
    return [{"reason": "FieldValueInvalid", "message": f'Invalid value: "{value}": field is immutable', "field": "metadata.uid"}] * 2


CASES = {
    "an object that is not there": (
        ("GET", SERVICES + "/none", None, {}),
        _failure(404, "NotFound", 'services "none" not found', {"name": "none", "kind": "services"}),
    ),
    "a resource that is not there": (
        ("GET", "/api/v1/namespaces/{}/nonsense", None, {}),
        _failure(404, "NotFound", "the server could not find the requested resource", {}),
    ),
    "a create of what is there": (
        ("POST", LEASES, lease("a"), {}),
        _failure(
            409, "AlreadyExists", 'leases.coordination.k8s.io "a" already exists', {"name": "a", "group": "coordination.k8s.io", "kind": "leases"}
        ),
    ),
    "a create in no namespace": (
        ("POST", "/api/v1/namespaces/none/services", service("a"), {}),
        _failure(404, "NotFound", 'namespaces "none" not found', {"name": "none", "kind": "namespaces"}),
    ),
    "a create in another namespace than the path's": (
        ("POST", CONFIGMAPS, {**configmap("b"), "metadata": {"name": "b", "namespace": "kube-system"}}, {}),
        _failure(400, "BadRequest", "the namespace of the provided object does not match the namespace sent on the request"),
    ),
    "an update of an old version": (
        ("PATCH", SERVICES + "/a", {"metadata": {"resourceVersion": "1"}}, {"content_type": MERGE_PATCH}),
        _failure(409, "Conflict", f'Operation cannot be fulfilled on services "a": {MODIFIED}', {"name": "a", "kind": "services"}),
    ),
    "an update of another uid": (
        ("PATCH", SERVICES + "/a", {"metadata": {"uid": "1"}}, {"content_type": MERGE_PATCH}),
        _failure(
            422,
            "Invalid",
            'Service "a" is invalid: metadata.uid: Invalid value: "1": field is immutable',
            {"name": "a", "kind": "Service", "causes": _immutable("1")},
        ),
    ),
    "a test that fails": (
        ("PATCH", SERVICES + "/a", [{"op": "test", "path": "/metadata/name", "value": "b"}], {"content_type": JSON_PATCH}),
        _failure(422, "Invalid", REJECTED, {}),
    ),
    "a path that is not there": (
        ("PATCH", SERVICES + "/a", [{"op": "remove", "path": "/metadata/labels/none"}], {"content_type": JSON_PATCH}),
        _failure(422, "Invalid", REJECTED, {}),
    ),
    "an apply of what is gone": (
        ("PATCH", SERVICES + "/b", {**service("b"), "metadata": {"name": "b", "uid": "1"}}, {"content_type": APPLY, "fieldManager": "me"}),
        _failure(
            409,
            "Conflict",
            'Operation cannot be fulfilled on services "b": uid mismatch: the provided object specified uid 1, and no existing object was found',
            {"name": "b", "kind": "services"},
        ),
    ),
    "an apply by nobody": (
        ("PATCH", SERVICES + "/a", service("a"), {"content_type": APPLY}),
        _failure(
            422,
            "Invalid",
            'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch',
            {
                "group": "meta.k8s.io",
                "kind": "PatchOptions",
                "causes": [{"reason": "FieldValueRequired", "message": "Required value: is required for apply patch", "field": "fieldManager"}],
            },
        ),
    ),
    "an apply against another manager": (
        ("PATCH", CONFIGMAPS + "/a", {**configmap("a"), "data": {"key": "mine"}}, {"content_type": APPLY, "fieldManager": "me"}),
        _failure(
            409,
            "Conflict",
            'Apply failed with 1 conflict: conflict with "maker" using v1: .data.key',
            {"causes": [{"reason": "FieldManagerConflict", "message": 'conflict with "maker" using v1', "field": ".data.key"}]},
        ),
    ),
    "a name with a dot": (
        ("POST", SERVICES, service("a.b"), {}),
        _failure(
            422,
            "Invalid",
            'Service "a.b" is invalid: metadata.name: Invalid value: "a.b": must not contain dots',
            {
                "name": "a.b",
                "kind": "Service",
                "causes": [{"reason": "FieldValueInvalid", "message": 'Invalid value: "a.b": must not contain dots', "field": "metadata.name"}],
            },
        ),
    ),
    "a lease that lasts no time": (
        ("POST", LEASES, lease("b", leaseDurationSeconds=0), {}),
        _failure(
            422,
            "Invalid",
            'Lease.coordination.k8s.io "b" is invalid: spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0',
            {
                "name": "b",
                "group": "coordination.k8s.io",
                "kind": "Lease",
                "causes": [
                    {"reason": "FieldValueInvalid", "message": "Invalid value: 0: must be greater than 0", "field": "spec.leaseDurationSeconds"}
                ],
            },
        ),
    ),
    "a version that is no number": (
        ("GET", SERVICES, None, {"resourceVersion": "x"}),
        _failure(
            400,
            "BadRequest",
            'invalid resource version: resourceVersion: Invalid value: "x": strconv.ParseUint: parsing "x": invalid syntax',
        ),
    ),
    "a field nobody can select by": (("GET", SERVICES, None, {"fieldSelector": "x=y"}), _failure(400, "BadRequest", "field label not supported: x")),
}


@pytest.mark.parametrize("case", CASES)
async def test_a_refusal_is_worded_as_by_a_real_server(door, case):
    for path, body in ((SERVICES, service("a")), (CONFIGMAPS, configmap("a")), (LEASES, lease("a"))):
        await door.create(path, body)
    (method, path, body, options), expected = CASES[case]

    code, refused = await door.call(method, path, body, **options)

    assert (expected["code"], expected) == (code, refused)


async def test_a_list_from_the_future_is_asked_again_later(door):
    version = int((await door.ok("GET", CONFIGMAPS))["metadata"]["resourceVersion"]) + 1_000_000

    code, refused = await door.call("GET", CONFIGMAPS, resourceVersion=str(version))

    assert (504, "Timeout", 1) == (code, refused["reason"], refused["details"]["retryAfterSeconds"])


async def test_a_broken_token_is_a_bad_request(door):
    code, refused = await door.call("GET", CONFIGMAPS, **{"continue": "abc"})

    assert (400, "BadRequest") == (code, refused["reason"])


@pytest.mark.parametrize("selector", ["a===b", "in (a)", "a in", "a b"])
async def test_a_selector_that_cannot_be_parsed_is_a_bad_request(door, selector):
    code, refused = await door.call("GET", CONFIGMAPS, labelSelector=selector)

    assert (400, "BadRequest") == (code, refused["reason"])


async def test_an_address_of_the_wrong_family_is_refused(door):
    body = {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "metadata": {"name": "a"}, "addressType": "IPv4"}

    code, refused = await door.call("POST", SLICES, body | {"endpoints": [{"addresses": ["2001:db8::1"]}]})

    assert (422, "Invalid") == (code, refused["reason"])
    assert {"endpoints[0].addresses"} == {cause["field"].split("[1]")[0] for cause in refused["details"]["causes"]}


@pytest.mark.parametrize("address", [*TAKEN, *REFUSED], ids=str)
async def test_an_endpointslice_takes_the_addresses_that_we_publish_and_no_others(door, address):
    """What the operator leaves out would be refused, and what it sends is taken."""
    family, canonical = endpoint_address(address) or ("IPv6" if ":" in address else "IPv4", address)
    kind = {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "metadata": {"name": "a"}}
    body = kind | {"addressType": family, "endpoints": [{"addresses": [canonical]}]}

    code, _ = await door.call("POST", SLICES, body)

    assert (201 if address in TAKEN else 422) == code


async def test_an_object_in_a_namespace_that_goes_away_is_forbidden(door):
    """The namespace stays for its finalizer; nothing new comes in."""
    await door.ok("DELETE", "/api/v1/namespaces/{}")

    code, refused = await door.call("POST", CONFIGMAPS, configmap("a"))

    assert (403, "Forbidden") == (code, refused["reason"])
    assert ["NamespaceTerminating"] == [cause["reason"] for cause in refused["details"]["causes"]]
