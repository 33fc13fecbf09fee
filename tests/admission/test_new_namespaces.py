"""A pod that is made in the moment after its namespace, of which the webhook may not have heard."""

import time

import pytest

from admission.stage import eventually


@pytest.fixture
def reviewed(webhook, configure, namespace):
    """A namespace that shows that pods are reviewed by now."""
    configure(webhook.port, failurePolicy="Fail")
    namespace.policy(forbidLatestTag=True)
    eventually(namespace.is_reviewed)
    return namespace


def test_pods_made_together_with_their_namespace_are_reviewed(api, webhook, reviewed, extent, note):
    """Again and again, and no call fails. The API server waits for its own cache first, so by then the webhook has mostly heard of the namespace."""
    failures = webhook.counted("failures_total")
    asked = webhook.counted("requests_total")
    answers, longest = [], 0.0
    for number in range(extent.namespaces):
        name = f"{reviewed.name}-{number}"
        api.must("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
        made = reviewed.pod() | {"metadata": {"name": "web", "namespace": name}}
        began = time.monotonic()
        answers.append(api.call("POST", f"/api/v1/namespaces/{name}/pods", made).status)
        longest = max(longest, time.monotonic() - began)

    scenario = f"webhook: {extent.namespaces} namespaces, each with a pod at once"
    note(scenario, "longest create of a pod", longest, "s")
    note(scenario, "reviews that failed", webhook.counted("failures_total") - failures, target=0)
    assert [201] * extent.namespaces == answers
    assert extent.namespaces == webhook.counted("requests_total") - asked
    assert failures == webhook.counted("failures_total")
