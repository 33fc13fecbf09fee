"""What the API server is told about admission, and what is refused because it could stop a cluster."""

import base64
import re

import pytest
import yaml

from steward.governance.namespaces import SYSTEM_NAMESPACES, SystemNamespaces
from support import helm


def webhook(**values):
    """Values of the component."""
    return {"components": {"webhook": values}}


def render(values=None, **where):
    """The objects of a release with this component alone."""
    return helm.render(values, component="webhook", **where)


def configuration(values=None, **where):
    """The ValidatingWebhookConfiguration, or None."""
    found = helm.of_kind(render(values, **where), "ValidatingWebhookConfiguration")
    return found[0] if found else None


def test_the_defaults_cannot_stop_a_cluster():
    """Whatever becomes of the component, pods can be made; and it is asked about pods only, in time."""
    (pods,) = configuration()["webhooks"]

    assert ("Ignore", "/validate/open", 3) == (pods["failurePolicy"], pods["clientConfig"]["service"]["path"], pods["timeoutSeconds"])
    assert (["v1"], "None", "Equivalent") == (pods["admissionReviewVersions"], pods["sideEffects"], pods["matchPolicy"])
    assert {"pods": {"CREATE", "UPDATE"}, "pods/ephemeralcontainers": {"UPDATE"}, "pods/resize": {"UPDATE"}} == {
        resource: set(rule["operations"]) for rule in pods["rules"] for resource in rule["resources"]
    }
    assert {"Namespaced"} == {rule["scope"] for rule in pods["rules"]}


@pytest.mark.parametrize("namespace", ["steward", "ops"])
def test_our_own_namespace_and_those_of_the_cluster_are_never_asked_about(namespace):
    """By a label that nobody can forge: the API server sets it to the namespace's name."""
    (pods,) = configuration(namespace=namespace)["webhooks"]

    assert [
        {"key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": sorted([namespace, "kube-system", "kube-public", "kube-node-lease"])}
    ] == pods["namespaceSelector"]["matchExpressions"]


def test_our_own_namespace_is_not_asked_about_even_where_no_other_is_named():
    (pods,) = configuration(webhook(admission={"excludeNamespaces": []}), namespace="ops")["webhooks"]

    assert ["ops"] == pods["namespaceSelector"]["matchExpressions"][0]["values"]


def outside_of_system(entry):
    """The expression of a webhook's condition on namespaces, or None."""
    return {one["name"]: one["expression"] for one in entry.get("matchConditions", ())}.get("is-not-in-a-system-namespace")


NAMESPACES = (
    *("kube-system", "kube", "kube-", "my-kube-x", "calico-system", "system", "a-system-b", "-system"),
    *("monitoring", "monitoring2", "my-monitoring", "cert-manager", "a", "shop", "workshop"),
)


@pytest.mark.parametrize("patterns", [SYSTEM_NAMESPACES, ("a",), ("a", "b*"), ("*",), ("*a*", "shop"), ("k*-*m",)], ids=" ".join)
def test_the_api_server_knows_the_same_system_namespaces_as_the_component(patterns):
    """So that an outage of the component cannot refuse their pods. For these patterns RE2 and Python's expressions are the same."""
    values = webhook(admission={"workloads": True}) | {"governance": {"systemNamespaces": list(patterns)}}
    entries = configuration(values)["webhooks"]
    system = SystemNamespaces(patterns)

    for entry in entries:
        expression = re.fullmatch(r"!request\.namespace\.matches\(r'(.*)'\)", outside_of_system(entry))[1]
        assert {name: name in system for name in NAMESPACES} == {name: re.search(expression, name) is not None for name in NAMESPACES}


def test_without_system_namespaces_there_is_no_condition_on_them():
    entries = configuration(webhook(config={"systemNamespaces": []}, admission={"workloads": True}))["webhooks"]

    assert [None, None] == [outside_of_system(entry) for entry in entries]
    assert ["template-changes"] == [one["name"] for one in entries[1]["matchConditions"]]


def test_what_could_be_no_pattern_of_namespaces_is_refused():
    with pytest.raises(helm.RenderError, match="/components/webhook/config/systemNamespaces/0"):
        render(webhook(config={"systemNamespaces": ["a'||true"]}))


def test_further_selectors_are_added_to_ours():
    selected = {"matchLabels": {"a": "b"}, "matchExpressions": [{"key": "c", "operator": "Exists"}]}
    (pods,) = configuration(webhook(admission={"namespaceSelector": selected, "objectSelector": {"matchLabels": {"d": "e"}}}))["webhooks"]

    assert {"a": "b"} == pods["namespaceSelector"]["matchLabels"]
    assert ["kubernetes.io/metadata.name", "c"] == [one["key"] for one in pods["namespaceSelector"]["matchExpressions"]]
    assert {"matchLabels": {"d": "e"}} == pods["objectSelector"]


def test_what_fails_closed_says_so_to_the_process_by_its_path():
    """Configuration and process cannot disagree: the path says which policy the caller has."""
    closed, warned = configuration(webhook(admission={"failurePolicy": "Fail", "workloads": True}))["webhooks"]

    assert ("Fail", "/validate/closed") == (closed["failurePolicy"], closed["clientConfig"]["service"]["path"])
    assert ("Ignore", "/validate/open") == (warned["failurePolicy"], warned["clientConfig"]["service"]["path"])


def test_workloads_are_another_entry_when_they_are_wanted():
    names = [one["name"] for one in configuration(webhook(admission={"workloads": True}))["webhooks"]]

    assert ["pods.webhook.steward.dev", "workloads.webhook.steward.dev"] == names


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"replicas": 1}, r"components\.webhook\.admission\.failurePolicy: Fail, and there is one replica"),
        ({"autoscaling": {"enabled": True, "minReplicas": 1}}, r"components\.webhook\.admission\.failurePolicy: Fail, and there is one replica"),
    ],
    ids=["replicas", "autoscaling"],
)
def test_fail_with_one_replica_is_refused_unless_it_is_forced(values, said):
    fail = {**values, "admission": {"failurePolicy": "Fail"}}
    with pytest.raises(helm.RenderError, match=said):
        render(webhook(**fail))

    assert configuration(webhook(**fail | {"admission": {"failurePolicy": "Fail", "allowFailWithOneReplica": True}}))


def test_a_ca_bundle_is_never_rendered_where_the_component_writes_it():
    """What the chart rendered, even if empty, every upgrade would put in its place."""
    for one in configuration(webhook(admission={"workloads": True}))["webhooks"]:
        assert {"service"} == set(one["clientConfig"])


def test_a_ca_bundle_of_ones_own_is_rendered():
    values = webhook(tls={"mode": "existingSecret", "existingSecret": "mine", "caBundle": "-----BEGIN"})
    (pods,) = configuration(values)["webhooks"]

    assert "-----BEGIN" == base64.b64decode(pods["clientConfig"]["caBundle"]).decode()


def cert_manager(**more):
    """The objects of cert-manager, by kind and name."""
    objects = render(webhook(tls={"mode": "certManager", **more}), namespace="ops")
    return {(one["kind"], one["metadata"]["name"]): one["spec"] for one in objects if one["apiVersion"].startswith("cert-manager.io/")}


def test_an_authority_of_cert_manager_signs_the_certificate():
    """Never a selfSigned Issuer itself: its authority is the certificate, and changes with it."""
    found = cert_manager()
    leaf, authority = found["Certificate", "steward-webhook-tls"], found["Certificate", "steward-webhook-tls-ca"]
    issuer = found["Issuer", leaf["issuerRef"]["name"]]
    of_authority = found["Issuer", authority["issuerRef"]["name"]]

    assert {"ca": {"secretName": authority["secretName"]}} == issuer
    assert {"selfSigned": {}} == of_authority
    assert authority["isCA"]
    assert "isCA" not in leaf
    assert {"Always"} == {one["privateKey"]["rotationPolicy"] for one in (leaf, authority)}
    assert "steward-webhook.ops.svc" in leaf["dnsNames"]


def test_an_issuer_of_ones_own_signs_instead():
    found = cert_manager(certManager={"issuerRef": {"name": "company", "kind": "ClusterIssuer"}})
    ((_, leaf),) = found.items()

    assert {"name": "company", "kind": "ClusterIssuer", "group": "cert-manager.io"} == leaf["issuerRef"]


def test_cert_manager_writes_the_ca_bundle_of_the_certificate_that_is_mounted():
    values = webhook(tls={"mode": "certManager"})
    found = next(one for one in render(values, namespace="ops") if one["kind"] == "ValidatingWebhookConfiguration")
    deployment = helm.only(render(values, namespace="ops"), "Deployment")["spec"]["template"]["spec"]
    mounted = {volume["secret"]["secretName"] for volume in deployment["volumes"] if "secret" in volume}
    leaf = cert_manager()["Certificate", "steward-webhook-tls"]

    assert "ops/steward-webhook-tls" == found["metadata"]["annotations"]["cert-manager.io/inject-ca-from"]
    assert {leaf["secretName"]} == mounted
    assert "caBundle" not in found["webhooks"][0]["clientConfig"]


@pytest.mark.parametrize("mode", ["self", "certManager", "existingSecret"])
def test_only_who_rotates_certificates_may_touch_secrets_and_tell_of_it(mode):
    """That one Secret, and the one configuration, by name."""
    others = {"existingSecret": "mine", "caBundle": "x"} if mode == "existingSecret" else {}
    objects = render(webhook(tls={"mode": mode, **others}), namespace="ops")
    rules = [rule for one in objects if one["kind"] in ("Role", "ClusterRole") for rule in one["rules"]]
    named = {(rule["resources"][0], *rule["resourceNames"], *rule["verbs"]) for rule in rules if "resourceNames" in rule}
    wanted = {
        ("secrets", "steward-webhook-certificates", "list", "watch", "create", "patch"),
        ("leases", "steward-webhook-certificates", "get", "patch"),
        ("validatingwebhookconfigurations", "ops-steward-webhook", "list", "watch", "patch"),
    }

    assert (wanted if mode == "self" else set()) == named
    assert (mode == "self") is any(rule["resources"] == ["events"] for rule in rules)
    assert [] == [rule for rule in rules if "resourceNames" not in rule and {"secrets", "validatingwebhookconfigurations"} & {*rule["resources"]}]


@pytest.mark.parametrize(
    ("tls", "said"),
    [
        ({"mode": "existingSecret", "caBundle": "x"}, "tls.existingSecret: empty"),
        ({"mode": "existingSecret", "existingSecret": "x"}, "tls.caBundle: empty"),
        ({"caBundle": "x"}, "tls.caBundle: is not used"),
    ],
    ids=["no Secret", "no authority", "an authority that nobody asks for"],
)
def test_certificates_that_nobody_could_trust_are_refused(tls, said):
    with pytest.raises(helm.RenderError, match=said):
        render(webhook(tls=tls))


def test_no_object_of_the_whole_cluster_is_made_where_that_is_not_wanted():
    """Nor does the process wait for one, or have a right to it."""
    values = {"rbac": {"scope": "namespace"}}
    assert configuration(values) is None

    serving = yaml.safe_load(helm.only(render(values), "ConfigMap")["data"]["config.yaml"])["config"]["serving"]
    rules = [rule for role in helm.of_kind(render(values), "Role") for rule in role["rules"]]
    assert "" == serving["configurationName"]
    assert [] == [rule for rule in rules if "validatingwebhookconfigurations" in rule["resources"]]


def test_ports_must_not_meet():
    with pytest.raises(helm.RenderError, match=r"components\.webhook\.admission\.port: 8081 is that of the probes"):
        render(webhook(admission={"port": 8081}))


def test_the_service_leads_to_the_port_that_is_served():
    objects = render(webhook(admission={"port": 9443}))
    (container,) = helm.only(objects, "Deployment")["spec"]["template"]["spec"]["containers"]
    (service,) = [one for one in helm.of_kind(objects, "Service") if one["metadata"]["name"] == "steward-webhook"]

    assert [{"name": "https", "port": 443, "targetPort": "admission", "protocol": "TCP"}] == service["spec"]["ports"]
    assert 9443 == next(one["containerPort"] for one in container["ports"] if one["name"] == "admission")


def test_a_new_pod_answers_before_an_old_one_goes_and_one_stays_in_a_drain():
    objects = render()
    deployment = helm.only(objects, "Deployment")["spec"]

    assert (2, 0) == (deployment["replicas"], deployment["strategy"]["rollingUpdate"]["maxUnavailable"])
    assert 1 == helm.only(objects, "PodDisruptionBudget")["spec"]["maxUnavailable"]


def test_api_servers_reach_it_through_the_network_policy():
    """They have no pods to select."""
    policy = helm.only(render({"networkPolicy": {"enabled": True}}), "NetworkPolicy")

    assert {"ports": [{"port": "admission", "protocol": "TCP"}]} in policy["spec"]["ingress"]
