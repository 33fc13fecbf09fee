"""Whether policies that are enforced would let a pod of the patched template pass. Pure.

What they deny is known before it is tried: a dry run would only say the same again and again, where the component ``webhook`` runs.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable

import msgspec

from steward.governance import model as governance
from steward.governance.combining import Combined, Finding, judge
from steward.governance.policies import DevOpsPolicy
from steward.policy.remediation.additions import Addition, Patch
from steward.policy.remediation.guards import Held
from steward.policy.remediation.model import Container, Workload
from steward.runtime.resource import ObjectMeta


def judged(
    kind: str, workload: Workload, patch: Patch, policies: Iterable[DevOpsPolicy], *, now: dt.datetime, injected: Collection[str]
) -> Combined | None:
    """What policies say about a pod of the template with these probes.

    Args:
        kind: Of the workload.
        workload: As it is.
        patch: What is to be added; of it only probes are looked at.
        policies: Who is asked.
        now: Decides about exemptions.
        injected: Names of containers that a mesh and the like put beside those of the team.
    """
    meta, template = workload.metadata, workload.spec.template
    added = {addition.container: addition for addition in patch}
    containers = tuple(_with_probes(container, added.get(container.name)) for container in template.spec.containers)
    spec = msgspec.structs.replace(template.spec, containers=containers)
    pod = governance.Pod(metadata=ObjectMeta(namespace=meta.namespace, labels=template.metadata.labels), spec=spec)
    return judge(pod, policies, now=now, workload=governance.Workload(meta.namespace, kind, meta.name), injected=injected)


def denied(combined: Combined | None) -> tuple[Finding, ...]:
    """The findings that deny the pod. Resources are left to the dry run: a LimitRange may give them to the pod on its way."""
    return tuple(finding for finding in combined.denied if finding.check != "missing_resources") if combined is not None else ()


def held(findings: tuple[Finding, ...]) -> Held:
    """That a patch waits for what it cannot mend, and what to do."""
    said = " ".join(f"{finding.opinions[0].policy}: {_where(finding)}{finding.message} [{finding.check}]" for finding in findings)
    return Held("admission", f"policies that are enforced deny its pods, and a patch cannot mend it. {said} Or exempt it in the policy.")


def _where(finding: Finding) -> str:
    return f"container {finding.container}: " if finding.container else ""


def _with_probes(container: Container, addition: Addition | None) -> Container:
    if addition is None:
        return container
    return msgspec.structs.replace(
        container,
        readiness_probe=container.readiness_probe or addition.readiness,
        liveness_probe=container.liveness_probe or addition.liveness,
    )
