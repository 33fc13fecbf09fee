"""Reviews of what is too much: for the time that the API server waits, where our own answer comes before it gives up; and for its own limits."""

import pytest

from admission.stage import eventually
from support.admission import ALL
from support.containers import container

POLICIES = 100
CONTAINERS = 2000
"""Far more than can be judged in half a second, of which each policy takes some milliseconds. What is left of it then is not done."""

BARE = {"livenessProbe": None, "readinessProbe": None, "resources": None}
MEBIBYTE = 1 << 20


@pytest.fixture
def slow(api, webhook, configure, namespace):
    """Makes a pod that is reviewed for too long, where the API server waits for a second."""

    def slow(failure_policy):
        configure(webhook.port, failurePolicy=failure_policy, timeoutSeconds=1)
        for number in range(POLICIES):
            namespace.policy(f"p{number}", **ALL)
        eventually(namespace.is_reviewed)
        made = namespace.pod(*(container(f"c{number}", image="app:latest", **BARE) for number in range(CONTAINERS)))
        before = webhook.counted("failures_total", reason="deadline")
        answer = api.call("POST", f"{namespace.pods}?dryRun=All", made)
        assert before + 1 == webhook.counted("failures_total", reason="deadline"), answer.message[:500]
        return answer

    return slow


def test_with_ignore_a_slow_review_lets_the_pod_pass_and_says_so(api, slow):
    before = api.counted("apiserver_admission_webhook_fail_open_count")
    answer = slow("Ignore")

    assert 201 == answer.status
    assert ("DevOpsPolicy: not checked: its policies could not all be asked in time",) == answer.warnings
    assert before == api.counted("apiserver_admission_webhook_fail_open_count")


def test_with_fail_a_slow_review_refuses_the_pod_and_says_why(slow):
    answer = slow("Fail")

    assert 500 == answer.status
    assert "no review: its policies could not all be asked in time" in answer.message
    assert "deadline exceeded" not in answer.message


def test_the_largest_pods_that_the_api_server_takes_are_reviewed(api, webhook, reviewed):
    """Bodies end at 3 MiB, and what is stored at 1.5 MiB; an update comes with both, old and new."""
    failures = webhook.counted("failures_total")

    def large(tag, mebibytes):
        variables = [{"name": f"V{number}", "value": "x" * int(mebibytes * MEBIBYTE / 5000)} for number in range(50)]
        return reviewed.pod(*(container(f"c{number}", image=f"app{tag}", env=variables) for number in range(100)), name="large")

    created = [api.call("POST", f"{reviewed.pods}?dryRun=All", large(tag, 2.5)).status for tag in (":latest", ":1")]
    stored = api.must("POST", reviewed.pods, large(":1", 1))
    worse = stored | {"spec": stored["spec"] | {"containers": [one | {"image": "app:latest"} for one in stored["spec"]["containers"]]}}

    assert [403, 201] == created
    assert 403 == api.call("PUT", f"{reviewed.pods}/large", worse).status
    assert failures == webhook.counted("failures_total")
    assert 413 == api.call("POST", f"{reviewed.pods}?dryRun=All", large(":1", 3.1)).status
