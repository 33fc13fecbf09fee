"""The objects fit together, and Kubernetes would accept them."""

import kubernetes_validate
import pytest
import yaml

from support import helm, podsecurity
from support.paths import merge

CI = sorted((helm.CHART / "ci").glob("*-values.yaml"))
VERSIONS = ("1.29", "1.33", "1.36")
MONITORING = "monitoring.coreos.com/v1"


def values_of(path):
    """The values of a file that chart-testing installs."""
    return yaml.safe_load(path.read_text()) or {}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("values", [helm.ENABLED, *map(values_of, CI)], ids=["everything", *(path.stem for path in CI)])
def test_kubernetes_knows_every_field(values, version):
    """Each object is valid by the schemas of the oldest supported Kubernetes, one between, and the newest; unknown fields are errors."""
    objects = [found for found in helm.render(values) if found["apiVersion"] != MONITORING]

    assert objects
    for found in objects:
        kubernetes_validate.validate(found, version, strict=True)


@pytest.mark.parametrize("values", [{}, helm.ENABLED, *map(values_of, CI)], ids=["defaults", "everything", *(path.stem for path in CI)])
def test_every_pod_is_restricted(values):
    """Pods of components and of `helm test` fulfil Pod Security *restricted*, with nothing written to their root."""
    pods = dict(helm.pods(helm.render(values)))

    assert {name.partition("/")[0] for name in pods} == {"Deployment", "Pod"}
    for pod in pods.values():
        assert list(podsecurity.violations(pod["spec"])) == []
        assert all(container["securityContext"]["readOnlyRootFilesystem"] for container in pod["spec"]["containers"])


def test_pods_use_one_image_only():
    """Tests bring no image of their own: a cluster without internet has what it needs."""
    pods = helm.pods(helm.render({"image": {"registry": "mirror.example.com", "tag": "1.2.3"}}))
    images = {container["image"] for _, pod in pods for container in pod["spec"]["containers"]}

    assert images == {"mirror.example.com/steward-dev/steward:1.2.3"}


DIGEST = "sha256:" + "ab" * 32


@pytest.mark.parametrize(
    ("values", "image"),
    [
        ({}, "ghcr.io/steward-dev/steward:0.1.0"),
        ({"image": {"tag": "1.10"}}, "ghcr.io/steward-dev/steward:1.10"),
        ({"image": {"digest": DIGEST}}, f"ghcr.io/steward-dev/steward:0.1.0@{DIGEST}"),
        ({"image": {"registry": ""}}, "steward-dev/steward:0.1.0"),
        ({"global": {"imageRegistry": "mirror.example.com/"}}, "mirror.example.com/steward-dev/steward:0.1.0"),
        ({"components": {"headless": {"image": {"tag": "canary"}}}}, "ghcr.io/steward-dev/steward:canary"),
    ],
    ids=["default", "tag", "digest", "no registry", "global registry", "component"],
)
def test_the_image(values, image):
    """registry/repository:tag@digest, of which the global registry and the component's own keys win."""
    assert helm.only(helm.render(values), "Deployment")["spec"]["template"]["spec"]["containers"][0]["image"] == image


def test_pull_secrets_of_both_forms():
    """Names and maps are taken, the shared ones too, each once and for every pod."""
    values = {"global": {"imagePullSecrets": ["mirror", {"name": "hub"}]}, "imagePullSecrets": [{"name": "mirror"}, "own"]}

    for _, pod in helm.pods(helm.render(values)):
        assert pod["spec"]["imagePullSecrets"] == [{"name": "mirror"}, {"name": "hub"}, {"name": "own"}]


def test_selectors_never_change():
    """A Deployment's selector cannot be changed by an upgrade, so nothing but the names of release, chart and component is in it."""
    odd = {
        "commonLabels": {"app.kubernetes.io/component": "x", "team": "y", "app.kubernetes.io/version": "z"},
        "podLabels": {"app.kubernetes.io/instance": "x", "steward.dev/job": "x"},
        "image": {"tag": "9"},
        "replicas": 2,
    }
    plain, changed = (helm.only(helm.render(values), "Deployment") for values in ({}, odd))
    expected = {"app.kubernetes.io/name": "steward", "app.kubernetes.io/instance": "steward", "app.kubernetes.io/component": "headless"}

    assert plain["spec"]["selector"] == changed["spec"]["selector"] == {"matchLabels": expected}
    assert expected.items() <= changed["spec"]["template"]["metadata"]["labels"].items()


def test_everything_that_selects_pods_selects_the_components():
    """Service, NetworkPolicy and PodDisruptionBudget select the pods of the Deployment, and not those of the tests."""
    objects = helm.render(helm.ENABLED)
    labels = helm.only(objects, "Deployment")["spec"]["template"]["metadata"]["labels"]
    test = helm.only(objects, "Pod")["metadata"]["labels"]
    selectors = [
        helm.only(objects, "Service")["spec"]["selector"],
        helm.only(objects, "NetworkPolicy")["spec"]["podSelector"]["matchLabels"],
        helm.only(objects, "PodDisruptionBudget")["spec"]["selector"]["matchLabels"],
    ]

    for selector in selectors:
        assert selector.items() <= labels.items()
        assert not selector.items() <= test.items()


def test_common_labels_and_annotations_reach_everything():
    """Every object and every pod carries them; the chart's own labels are not overwritten."""
    values = merge(helm.ENABLED, {"commonLabels": {"team": "a"}, "commonAnnotations": {"owner": "b"}})
    objects = helm.render(values)

    for metadata in [one["metadata"] for one in objects] + [pod["metadata"] for _, pod in helm.pods(objects)]:
        assert metadata["labels"]["team"] == "a"
        assert metadata["annotations"]["owner"] == "b"


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


@pytest.mark.parametrize(
    ("values", "expected"),
    [({}, {"maxUnavailable": 1}), ({"minAvailable": 0}, {"minAvailable": 0}), ({"maxUnavailable": "50%"}, {"maxUnavailable": "50%"})],
    ids=["default", "zero", "percentage"],
)
def test_the_disruption_budget(values, expected):
    """One pod may go unless told otherwise: that never blocks the drain of a node."""
    spec = helm.only(helm.render({"podDisruptionBudget": {"enabled": True, **values}}), "PodDisruptionBudget")["spec"]

    assert {key: value for key, value in spec.items() if key != "selector"} == expected


def test_spread_constraints_get_the_selector():
    """A constraint without a selector would spread nothing; one with its own keeps it."""
    constraint = {"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "ScheduleAnyway"}
    own = {**constraint, "labelSelector": {"matchLabels": {"a": "b"}}}
    deployment = helm.only(helm.render({"topologySpreadConstraints": [constraint, own]}), "Deployment")
    filled, kept = deployment["spec"]["template"]["spec"]["topologySpreadConstraints"]

    assert filled["labelSelector"] == deployment["spec"]["selector"]
    assert kept["labelSelector"]["matchLabels"]["a"] == "b"


def test_an_existing_service_account():
    """With create=false the pod and the roles refer to the given name, and nothing creates it."""
    objects = helm.render({"serviceAccount": {"create": False, "name": "given"}})

    assert helm.of_kind(objects, "ServiceAccount") == []
    assert helm.only(objects, "Deployment")["spec"]["template"]["spec"]["serviceAccountName"] == "given"
    assert {binding["subjects"][0]["name"] for kind in ("RoleBinding", "ClusterRoleBinding") for binding in helm.of_kind(objects, kind)} == {"given"}


def test_the_token_is_mounted_where_it_is_needed_only():
    """The component's pod asks for the token itself; the account and the pod of the tests do not hand it out."""
    objects = helm.render()

    assert helm.only(objects, "ServiceAccount")["automountServiceAccountToken"] is False
    assert helm.only(objects, "Deployment")["spec"]["template"]["spec"]["automountServiceAccountToken"] is True
    assert helm.only(objects, "Pod")["spec"]["automountServiceAccountToken"] is False


def test_extra_objects_of_both_forms():
    """Maps and texts are templates, and stand beside the chart's own objects."""
    name = '{{ include "steward.fullname" . }}-extra'
    objects = helm.render(
        {
            "extraObjects": [
                {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}},
                f"apiVersion: v1\nkind: Endpoints\nmetadata: {{name: '{name}'}}\n",
            ]
        }
    )

    assert helm.only(objects, "Secret")["metadata"]["name"] == "steward-extra"
    assert helm.only(objects, "Endpoints")["metadata"]["name"] == "steward-extra"
