"""What pods and roles may do: as little as they can."""

import pytest
import yaml

from support import helm, podsecurity


@pytest.mark.parametrize("scenario", helm.SCENARIOS)
def test_every_pod_is_restricted(scenario):
    """Pods of components and of `helm test` fulfil Pod Security *restricted*, with nothing written to their root."""
    pods = dict(helm.pods(helm.render(helm.SCENARIOS[scenario], component=None)))

    assert {name.partition("/")[0] for name in pods} >= {"Deployment"}
    for pod in pods.values():
        containers = [*pod["spec"]["containers"], *pod["spec"].get("initContainers", [])]
        assert list(podsecurity.violations(pod["spec"])) == []
        assert all(container["securityContext"]["readOnlyRootFilesystem"] for container in containers)


def test_an_existing_service_account():
    """With create=false the pod and the roles refer to the given name, and nothing creates it."""
    objects = helm.render({"serviceAccount": {"create": False, "name": "given"}})

    assert helm.of_kind(objects, "ServiceAccount") == []
    assert helm.only(objects, "Deployment")["spec"]["template"]["spec"]["serviceAccountName"] == "given"
    assert {binding["subjects"][0]["name"] for kind in ("RoleBinding", "ClusterRoleBinding") for binding in helm.of_kind(objects, kind)} == {"given"}


def test_the_token_is_short_lived_and_in_one_container_only():
    """Kubernetes mounts none by itself; the component's container has one of an hour, others in the pod and the tests have none."""
    objects = helm.render({"extraContainers": [{"name": "other", "image": "example.com/other:1"}]})
    pod = helm.only(objects, "Deployment")["spec"]["template"]["spec"]
    own, other = pod["containers"]
    (volume,) = [volume for volume in pod["volumes"] if "projected" in volume]
    sources = {kind: source for entry in volume["projected"]["sources"] for kind, source in entry.items()}

    assert helm.only(objects, "ServiceAccount")["automountServiceAccountToken"] is False
    assert pod["automountServiceAccountToken"] is False
    assert helm.only(objects, "Pod")["spec"]["automountServiceAccountToken"] is False
    assert sources["serviceAccountToken"] == {"path": "token", "expirationSeconds": 3600}
    assert sources.keys() == {"serviceAccountToken", "configMap", "downwardAPI"}
    assert {"name": volume["name"], "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount", "readOnly": True} in own["volumeMounts"]
    assert "volumeMounts" not in other


def test_kubernetes_own_token_can_be_asked_for():
    """Then every container has it, and the chart mounts no second one into the same place."""
    objects = helm.render({"serviceAccount": {"automountServiceAccountToken": True}})
    pod = helm.only(objects, "Deployment")["spec"]["template"]["spec"]

    assert helm.only(objects, "ServiceAccount")["automountServiceAccountToken"] is True
    assert pod["automountServiceAccountToken"] is True
    assert not [volume for volume in pod["volumes"] if "projected" in volume]
    assert not [mount for mount in pod["containers"][0]["volumeMounts"] if "serviceaccount" in mount["mountPath"]]


def test_labels_and_annotations_of_the_service_account():
    """Clouds bind an account to a role of theirs by an annotation, some by a label."""
    account = helm.only(
        helm.render({"serviceAccount": {"labels": {"a": "b"}, "annotations": {"eks.amazonaws.com/role-arn": "arn"}}}), "ServiceAccount"
    )

    assert account["metadata"]["labels"]["a"] == "b"
    assert account["metadata"]["annotations"] == {"eks.amazonaws.com/role-arn": "arn"}


IDS = {"runAsUser": 1, "runAsGroup": 2, "fsGroup": 3}
OPENSHIFT = ("--api-versions", "security.openshift.io/v1")


@pytest.mark.parametrize(
    ("adapt", "flags", "left_out"),
    [("auto", (), False), ("auto", OPENSHIFT, True), ("force", (), True), ("disabled", OPENSHIFT, False)],
    ids=["elsewhere", "on OpenShift", "forced", "disabled"],
)
def test_openshift_assigns_the_ids(adapt, flags, left_out):
    """OpenShift refuses ids outside the range of the namespace; without any, it puts in its own. All else stays."""
    values = {
        "global": {"compatibility": {"openshift": {"adaptSecurityContext": adapt}}},
        "podSecurityContext": IDS,
        "securityContext": {key: IDS[key] for key in ("runAsUser", "runAsGroup")},
    }
    for _, pod in helm.pods(list(filter(None, yaml.safe_load_all(helm.text(values, flags=flags))))):
        for context in (pod["spec"]["securityContext"], pod["spec"]["containers"][0]["securityContext"]):
            assert (not IDS.keys() & context.keys()) is left_out
        assert list(podsecurity.violations(pod["spec"])) == []
