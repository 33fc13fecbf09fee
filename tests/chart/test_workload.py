"""The Deployment, its pods, and what scales and protects them, are as the values say."""

import pytest
import yaml

from support import helm
from support.paths import merge, nest


def test_pods_use_one_image_only():
    """Tests bring no image of their own: a cluster without internet has what it needs."""
    pods = helm.pods(helm.render({"image": {"registry": "mirror.example.com", "tag": "1.2.3"}}))
    images = {container["image"] for _, pod in pods for container in pod["spec"]["containers"]}

    assert images == {"mirror.example.com/steward-dev/steward:1.2.3"}


DIGEST = "sha256:" + "ab" * 32
VERSION = yaml.safe_load((helm.CHART / "Chart.yaml").read_text())["appVersion"]


@pytest.mark.parametrize(
    ("values", "image"),
    [
        ({}, f"ghcr.io/steward-dev/steward:{VERSION}"),
        ({"image": {"tag": "1.10"}}, "ghcr.io/steward-dev/steward:1.10"),
        ({"image": {"digest": DIGEST}}, f"ghcr.io/steward-dev/steward:{VERSION}@{DIGEST}"),
        ({"image": {"registry": ""}}, f"steward-dev/steward:{VERSION}"),
        ({"global": {"imageRegistry": "mirror.example.com/"}}, f"mirror.example.com/steward-dev/steward:{VERSION}"),
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


def pod(values):
    """The specification of a component's pods."""
    return helm.only(helm.render(values), "Deployment")["spec"]["template"]["spec"]


PASSED_ON = {
    "priorityClassName": "high",
    "runtimeClassName": "gvisor",
    "schedulerName": "own",
    "hostAliases": [{"ip": "192.0.2.10", "hostnames": ["proxy.example.com"]}],
    "dnsPolicy": "None",
    "dnsConfig": {"nameservers": ["192.0.2.53"]},
    "hostUsers": False,
    "tolerations": [{"operator": "Exists"}],
    "terminationGracePeriodSeconds": 0,
}
"""Fields of a pod that are called as the values are."""

PASSED_TO_CONTAINER = {
    "lifecycle": {"preStop": {"sleep": {"seconds": 5}}},
    "livenessProbe": {"exec": {"command": ["true"]}},
    "resources": {"limits": {"memory": "1Gi"}},
}
"""Fields of the container that are called as the values are."""


@pytest.mark.parametrize(("key", "value"), PASSED_ON.items(), ids=PASSED_ON)
def test_fields_of_the_pod(key, value):
    """Said for all components or for one, they stand in the pod as they are."""
    assert pod({key: value})[key] == value
    assert pod({"components": {"headless": {key: value}}})[key] == value


@pytest.mark.parametrize("key", PASSED_ON.keys() - {"tolerations", "terminationGracePeriodSeconds"})
def test_what_is_not_said_is_left_to_kubernetes(key):
    """By default none of these fields is written, so the cluster's own default holds."""
    assert key not in pod({})


@pytest.mark.parametrize(("key", "value"), PASSED_TO_CONTAINER.items(), ids=PASSED_TO_CONTAINER)
def test_fields_of_the_container(key, value):
    """What the root says of the container, and what the component says instead."""
    (container,) = pod({"components": {"headless": {key: value}}})["containers"]

    assert merge(container[key], value) == container[key]


EXTRA = {
    "extraArgs": ["--log-level=debug"],
    "extraEnv": [{"name": "HTTPS_PROXY", "value": "http://proxy.example.com"}],
    "extraEnvFrom": [{"secretRef": {"name": "credentials"}}],
    "extraVolumes": [{"name": "ca", "configMap": {"name": "ca"}}],
    "extraVolumeMounts": [{"name": "ca", "mountPath": "/etc/ssl/certs/own"}],
    "extraContainers": [{"name": "sidecar", "image": "example.com/sidecar:1"}],
    "extraInitContainers": [{"name": "init", "image": "example.com/init:1"}],
}


def test_extensions_are_added():
    """Arguments, environment, volumes and containers stand beside the chart's own, in the order given."""
    plain, extended = pod({}), pod(EXTRA)
    before, after = plain["containers"][0], extended["containers"][0]

    assert after["args"] == before["args"] + EXTRA["extraArgs"]
    assert after["env"] == before["env"] + EXTRA["extraEnv"]
    assert after["envFrom"] == EXTRA["extraEnvFrom"]
    assert after["volumeMounts"] == before["volumeMounts"] + EXTRA["extraVolumeMounts"]
    assert extended["volumes"] == plain["volumes"] + EXTRA["extraVolumes"]
    assert extended["containers"][1:] == EXTRA["extraContainers"]
    assert extended["initContainers"] == EXTRA["extraInitContainers"]


def test_any_field_of_the_pod_can_be_set():
    """podSpecExtra adds fields, merges maps, and wins."""
    extra = {"shareProcessNamespace": True, "nodeSelector": {"disk": "ssd"}, "terminationGracePeriodSeconds": 60}
    found = pod({"podSpecExtra": extra})

    assert merge(found, extra) == found
    assert found["nodeSelector"]["kubernetes.io/os"] == "linux"


def test_labels_and_annotations_of_the_deployment():
    """They are on the Deployment only: a change of them restarts no pod."""
    values = {"deploymentLabels": {"team": "a"}, "deploymentAnnotations": {"argocd.argoproj.io/sync-wave": "1"}}
    before, after = (helm.only(helm.render(one), "Deployment") for one in ({}, values))

    assert after["metadata"]["labels"]["team"] == "a"
    assert after["metadata"]["annotations"] == values["deploymentAnnotations"]
    assert before["spec"] == after["spec"]


@pytest.mark.parametrize(("values", "expected"), [({}, 3), ({"revisionHistoryLimit": 0}, 0), ({"revisionHistoryLimit": None}, None)])
def test_the_history_limit(values, expected):
    """0 is a number; null leaves it to Kubernetes."""
    assert helm.only(helm.render(values), "Deployment")["spec"].get("revisionHistoryLimit") == expected


def test_the_strategy_is_replaced_as_a_whole():
    """Recreate takes no rollingUpdate, so a component's strategy does not keep the root's."""
    root = {"strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0}}}
    own = {"strategy": {"type": "Recreate"}}

    assert helm.only(helm.render(root), "Deployment")["spec"]["strategy"] == root["strategy"]
    assert helm.only(helm.render(merge(root, {"components": {"headless": own}})), "Deployment")["spec"]["strategy"] == own["strategy"]
    assert "strategy" not in helm.only(helm.render(), "Deployment")["spec"]


SELECTOR = {"matchLabels": {"app.kubernetes.io/name": "steward", "app.kubernetes.io/instance": "steward", "app.kubernetes.io/component": "headless"}}
HOST = {"topologyKey": "kubernetes.io/hostname", "labelSelector": SELECTOR}
PRESETS = {
    "none": {},
    "soft": {"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 100, "podAffinityTerm": HOST}]}},
    "hard": {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [HOST]}},
}


@pytest.mark.parametrize("preset", PRESETS)
def test_presets_of_affinity(preset):
    """Replicas keep away from each other, if possible or always; affinity to nodes stands beside it."""
    nodes = {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": []}}

    assert pod({"podAntiAffinityPreset": preset}).get("affinity", {}) == PRESETS[preset]
    assert pod({"podAntiAffinityPreset": preset, "affinity": nodes})["affinity"] == {**nodes, **PRESETS[preset]}


def test_affinity_wins_over_the_preset():
    """Who says something on anti-affinity, even nothing, gets exactly that."""
    own = {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [{"topologyKey": "zone", "labelSelector": {}}]}}

    assert pod({"affinity": own})["affinity"] == own
    assert pod({"affinity": {"podAntiAffinity": {}}})["affinity"] == {"podAntiAffinity": {}}


@pytest.mark.parametrize("kind", ["podAffinity", "podAntiAffinity"])
def test_affinity_to_pods_gets_the_selector(kind):
    """A term without a selector would match nothing; one with its own keeps it."""
    own = {"topologyKey": "zone", "labelSelector": {"matchLabels": {"a": "b"}}}
    values = {
        kind: {
            "requiredDuringSchedulingIgnoredDuringExecution": [{"topologyKey": "zone"}, own],
            "preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 1, "podAffinityTerm": {"topologyKey": "zone"}}],
        }
    }
    found = pod({"affinity": values})["affinity"][kind]
    filled = {"topologyKey": "zone", "labelSelector": SELECTOR}

    assert found == {
        "requiredDuringSchedulingIgnoredDuringExecution": [filled, own],
        "preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 1, "podAffinityTerm": filled}],
    }


def test_the_pod_of_the_tests_goes_where_the_component_may_go():
    """It tolerates, selects and resolves the same, but does not keep away from the component: there may be one node only."""
    nodes = {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": []}}
    values = {**{key: value for key, value in PASSED_ON.items() if key != "terminationGracePeriodSeconds"}, "podAntiAffinityPreset": "hard"}
    found = helm.only(helm.render({**values, "affinity": nodes}), "Pod")["spec"]

    assert found["affinity"] == nodes
    assert {key: found[key] for key in values if key in found} == {key: value for key, value in values.items() if key in PASSED_ON}
    assert "affinity" not in helm.only(helm.render(values), "Pod")["spec"]


@pytest.mark.parametrize("number", [1000700000, 65532])
def test_large_numbers_stay_numbers(number):
    """Ids of OpenShift's ranges must not become 1.0007e+09."""
    assert f"runAsUser: {number}\n" in helm.text({"podSecurityContext": {"runAsUser": number}})


def test_a_horizontal_autoscaler_takes_over_the_number_of_replicas():
    """It scales the Deployment by CPU, and the Deployment says no number that would reset it on every upgrade."""
    objects = helm.render({"autoscaling": {"enabled": True, "minReplicas": 2, "maxReplicas": 4}})
    deployment = helm.only(objects, "Deployment")
    spec = helm.only(objects, "HorizontalPodAutoscaler")["spec"]

    assert "replicas" not in deployment["spec"]
    assert spec["scaleTargetRef"] == {"apiVersion": "apps/v1", "kind": "Deployment", "name": deployment["metadata"]["name"]}
    assert (spec["minReplicas"], spec["maxReplicas"]) == (2, 4)
    assert spec["metrics"] == [{"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}}}]


def test_all_metrics_of_a_horizontal_autoscaler():
    """CPU, memory and any other; CPU can be left out."""
    other = {"type": "Pods", "pods": {"metric": {"name": "depth"}, "target": {"type": "AverageValue", "averageValue": "10"}}}
    values = {"enabled": True, "targetCPUUtilizationPercentage": "", "targetMemoryUtilizationPercentage": 70, "metrics": [other]}
    spec = helm.only(helm.render({"autoscaling": values}), "HorizontalPodAutoscaler")["spec"]

    assert [metric.get("resource", {}).get("name", metric["type"]) for metric in spec["metrics"]] == ["memory", "Pods"]


def test_a_vertical_autoscaler():
    """It is about the Deployment and about our container in it."""
    objects = helm.render({"vpa": {"enabled": True, "updateMode": "Off", "containerPolicy": {"minAllowed": {"memory": "64Mi"}}}})
    spec = helm.only(objects, "VerticalPodAutoscaler")["spec"]

    assert spec["targetRef"]["name"] == helm.only(objects, "Deployment")["metadata"]["name"]
    assert spec["updatePolicy"] == {"updateMode": "Off"}
    assert spec["resourcePolicy"]["containerPolicies"] == [{"containerName": "headless", "minAllowed": {"memory": "64Mi"}}]


@pytest.mark.parametrize(
    ("key", "kind"), [("autoscaling", "HorizontalPodAutoscaler"), ("vpa", "VerticalPodAutoscaler"), ("podDisruptionBudget", "PodDisruptionBudget")]
)
def test_a_component_can_opt_out(key, kind):
    """false of the component wins over true of the root."""
    own = nest(["components", "headless", key, "enabled"], False)

    assert helm.of_kind(helm.render({key: {"enabled": True}}), kind)
    assert not helm.of_kind(helm.render(merge({key: {"enabled": True}}, own)), kind)
