"""What pods and roles may do: as little as they can."""

import pytest
import yaml

from support import helm, podsecurity

CI = sorted((helm.CHART / "ci").glob("*-values.yaml"))


def values_of(path):
    """The values of a file that chart-testing installs."""
    return yaml.safe_load(path.read_text()) or {}


@pytest.mark.parametrize("values", [{}, helm.ENABLED, *map(values_of, CI)], ids=["defaults", "everything", *(path.stem for path in CI)])
def test_every_pod_is_restricted(values):
    """Pods of components and of `helm test` fulfil Pod Security *restricted*, with nothing written to their root."""
    pods = dict(helm.pods(helm.render(values)))

    assert {name.partition("/")[0] for name in pods} == {"Deployment", "Pod"}
    for pod in pods.values():
        assert list(podsecurity.violations(pod["spec"])) == []
        assert all(container["securityContext"]["readOnlyRootFilesystem"] for container in pod["spec"]["containers"])


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
