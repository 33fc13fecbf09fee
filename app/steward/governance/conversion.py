"""Policies of the operator that this one replaces, ``devops.stochastic.io/v1``, as policies of ours: pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from steward.governance.policies import POLICIES

OLD_GROUP = "devops.stochastic.io"
OLD = f"{OLD_GROUP}/v1"
OLD_FINALIZER = f"{OLD_GROUP}/cleanup"

Manifest = dict[str, Any]

_SERVERS = (
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "managedFields",
    "selfLink",
)
"""Metadata that an API server writes; to name it would tie the new object to the old one."""

_SHARED = (
    "forbidLatestTag", "requireLivenessProbe", "requireReadinessProbe", "maxRestartCount", "forbidPendingDuration", "enforcementMode",
    "defaultProbe", "defaultResources",
)  # fmt: skip
"""Fields of the old spec that mean the same, under the same name."""

_SEVERITIES = ("latestTag", "missingLiveness", "missingReadiness", "highRestarts", "pending")


def is_old(document: Manifest) -> bool:
    """Whether a manifest is a policy of the old group."""
    return document.get("apiVersion") == OLD and document.get("kind") == POLICIES.kind


def convert(document: Manifest) -> tuple[Manifest, list[str]]:
    """The policy of ours that says the same, and what people have to know about it.

    Args:
        document: A policy of :data:`OLD`, as a manifest or as an API server prints it.

    Raises: ValueError when it is something else; it says what was expected, and what was found.
    """
    if not is_old(document):
        found = f"{document.get('kind') or 'nothing'} of {document.get('apiVersion') or 'nothing'}"
        raise ValueError(f"expected a {POLICIES.kind} of {OLD}, got {found}")
    notes: list[str] = []
    made: Manifest = {
        "apiVersion": POLICIES.api_version,
        "kind": POLICIES.kind,
        "metadata": _metadata(_mapping(document, "metadata"), notes),
        "spec": _spec(_mapping(document, "spec"), notes),
    }
    if "status" in document:
        notes.append("status is left out: it is found anew")
    return made, notes


def _mapping(document: Manifest, field: str) -> Manifest:
    value = document.get(field) or {}
    if not isinstance(value, dict):
        raise ValueError(f"{field}: expected a mapping of keys to values, got {value!r}")  # noqa: TRY004 - input that is wrong, as above
    return value


def _metadata(old: Manifest, notes: list[str]) -> Manifest:
    made = {field: value for field, value in old.items() if field not in _SERVERS}
    for field in ("labels", "annotations"):
        if isinstance(made.get(field), dict):
            made[field] = {_renamed(key): value for key, value in made[field].items() if key != "kubectl.kubernetes.io/last-applied-configuration"}
            if not made[field]:
                del made[field]
    if OLD_FINALIZER in (made.get("finalizers") or ()):
        made["finalizers"] = [one for one in made["finalizers"] if one != OLD_FINALIZER]
        notes.append(f"the finalizer {OLD_FINALIZER} is left out: nothing of ours has to be cleaned up. {_how_to_free(old)}")
    if "finalizers" in made and not made["finalizers"]:
        del made["finalizers"]
    if made.pop("ownerReferences", None):
        notes.append("ownerReferences are left out: their uids are those of the old cluster's objects")
    return made


def _how_to_free(old: Manifest) -> str:
    namespace = f" --namespace {old['namespace']}" if old.get("namespace") else ""
    patch = """--type merge --patch '{"metadata":{"finalizers":null}}'"""
    return f"To delete the old one without its operator: kubectl{namespace} patch devopspolicies.{OLD_GROUP} {old.get('name', 'NAME')} {patch}"


def _renamed(key: str) -> str:
    domain, slash, name = key.partition("/")
    return f"{POLICIES.group}/{name}" if slash and domain == OLD_GROUP else key


def _spec(old: Manifest, notes: list[str]) -> Manifest:
    made = {field: old[field] for field in _SHARED if old.get(field) is not None}
    severities = old.get("severityOverrides")
    left = _given(old) - made.keys()
    if isinstance(severities, dict):
        made["severityOverrides"] = {field: severities[field] for field in _SEVERITIES if severities.get(field) is not None}
        left = left - made.keys() | {f"severityOverrides.{field}" for field in _given(severities) - made["severityOverrides"].keys()}
    if left:
        notes.append(f"unknown fields of spec are left out: {', '.join(sorted(left))}")
    notes += [note for means, note in _MEANINGS if means(made)]
    return made


def _given(fields: Manifest) -> set[str]:
    return {field for field, value in fields.items() if value is not None}


_MEANINGS: tuple[tuple[Callable[[Manifest], bool], str], ...] = (
    (lambda spec: "forbidLatestTag" in spec, "forbidLatestTag: images without a tag are found too; a digest is always fine"),
    (lambda spec: "forbidPendingDuration" in spec, "forbidPendingDuration: the seconds count; a pod that has just been made is no violation"),
    (
        lambda spec: spec.get("enforcementMode", "audit") == "audit",
        "enforcementMode audit: admission warns where the old webhook denied; write enforce to deny violations of severity critical and high",
    ),
    (
        lambda spec: spec.get("enforcementMode") == "enforce",
        "enforcementMode enforce: workloads are patched only where components.policy.config.remediation.enabled is true as well",
    ),
    (
        lambda spec: "defaultProbe" in spec,
        "defaultProbe: probes are added only on a port that the container declares, never on 8080 for want of another",
    ),
    (lambda spec: "defaultResources" in spec, "defaultResources: what is left out is not set; the old operator had values of its own"),
)
"""What means something else than before, and for which policies."""
