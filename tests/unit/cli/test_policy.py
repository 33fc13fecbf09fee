"""``steward policy`` without a cluster: bundles, and what is refused before anything is asked."""

import json

import pytest
import yaml

RESTRICTED = {
    "enforcementMode": "enforce",
    "forbidLatestTag": True,
    "requireLivenessProbe": True,
    "requireReadinessProbe": True,
    "requireResources": True,
    "maxRestartCount": 3,
    "forbidPendingDuration": 300,
    "severityOverrides": {
        "latestTag": "critical",
        "missingLiveness": "high",
        "missingReadiness": "high",
        "highRestarts": "critical",
        "pending": "high",
        "missingResources": "high",
    },
    "defaultProbe": {"initialDelaySeconds": 5, "periodSeconds": 10},
    "defaultResources": {"cpuRequest": "100m", "cpuLimit": "500m", "memoryRequest": "128Mi", "memoryLimit": "256Mi"},
}
PERMISSIVE = {
    "enforcementMode": "audit",
    "forbidLatestTag": True,
    "requireLivenessProbe": True,
    "requireReadinessProbe": True,
    "requireResources": True,
    "maxRestartCount": 10,
    "forbidPendingDuration": 600,
    "severityOverrides": {
        "latestTag": "low",
        "missingLiveness": "low",
        "missingReadiness": "low",
        "highRestarts": "medium",
        "pending": "low",
        "missingResources": "low",
    },
}
BASELINE = {"enforcementMode": "audit", "forbidLatestTag": True, "requireReadinessProbe": True}


@pytest.mark.parametrize(
    ("bundle", "spec"), [("restricted", RESTRICTED), ("permissive", PERMISSIVE), ("baseline", BASELINE)], ids=["restricted", "permissive", "baseline"]
)
def test_a_bundle_has_exactly_the_seed_s_values(steward, bundle, spec):
    """Row 159. Beside them: the check for resources, which came later."""
    shown = yaml.safe_load(steward("policy", "bundle-show", bundle)[1])

    assert spec == shown["spec"]
    assert bundle == shown["metadata"]["name"] == shown["metadata"]["labels"]["policy.steward.dev/bundle"]


def test_the_list_has_every_bundle_for_people_and_for_machines(steward):
    _, text, _ = steward("policy", "bundle-list")
    _, data, _ = steward("policy", "bundle-list", "-o", "json")

    names = [one["name"] for one in json.loads(data)]
    assert ["standard", "baseline", "restricted", "permissive"] == names == [line.split()[0] for line in text.splitlines()[1:]]


def test_what_bundle_show_prints_is_what_check_judges_by(steward, tmp_path):
    path = tmp_path / "policy.yaml"
    path.write_text(steward("policy", "bundle-show", "restricted", "-o", "json")[1])
    pod = tmp_path / "pod.yaml"
    pod.write_text(yaml.safe_dump({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x"}, "spec": {"containers": [{"image": "x"}]}}))

    assert steward("check", "--policy", path, pod) == steward("check", "--bundle", "restricted", pod)


def policy(**changes):
    return {"apiVersion": "policy.steward.dev/v1alpha1", "kind": "DevOpsPolicy", "metadata": {"name": "a"}, "spec": {}} | changes


@pytest.mark.parametrize(
    ("documents", "said"),
    [
        (
            [policy(kind="Deployment", apiVersion="apps/v1")],
            ", document 1: expected DevOpsPolicy of policy.steward.dev/v1alpha1, got Deployment of apps.",
        ),
        (
            [policy(apiVersion="devops.stochastic.io/v1")],
            ", document 1: DevOpsPolicy of devops.stochastic.io. Convert it first: steward policy convert {path}.",
        ),
        ([policy(), policy(spec={"maxRestartCount": "3"})], ", document 2: spec.maxRestartCount: expected "),
        ([policy(spec={"forbidLatest": True})], ", document 1: spec.forbidLatest: unknown key. Did you mean forbidLatestTag?"),
        ([policy(metadata={})], ", document 1: metadata.name: expected text, got none. Write a name."),
        ([policy(spec=3)], ", document 1: spec: expected "),
        ([policy(), policy()], ", document 2: policy a is there twice. Leave one out."),
        ([], ": no policy. Give manifests of DevOpsPolicy."),
    ],
    ids=["kind", "former group", "type", "typo", "nameless", "no mapping", "twice", "nothing"],
)
@pytest.mark.parametrize("command", ["import", "diff"])
def test_files_are_checked_before_the_cluster_is_asked(steward, tmp_path, command, documents, said):
    path = tmp_path / "policies.yaml"
    path.write_text(yaml.safe_dump_all(documents))

    code, out, err = steward("policy", command, "-n", "shop", "--kubeconfig", "/nowhere", path)

    assert (2, "", 1) == (code, out, err.count("\n"))
    assert err.startswith(f"steward: {path}{said}".format(path=path).replace("policy a ", "policy shop/a "))


def old(**changes):
    return policy(apiVersion="devops.stochastic.io/v1", **changes)


def test_old_policies_are_converted_and_what_means_something_else_is_said(steward, tmp_path):
    path = tmp_path / "old.yaml"
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "x"}}
    path.write_text(yaml.safe_dump_all([old(spec={"forbidLatestTag": True}), service, old(metadata={"name": "b"}, spec={"maxRestartCount": 3})]))

    code, out, err = steward("policy", "convert", path)

    assert 0 == code
    assert [("a", {"forbidLatestTag": True}), ("b", {"maxRestartCount": 3})] == [
        (one["metadata"]["name"], one["spec"]) for one in yaml.safe_load_all(out) if one["apiVersion"] == "policy.steward.dev/v1alpha1"
    ]
    assert "a: forbidLatestTag: images without a tag are found too; a digest is always fine" in err.splitlines()
    assert f"{path}, document 2: Service is left out" in err.splitlines()


@pytest.mark.parametrize(
    ("document", "said"),
    [
        (old(spec={"maxRestartCount": "many"}), ", document 1: spec.maxRestartCount: expected "),
        (old(metadata={}), ", document 1: metadata.name: expected text, got none. Write a name."),
        (old(spec=3), ", document 1: spec: expected a mapping of keys to values, got 3."),
        (policy(), ": no policy of devops.stochastic.io/v1."),
    ],
    ids=["type", "nameless", "no mapping", "none"],
)
def test_what_cannot_be_converted_is_told_by_its_field(steward, tmp_path, document, said):
    path = tmp_path / "old.yaml"
    path.write_text(yaml.safe_dump(document))

    code, out, err = steward("policy", "convert", path)

    assert (2, "") == (code, out)
    assert err.splitlines()[-1].startswith(f"steward: {path}{said}")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("diff",), "expected FILE or --bundle, got neither"),
        (("diff", "--bundle", "baseline", "x.yaml"), "FILE and --bundle: expected one of them, got both"),
        (("diff", "--bundle", "baseline", "-A"), "--bundle and --all-namespaces: a bundle is compared in one namespace. Name it"),
        (("bundle-show", "strict"), "Invalid value for '{standard|baseline|restricted|permissive}': 'strict' is not one of "),
    ],
    ids=["nothing", "both", "everywhere", "unknown bundle"],
)
def test_wrong_use_is_2(steward, arguments, said):
    code, out, err = steward("policy", *arguments)

    assert (2, "") == (code, out)
    assert err.startswith(f"steward: {said}")
