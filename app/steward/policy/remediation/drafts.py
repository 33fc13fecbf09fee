"""What is applied and tried: workloads and pods as they are on the wire, for of what is tried nothing may be left out."""

from __future__ import annotations

from typing import Any

import msgspec

from steward.policy.remediation.model import WORKLOADS
from steward.runtime.resource import ObjectMeta, Resource, Struct


class DraftSpec(Struct, frozen=True):
    """A workload's spec: its pod template, and of a StatefulSet the volumes that its pods get."""

    template: dict[str, Any] = msgspec.field(default_factory=dict)
    volume_claim_templates: tuple[dict[str, Any], ...] = ()


class Draft(Struct, frozen=True):
    """What we apply to a workload, and what a dry run of that answers."""

    metadata: ObjectMeta = ObjectMeta()
    spec: DraftSpec = DraftSpec()


DRAFTS = {kind: Resource(one.group, one.version, one.kind, one.plural, Draft) for kind, one in WORKLOADS.items()}


class DraftMeta(ObjectMeta, frozen=True):
    """Metadata of a pod that is tried out."""

    generate_name: str = ""


class PodDraft(Struct, frozen=True):
    """A pod made of a template, whole."""

    metadata: DraftMeta = DraftMeta()
    spec: dict[str, Any] = msgspec.field(default_factory=dict)


POD_DRAFTS: Resource[PodDraft] = Resource("", "v1", "Pod", "pods", PodDraft)
