"""``steward analyze`` on a real API server."""

import json

import pytest


def test_namespaces_and_the_cluster_are_scored_with_what_costs_most(shop):
    done = shop.steward("analyze")

    assert (0, "") == (done.code, done.err)
    assert done.out.splitlines() == [
        "NAMESPACE   PODS   SCORE   CLASS     VIOLATIONS   COSTS MOST",
        "bank        1      90      Healthy   4            latest_tag 5, missing_liveness 3, missing_readiness 2",
        "shop        3      87      Healthy   5            high_restarts 30, latest_tag 5, missing_liveness 3",
        "(all)       4      88      Healthy   9            high_restarts 30, latest_tag 10, missing_liveness 6",
    ]


@pytest.mark.parametrize(
    ("arguments", "namespaces"),
    [(("--include-system",), ["bank", "kube-system", "shop"]), (("-n", "kube-system"), ["kube-system"]), (("-n", "bank"), ["bank"])],
    ids=" ".join,
)
def test_system_namespaces_are_left_out_unless_they_are_asked_for(shop, arguments, namespaces):
    report = json.loads(shop.steward("analyze", *arguments, "-o", "json").out)

    assert namespaces == [one["namespace"] for one in report["clusters"][0]["namespaces"]]


def test_several_clusters_are_scored_by_all_their_pods(shop):
    done = shop.steward("analyze", "--contexts", "berlin,dublin", "--formula", "float")
    detailed = shop.steward("analyze", "--contexts", "berlin,dublin", "--formula", "float", "--per-cluster")

    assert done.out.splitlines() == [
        "CLUSTER   NAMESPACE   PODS   SCORE   CLASS     VIOLATIONS   COSTS MOST",
        "berlin    (all)       4      87.5    Healthy   9            high_restarts 30, latest_tag 10, missing_liveness 6",
        "dublin    (all)       4      87.5    Healthy   9            high_restarts 30, latest_tag 10, missing_liveness 6",
        "(all)     (all)       8      87.5    Healthy   18           high_restarts 60, latest_tag 20, missing_liveness 12",
    ]
    assert [("berlin", "bank"), ("berlin", "shop"), ("berlin", "(all)"), ("dublin", "bank")] == [
        tuple(line.split()[:2]) for line in detailed.out.splitlines()[1:5]
    ]


def test_a_cluster_that_does_not_answer_hides_no_other(shop):
    done = shop.steward("analyze", "--contexts", "guest,berlin")

    assert 1 == done.code
    assert [("berlin", "(all)"), ("(all)", "(all)")] == [tuple(line.split()[:2]) for line in done.out.splitlines()[1:]]
    assert done.err.startswith("steward: context guest: you may not list pods: pods is forbidden: ")


@pytest.mark.parametrize(("least", "code", "said"), [("88", 0, ""), ("89", 4, "steward: score 88, below 89\n")])
def test_fail_below_is_for_pipelines(shop, least, code, said):
    done = shop.steward("analyze", "--fail-below", least)

    assert (code, said) == (done.code, done.err)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--contexts", "berlin,berlin"), "--contexts berlin,berlin: the same context twice; its pods would count twice. Name it once"),
        (("--contexts", "berlin", "--context", "dublin"), "--context and --contexts: expected one of them, got both"),
        (("--contexts", ","), '--contexts: expected names of contexts, got ",". Leave the option out for the current one'),
        (("--contexts", ""), '--contexts: expected names of contexts, got "". Leave the option out for the current one'),
    ],
    ids=["twice", "both", "none", "unset"],
)
def test_wrong_use_is_told(shop, arguments, said):
    done = shop.steward("analyze", *arguments)

    assert (2, f"steward: {said}. Try `steward analyze --help`.\n") == (done.code, done.err)
