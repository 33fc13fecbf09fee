"""Sums that are kept up to date, one pod at a time, are those of all pods counted at once."""

import datetime as dt
import tracemalloc

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from steward.governance.combining import judge
from steward.governance.model import Pod
from steward.governance.policies import DevOpsPolicy
from steward.policy.config import Config
from steward.policy.ledger import Ledger
from steward.runtime.resource import Key
from support import governed

NOW = dt.datetime(2026, 11, 21, 12, tzinfo=dt.UTC)
WAIVER = {"checks": ["latest_tag"], "containers": ["web"], "reason": "vendor has no tags", "expires": "2026-11-21T13:00:00Z"}
SPEC = {
    "requireLivenessProbe": True,
    "requireReadinessProbe": True,
    "requireResources": True,
    "maxRestartCount": 3,
    "forbidPendingDuration": 300,
}


def policy(**spec):
    return msgspec.convert(governed.policy(**spec), DevOpsPolicy)


def pod(name="web-0", **more):
    return msgspec.convert(governed.pod(name, **more), Pod)


def ledger(*pods, now=NOW, config=None, **spec):
    made = Ledger(policy(**spec), config or Config(), now)
    for one in pods:
        made.put(one.metadata.key, one, now)
    return made


changes = st.lists(
    st.tuples(
        st.integers(0, 5),
        st.one_of(
            st.none(),
            st.fixed_dictionaries(
                {},
                optional={
                    "image": st.sampled_from(["app", "app:1"]),
                    "phase": st.sampled_from(["Running", "Pending", "Succeeded"]),
                    "workload": st.sampled_from(["", "a", "b"]),
                    "created": st.sampled_from(["2026-11-21T11:00:00Z", "2026-11-21T11:59:00Z"]),
                    "restarts": st.integers(0, 8),
                },
            ),
        ),
    ),
    max_size=30,
)


@given(changes, st.sampled_from(["seed", "float", "ratio"]), st.booleans())
def test_one_at_a_time_is_all_at_once(happened, formula, exempt):
    spec = SPEC | ({"exemptions": [WAIVER]} if exempt else {})
    config = Config(formula=formula)
    kept, there = ledger(config=config, **spec), {}
    for number, change in happened:
        key = Key("shop", f"web-{number}")
        there.pop(key, None)
        if change is not None:
            there[key] = pod(key.name, **change)
        kept.put(key, there.get(key), NOW)

    whole = ledger(*there.values(), config=config, **spec).evaluation(NOW)
    found = kept.evaluation(NOW)

    assert whole == found
    judged = [judge(one, [policy(**spec)], now=NOW) for one in there.values()]
    assert sum(len(one.findings) for one in judged if one is not None) == found.violations
    assert sum(len(one.excused) for one in judged if one is not None) == found.excused


def test_a_check_that_finds_nothing_has_a_count_and_one_that_nobody_asks_for_has_none():
    counts = ledger(pod(image="app:1"), maxRestartCount=3).evaluation(NOW).counts

    assert {("latest_tag", "high", 0), ("high_restarts", "critical", 0)} == set(counts)


def test_the_fingerprint_is_of_what_is_wrong_where_and_not_of_how_often():
    one, more = ledger(pod(workload="web")), ledger(*(pod(f"web-{n}", workload="web") for n in range(5)))
    elsewhere, otherwise = ledger(pod(workload="db")), ledger(pod(workload="web"), requireReadinessProbe=True)

    assert one.evaluation(NOW).fingerprint == more.evaluation(NOW).fingerprint
    assert 3 == len({found.evaluation(NOW).fingerprint for found in (one, elsewhere, otherwise)})


@pytest.mark.parametrize("kind", ["Job", "Workflow", "TaskRun", ""])
def test_what_comes_and_goes_by_itself_counts_and_is_no_news(kind):
    passing = pod("run-x", workload=kind and "run", kind=kind)
    without, beside = ledger(pod(workload="web")), ledger(pod(workload="web"), passing)

    assert (1, 2) == (without.evaluation(NOW).violations, beside.evaluation(NOW).violations)
    assert without.evaluation(NOW).fingerprint == beside.evaluation(NOW).fingerprint


@pytest.mark.parametrize(
    ("pods", "spec", "seconds"),
    [
        ([], {}, None),
        ([pod(phase="Pending", created="2026-11-21T11:59:00Z")], {"forbidPendingDuration": 300}, 240.001),
        ([pod(phase="Pending", created="2026-11-21T11:00:00Z")], {"forbidPendingDuration": 300}, None),
        ([pod(phase="Running")], {"forbidPendingDuration": 300}, None),
        ([], {"exemptions": [WAIVER]}, 3600.001),
    ],
    ids=["nothing waits", "a pod that will be late", "a pod that is late", "a pod that runs", "an exemption"],
)
def test_it_is_known_when_time_alone_will_change_something(pods, spec, seconds):
    assert seconds == ledger(*pods, **spec).evaluation(NOW).waits


def test_the_end_of_an_exemption_and_another_spec_need_another_ledger():
    kept = ledger(exemptions=[WAIVER])

    assert kept.fits(policy(exemptions=[WAIVER]), NOW)
    assert not kept.fits(policy(exemptions=[WAIVER]), NOW + dt.timedelta(hours=1))
    assert not kept.fits(policy(), NOW)


def test_an_annotation_of_the_policy_does_not():
    """Tools touch objects all the time; what counts is what is asked."""
    touched = msgspec.structs.replace(policy(), metadata=msgspec.structs.replace(policy().metadata, annotations={"touched": "now"}, generation=7))

    assert ledger().fits(touched, NOW)


def test_replicas_cost_next_to_nothing():
    """What is kept of each is a reference to what is kept of all."""
    many = [pod(f"web-{number}", workload="web") for number in range(5000)]
    kept = ledger(many[0], **SPEC)
    tracemalloc.start()
    for one in many:
        kept.put(one.metadata.key, one, NOW)
    grown, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert grown / len(many) < 400
    assert 1 == len({id(entry) for entry in kept.entries.values()})
