"""What the pods of clusters score: by namespace, by cluster, and of several clusters."""

import datetime as dt

import msgspec
import pytest

from steward.cli.judging import Judging
from steward.cli.surveys import Survey, merged_clusters
from steward.governance.bundles import STANDARD
from steward.governance.model import Pod
from steward.governance.namespaces import SystemNamespaces

NOW = dt.datetime(2026, 11, 21, 12, tzinfo=dt.UTC)
GOOD = {
    "name": "app",
    "image": "app:1",
    "livenessProbe": {},
    "readinessProbe": {},
    "resources": {"requests": {"cpu": "1"}},
}
BAD = {"name": "app", "image": "app"}


def pods(namespace, container, number, phase="Running"):
    one = {"metadata": {"name": "x", "namespace": namespace}, "spec": {"containers": [container]}, "status": {"phase": phase}}
    return [msgspec.convert(one, Pod)] * number


def survey(*several, name="", system=()):
    return Survey.of(name, [pod for some in several for pod in some], STANDARD, Judging().counter(), now=NOW, system=SystemNamespaces(system))


def test_a_namespace_is_scored_by_its_pods_and_one_without_is_silent():
    found = survey(pods("shop", BAD, 1), pods("shop", GOOD, 3), pods("bank", GOOD, 1), pods("over", BAD, 4, phase="Failed"))

    assert {"bank": 100, "shop": 97.5} == {name: part.score("float") for name, part in found.namespaces.items()}


def test_a_cluster_and_several_are_scored_by_their_pods_not_by_the_mean():
    """A pod with 10 points among 4, and one alone: 20 points of 104 pods are 0.19, no mean of means would be."""
    small, large = survey(pods("a", BAD, 1), name="small"), survey(pods("a", BAD, 1), pods("b", GOOD, 102), name="large")

    whole = merged_clusters([small, large])

    assert (90, 104) == (small.total.score("float"), whole.tally.pods)
    assert 100 - 20 / 104 == pytest.approx(whole.score("float"))


def test_namespaces_of_the_system_are_left_out():
    found = survey(pods("shop", GOOD, 1), pods("kube-system", BAD, 1), system=("kube-*",))

    assert ["shop"] == list(found.namespaces)


def test_a_report_says_what_makes_the_score():
    report = survey(pods("shop", BAD, 2), pods("shop", GOOD, 2)).total.report("seed")

    assert {"score": 95, "class": "Healthy", "pods": 4, "violations": 8, "severities": {"high": 2, "low": 2, "medium": 4}} == {
        key: value for key, value in report.items() if key != "points"
    }
    assert sum(report["points"].values()) == 20


def test_nothing_to_judge_has_no_class_but_in_the_seed_s_formula():
    empty = survey().total

    assert (None, None) == (empty.report("float")["score"], empty.report("float")["class"])
    assert 100 == empty.report("seed")["score"]
