"""Scores: the seed's golden vectors, and what holds of any pods."""

import datetime as dt
import math

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from steward.governance.bundles import STANDARD
from steward.governance.exemptions import Exemption
from steward.governance.model import Pod, Workload
from steward.governance.rules import Exempted, Verdict, evaluate
from steward.governance.scores import FORMULAS, MULTIPLIERS, Tally, Weights, classify, contribution, summary, tally
from steward.governance.violations import CHECKS, SEVERITIES, Severities, Violation

NOW = dt.datetime(2026, 11, 21, 12, tzinfo=dt.UTC)
BAD = {"name": "web", "image": "app:latest"}
RUNNING = {"phase": "Running"}


def score(verdicts, formula="seed", **options):
    return tally(contribution(verdict, **options) for verdict in verdicts).score(formula)


def restarts(*counts):
    return RUNNING | {"containerStatuses": [{"name": name, "restartCount": count} for name, count in counts]}


@pytest.mark.parametrize(
    ("bad", "good_ones", "expected"),
    [(0, 0, 100), (0, 5, 100), (1, 0, 90), (1, 1, 95), (1, 2, 97), (1, 9, 99), (1, 10, 100), (1, 199, 100), (7, 0, 90), (7, 3, 93)],
)
def test_the_seeds_integer_of_pods_without_tag_and_probes(judge, good, bad, good_ones, expected):
    """5 + 3 + 2 points for each bad pod; the floor rounds in favour: 10 points on 11 pods are none. By hand, from inventory 2.4."""
    assert expected == score([judge(BAD)] * bad + [judge(good())] * good_ones)


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ([("web", 3)], 90),
        ([("web", 4)], 66),
        ([("web", 5)], 60),
        ([("web", 50)], 60),
    ],
)
def test_restarts_above_the_threshold_cost_six_points_each_up_to_five(judge, counts, expected):
    """As in the origin's code: what is up to the threshold costs nothing, so no score falls without a violation; what is above counts whole."""
    assert expected == score([judge(BAD, status=restarts(*counts))])


def test_the_worst_pod_of_one_container_is_degraded(judge):
    """5 + 3 + 2 + 6 * 5 + 4 = 44."""
    status = restarts(("web", 99)) | {"phase": "Pending"}
    verdict = judge(BAD, status=status, metadata={"creationTimestamp": "2026-11-01T00:00:00Z"})

    assert 56 == score([verdict])
    assert "Degraded" == classify(56)


def test_points_of_many_containers_end_at_zero(judge):
    assert 0 == score([judge(*[BAD | {"name": f"c{number}"} for number in range(11)])])
    assert 0.0 == score([judge(*[BAD | {"name": f"c{number}"} for number in range(11)])], "float")


def test_missing_resources_cost_nothing_unless_they_are_given_a_weight(judge, good):
    verdict = judge(good(resources=None))

    assert (100, 93) == (score([verdict]), score([verdict], weights=Weights(missing_resources=7)))


def test_severities_multiply_by_three_two_one_one(judge):
    """Default severities: tag high 5 * 2, liveness medium 3 * 1, readiness low 2 * 1, restarts critical 6 * 5 * 3: 105 points, and 15 without."""
    assert {"critical": 3, "high": 2, "medium": 1, "low": 1} == MULTIPLIERS
    assert 0 == score([judge(BAD, status=restarts(("web", 5)))], severity_weighted=True)
    assert 85 == score([judge(BAD)], severity_weighted=True)


def test_replicas_speak_with_one_voice_in_ratio(judge, good):
    """Scaling what is fine up must not heal what is not."""
    fine, ill = Workload("shop", "Deployment", "fine"), Workload("shop", "Deployment", "ill")
    bad = judge(BAD, workload=ill)

    assert score([judge(good(), workload=fine), bad], "ratio") == score([judge(good(), workload=fine)] * 50 + [bad], "ratio")


@pytest.mark.parametrize(("formula", "expected"), [("seed", 100), ("float", None), ("ratio", None)])
def test_without_pods_only_the_seed_knows_a_score(formula, expected):
    assert expected == Tally().score(formula)


@pytest.mark.parametrize(
    ("number", "name"),
    [(100, "Healthy"), (80, "Healthy"), (79.9, "Stable"), (60, "Stable"), (59.9, "Degraded"), (40, "Degraded"), (39.9, "Critical"), (0, "Critical")],
)
def test_classes_begin_at_80_60_and_40(number, name):
    assert name == classify(number)


@pytest.mark.parametrize(
    ("numbers", "said"),
    [
        ((5, 3, 56), "5 violations across 3 pods — Degraded (56)"),
        ((1, 1, 79.96), "1 violation across 1 pod — Stable (79.9)"),
        ((0, 0, None), "0 violations across 0 pods — nothing to judge"),
    ],
)
def test_the_summary_is_the_seeds_sentence_and_never_rounds_into_a_better_class(numbers, said):
    assert said == summary(*numbers)


def test_a_cluster_is_the_score_of_its_pods_not_the_mean_of_its_namespaces(judge, good):
    small, large = tally([contribution(judge(BAD))]), tally([contribution(judge(good()))] * 99)
    cluster = Tally()
    for namespace in (small, large, Tally()):
        cluster.merge(namespace)

    assert (100, 99.9) == (cluster.pods, cluster.score("float"))


def test_several_clusters_are_weighed_by_their_pods(judge, good):
    """Two clusters may have workloads of one name; they stay two."""
    of = Workload("shop", "Deployment", "web")
    one, other = tally([contribution(judge(BAD, workload=of))]), tally([contribution(judge(good(), workload=of))] * 3)
    both = Tally()
    both.merge(one, under="eu")
    both.merge(other, under="us")

    assert (one.pods * one.score("float") + other.pods * other.score("float")) / 4 == both.score("float")
    assert (one.score("ratio") + other.score("ratio")) / 2 == both.score("ratio")
    assert 2 == len(both.workloads)


EXEMPTION = Exemption(checks=("pending",), reason="x", expires=dt.datetime(2027, 1, 31, tzinfo=dt.UTC))
CHECK = st.sampled_from(CHECKS)


@st.composite
def verdicts(draw):
    """A verdict as evaluate makes it: each check that applies failed, is exempt, or passed."""
    severities = Severities(*draw(st.tuples(*[st.sampled_from(SEVERITIES)] * len(CHECKS))))
    applied, violations, exempted = [], [], []
    for check, outcome in draw(st.lists(st.tuples(CHECK, st.sampled_from(["failed", "exempt", "passed"])), max_size=8)):
        applied.append((check, severities.of(check)))
        count = draw(st.integers(4, 5)) if check == "high_restarts" else 1
        violation = Violation(check, severities.of(check), "c", "", count)
        if outcome == "failed":
            violations.append(violation)
        elif outcome == "exempt":
            exempted.append(Exempted(violation, EXEMPTION))
    workload = Workload("shop", "Deployment", draw(st.sampled_from("abc")))
    return Verdict(workload, tuple(violations), tuple(exempted), (), tuple(applied))


MANY = st.lists(verdicts(), max_size=12)
FORMULA = st.sampled_from(FORMULAS)
OPTIONS = st.fixed_dictionaries(
    {"severity_weighted": st.booleans(), "weights": st.sampled_from([Weights(), Weights(missing_resources=3), Weights(0, 0)])}
)


CONTAINERS = st.lists(st.tuples(st.booleans(), st.booleans(), st.booleans(), st.integers(0, 9)), min_size=1, max_size=3)
"""Of each whether its tag is latest, whether it has each probe, and its restarts."""


@given(st.lists(st.tuples(CONTAINERS, st.booleans()), max_size=8), st.booleans())
def test_the_integer_is_that_of_the_origin(pods, severity_weighted):
    """Computed here as its code does: container by container, in integers, with a threshold of 3; each test of its own is one of these."""
    worth = {"critical": 3, "high": 2, "medium": 1, "low": 1} if severity_weighted else dict.fromkeys(SEVERITIES, 1)
    raw, counted = 0, Tally()
    for number, (containers, pending) in enumerate(pods):
        for latest, live, ready, restarted in containers:
            raw += 5 * worth["high"] * latest + 3 * worth["medium"] * (not live) + 2 * worth["low"] * (not ready)
            raw += 6 * worth["critical"] * (min(restarted, 5) if restarted > 3 else 0)
        raw += 4 * worth["medium"] * pending
        counted.add(contribution(evaluate(as_pod(number, containers, pending=pending), STANDARD, now=NOW), severity_weighted=severity_weighted))

    assert (100 - min(raw // len(pods), 100) if pods else 100) == counted.score("seed")


def as_pod(number, containers, *, pending):
    def container(index, latest, live, ready):
        probes = ({"livenessProbe": {}} if live else {}) | ({"readinessProbe": {}} if ready else {})
        return {"name": f"c{index}", "image": "app:latest" if latest else "app:1", **probes}

    specs = [container(index, *of[:3]) for index, of in enumerate(containers)]
    statuses = [{"name": f"c{index}", "restartCount": of[3]} for index, of in enumerate(containers)]
    meta = {"name": f"web-{number}", "namespace": "shop", "creationTimestamp": "2026-11-20T00:00:00Z"}
    status = {"phase": "Pending" if pending else "Running", "containerStatuses": statuses}
    return msgspec.convert({"metadata": meta, "spec": {"containers": specs}, "status": status}, Pod)


@given(st.integers(0, 100), st.integers(0, 100))
def test_restarts_cost_nothing_until_one_is_a_violation(restarted, most):
    """And then the score falls, by at least one restart's points."""
    rules = replace(STANDARD, max_restart_count=most)
    verdict = evaluate(as_pod(0, [(False, True, True, restarted)], pending=False), rules, now=NOW)

    assert (score([verdict]) < 100) == (restarted > most) == any(found.check == "high_restarts" for found in verdict.violations)


@given(MANY, FORMULA, OPTIONS)
def test_a_score_is_from_0_to_100(many, formula, options):
    number = score(many, formula, **options)

    assert number is None or 0 <= number <= 100


@given(MANY, FORMULA, OPTIONS, st.randoms())
def test_the_order_of_the_pods_does_not_matter(many, formula, options, random):
    assert score(many, formula, **options) == score(random.sample(many, len(many)), formula, **options)


@given(MANY, st.sampled_from(["float", "ratio"]), OPTIONS)
def test_each_pod_twice_changes_nothing(many, formula, options):
    assert score(many, formula, **options) == score(many * 2, formula, **options)


@given(MANY, st.booleans())
def test_the_integer_is_the_float_rounded_up(many, severity_weighted):
    exact = score(many, "float", severity_weighted=severity_weighted)

    assert score(many, "seed", severity_weighted=severity_weighted) == (100 if exact is None else math.ceil(exact))


def one_more(many, position, change):
    return [change(verdict) if number == position else verdict for number, verdict in enumerate(many)]


@given(MANY.filter(len), FORMULA, OPTIONS, CHECK, st.data())
def test_a_violation_never_raises_the_score(many, formula, options, check, data):
    """The same check, on the same pod: once it passes, once it fails."""

    def passing(verdict):
        return Verdict(verdict.workload, verdict.violations, verdict.exempted, (), (*verdict.applied, (check, "high")))

    def failing(verdict):
        violation = Violation(check, "high", "d", "")
        return Verdict(verdict.workload, (*verdict.violations, violation), verdict.exempted, (), (*verdict.applied, (check, "high")))

    position = data.draw(st.integers(0, len(many) - 1))

    assert score(one_more(many, position, failing), formula, **options) <= score(one_more(many, position, passing), formula, **options)


@given(MANY.filter(lambda many: any(one.violations for one in many)), FORMULA, OPTIONS)
def test_an_exemption_never_lowers_the_score(many, formula, options):
    position = next(number for number, one in enumerate(many) if one.violations)

    def exempt(verdict):
        first, *rest = verdict.violations
        return Verdict(verdict.workload, tuple(rest), (*verdict.exempted, Exempted(first, EXEMPTION)), (), verdict.applied)

    after = score(one_more(many, position, exempt), formula, **options)

    assert after is None or score(many, formula, **options) <= after


@given(MANY.filter(len), OPTIONS)
def test_the_points_are_what_is_missing_to_100(many, options):
    """So a panel that asks what would give most agrees with the score."""
    counted = tally(contribution(verdict, **options) for verdict in many)
    missing = sum(counted.points.values()) / counted.pods

    assert counted.score("float") == 100 - min(missing, 100)


@given(st.lists(MANY, max_size=4), FORMULA, OPTIONS)
def test_namespaces_merge_into_what_counting_all_pods_gives(namespaces, formula, options):
    whole, merged = Tally(), Tally()
    for number, many in enumerate(namespaces):
        part = Tally()
        for verdict in many:
            one = contribution(verdict, **options)
            one = one._replace(workload=one.workload._replace(namespace=str(number)))
            part.add(one)
            whole.add(one)
        merged.merge(part)

    assert whole.score(formula) == merged.score(formula)
    assert whole.points == merged.points
