"""What a workload lacks of what the policies ask, and what of that can be added without guessing. Pure."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Collection, Iterable, Iterator, Sequence

import msgspec

from steward.governance.combining import Finding
from steward.governance.policies import DefaultProbe, DefaultResources, DevOpsPolicy
from steward.governance.violations import Check
from steward.policy.remediation import admission
from steward.policy.remediation.additions import Addition, Patch, joined
from steward.policy.remediation.model import Container, ContainerPort, PodSpec, Probe, TCPSocket, Workload

LIVENESS_SECONDS = 60
"""How long a container is allowed to be silent before our liveness probe has it killed: a pause of that length is often a garbage collection, a
throttled node or a database that fails over, and killing what waits makes it worse."""

FAILURES = 3
"""Failures in a row before a probe counts as failed: the server's default."""


class Defaults(msgspec.Struct, frozen=True):
    """What may be added: of each the first policy's that says it, by name."""

    probe: DefaultProbe | None
    resources: DefaultResources | None
    untouchable: Collection[str]


class Wanted(msgspec.Struct, frozen=True):
    """What is to be added to a workload.

    Attributes:
        patch: The additions.
        checks: What they mend.
        notes: A sentence about each thing that is missing and cannot be added.
        denied: For what policies would deny a pod that has the additions.
    """

    patch: Patch = ()
    checks: tuple[Check, ...] = ()
    notes: tuple[str, ...] = ()
    denied: tuple[Finding, ...] = ()


def wanted(
    kind: str,
    workload: Workload,
    policies: Sequence[DevOpsPolicy],
    *,
    present: Sequence[DevOpsPolicy],
    untouchable: Collection[str],
    now: dt.datetime,
    injected: Collection[str],
) -> Wanted:
    """What these policies want added to a workload now. Readiness comes first; liveness once the readiness probe of the container is there.

    Both come at once where pods without liveness are denied: no rollout of readiness alone would get a pod.

    Args:
        kind: Of the workload.
        workload: As it is.
        policies: All of them at once: several make one patch.
        present: All policies of the namespace: who wants nothing added may still deny the pods.
        untouchable: Resources, ``cpu`` and ``memory``, that an autoscaler reckons with.
        now: Decides about exemptions.
        injected: Names of containers that a mesh and the like put beside those of the team.
    """
    lacking = _lacking(kind, workload, policies, now, injected)
    by_name = sorted(policies, key=lambda policy: policy.metadata.name)
    defaults = Defaults(
        next((one.spec.default_probe for one in by_name if one.spec.default_probe is not None), None),
        next((one.spec.default_resources for one in by_name if one.spec.default_resources is not None), None),
        untouchable,
    )

    def with_denials(found: Wanted) -> Wanted:
        denied = admission.denied(admission.judged(kind, workload, found.patch, present, now=now, injected=injected))
        return msgspec.structs.replace(found, denied=denied)

    found = with_denials(_collected(lacking, workload.spec.template.spec, defaults, at_once=False))
    if any(finding.check == "missing_liveness" for finding in found.denied):
        found = with_denials(_collected(lacking, workload.spec.template.spec, defaults, at_once=True))
    return found


def _collected(lacking: Collection[tuple[Check, str]], spec: PodSpec, defaults: Defaults, *, at_once: bool) -> Wanted:
    """What can be added; readiness and liveness at once, or one after the other."""
    notes: list[str] = []
    additions = {container.name: Addition(container.name) for container in spec.containers}
    checks: set[Check] = set()
    for check, container in _in_order(lacking, spec):
        if check == "missing_liveness" and "missing_readiness" in checks and not at_once:
            # A rollout of its own, once the readiness probe has proved the port.
            continue
        made, note = _addition(check, container, spec, defaults, is_ready=additions[container.name].readiness is not None)
        if made is None:
            notes += [f"container {container.name}: {note}"] if note else []
            continue
        additions[container.name] = joined(additions[container.name], made)
        checks.add(check)
    patch = tuple(addition for addition in additions.values() if addition.fields)
    return Wanted(patch, tuple(sorted(checks)), tuple(notes))


def _lacking(kind: str, workload: Workload, policies: Iterable[DevOpsPolicy], now: dt.datetime, injected: Collection[str]) -> set[tuple[Check, str]]:
    """Check and container of each finding that something can be added against. What an exemption covers is none."""
    combined = admission.judged(kind, workload, (), map(_asking, policies), now=now, injected=injected)
    return {(finding.check, finding.container) for finding in combined.findings} if combined is not None else set()


def _asking(policy: DevOpsPolicy) -> DevOpsPolicy:
    """Who says which resources to add wants them, whether their absence is a violation or not. As the seed has it."""
    if policy.spec.default_resources is None:
        return policy
    return msgspec.structs.replace(policy, spec=msgspec.structs.replace(policy.spec, require_resources=True))


_ORDER: tuple[Check, ...] = ("missing_readiness", "missing_liveness", "missing_resources")


def _in_order(lacking: Collection[tuple[Check, str]], spec: PodSpec) -> Iterator[tuple[Check, Container]]:
    """Readiness of all containers, then liveness, then resources. Only of containers: not of init containers, whether they stay or not."""
    for check in _ORDER:
        for container in spec.containers:
            if (check, container.name) in lacking:
                yield check, container


def _addition(check: Check, container: Container, spec: PodSpec, defaults: Defaults, *, is_ready: bool) -> tuple[Addition | None, str]:
    """What mends one finding, or why nothing does. A container that gets a readiness probe in the same patch has one."""
    if check == "missing_resources":
        return _with_resources(container, defaults)
    probe = defaults.probe
    if probe is None:
        return None, ""
    if check == "missing_liveness" and container.readiness_probe is None and not is_ready:
        return None, "a livenessProbe is added only where a readinessProbe succeeds. Require one, or write one."
    port, note = known_port(container, spec, probe)
    if port is None:
        return None, note
    made = Probe(
        tcp_socket=TCPSocket(port=port.name or port.container_port),
        initial_delay_seconds=probe.initial_delay_seconds,
        period_seconds=probe.period_seconds,
    )
    if check == "missing_readiness":
        return Addition(container.name, readiness=made), ""
    failures = max(FAILURES, math.ceil(LIVENESS_SECONDS / probe.period_seconds))
    return Addition(container.name, liveness=msgspec.structs.replace(made, failure_threshold=failures)), ""


def known_port(container: Container, spec: PodSpec, probe: DefaultProbe) -> tuple[ContainerPort | None, str]:
    """The port that a probe may try, or why there is none: one that nobody listens on restarts the container for ever."""
    declared = [port for port in container.ports if port.protocol == "TCP"]
    chosen = declared if probe.tcp_port is None else [port for port in declared if probe.tcp_port in (port.container_port, port.name)]
    everywhere = [port.container_port for one in spec.containers for port in one.ports if port.protocol == "TCP"]
    if not declared:
        return None, "it declares no TCP port. Declare it in the container's ports, or write a probe."
    if not chosen:
        return None, f"it declares no TCP port {probe.tcp_port}, which defaultProbe.tcpPort names. Write a probe."
    if len(chosen) > 1:
        return None, "it declares several TCP ports. Name one in the policy's defaultProbe.tcpPort, or write a probe."
    if spec.host_network and len(everywhere) > 1:
        return None, "it is in the network of its node, with several ports: another pod may answer. Write a probe."
    if everywhere.count(chosen[0].container_port) > 1:
        return None, f"another container declares port {chosen[0].container_port} too. Write a probe."
    return chosen[0], ""


def _with_resources(container: Container, defaults: Defaults) -> tuple[Addition | None, str]:
    resources = defaults.resources
    if resources is None:
        return None, ""
    requests = {"cpu": resources.cpu_request, "memory": resources.memory_request}
    limits = {"cpu": resources.cpu_limit, "memory": resources.memory_limit}
    # A limit alone becomes the request too, which an autoscaler divides by.
    requests, limits = ({name: value for name, value in values.items() if name not in defaults.untouchable} for values in (requests, limits))
    made = Addition(container.name, requests=_given(requests), limits=_given(limits))
    return (made, "") if made.fields else (None, "an autoscaler reckons with its resources. Write them.")


def _given(values: dict[str, str | None]) -> dict[str, str]:
    return {name: value for name, value in values.items() if value is not None}


def is_stale(workload: Workload, ours: Patch) -> str:
    """What of ours the template has left behind: a probe whose port its container declares no more. Empty when nothing has."""
    declared = {
        container.name: {name for port in container.ports if port.protocol == "TCP" for name in (port.container_port, port.name)}
        for container in workload.spec.template.spec.containers
    }
    for addition in ours:
        for probe in addition.probes.values():
            if probe.tcp_socket is not None and probe.tcp_socket.port not in declared[addition.container]:
                return f"container {addition.container} does not declare port {probe.tcp_socket.port} any more"
    return ""
