"""The rules, and what they find in a pod.

Which check looks at which container:

================== === ======= ==== ========= ===========
check              app sidecar init ephemeral pods of Jobs
================== === ======= ==== ========= ===========
latest_tag         yes yes     yes  yes       yes
missing_liveness   yes yes     no   no        no
missing_readiness  yes yes     no   no        no
missing_resources  yes yes     no   no        yes
high_restarts      yes yes     no   no        yes
================== === ======= ==== ========= ===========

``pending`` looks at the pod. Of a container that was injected on its way, by a mesh or the like, only image and restarts are looked at:
nobody wrote it, so nobody can mend it, and who takes such a name for a container of their own gains little by it. A sidecar is an init
container that is always restarted (KEP-753). A plain init container cannot have probes, and one that fails keeps its pod pending; an
ephemeral container can have neither probes nor resources. A Job is to end, so nobody waits for it to get ready.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterator
from functools import lru_cache
from typing import Annotated

import msgspec
from msgspec import Meta

from steward.governance import images
from steward.governance.exemptions import NO_CONTAINER, Exemption
from steward.governance.model import Container, Pod, Workload, owner_of
from steward.governance.violations import RESTART_CAP, Check, Severities, Severity, Violation
from steward.runtime.crd import rule

Count = Annotated[int, Meta(ge=0, le=2**31 - 1)]


_ABOUT_CONTAINERS = rule("!has(self.containers) || size(self.containers) == 0 || !('pending' in self.checks)", NO_CONTAINER)


class Rules(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel", kw_only=True):
    """What is asked of pods; what is left out is not asked."""

    forbid_latest_tag: Annotated[bool, Meta(description="Images need a digest, or a tag other than latest.")] = False
    require_liveness_probe: Annotated[bool, Meta(description="Containers need a liveness probe.")] = False
    require_readiness_probe: Annotated[bool, Meta(description="Containers need a readiness probe.")] = False
    require_resources: Annotated[bool, Meta(description="Containers need requests or limits.")] = False
    max_restart_count: Annotated[Count | None, Meta(description="Restarts of a container that are still fine.")] = None
    forbid_pending_duration: Annotated[Count | None, Meta(description="Seconds that a pod may be pending.")] = None
    severity_overrides: Annotated[Severities, Meta(description="How severe a violation of each check is.")] = Severities()
    exemptions: Annotated[
        tuple[Annotated[Exemption, Meta(extra_json_schema=_ABOUT_CONTAINERS)], ...],
        Meta(max_length=100, description="Violations that somebody answers for."),
    ] = ()


class Exempted(msgspec.Struct, frozen=True):
    """A violation, and the exemption that covers it."""

    violation: Violation
    exemption: Exemption


class Verdict(msgspec.Struct, frozen=True):
    """What the rules say about one pod or pod template.

    Attributes:
        workload: What it belongs to.
        violations: What is wrong, in the order of the containers.
        exempted: What would be wrong, but for an exemption.
        expired: Those of ``violations`` that an exemption covered until it ended.
        applied: Each check that was made, with its severity: the violations', the exempted ones' and those that passed.
    """

    workload: Workload
    violations: tuple[Violation, ...]
    exempted: tuple[Exempted, ...]
    expired: tuple[Exempted, ...]
    applied: tuple[tuple[Check, Severity], ...]


INJECTED = ("istio-proxy", "linkerd-proxy", "vault-agent")
"""Names of the containers that meshes and the like add to pods, by their own documentation."""

Injected = Annotated[
    tuple[str, ...], Meta(description="Names of containers that are injected on the way. Of them only image and restarts are looked at.")
]


def evaluate(pod: Pod, rules: Rules, *, now: dt.datetime, workload: Workload | None = None, injected: Collection[str] = INJECTED) -> Verdict | None:
    """Judge one pod or pod template.

    Args:
        pod: A template is a pod without a status.
        rules: What is asked of it.
        now: Decides about pending pods and exemptions.
        workload: What it belongs to; the pod's controller, or else the pod, when it is not given.
        injected: Names of containers that nobody wrote.

    Returns: None for a pod that is over: it is neither judged nor counted.
    """
    if pod.is_over:
        return None
    of = workload or owner_of(pod)
    violations, exempted, expired, applied = [], [], [], []
    for check, found in _findings(pod, rules, is_job=of.kind in ("Job", "CronJob"), now=now, injected=injected):
        applied.append((check, rules.severity_overrides.of(check)))
        if found is None:
            continue
        covering = [one for one in rules.exemptions if one.covers(found, of, pod.metadata.labels)]
        # The one that lasts longest, then by its reason: the order in which they are written must not matter.
        covering.sort(key=lambda one: (one.expires, one.reason, one.approved_by), reverse=True)
        if covering and covering[0].is_active(now):
            exempted.append(Exempted(found, covering[0]))
            continue
        violations.append(found)
        if covering:
            expired.append(Exempted(found, covering[0]))
    return Verdict(of, tuple(violations), tuple(exempted), tuple(expired), tuple(applied))


_Finding = tuple[Check, Violation | None]


def _findings(pod: Pod, rules: Rules, *, is_job: bool, now: dt.datetime, injected: Collection[str]) -> Iterator[_Finding]:
    """Each check that applies, with what it found."""
    spec = pod.spec
    sidecars = [container for container in spec.init_containers if container.restart_policy == "Always"]
    if rules.forbid_latest_tag:
        for container in (*spec.init_containers, *spec.containers, *spec.ephemeral_containers):
            yield "latest_tag", _unpinned(container, rules)
    for container in [one for one in (*sidecars, *spec.containers) if one.name not in injected]:
        if rules.require_liveness_probe and not is_job:
            yield "missing_liveness", _missing(container, rules, "missing_liveness", "livenessProbe", there=container.liveness_probe is not None)
        if rules.require_readiness_probe and not is_job:
            yield "missing_readiness", _missing(container, rules, "missing_readiness", "readinessProbe", there=container.readiness_probe is not None)
        if rules.require_resources:
            there = container.resources.are_set or spec.resources.are_set
            yield "missing_resources", _missing(container, rules, "missing_resources", "resources.requests", there=there)
    if rules.max_restart_count is not None and pod.status.phase:
        restarts = {status.name: status.restart_count for status in (*pod.status.init_container_statuses, *pod.status.container_statuses)}
        for container in (*sidecars, *spec.containers):
            yield "high_restarts", _restarted(container, rules, restarts.get(container.name, 0), rules.max_restart_count)
    if rules.forbid_pending_duration is not None and pod.status.phase:
        yield "pending", _pending(pod, rules, rules.forbid_pending_duration, now)


def _unpinned(container: Container, rules: Rules) -> Violation | None:
    message = _why_unpinned(container.image)
    return Violation("latest_tag", rules.severity_overrides.latest_tag, container.name, message) if message else None


@lru_cache(maxsize=4096)
def _why_unpinned(reference: str) -> str:
    """What is wrong with a reference; empty when nothing is. A cluster has hundreds of them, and many thousands of containers."""
    try:
        image = images.parse(reference)
    except ValueError as error:
        return f'image "{reference}" cannot be pulled: {error}. Write a name, and a tag or digest.' if reference else "no image. Write one."
    if not image.is_latest:
        return ""
    why = "has the tag latest" if image.tag else "has no tag, which means latest"
    return f'image "{reference}" {why}. Write a version or a digest.'


def _missing(container: Container, rules: Rules, check: Check, field: str, *, there: bool) -> Violation | None:
    return None if there else Violation(check, rules.severity_overrides.of(check), container.name, f"no {field}. Add one.")


def _restarted(container: Container, rules: Rules, restarts: int, most: int) -> Violation | None:
    if restarts <= most:
        return None
    message = f"{restarts} restarts, more than {most}. See why: kubectl logs --previous."
    return Violation("high_restarts", rules.severity_overrides.high_restarts, container.name, message, min(restarts, RESTART_CAP))


def _pending(pod: Pod, rules: Rules, most: int, now: dt.datetime) -> Violation | None:
    # A pod is pending from its creation on, and never again (the phases of a pod's life).
    if pod.status.phase != "Pending" or pod.created is None:
        return None
    seconds = (now - pod.created).total_seconds()
    if seconds <= most:
        return None
    message = f"pending for {int(seconds)} s, longer than {most} s. See why: kubectl describe pod {pod.metadata.name}."
    return Violation("pending", rules.severity_overrides.pending, "", message)
