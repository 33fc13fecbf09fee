"""What would be denied if policies were enforced and pods made anew."""

import datetime as dt

import msgspec
import pytest

from steward.governance.policies import DevOpsPolicy
from steward.governance.preview import denied_anew, enforced

NOW = dt.datetime(2026, 11, 21, 12, tzinfo=dt.UTC)
SHAKY = {"phase": "Running", "containerStatuses": [{"name": "web", "restartCount": 50}]}


def policy(**spec):
    return msgspec.convert({"metadata": {"name": "shop", "namespace": "shop"}, "spec": spec}, DevOpsPolicy)


def test_a_policy_in_audit_mode_denies_once_it_is_enforced(pod, good):
    bad, asked = pod(good(image="app")), policy(forbidLatestTag=True)

    assert () == denied_anew(bad, [asked], now=NOW)
    assert ["latest_tag"] == [one.check for one in denied_anew(bad, [enforced(asked)], now=NOW)]


def test_what_only_time_brings_denies_no_new_pod(pod, good):
    assert () == denied_anew(pod(good(), status=SHAKY), [enforced(policy(maxRestartCount=3, forbidPendingDuration=0))], now=NOW)


@pytest.mark.parametrize(
    "over", [{"status": {"phase": "Succeeded"}}, {"metadata": {"deletionTimestamp": "2026-11-21T11:00:00Z"}}], ids=["ended", "ending"]
)
def test_a_pod_that_is_over_is_not_made_anew(pod, good, over):
    assert () == denied_anew(pod(good(image="app"), **over), [enforced(policy(forbidLatestTag=True))], now=NOW)
