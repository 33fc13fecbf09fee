"""The custom resources: what is read from the API server and what is written."""

import datetime as dt

import msgspec
import pytest

from steward.governance.bundles import RESTRICTED
from steward.governance.policies import POLICIES, DevOpsPolicy, PolicySpec, PolicyStatus
from steward.governance.rules import Rules
from steward.runtime.conditions import condition
from steward.runtime.resource import ObjectMeta

NOW = dt.datetime(2026, 11, 21, 12, tzinfo=dt.UTC)


def policy(**spec):
    return msgspec.convert({"metadata": {"name": "shop", "namespace": "shop"}, "spec": spec}, DevOpsPolicy)


def test_a_policy_has_the_fields_of_the_rules_under_their_names():
    assert set(Rules.__struct_encode_fields__) < set(PolicySpec.__struct_encode_fields__)
    assert RESTRICTED == policy(**msgspec.to_builtins(RESTRICTED)).spec


@pytest.mark.parametrize(
    ("spec", "enforced", "remediates"),
    [
        ({}, False, False),
        ({"enforcementMode": "audit"}, False, False),
        ({"enforcementMode": "enforce"}, True, True),
        ({"enforcementMode": "enforce", "remediationMode": "audit"}, True, False),
        ({"enforcementMode": "audit", "remediationMode": "enforce"}, False, True),
    ],
    ids=str,
)
def test_a_policy_audits_unless_it_says_otherwise_of_pods_and_of_workloads(spec, enforced, remediates):
    found = policy(**spec).spec

    assert (enforced, remediates) == (found.is_enforced, found.remediates)


@pytest.mark.parametrize(
    "spec",
    [
        {"enforcementMode": "deny"},
        {"maxRestartCount": -1},
        {"maxRestartCount": 2**31},
        {"defaultProbe": {"tcpPort": 0}},
        {"defaultProbe": {"tcpPort": "HTTP"}},
        {"defaultResources": {"cpuRequest": "-1"}},
        {"defaultResources": {"memoryLimit": "256MiB"}},
    ],
    ids=str,
)
def test_what_the_api_server_would_refuse_is_refused(spec):
    with pytest.raises(msgspec.ValidationError):
        policy(**spec)


NEWER = {
    "forbidLatestTag": True,
    "forbidMoonlight": True,
    "severityOverrides": {"latestTag": "critical", "moonlight": "low"},
    "exemptions": [
        {"checks": ["pending"], "reason": "x", "expires": "2027-01-31T00:00:00Z", "moon": "full", "workload": {"kind": "Job", "name": "a", "moon": 1}}
    ],
    "defaultProbe": {"tcpPort": 80, "moon": 1},
    "defaultResources": {"cpuLimit": "1", "moon": "1"},
}


def test_a_policy_with_fields_of_a_newer_version_asks_what_this_one_knows():
    """Definitions are newer than the program during an upgrade, and after a rollback."""
    found = policy(**NEWER).spec

    assert (True, "critical", 1) == (found.forbid_latest_tag, found.severity_overrides.latest_tag, len(found.exemptions))
    assert (80, "1") == (found.default_probe.tcp_port, found.default_resources.cpu_limit)


@pytest.mark.parametrize("quantity", ["0", "1", "100m", "0.5", ".5", "128Mi", "1e3", "1E-3", "2G", "500n"])
def test_quantities_are_those_of_kubernetes(quantity):
    assert quantity == policy(defaultResources={"cpuLimit": quantity}).spec.default_resources.cpu_limit


def test_a_status_that_is_written_says_nothing_of_the_spec():
    """Server-side apply takes what is named; the spec belongs to its team."""
    desired = DevOpsPolicy(metadata=ObjectMeta(name="shop", namespace="shop"), status=PolicyStatus(healthy=True))

    assert {"healthy": True} == POLICIES.manifest(desired)["status"]
    assert "spec" not in POLICIES.manifest(desired)


def test_a_condition_keeps_its_time_until_its_status_changes():
    before = (condition("Ready", "True", reason="Evaluated", now=NOW),)
    later = NOW + dt.timedelta(minutes=5)

    same = condition("Ready", "True", reason="EvaluatedAgain", now=later, before=before)
    other = condition("Ready", "False", reason="Unreadable", now=later, before=before)

    assert ("2026-11-21T12:00:00Z", "2026-11-21T12:05:00Z") == (same.last_transition_time, other.last_transition_time)
