"""An exemption has a reason and an end, acts where it says, and stays visible."""

import datetime as dt
import itertools
from collections import Counter

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from steward.governance.bundles import STANDARD
from steward.governance.exemptions import Coverage, Exemption
from steward.governance.model import Workload
from steward.governance.scores import contribution, tally
from steward.governance.violations import Violation

WEB = Workload("shop", "Deployment", "web")
UNTAGGED = {"image": "app"}
WHOLE = {"checks": ["latest_tag"], "reason": "vendor has no tags", "expires": "2027-01-31T00:00:00Z"}


def rules(*exemptions):
    return msgspec.structs.replace(STANDARD, exemptions=tuple(msgspec.convert(WHOLE | one, Exemption) for one in exemptions))


@pytest.mark.parametrize("field", ["checks", "reason", "expires"])
def test_checks_reason_and_end_are_required(field):
    with pytest.raises(msgspec.ValidationError, match=field):
        msgspec.convert({key: value for key, value in WHOLE.items() if key != field}, Exemption)


@pytest.mark.parametrize("empty", [{"checks": []}, {"reason": ""}, {"expires": "2027-01-31T00:00:00"}, {"expires": "never"}], ids=str)
def test_an_empty_reason_or_an_end_without_a_zone_is_refused(empty):
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(WHOLE | empty, Exemption)


@pytest.mark.parametrize(
    ("changes", "acts"),
    [
        ({}, True),
        ({"checks": ["pending"]}, False),
        ({"workload": {"kind": "Deployment", "name": "web"}}, True),
        ({"workload": {"kind": "StatefulSet", "name": "web"}}, False),
        ({"workload": {"kind": "Deployment", "name": "other"}}, False),
        ({"matchLabels": {"app": "web"}}, True),
        ({"matchLabels": {"app": "web", "tier": "front"}}, False),
        ({"containers": ["istio-proxy", "web"]}, True),
        ({"containers": ["istio-proxy"]}, False),
        ({"expires": "2026-11-21T12:00:00Z"}, False),
        ({"expires": "2026-11-21T12:00:01Z"}, True),
        ({"expires": "2026-11-21T14:00:00+03:00"}, False),
    ],
    ids=str,
)
def test_it_acts_on_what_fits_all_that_it_names_until_it_ends(judge, good, changes, acts):
    verdict = judge(good(**UNTAGGED), rules=rules(changes), workload=WEB, metadata={"labels": {"app": "web"}})

    assert (not acts, acts) == (bool(verdict.violations), bool(verdict.exempted))


def test_what_is_exempt_is_shown_with_its_reason(judge, good):
    (shown,) = judge(good(**UNTAGGED), rules=rules({"approvedBy": "sam"})).exempted

    assert ("latest_tag", "vendor has no tags", "sam") == (shown.violation.check, shown.exemption.reason, shown.exemption.approved_by)


def test_an_exemption_that_ended_is_told_beside_the_violation(judge, good):
    verdict = judge(good(**UNTAGGED), rules=rules({"expires": "2026-01-01T00:00:00Z"}))

    assert verdict.violations == tuple(one.violation for one in verdict.expired)
    assert dt.datetime(2026, 1, 1, tzinfo=dt.UTC) == verdict.expired[0].exemption.expires


@pytest.mark.parametrize("order", [1, -1], ids=["as written", "reversed"])
def test_of_several_the_one_that_lasts_longest_counts_in_any_order(judge, good, order):
    several = [{"expires": "2026-01-01T00:00:00Z"}, {"expires": "2028-01-01T00:00:00Z"}, {}][::order]

    (shown,) = judge(good(**UNTAGGED), rules=rules(*several)).exempted

    assert 2028 == shown.exemption.expires.year


some_exemptions = st.lists(
    st.fixed_dictionaries(
        {
            "checks": st.lists(st.sampled_from(["latest_tag", "missing_liveness"]), min_size=1, max_size=2, unique=True),
            "reason": st.sampled_from(["a", "b"]),
            "expires": st.sampled_from(["2026-01-01T00:00:00Z", "2027-01-31T00:00:00Z", "2028-01-01T00:00:00Z"]),
        },
        optional={
            "workload": st.sampled_from([{"kind": "Deployment", "name": "web"}, {"kind": "Deployment", "name": "other"}]),
            "matchLabels": st.sampled_from([{"app": "web"}, {"app": "other"}]),
            "containers": st.lists(st.sampled_from(["web", "side"]), min_size=1, max_size=2, unique=True),
        },
    ),
    max_size=6,
)


@given(some_exemptions)
def test_a_violation_is_covered_by_the_last_to_end_of_all_that_fit(several):
    """Looked up in another way than this one, which is slow and plain."""
    exemptions = [msgspec.convert(one, Exemption) for one in several]
    labels = {"app": "web"}
    covering = Coverage(exemptions).of(WEB, labels)

    for check, container in itertools.product(("latest_tag", "missing_liveness"), ("web", "side")):
        fitting = [
            one
            for one in exemptions
            if check in one.checks
            and (not one.containers or container in one.containers)
            and (one.workload is None or one.workload.name == "web")
            and one.match_labels in ({}, labels)
        ]
        last = max(fitting, key=lambda one: (one.expires, one.reason), default=None)
        found = covering(Violation(check, "high", container, ""))
        assert (last is None) == (found is None)
        assert last is None or (last.expires, last.reason) == (found.expires, found.reason)


def test_exemptions_are_compared_with_a_pod_once_and_not_for_each_of_its_violations(judge, good, monkeypatch):
    """A hundred containers under a hundred exemptions kept everybody waiting."""
    looks = Counter()

    def fits(self, *_):
        looks[id(self)] += 1
        return True

    monkeypatch.setattr(Exemption, "fits", fits)
    many = rules(*({"containers": [f"other-{number}"]} for number in range(100)))
    verdict = judge(*(good(f"c{number}", **UNTAGGED) for number in range(100)), rules=many, workload=WEB)

    assert 100 == len(verdict.violations)
    assert [1] * 100 == list(looks.values())


def test_exemptions_are_put_in_order_once_for_all_pods():
    some = rules({}, {"expires": "2028-01-01T00:00:00Z"})

    assert some.coverage is some.coverage


@pytest.mark.parametrize(("formula", "before", "after"), [("seed", 90, 95), ("float", 90.0, 95.0), ("ratio", 60.0, 75.0)])
def test_what_is_exempt_costs_nothing_and_its_pod_still_counts(judge, good, formula, before, after):
    """Of ten checks' worth 4 fail, then 2 of 8: exempt is not applicable."""
    one, other = good(**UNTAGGED), good("other", **UNTAGGED, resources={"limits": {"cpu": 1}})
    some = rules({"containers": ["web"]})

    def score(rules):
        counted = tally([contribution(judge(one, other, rules=rules, workload=WEB))])
        return counted.pods, counted.score(formula)

    assert (1, pytest.approx(after)) == score(some)
    assert (1, pytest.approx(before)) == score(STANDARD)
