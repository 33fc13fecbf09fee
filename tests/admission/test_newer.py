"""An upgrade under way, or a rollback: configuration and definitions are of a newer release than the replicas that answer."""

import copy

import pytest

from admission.stage import eventually
from support.containers import container

DEFINITION = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/devopspolicies.policy.steward.dev"


@pytest.fixture
def newer_definition(api):
    """DevOpsPolicy has a field of a later release, and loses it afterwards."""
    before = api.must("GET", DEFINITION)
    newer = copy.deepcopy(before)
    spec = newer["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
    spec["properties"]["forbidMoonlight"] = {"type": "boolean"}
    yield api.must("PUT", DEFINITION, newer)
    version = api.must("GET", DEFINITION)["metadata"]["resourceVersion"]
    api.must("PUT", DEFINITION, before | {"metadata": before["metadata"] | {"resourceVersion": version}})


def test_what_it_does_not_know_yet_passes(api, webhook, configure, namespace):
    """A configuration of a newer release may ask about more than this release can answer."""
    configure(webhook.port, failurePolicy="Fail")
    namespace.policy(forbidLatestTag=True)
    eventually(namespace.is_reviewed)
    path = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/steward-steward-webhook"
    configuration = api.must("GET", path)
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["*"], "resources": ["configmaps", "services"]}
    configuration["webhooks"][0] |= {"rules": [*configuration["webhooks"][0]["rules"], rule], "matchConditions": []}
    api.must("PUT", path, configuration)
    before = webhook.counted("requests_total")
    eventually(lambda: _config_map(api, namespace) == 201 and webhook.counted("requests_total") > before)

    assert 0 == webhook.counted("failures_total", reason="error")


def _config_map(api, namespace):
    return api.call("POST", f"/api/v1/namespaces/{namespace.name}/configmaps?dryRun=All", {"metadata": {"name": "x"}}).status


def test_a_policy_with_a_field_of_a_newer_definition_is_asked_what_is_known_of_it(api, webhook, configure, namespace, newer_definition):
    configure(webhook.port, failurePolicy="Fail")
    policies = f"/apis/policy.steward.dev/v1alpha1/namespaces/{namespace.name}/devopspolicies"
    body = {"apiVersion": "policy.steward.dev/v1alpha1", "kind": "DevOpsPolicy", "metadata": {"name": "moon"}}
    body["spec"] = {"forbidLatestTag": True, "forbidMoonlight": True, "enforcementMode": "enforce"}
    # The API server begins to keep the field some time after it has taken the definition.
    eventually(lambda: "forbidMoonlight" in api.must("POST", f"{policies}?dryRun=All", body)["spec"])
    api.must("POST", policies, body)
    eventually(namespace.is_reviewed)
    latest = api.call("POST", namespace.pods, namespace.pod(container(image="app:latest")))

    assert (403, 201) == (latest.status, api.call("POST", namespace.pods, namespace.pod()).status)
    assert "Denied by DevOpsPolicy: moon: container web: " in latest.message
    assert 0 == webhook.counted("failures_total", reason="policy")
