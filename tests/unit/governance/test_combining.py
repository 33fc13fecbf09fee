"""Several policies of a namespace: who says what, whatever their order."""

import datetime as dt
import itertools

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from steward.governance.combining import judge
from steward.governance.model import Pod
from steward.governance.policies import DevOpsPolicy
from steward.governance.violations import CHECKS, SEVERITIES

NOW = dt.datetime(2026, 11, 21, 12, tzinfo=dt.UTC)
BARE = {"name": "web", "image": "app"}
WAIVER = {"checks": ["latest_tag"], "reason": "vendor has no tags", "expires": "2027-01-31T00:00:00Z"}


def policy(name="shop", **spec):
    return msgspec.convert({"metadata": {"name": name, "namespace": "shop"}, "spec": spec}, DevOpsPolicy)


def found(*policies, containers=(BARE,), **status):
    pod = msgspec.convert({"metadata": {"name": "web-0", "namespace": "shop"}, "spec": {"containers": containers}, "status": status}, Pod)
    return judge(pod, policies, now=NOW)


def test_what_two_policies_find_in_one_place_is_one_finding():
    (one,) = found(policy("b", forbidLatestTag=True), policy("a", forbidLatestTag=True)).findings

    assert ("latest_tag", "web", ("a", "b")) == (one.check, one.container, one.policies)


def test_the_severest_opinion_counts():
    low = policy("low", forbidLatestTag=True, severityOverrides={"latestTag": "low"})

    (one,) = found(low, policy(forbidLatestTag=True)).findings

    assert "high" == one.severity


@pytest.mark.parametrize(
    ("spec", "denied"),
    [
        ({"enforcementMode": "enforce"}, True),
        ({"enforcementMode": "audit"}, False),
        ({"enforcementMode": "enforce", "severityOverrides": {"latestTag": "critical"}}, True),
        ({"enforcementMode": "enforce", "severityOverrides": {"latestTag": "medium"}}, False),
        ({"enforcementMode": "enforce", "severityOverrides": {"latestTag": "low"}}, False),
    ],
    ids=str,
)
def test_only_enforced_policies_deny_and_only_what_is_critical_or_high(spec, denied):
    """Beside one that only audits and finds the same critical: that does not make it worse."""
    auditor = policy("auditor", forbidLatestTag=True, severityOverrides={"latestTag": "critical"})

    assert denied == bool(found(auditor, policy(forbidLatestTag=True, **spec)).denied)


def test_an_exemption_excuses_from_its_own_policy_and_from_no_other():
    lenient, strict = policy("lenient", forbidLatestTag=True, exemptions=[WAIVER]), policy("strict", forbidLatestTag=True)

    both, alone = found(lenient, strict), found(lenient)

    assert ([("strict",)], ["lenient"]) == ([one.policies for one in both.findings], [one.policy for one in both.excused])
    assert () == alone.findings


def test_a_pod_that_is_over_is_not_judged():
    assert found(policy(forbidLatestTag=True), phase="Succeeded") is None


def test_what_is_denied_comes_first_then_the_severest():
    enforced = policy("enforced", forbidLatestTag=True, enforcementMode="enforce")
    auditor = policy(
        "auditor",
        requireLivenessProbe=True,
        requireReadinessProbe=True,
        severityOverrides={"missingLiveness": "low", "missingReadiness": "critical"},
    )

    assert ["latest_tag", "missing_readiness", "missing_liveness"] == [one.check for one in found(auditor, enforced).findings]


severities = st.fixed_dictionaries({}, optional={name: st.sampled_from(SEVERITIES) for name in ("latestTag", "missingLiveness", "pending")})
specs = st.fixed_dictionaries(
    {},
    optional={
        "forbidLatestTag": st.booleans(),
        "requireLivenessProbe": st.booleans(),
        "requireResources": st.booleans(),
        "enforcementMode": st.sampled_from(["audit", "enforce"]),
        "severityOverrides": severities,
        "exemptions": st.lists(st.just(WAIVER), max_size=1),
    },
)


@given(st.lists(specs, max_size=4), st.lists(st.sampled_from([BARE, {"name": "side", "image": "app:1"}]), max_size=2, unique_by=lambda c: c["name"]))
def test_the_order_of_policies_does_not_matter_and_one_more_never_makes_it_better(some, containers):
    policies = [policy(f"p{number}", **spec) for number, spec in enumerate(some)]
    whole = found(*policies, containers=containers)

    for order in itertools.permutations(policies):
        assert whole == found(*order, containers=containers)
    if policies:
        fewer = found(*policies[1:], containers=containers)
        places = {(one.check, one.container): one for one in whole.findings}
        for one in fewer.findings:
            same = places[one.check, one.container]
            assert SEVERITIES.index(same.severity) <= SEVERITIES.index(one.severity)
            assert same.is_denied >= one.is_denied


@given(specs)
def test_one_policy_alone_is_judged_as_by_the_rules(spec):
    """Admission, background and command line ask the same function in the end."""
    from steward.governance.rules import evaluate

    one = policy(**spec)
    pod = msgspec.convert({"metadata": {"name": "a", "namespace": "shop"}, "spec": {"containers": [BARE]}}, Pod)

    by_rules = {(v.check, v.container, v.severity, v.message) for v in evaluate(pod, one.spec, now=NOW).violations}

    assert by_rules == {(f.check, f.container, f.severity, f.message) for f in judge(pod, [one], now=NOW).findings}
    assert {check for check, *_ in by_rules} <= set(CHECKS)
