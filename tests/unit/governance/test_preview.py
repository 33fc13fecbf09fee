"""What would be denied if policies were enforced and pods made anew."""

import datetime as dt

import msgspec
import pytest

from steward.governance.combining import judge
from steward.governance.policies import DevOpsPolicy
from steward.governance.preview import denied_anew, enforced
from steward.governance.violations import RUNTIME_CHECKS, STATIC_CHECKS

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


@pytest.mark.parametrize(("injected", "denied"), [({"mesh"}, []), (set(), ["missing_liveness"])], ids=["injected", "anybody's"])
def test_a_container_that_is_configured_as_injected_needs_no_probe_of_its_own(pod, good, injected, denied):
    asked = enforced(policy(requireLivenessProbe=True, severityOverrides={"missingLiveness": "high"}))
    found = denied_anew(pod(good(name="mesh", livenessProbe=None)), [asked], now=NOW, injected=injected)

    assert denied == [one.check for one in found]


def test_preview_and_admission_agree_about_what_denies_a_new_pod(pod, good):
    """Whatever a policy asks for, and however bad it is called: only checks of what is written."""
    severities = dict.fromkeys(("latestTag", "missingLiveness", "missingReadiness", "highRestarts", "pending", "missingResources"), "critical")
    asks = {"forbidLatestTag": True, "requireLivenessProbe": True, "requireReadinessProbe": True, "requireResources": True}
    asked = enforced(policy(**asks, maxRestartCount=0, forbidPendingDuration=0, severityOverrides=severities))
    bare = good(image="app", livenessProbe=None, readinessProbe=None, resources={})
    late = pod(bare, status=SHAKY | {"phase": "Pending"}, metadata={"creationTimestamp": "2026-11-21T11:00:00Z"})

    assert STATIC_CHECKS == {one.check for one in denied_anew(late, [asked], now=NOW)}
    assert RUNTIME_CHECKS | STATIC_CHECKS == {one.check for one in judge(late, [asked], now=NOW).denied}
