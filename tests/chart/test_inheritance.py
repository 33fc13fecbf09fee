"""Root keys are the defaults of every component; the same key under components.<name> wins; null inherits."""

import pytest
import yaml

from support import helm

COMPONENTS = ("headless",)


def component(root=None, own=None):
    """The Deployment and the configuration of a component for values of the root and its own."""
    objects = helm.render({**(root or {}), "components": {"headless": own or {}}})
    deployment = helm.only(objects, "Deployment")
    config = yaml.safe_load(helm.only(objects, "ConfigMap")["data"]["config.yaml"])
    return deployment["spec"], deployment["spec"]["template"]["spec"], config


def test_a_root_key_is_the_default():
    """What the root says holds where the component says nothing."""
    spec, _, config = component({"replicas": 2, "logLevel": "debug"})

    assert spec["replicas"] == 2
    assert config["log"]["level"] == "debug"


@pytest.mark.parametrize(
    ("root", "own", "expected"),
    [({"replicas": 3}, {"replicas": 0}, 0), ({"replicas": 0}, {"replicas": 2}, 2), ({"replicas": 3}, {"replicas": None}, 3)],
    ids=["zero wins", "two wins over zero", "null inherits"],
)
def test_numbers(root, own, expected):
    """0 is a value like any other; null is none."""
    assert expected == component(root, own)[0]["replicas"]


def test_the_number_of_replicas_can_be_left_to_others():
    """KEDA, or an autoscaler of one's own, would else be undone by every upgrade."""
    assert "replicas" not in component({"replicas": None}, {})[0]
    assert 2 == component({"replicas": None}, {"replicas": 2})[0]["replicas"]


@pytest.mark.parametrize(
    ("root", "own", "expected"),
    [(True, False, False), (False, True, True), (False, None, False), (True, None, True)],
    ids=["false wins", "true wins", "null inherits false", "null inherits true"],
)
def test_booleans(root, own, expected):
    """false is a value like any other; null is none."""
    config = component({"leaderElection": {"enabled": root}}, {"leaderElection": {"enabled": own}})[2]

    assert expected is config["leaderElection"]["enabled"]


@pytest.mark.parametrize(
    ("own", "expected"),
    [({"priorityClassName": ""}, None), ({"priorityClassName": None}, "high"), ({}, "high")],
    ids=["empty wins", "null", "absent"],
)
def test_texts(own, expected):
    """An empty text wins, and means that Kubernetes' default holds."""
    assert expected == component({"priorityClassName": "high"}, own)[1].get("priorityClassName")


def test_maps_are_merged():
    """A component that changes one limit keeps the other numbers."""
    pod = component({}, {"resources": {"limits": {"memory": "1Gi"}}})[1]

    assert pod["containers"][0]["resources"] == {"requests": {"cpu": "50m", "memory": "128Mi"}, "limits": {"memory": "1Gi"}}


@pytest.mark.parametrize(("own", "expected"), [([], None), ([{"key": "a"}], [{"key": "a"}]), (None, [{"operator": "Exists"}])])
def test_lists_are_replaced(own, expected):
    """An empty list takes away what the root has."""
    assert expected == component({"tolerations": [{"operator": "Exists"}]}, {"tolerations": own})[1].get("tolerations")


def test_a_probe_is_replaced_as_a_whole():
    """Kubernetes accepts one kind of probe; a merge would make two."""
    probe = {"exec": {"command": ["true"]}}

    assert probe == component({}, {"livenessProbe": probe})[1]["containers"][0]["livenessProbe"]


def test_affinity_is_replaced_as_a_whole():
    """A component that asks for other nodes does not also ask for the root's."""
    own = {"podAntiAffinity": {}}

    assert own == component({"affinity": {"nodeAffinity": {"y": 1}}}, {"affinity": own})[1]["affinity"]


@pytest.mark.parametrize("name", ["watch", "policy", "webhook"])
@pytest.mark.parametrize(
    ("own", "expected"),
    [({}, ["mine"]), ({"systemNamespaces": None}, ["mine"]), ({"systemNamespaces": []}, []), ({"systemNamespaces": ["own-*"]}, ["own-*"])],
    ids=["absent", "null inherits", "empty wins", "its own wins"],
)
def test_what_governance_knows_of_a_cluster_is_said_once(name, own, expected):
    values = {"governance": {"systemNamespaces": ["mine"], "injectedContainers": ["mesh"]}, "components": {name: {"config": own}}}
    (made,) = [one for one in helm.of_kind(helm.render(values, component=name), "ConfigMap") if one["metadata"]["name"] == f"steward-{name}"]
    config = yaml.safe_load(made["data"]["config.yaml"])["config"]

    assert (expected, ["mesh"]) == (config["systemNamespaces"], config["injectedContainers"])


def test_null_at_the_root_takes_a_block_away():
    """helm drops a key that is null; the pod then has Kubernetes' default."""
    pod = component({"livenessProbe": None, "nodeSelector": None, "resources": None, "extraArgs": None, "tolerations": None})[1]

    assert pod["containers"][0].keys() & {"livenessProbe", "resources"} == set()
    assert "nodeSelector" not in pod


def test_a_component_switched_off_leaves_nothing():
    """No object of a disabled component stays, and no rule, dashboard or monitor of it."""
    objects = helm.render({**helm.ENABLED, "components": {name: {"enabled": False} for name in COMPONENTS}})

    assert objects == []
