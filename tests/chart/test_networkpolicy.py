"""NetworkPolicies admit what the pods are for, and nothing else."""

import pytest

from support import helm

PROTECTED = [name for name, values in helm.SCENARIOS.items() if "networkPolicy" in values]


def ports(rules):
    """Every port that some rules admit, with its rule."""
    return {port["port"]: rule for rule in rules for port in rule["ports"]}


@pytest.mark.parametrize("scenario", PROTECTED)
def test_each_scenario_can_be_scraped_and_probed(scenario):
    """Whatever is scraped and probed is open, and every port of the pods is one of these."""
    objects = helm.render(helm.SCENARIOS[scenario], component=None)
    policies = [policy["spec"] for policy in helm.of_kind(objects, "NetworkPolicy")]
    deployments = [one["spec"]["template"] for one in helm.of_kind(objects, "Deployment")]

    for template in deployments:
        (policy,) = [one for one in policies if one["podSelector"]["matchLabels"].items() <= template["metadata"]["labels"].items()]
        (container, *_) = template["spec"]["containers"]
        probed = {container[probe]["httpGet"]["port"] for probe in ("startupProbe", "livenessProbe", "readinessProbe")}
        assert ports(policy["ingress"]).keys() >= probed | {"metrics"}
        assert ports(policy["ingress"]).keys() == {port["name"] for port in container["ports"]}
    assert len(policies) == len(deployments)


def test_the_pod_of_the_tests_is_admitted_to_the_metrics():
    """Where peers are named, it is one of them; else `helm test` would fail for a reason that is none."""
    peers = [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}]
    objects = helm.render({"networkPolicy": {"enabled": True, "metricsFrom": peers}})
    named, test = ports(helm.only(objects, "NetworkPolicy")["spec"]["ingress"])["metrics"]["from"]

    assert named == peers[0]
    assert test["podSelector"]["matchLabels"].items() <= helm.only(objects, "Pod")["metadata"]["labels"].items()


def test_further_rules_stand_beside_the_charts_own():
    """Of both directions, and none takes another's place."""
    rule = {"ports": [{"port": 9}]}
    policy = helm.only(
        helm.render({"networkPolicy": {"enabled": True, "extraIngress": [rule], "egress": {"enabled": True, "extra": [rule]}}}), "NetworkPolicy"
    )

    assert ports(policy["spec"]["ingress"]).keys() == {"metrics", "health", 9}
    assert ports(policy["spec"]["egress"]).keys() == {53, 443, 6443, 9}
    assert policy["spec"]["policyTypes"] == ["Ingress", "Egress"]


def test_the_policy_is_open_to_scrapes_by_default():
    """Without peers everybody may scrape: a policy that silently stops the metrics is worse than none."""
    policy = helm.only(helm.render({"networkPolicy": {"enabled": True}}), "NetworkPolicy")["spec"]

    assert all("from" not in rule for rule in policy["ingress"])
    assert policy["policyTypes"] == ["Ingress"]
