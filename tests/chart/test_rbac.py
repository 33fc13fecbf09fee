"""Roles: as narrow as the values ask for, and complete all the same."""

import pytest
import yaml

from support import helm

CLUSTER_SCOPED = {"ClusterRole", "ClusterRoleBinding"}


def scoped(*namespaces):
    """Values that narrow the release to namespaces."""
    return {"rbac": {"scope": "namespace", "namespaces": list(namespaces)}}


def config(objects):
    """The configuration of the process."""
    return yaml.safe_load(helm.only(objects, "ConfigMap")["data"]["config.yaml"])


def granted(objects, namespace):
    """The rules that the component's account has in a namespace, by roles that are bound to it there."""
    bound = {
        binding["roleRef"]["name"]
        for binding in helm.of_kind(objects, "RoleBinding")
        if binding["metadata"]["namespace"] == namespace
        and binding["subjects"][0] == {"kind": "ServiceAccount", "name": "steward-headless", "namespace": "ops"}
    }
    roles = [role for role in helm.of_kind(objects, "Role") if role["metadata"]["namespace"] == namespace]
    assert {role["metadata"]["name"] for role in roles} == bound
    return [rule for role in roles for rule in role["rules"]]


@pytest.mark.parametrize(("namespaces", "watched"), [((), ["ops"]), (("a", "b"), ["a", "b"])], ids=["own", "listed"])
def test_rights_in_some_namespaces_only(namespaces, watched):
    """Nothing is created in the whole cluster; the process looks where it has rights, and has there what it had everywhere."""
    objects = helm.render(scoped(*namespaces), namespace="ops")
    (wide,) = [
        role["rules"] for role in helm.of_kind(helm.render(namespace="ops"), "ClusterRole") if role["metadata"]["name"] == "ops-steward-headless"
    ]

    assert not {found["kind"] for found in objects} & CLUSTER_SCOPED
    assert config(objects)["namespaces"] == watched
    for namespace in watched:
        assert all(rule in granted(objects, namespace) for rule in wide)
    assert {tuple(rule["resources"]) for rule in granted(objects, "ops")} >= {("leases",)}


def test_rights_in_the_whole_cluster_for_a_look_at_some_namespaces():
    """The scope stays what it is called; the list only says where to look."""
    objects = helm.render({"rbac": {"namespaces": ["a"]}})

    assert config(objects)["namespaces"] == ["a"]
    assert {found["kind"] for found in objects} >= CLUSTER_SCOPED
    assert config(helm.render())["namespaces"] == []


def test_two_scoped_releases_can_serve_one_namespace():
    """Their roles in that namespace have different names."""
    names = [
        {role["metadata"]["name"] for role in helm.of_kind(helm.render(scoped("shop"), **where), "Role") if role["metadata"]["namespace"] == "shop"}
        for where in ({"namespace": "x"}, {"namespace": "y"}, {"namespace": "x", "release": "other"})
    ]

    assert len(set.union(*names)) == 3


@pytest.mark.parametrize("values", [{}, scoped("a", "b")], ids=["cluster", "namespace"])
def test_further_rules(values):
    """They are in every role of the component, and in no other."""
    rule = {"apiGroups": [""], "resources": ["nodes"], "verbs": ["get"]}
    rbac = {**values.get("rbac", {}), "extraRules": [rule]}
    roles = [role for role in helm.render({"rbac": rbac}) if role["kind"] in ("Role", "ClusterRole") and rule in role["rules"]]

    assert len(roles) == len(rbac.get("namespaces", ["everywhere"]))


def view(values):
    """The role for people, or None."""
    return next((role for role in helm.of_kind(helm.render(values), "ClusterRole") if role["metadata"]["name"].endswith("-view")), None)


def test_people_may_see_who_leads():
    """The role is added to Kubernetes' own, and allows to read our leases, by name, and nothing else."""
    role = view({})

    assert role["rules"] == [{"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "resourceNames": ["steward-headless"], "verbs": ["get"]}]
    assert config(helm.render())["leaderElection"]["leaseName"] in role["rules"][0]["resourceNames"]


AGGREGATED = {"aggregateToView": "view", "aggregateToEdit": "edit", "aggregateToAdmin": "admin"}


@pytest.mark.parametrize("off", AGGREGATED)
def test_each_aggregation_can_be_switched_off(off):
    """One label each."""
    labels = {
        key.rpartition("-to-")[2]
        for key, value in view({"rbac": {off: False}})["metadata"]["labels"].items()
        if "aggregate-to-" in key and value == "true"
    }

    assert labels == set(AGGREGATED.values()) - {AGGREGATED[off]}


@pytest.mark.parametrize(
    "values",
    [{"rbac": dict.fromkeys(AGGREGATED, False)}, {"rbac": {"create": False}}, scoped(), {"leaderElection": {"enabled": False}}],
    ids=["all off", "no roles", "namespace", "nothing to see"],
)
def test_there_is_no_role_for_people_without_a_reason(values):
    """Nothing to add, nobody to add it to, or nothing of the whole cluster wanted."""
    assert view(values) is None
