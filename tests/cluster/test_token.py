"""The kubelet rotates the token it mounts; an installation outlives every one of them."""

import re
import time

import pytest
from cluster.support.cluster import Failed
from cluster.support.wait import until
from demolib import workloads

TOKEN_SECONDS = 600
"""The shortest the API server gives (ValidateTokenRequest). The kubelet fetches the next after four fifths of it."""

OUTLIVED_SECONDS = 60
"""Longer than the token lives, so that the first one is refused for sure: a check allows ten seconds of leeway."""

SCRAPE = "import urllib.request as u; print(u.urlopen('http://127.0.0.1:8080/metrics').read().decode())"


@pytest.mark.long
@pytest.mark.timeout(1200, func_only=True)
def test_a_token_that_expires_is_replaced_before_anybody_is_refused(cluster, releases, team):
    """Eleven minutes after the installation its first token is worth nothing; pods get their names all the same, and no request was refused."""
    release = releases("test-token-steward")
    release.install({"serviceAccount": {"tokenExpirationSeconds": TOKEN_SECONDS}})
    installed = time.monotonic()
    team.apply(workloads.bare("early", team.spec))
    team.until_answered("early", team.address("early"))

    wait = TOKEN_SECONDS + OUTLIVED_SECONDS
    until("the first token has expired", lambda: time.monotonic() - installed > wait, timeout=wait + 10)
    team.apply(workloads.bare("late", team.spec))
    team.until_answered("late", team.address("late"))

    (pod,) = release.objects("pods")
    assert 0 == refused(cluster, pod)
    assert 0 == sum(status.get("restartCount", 0) for status in pod["status"]["containerStatuses"])
    assert 2 <= len(credentials(cluster, release, pod))


def refused(cluster, pod) -> int:
    """Requests that were answered with 401, as the process counts them."""
    meta = pod["metadata"]
    text = cluster.kubectl("exec", meta["name"], "--namespace", meta["namespace"], "--", "python3", "-c", SCRAPE)
    assert "steward_kube_api_requests_total{" in text
    return sum(int(float(value)) for value in re.findall(r'^steward_kube_api_requests_total\{code="401".* (\S+)$', text, re.MULTILINE))


def credentials(cluster, release, pod) -> set[str]:
    """Ids of the tokens that the pod used."""
    try:
        log = cluster.audit(f"system:serviceaccount:{release.namespace}:{release.workload}")
    except Failed as error:
        pytest.skip(f"provider {cluster.provider}: no audit log to tell one token from the next: {error}")
    known = [entry["user"].get("extra", {}) for entry in log]
    ours = [extra for extra in known if pod["metadata"]["uid"] in extra.get("authentication.kubernetes.io/pod-uid", ())]
    return {one for extra in ours for one in extra["authentication.kubernetes.io/credential-id"]}
