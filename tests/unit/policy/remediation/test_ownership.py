"""Whose a workload is: every proof of every owner, on every kind."""

import pytest

from steward.policy.remediation import ownership
from steward.policy.remediation.config import RemediationConfig
from steward.policy.remediation.model import WORKLOADS, ReplicaSet, Workload
from steward.runtime.resource import ObjectMeta, OwnerReference
from support.owners import HELM, OWNERS, tracking
from support.workloads import read, workload

CONFIG = RemediationConfig()


def _by(manager, operation="Apply", subresource=""):
    entry = {"manager": manager, "operation": operation, "subresource": subresource, "fieldsV1": {"f:spec": {"f:replicas": {}}}}
    return {"managedFields": [entry]}


NOBODYS = {
    "nothing": lambda _: {},
    "kubectl create": lambda _: _by("kubectl-create", "Update"),
    "kubectl apply": lambda _: (
        _by("kubectl-client-side-apply", "Update") | {"annotations": {"kubectl.kubernetes.io/last-applied-configuration": "{}"}}
    ),
    "the name of an application": lambda _: {"labels": {"app.kubernetes.io/instance": "shop", "app.kubernetes.io/name": "web"}},
    "a tracking id that came with a copy": lambda kind: {
        "annotations": {"argocd.argoproj.io/tracking-id": tracking(kind, "shop", "original"), "argocd.argoproj.io/installation-id": "one"}
    },
    "half of the labels of flux": lambda _: {"labels": {"kustomize.toolkit.fluxcd.io/name": "a"}},
    "annotations of helm alone": lambda _: {"annotations": HELM},
    "an autoscaler that writes the scale": lambda _: _by("helm", "Update", "scale"),
    "an autoscaler that applies the scale": lambda _: _by("scaler", "Apply", "scale"),
    "kubectl edit": lambda _: _by("kubectl-edit", "Update"),
    "who updates, by the name of one who applies": lambda _: _by("kubectl", "Update"),
    "what we wrote": lambda _: _by("kube-devops-operator"),
}


@pytest.mark.parametrize("kind", WORKLOADS)
@pytest.mark.parametrize("owner", OWNERS)
def test_a_workload_of_an_owner_is_left_to_them(owner, kind):
    proof = OWNERS[owner]
    meta = proof.meta(kind, "shop", "web") | (_by(proof.manager, "Apply" if proof.applies else "Update") if proof.manager else {})
    found = ownership.owner_of(WORKLOADS[kind], read(workload(kind, meta=meta)), CONFIG)

    assert found is not None
    assert proof.name == found.name


@pytest.mark.parametrize("kind", WORKLOADS)
@pytest.mark.parametrize("nobody", NOBODYS)
def test_what_proves_nothing_is_no_owner(nobody, kind):
    assert ownership.owner_of(WORKLOADS[kind], read(workload(kind, meta=NOBODYS[nobody](kind))), CONFIG) is None


def test_the_label_of_argo_can_be_another():
    config = RemediationConfig(argocd_instance_label="app.kubernetes.io/instance")
    found = ownership.owner_of(WORKLOADS["Deployment"], read(workload(meta={"labels": {"app.kubernetes.io/instance": "shop"}})), config)

    assert found == ("Argo CD", "label app.kubernetes.io/instance=shop")


def test_who_applies_on_the_client_side_is_told():
    assert ownership.is_client_applied(read(workload(meta=NOBODYS["kubectl apply"]("Deployment"))))
    assert not ownership.is_client_applied(read(workload()))


# The walk up.


def _item(name, uid, owner=None):
    owners = (OwnerReference(api_version="apps/v1", kind=owner[0], name=owner[1], uid=owner[2], controller=True),) if owner else ()
    return ReplicaSet(metadata=ObjectMeta(name=name, namespace="shop", uid=uid, owner_references=owners))


def _walk(start, *known):
    by_uid = {item.metadata.uid: item for item in known}
    return ownership.top_controller(start, lambda reference: by_uid.get(reference.uid))


def test_the_walk_goes_by_uid_and_not_by_name():
    """A ReplicaSet made by hand has a name that looks as if it were a Deployment's."""
    deployment = read(workload(meta={"uid": "d-1"}))
    by_hand, made = _item("web-5d4f8c7b9d", "rs-1"), _item("web-5d4f8c7b9d", "rs-2", ("Deployment", "web", "d-1"))

    assert by_hand is _walk(_item("web-5d4f8c7b9d-x", "p", ("ReplicaSet", "web-5d4f8c7b9d", "rs-1")), by_hand, deployment)
    assert deployment is _walk(_item("web-5d4f8c7b9d-x", "p", ("ReplicaSet", "web-5d4f8c7b9d", "rs-2")), made, deployment)


def test_a_former_deployment_of_that_name_is_another():
    found = _walk(_item("web-1", "rs-1", ("Deployment", "web", "d-1")), read(workload(meta={"uid": "d-2"})))

    assert not isinstance(found, Workload)


def test_a_cycle_ends():
    one, two = _item("a", "1", ("ReplicaSet", "b", "2")), _item("b", "2", ("ReplicaSet", "a", "1"))

    assert _walk(one, one, two) in (one, two)
