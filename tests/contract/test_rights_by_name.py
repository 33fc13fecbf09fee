"""What RBAC that is limited to one name lets through at a real API server: all that is done to the Secret of a certificate authority."""

import pytest

from steward.runtime.transport import HTTPTransport
from support.doors import APPLY, MERGE_PATCH, Door

pytestmark = pytest.mark.apiserver

SECRETS = "/api/v1/namespaces/{}/secrets"
RBAC = "/apis/rbac.authorization.k8s.io/v1/namespaces/{}"
ROLE = {
    "apiVersion": "rbac.authorization.k8s.io/v1",
    "kind": "Role",
    "metadata": {"name": "one"},
    "rules": [{"apiGroups": [""], "resources": ["secrets"], "resourceNames": ["one"], "verbs": ["list", "watch", "create", "patch"]}],
}
BINDING = {
    "apiVersion": "rbac.authorization.k8s.io/v1",
    "kind": "RoleBinding",
    "metadata": {"name": "one"},
    "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "one"},
    "subjects": [{"kind": "User", "name": "limited", "apiGroup": "rbac.authorization.k8s.io"}],
}

STREAM = {"resourceVersion": "", "sendInitialEvents": "true", "resourceVersionMatch": "NotOlderThan", "allowWatchBookmarks": "true"}


def secret(name: str) -> dict:
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "type": "Opaque"}


@pytest.fixture
async def limited(control_plane):
    """The door of a user who has these rights in the namespace of the test."""
    transports = [HTTPTransport(control_plane.credentials(user)) for user in ("admin", "limited")]
    admin, limited = [Door(transport, control_plane.compact) for transport in transports]
    limited.namespace = admin.namespace
    await admin.open()
    for path, body in ((RBAC + "/roles", ROLE), (RBAC + "/rolebindings", BINDING)):
        await admin.create(path, body)
    yield limited
    for transport in transports:
        await transport.close()


async def code(door, *request, **query):
    """The code alone; RBAC's caches may be a moment behind the role."""
    return (await door.call(*request, **query))[0]


async def test_an_apply_creates_what_has_the_name_and_nothing_else(limited):
    """POST tells the authorizer no name, so a right to it would be one to every Secret, those that mint tokens included."""
    while 201 != await code(limited, "PATCH", SECRETS + "/one", secret("one"), content_type=APPLY, fieldManager="m"):
        pass

    assert 403 == await code(limited, "POST", SECRETS, secret("one"))
    assert 403 == await code(limited, "PATCH", SECRETS + "/two", secret("two"), content_type=APPLY, fieldManager="m")
    assert 200 == await code(limited, "PATCH", SECRETS + "/one", {"data": {"x": "eA=="}}, content_type=MERGE_PATCH)


async def test_a_list_and_a_watch_by_name_need_no_right_to_others(limited):
    while 200 != await code(limited, "GET", SECRETS, fieldSelector="metadata.name=one"):
        pass
    await limited.ok("PATCH", SECRETS + "/one", secret("one"), content_type=APPLY, fieldManager="m")
    async with limited.watch(SECRETS, fieldSelector="metadata.name=one", **STREAM) as events:
        told = await anext(events)

    assert ("ADDED", "one") == (told["type"], told["object"]["metadata"]["name"])
    assert 403 == await code(limited, "GET", SECRETS)
    assert 403 == await code(limited, "GET", SECRETS, fieldSelector="metadata.name=two")
    assert 403 == await code(limited, "GET", SECRETS + "/one")
