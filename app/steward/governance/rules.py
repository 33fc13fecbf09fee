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
from collections.abc import Callable, Collection
from functools import cached_property, lru_cache
from typing import Annotated

import msgspec
from msgspec import Meta

from steward.governance import images
from steward.governance.exemptions import NO_CONTAINER, Coverage, Exemption
from steward.governance.model import Container, Pod, Workload, owner_of
from steward.governance.violations import RESTART_CAP, Check, Severities, Severity, Violation
from steward.runtime.crd import rule

Count = Annotated[int, Meta(ge=0, le=2**31 - 1)]


_ABOUT_CONTAINERS = rule("!has(self.containers) || size(self.containers) == 0 || !('pending' in self.checks)", NO_CONTAINER)


class Rules(msgspec.Struct, frozen=True, rename="camel", kw_only=True, dict=True):
    """What is asked of pods; what is left out is not asked.

    Fields of a newer version are passed over, here and below: else one of them in one policy would leave a namespace without rules for as long as
    definitions and program differ. Who reads files of people names such fields (:mod:`steward.cli.specs`).
    """

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

    @cached_property
    def coverage(self) -> Coverage:
        """The exemptions, put in order once for all pods."""
        return Coverage(self.exemptions)


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
    look = _Look(pod, rules.severity_overrides)
    look.at_what_is_written(rules, is_job=of.kind in ("Job", "CronJob"), injected=injected)
    if pod.status.phase:
        look.at_what_runs(rules, now)
    if not rules.exemptions:
        return Verdict(of, tuple(look.found), (), (), tuple(look.applied))
    violations, exempted, expired = [], [], []
    covering = rules.coverage.of(of, pod.metadata.labels)
    for found in look.found:
        exemption = covering(found)
        if exemption is not None and exemption.is_active(now):
            exempted.append(Exempted(found, exemption))
            continue
        violations.append(found)
        if exemption is not None:
            expired.append(Exempted(found, exemption))
    return Verdict(of, tuple(violations), tuple(exempted), tuple(expired), tuple(look.applied))


class _Look:
    """One look at a pod. Ten thousand of them are a list of pods, so there is nothing here that could be done once.

    Attributes:
        found: What is wrong.
        applied: Each check that was made, with its severity.
    """

    __slots__ = ("_lasting", "_pod", "_severities", "applied", "found")

    def __init__(self, pod: Pod, severities: Severities) -> None:
        self.found: list[Violation] = []
        self.applied: list[tuple[Check, Severity]] = []
        self._pod = pod
        self._severities = severities
        sidecars = [one for one in pod.spec.init_containers if one.restart_policy == "Always"]
        self._lasting = (*sidecars, *pod.spec.containers)

    def at_what_is_written(self, rules: Rules, *, is_job: bool, injected: Collection[str]) -> None:
        """At what a pod template has too."""
        spec, severities = self._pod.spec, self._severities
        if rules.forbid_latest_tag:
            tag: tuple[Check, Severity] = ("latest_tag", severities.latest_tag)
            for container in (*spec.init_containers, *spec.containers, *spec.ephemeral_containers):
                self._note(tag, container, _why_unpinned(container.image))
        asked: list[tuple[tuple[Check, Severity], Callable[[Container], bool], str]] = []
        if rules.require_liveness_probe and not is_job:
            asked.append((("missing_liveness", severities.missing_liveness), _has_liveness, "no livenessProbe. Add one."))
        if rules.require_readiness_probe and not is_job:
            asked.append((("missing_readiness", severities.missing_readiness), _has_readiness, "no readinessProbe. Add one."))
        if rules.require_resources:
            has_resources = _always if spec.resources.are_set else _has_resources
            asked.append((("missing_resources", severities.missing_resources), has_resources, "no resources.requests. Add one."))
        for container in self._lasting:
            if container.name not in injected:
                for check, has, message in asked:
                    self._note(check, container, "" if has(container) else message)

    def at_what_runs(self, rules: Rules, now: dt.datetime) -> None:
        """At what only a pod has that runs, or waits to."""
        status, most = self._pod.status, rules.max_restart_count
        if most is not None:
            restarts = {one.name: one.restart_count for one in (*status.init_container_statuses, *status.container_statuses)}
            check: tuple[Check, Severity] = ("high_restarts", self._severities.high_restarts)
            for container in self._lasting:
                count = restarts.get(container.name, 0)
                message = f"{count} restarts, more than {most}. See why: kubectl logs --previous." if count > most else ""
                self._note(check, container, message, min(count, RESTART_CAP))
        if rules.forbid_pending_duration is not None:
            self._note(("pending", self._severities.pending), _WHOLE_POD, _why_late(self._pod, rules.forbid_pending_duration, now))

    def _note(self, check: tuple[Check, Severity], container: Container, message: str, count: int = 1) -> None:
        """Take down that a check was made, and what it found, if anything."""
        self.applied.append(check)
        if message:
            self.found.append(Violation(*check, container.name, message, count))


_WHOLE_POD = Container()


def _always(_: Container) -> bool:
    return True


def _has_liveness(container: Container) -> bool:
    return container.liveness_probe is not None


def _has_readiness(container: Container) -> bool:
    return container.readiness_probe is not None


def _has_resources(container: Container) -> bool:
    return container.resources.are_set


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


def _why_late(pod: Pod, most: int, now: dt.datetime) -> str:
    """For how long a pod has been pending, if that is too long; else empty."""
    # A pod is pending from its creation on, and never again (the phases of a pod's life).
    if pod.status.phase != "Pending" or pod.created is None:
        return ""
    seconds = (now - pod.created).total_seconds()
    if seconds <= most:
        return ""
    return f"pending for {int(seconds)} s, longer than {most} s. See why: kubectl describe pod {pod.metadata.name}."
