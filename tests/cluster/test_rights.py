"""The rights of the component, held against what the API server wrote down that it did."""

import pytest
from cluster.support import rights
from cluster.support.wait import until
from demolib import workloads

FIRST_LIST = "the first list comes by the watch (KEP-3157); API servers before 1.32 do not offer that, and are listed"
EXCEPTIONS: dict[rights.Use, str] = {
    ("", "pods", "list"): FIRST_LIST,
    ("", "services", "list"): FIRST_LIST,
    ("discovery.k8s.io", "endpointslices", "list"): FIRST_LIST,
}
"""Granted and not seen to be used, and why it is granted all the same."""
NOT_OURS = {
    ("authorization.k8s.io", "selfsubjectaccessreviews", "create"): "everybody may ask for his own rights, by system:basic-user",
}
"""Used and not granted by us, and who grants it."""


@pytest.fixture(scope="module")
def release(releases, team, audit_log):
    """A release that had to do everything it can do: lead, serve, mend, withdraw, and tell of it."""
    release = releases("test-rights-steward")
    release.install()
    foreign = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "taken"}, "spec": {"ports": [{"port": 80}]}}
    team.apply(foreign, workloads.bare("taken", team.spec), workloads.bare("web", team.spec))
    address = team.address("web")
    team.until_answered("web", address)

    # Somebody spoils the Service and its slice: both are mended.
    team.kubectl("patch", "service", "web", "--patch", '{"spec": {"publishNotReadyAddresses": false}}')
    until("the Service is mended", lambda: team.get("service", "web")["spec"].get("publishNotReadyAddresses"))
    (found,) = team.select("endpointslices", "--selector", "kubernetes.io/service-name=web")
    spoiled = '[{"op": "replace", "path": "/endpoints/0/addresses/0", "value": "192.0.2.1"}]'
    team.kubectl("patch", "endpointslice", found["metadata"]["name"], "--type=json", "--patch", spoiled)
    team.until_answered("web", address)

    # Taken away and given back: the second Event that says so is the first one, counted.
    team.kubectl("annotate", "pod", "web", f"{workloads.ANNOTATION}-")
    team.until_unknown("web")
    team.kubectl("annotate", "pod", "web", f"{workloads.ANNOTATION}=true")
    team.until_answered("web", address)
    return release


@pytest.fixture(scope="module")
def asked(audit_log, release):
    """What the component asked so far."""
    return rights.asked(audit_log, release, "headless")


def test_nothing_was_denied(asked):
    """Not one request of the service account was answered with 401 or 403."""
    requests = asked()

    assert requests
    assert [] == rights.denied(requests)


def test_every_right_is_used_and_every_use_is_granted(asked, release):
    """The roles of the release allow exactly what the component did, but for the exceptions of this file."""
    granted = rights.granted(rights.bound(release, "headless"))

    def unused():
        return granted - set(rights.used(asked())) - EXCEPTIONS.keys()

    until("every granted right was used", lambda: not unused(), last=unused)
    assert EXCEPTIONS.keys() <= granted
    assert NOT_OURS.keys() == set(rights.used(asked())) - granted
