"""Policies of the operator before, as policies of ours."""

import msgspec
import pytest

from steward.governance.conversion import convert
from steward.governance.policies import DevOpsPolicy

OLD = {
    "apiVersion": "devops.stochastic.io/v1",
    "kind": "DevOpsPolicy",
    "metadata": {
        "name": "rules",
        "namespace": "shop",
        "uid": "1",
        "resourceVersion": "7",
        "generation": 3,
        "creationTimestamp": "2026-01-01T00:00:00Z",
        "managedFields": [{"manager": "x"}],
        "finalizers": ["devops.stochastic.io/cleanup", "example.com/other"],
        "labels": {"devops.stochastic.io/bundle": "restricted", "team": "a"},
        "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "{}"},
    },
    "spec": {
        "forbidLatestTag": True,
        "requireLivenessProbe": True,
        "requireReadinessProbe": True,
        "maxRestartCount": 3,
        "forbidPendingDuration": 300,
        "enforcementMode": "enforce",
        "defaultProbe": {"tcpPort": 8080, "initialDelaySeconds": 5, "periodSeconds": 10},
        "defaultResources": {"cpuRequest": "100m", "cpuLimit": "500m", "memoryRequest": "128Mi", "memoryLimit": "256Mi"},
        "severityOverrides": {"latestTag": "critical", "pending": None},
    },
    "status": {"healthy": True},
}


def test_every_field_of_the_old_spec_is_kept_and_ours_reads_it():
    made, _ = convert(OLD)

    spec = msgspec.convert(made, DevOpsPolicy).spec
    assert ("policy.steward.dev/v1alpha1", "rules", "shop") == (made["apiVersion"], made["metadata"]["name"], made["metadata"]["namespace"])
    assert (True, True, True, 3, 300, True) == (
        spec.forbid_latest_tag, spec.require_liveness_probe, spec.require_readiness_probe, spec.max_restart_count, spec.forbid_pending_duration,
        spec.is_enforced,
    )  # fmt: skip
    assert (8080, "256Mi", "critical", "medium") == (
        spec.default_probe.tcp_port, spec.default_resources.memory_limit, spec.severity_overrides.latest_tag, spec.severity_overrides.pending,
    )  # fmt: skip


def test_the_old_finalizer_goes_and_others_stay_and_the_way_out_is_told():
    made, notes = convert(OLD)

    assert ["example.com/other"] == made["metadata"]["finalizers"]
    assert any("kubectl --namespace shop patch devopspolicies.devops.stochastic.io rules" in note for note in notes)


def test_what_a_server_wrote_is_left_out_and_labels_get_the_new_group():
    made, _ = convert(OLD)

    assert {"name", "namespace", "finalizers", "labels"} == set(made["metadata"])
    assert {"policy.steward.dev/bundle": "restricted", "team": "a"} == made["metadata"]["labels"]
    assert "status" not in made


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({"enforcementMode": "audit"}, "admission warns where the old webhook denied"),
        ({}, "admission warns where the old webhook denied"),
        ({"enforcementMode": "enforce"}, "remediation.enabled"),
        ({"defaultProbe": {}}, "only on a port that the container declares"),
        ({"forbidPendingDuration": 5}, "the seconds count"),
        ({"requireGoodLuck": True}, "unknown fields of spec are left out: requireGoodLuck"),
        (
            {"severityOverrides": {"latestTag": "low", "goodLuck": "high"}, "requireGoodLuck": True},
            "unknown fields of spec are left out: requireGoodLuck, severityOverrides.goodLuck",
        ),
    ],
    ids=str,
)
def test_what_means_something_else_now_is_told(spec, said):
    made, notes = convert({**OLD, "spec": spec})

    assert [note for note in notes if said in note]
    assert "requireGoodLuck" not in made["spec"]


@pytest.mark.parametrize("other", [{}, {"apiVersion": "v1", "kind": "Pod"}, {**OLD, "apiVersion": "policy.steward.dev/v1alpha1"}])
def test_anything_else_is_refused(other):
    with pytest.raises(ValueError, match=r"expected a DevOpsPolicy of devops\.stochastic\.io/v1, got"):
        convert(other)


def test_a_converted_policy_is_not_changed_by_reference():
    """What is handed in stays as it was."""
    before = msgspec.json.encode(OLD)
    convert(OLD)

    assert before == msgspec.json.encode(OLD)
