"""NetworkPolicies admit what the pods are for, and nothing else."""

from support import helm
from support.paths import merge


def test_the_policy_admits_scrapes_probes_and_tests():
    """The ports that are scraped and probed are open, to the named peers; the pod of `helm test` is one of them."""
    peers = [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}]
    objects = helm.render(merge(helm.ENABLED, {"networkPolicy": {"metricsFrom": peers, "egress": {"enabled": True}}}))
    policy = helm.only(objects, "NetworkPolicy")["spec"]
    container = helm.only(objects, "Deployment")["spec"]["template"]["spec"]["containers"][0]
    probed = {container[probe]["httpGet"]["port"] for probe in ("startupProbe", "livenessProbe", "readinessProbe")}
    rules = {port["port"]: rule for rule in policy["ingress"] for port in rule["ports"]}

    assert {port["name"] for port in container["ports"]} == rules.keys() == probed | {"metrics"}
    assert rules["metrics"]["from"][:1] == peers
    test = rules["metrics"]["from"][1]["podSelector"]["matchLabels"]
    assert test.items() <= helm.only(objects, "Pod")["metadata"]["labels"].items()
    assert {port["port"] for rule in policy["egress"] for port in rule["ports"]} == {53, 443, 6443}


def test_the_policy_is_open_to_scrapes_by_default():
    """Without peers everybody may scrape: a policy that silently stops the metrics is worse than none."""
    policy = helm.only(helm.render({"networkPolicy": {"enabled": True}}), "NetworkPolicy")["spec"]

    assert all("from" not in rule for rule in policy["ingress"])
    assert policy["policyTypes"] == ["Ingress"]
