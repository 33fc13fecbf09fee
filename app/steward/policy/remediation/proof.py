"""Tries a patch out before it is written: the workload, and a pod of its new template. Everything is a dry run."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from kubernetes.utils.quantity import parse_quantity

from steward.policy.remediation.additions import Patch
from steward.policy.remediation.drafts import DRAFTS, POD_DRAFTS, Draft, DraftMeta, PodDraft
from steward.policy.remediation.model import MANAGER, Selector, Workload
from steward.policy.remediation.surroundings import POD_METRICS, PodMetrics
from steward.runtime import errors
from steward.runtime.resource import OwnerReference
from steward.runtime.trial import Trial

HEADROOM = 2
"""A memory limit is at least so many times what the container uses: one that is reached kills it."""


async def prove(trial: Trial, *, kind: str, workload: Workload, desired: Draft, patch: Patch) -> None:
    """Try the patch, then a pod: LimitRange, quota, Pod Security, other webhooks and our own have their say about that one.

    Raises:
        Unproved: With the server's message. Nothing was written.
        Conflict: Another field manager has set a field otherwise.
        APIError, TransportError: The server could not be asked; try again.
    """
    meta = workload.metadata
    try:
        would_be = await trial.apply(DRAFTS[kind], desired, uid=meta.uid, manager=MANAGER)
    except (errors.Invalid, errors.Forbidden) as refused:
        raise errors.Unproved(f"the {kind} is refused: {_said(refused)}") from refused
    try:
        await trial.create(POD_DRAFTS, pod(kind, workload, would_be))
    except (errors.Invalid, errors.Forbidden) as refused:
        raise errors.Unproved(f"its pods would be refused: {_said(refused)}") from refused
    limits = {addition.container: addition.limits["memory"] for addition in patch if "memory" in addition.limits}
    if limits:
        await _check_memory(trial, workload, limits)


def pod(kind: str, workload: Workload, would_be: Draft) -> PodDraft:
    """The pod that the controller would make, as far as admission can tell the difference."""
    meta, template = workload.metadata, would_be.spec.template
    said: dict[str, Any] = template.get("metadata") or {}
    owner = OwnerReference(api_version="apps/v1", kind=kind, name=meta.name, uid=meta.uid, controller=True)
    claims = [claim["metadata"]["name"] for claim in would_be.spec.volume_claim_templates]
    return PodDraft(
        metadata=DraftMeta(
            namespace=meta.namespace,
            generate_name=f"{meta.name[:200]}-",
            labels=said.get("labels") or {},
            annotations=said.get("annotations") or {},
            owner_references=(owner,),
        ),
        spec=_with_claims(template["spec"], f"{meta.name}-0", claims),
    )


def _with_claims(spec: dict[str, Any], name: str, claims: Iterable[str]) -> dict[str, Any]:
    """A StatefulSet gives its pods volumes that the template does not name (stateful_set_utils.go, updateStorage)."""
    made = {claim: {"name": claim, "persistentVolumeClaim": {"claimName": f"{claim}-{name}"}} for claim in claims}
    if not made:
        return spec
    return {**spec, "volumes": [volume for volume in spec.get("volumes") or () if volume["name"] not in made] + list(made.values())}


async def _check_memory(trial: Trial, workload: Workload, limits: dict[str, str]) -> None:
    """Refuse a memory limit that what is used now comes close to. Without metrics nothing is known, and the rollout is watched instead."""
    try:
        page = await trial.page(POD_METRICS, namespace=workload.metadata.namespace, selector=written(workload.spec.selector))
    except errors.NotFound:
        return
    for container, limit in sorted(limits.items()):
        used = most_used(page.items, container)
        if parse_quantity(limit) < HEADROOM * used:
            mebibytes = used / 2**20
            raise errors.Unproved(
                f"container {container} uses {mebibytes:.0f}Mi of memory: a limit of {limit} is less than {HEADROOM} times that. "
                "Raise defaultResources.memoryLimit, or write one."
            )


def written(selector: Selector) -> str:
    """A label selector as a query has it."""
    found = [f"{name}={value}" for name, value in sorted(selector.match_labels.items())]
    # Without one that is yet to be invented it selects more pods: rather a limit too few than one too low.
    known = (one for one in selector.match_expressions if one.operator in _REQUIREMENTS)
    return ",".join([*found, *(_REQUIREMENTS[one.operator].format(one.key, ",".join(one.values)) for one in known)])


_REQUIREMENTS = {"In": "{} in ({})", "NotIn": "{} notin ({})", "Exists": "{}", "DoesNotExist": "!{}"}


def most_used(pods: Iterable[PodMetrics], container: str) -> Decimal:
    """The most memory that the container uses in any pod, in bytes."""
    used = (one.usage["memory"] for pod in pods for one in pod.containers if one.name == container and "memory" in one.usage)
    return max((parse_quantity(quantity) for quantity in used), default=Decimal(0))


def _said(refused: errors.APIError) -> str:
    return refused.message or refused.reason or str(refused.status)
