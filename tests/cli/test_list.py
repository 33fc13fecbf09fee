"""``steward list pods`` on a real API server."""

import json

import pytest


def test_pods_of_the_context_s_namespace_are_listed_with_what_is_wrong(shop):
    done = shop.steward("list", "pods")

    assert (0, "") == (done.code, done.err)
    assert done.out.splitlines() == [
        "NAMESPACE   NAME     PHASE       RESTARTS   BELONGS TO   VIOLATIONS                POINTS",
        "shop        done     Succeeded   0          -            -                         -",
        "shop        web-1    Running     0          -            none                      0",
        "shop        web-2    Running     0          -            1 high, 2 medium, 1 low   10",
        "shop        worker   Running     7          -            1 critical                30",
    ]


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        (("--namespace", "bank"), ["ledger"]),
        (("--all-namespaces",), ["ledger", "dns", "done", "web-1", "web-2", "worker"]),
        (("--selector", "app=web"), ["web-1", "web-2"]),
    ],
    ids=["namespace", "all", "selector"],
)
def test_a_namespace_all_of_them_or_a_selector_choose(shop, arguments, names):
    done = shop.steward("list", "pods", *arguments, "-o", "json")

    assert names == [one["name"] for one in json.loads(done.out)]


def test_an_empty_namespace_is_told_from_an_answer(shop):
    assert (0, "", "no pods in namespace default\n") == shop.steward("list", "pods", "--namespace", "default")


def test_who_may_not_list_is_told_what_is_missing(shop):
    done = shop.steward("list", "pods", "--context", "guest")

    assert (1, "") == (done.code, done.out)
    assert done.err == (
        "steward: context guest: you may not list pods in namespace shop: pods is forbidden: "
        'User "guest" cannot list resource "pods" in API group "" in the namespace "shop". Ask for a role that allows it.\n'
    )


def test_a_kind_that_is_not_there_is_told_with_what_to_do(shop):
    done = shop.steward("policy", "export")

    assert (1, "", 1) == (done.code, done.out, done.err.count("\n"))
    assert done.err.startswith("steward: the cluster: https://127.0.0.1:")
    assert done.err.endswith(" has no devopspolicies: the CRD is not installed. Install it: steward crd install.\n")
