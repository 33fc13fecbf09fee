"""The custom resources of ``policy.steward.dev/v1alpha1``: what a team asks of its pods, and what was found.

The structs are the one source: :mod:`steward.runtime.crd` makes the CustomResourceDefinitions of them, with the ranges, defaults and CEL rules
that stand here.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta

from steward.governance.rules import Rules
from steward.governance.scores import Class
from steward.governance.violations import Check, Severity
from steward.runtime.conditions import Condition
from steward.runtime.crd import Column, CustomResource, rule
from steward.runtime.resource import ObjectMeta, Resource, Struct

GROUP, VERSION = "policy.steward.dev", "v1alpha1"

Mode = Literal["audit", "enforce"]

Quantity = Annotated[
    str,
    # resource.Quantity of apimachinery, without a sign: nothing here can be negative.
    Meta(max_length=64, pattern=r"^([0-9]+(\.[0-9]*)?|\.[0-9]+)(([KMGTPE]i)|[numkMGTPE]|([eE][+-]?[0-9]+))?$"),
]

Score = Annotated[float, Meta(ge=0, le=100)]

_PORT_NAME = "^[a-z0-9]([-a-z0-9]{0,13}[a-z0-9])?$"
"""As of a container's port (apimachinery, IsValidPortName), which must have a letter besides."""

_WHEN: dict[str, Any] = {"format": "date-time"}


class DefaultProbe(Struct, frozen=True):
    """A TCP probe for containers that have none."""

    tcp_port: Annotated[
        Annotated[int, Meta(ge=1, le=65535)] | Annotated[str, Meta(pattern=_PORT_NAME)] | None,
        Meta(
            description="Number or name of the port, which the container must declare. Its only port when left out.",
            extra_json_schema={"x-kubernetes-int-or-string": True}
            | rule(
                f"type(self) == int ? self >= 1 && self <= 65535 : self.matches('{_PORT_NAME}')",
                "expected a port from 1 to 65535, or the name of a container's port, such as http",
            ),
        ),
    ] = None
    initial_delay_seconds: Annotated[int, Meta(ge=0, le=3600, description="Seconds from the start of the container to the first probe.")] = 5
    period_seconds: Annotated[int, Meta(ge=1, le=3600, description="Seconds between two probes.")] = 10


class DefaultResources(Struct, frozen=True):
    """Resources for containers that have none. What is left out is not set."""

    cpu_request: Annotated[Quantity | None, Meta(description="CPU that is reserved, such as 100m.")] = None
    cpu_limit: Annotated[Quantity | None, Meta(description="CPU that may be used, such as 500m.")] = None
    memory_request: Annotated[Quantity | None, Meta(description="Memory that is reserved, such as 128Mi.")] = None
    memory_limit: Annotated[Quantity | None, Meta(description="Memory that may be used, such as 256Mi; beyond it the container is killed.")] = None


class PolicySpec(Rules, frozen=True, omit_defaults=True, kw_only=True):
    """What is asked of the pods of a namespace, and what is done about it."""

    enforcement_mode: Annotated[
        Mode, Meta(description="audit reports and warns; enforce denies pods with violations of severity critical or high.")
    ] = "audit"
    remediation_mode: Annotated[
        Mode | None,
        Meta(
            description="enforce mends workloads that are nobody else's, where remediation is switched on in the component's configuration; "
            "audit shows the patch. As enforcementMode when left out."
        ),
    ] = None
    default_probe: Annotated[DefaultProbe | None, Meta(description="The probe that remediation adds. Without it probes are never added.")] = None
    default_resources: Annotated[
        DefaultResources | None,
        Meta(description="The resources that remediation adds. Without them none are added.", extra_json_schema={"minProperties": 1}),
    ] = None

    @property
    def is_enforced(self) -> bool:
        """Whether pods are denied."""
        return self.enforcement_mode == "enforce"

    @property
    def remediates(self) -> bool:
        """Whether the policy wants workloads mended; the component's configuration must want it too."""
        return (self.remediation_mode or self.enforcement_mode) == "enforce"


class Exemptions(Struct, frozen=True):
    """How many exemptions there are."""

    active: Annotated[int, Meta(ge=0, description="Those that have not ended.")] = 0
    expiring: Annotated[int, Meta(ge=0, description="Those of the active that end within seven days.")] = 0
    expired: Annotated[int, Meta(ge=0, description="Those that have ended: what they covered counts again.")] = 0


class Preview(Struct, frozen=True):
    """What would be denied if the policy were enforced and every pod made anew."""

    # Always written: an apply that leaves an object empty makes it null, which the definition refuses.
    denied_pods: Annotated[int, Meta(ge=0, description="Pods that would be denied.")]
    workloads: Annotated[tuple[str, ...], Meta(description="What they belong to, as deployment/namespace/name; the first twenty.")] = ()


class Proposal(Struct, frozen=True):
    """A patch that would mend a workload, and why it was not applied."""

    workload: Annotated[str, Meta(description="The workload, as deployment/namespace/name.")]
    reason: Annotated[str, Meta(description="Why it was not applied, in one word.")]
    message: Annotated[str, Meta(description="Why it was not applied, and what to do.")] = ""
    patch: Annotated[str, Meta(description="The patch as YAML, to commit where the workload comes from.")] = ""


class PolicyStatus(Struct, frozen=True):
    """What was found. Written when it changes, and only then."""

    observed_generation: Annotated[int, Meta(ge=0, description="The generation of the policy that this speaks of.")] = 0
    healthy: Annotated[bool, Meta(description="Whether the score is 80 or more.")] = False
    health_score: Annotated[Score | None, Meta(description="From 0 to 100; none where there is nothing to judge.")] = None
    violations: Annotated[int, Meta(ge=0, description="Violations in all pods.")] = 0
    last_evaluated: Annotated[str, Meta(description="When this was first found.", extra_json_schema=_WHEN)] = ""
    message: Annotated[str, Meta(description="The result in a sentence.")] = ""
    remediations_applied: Annotated[int, Meta(ge=0, description="Workloads that are mended now.")] = 0
    remediations_failed: Annotated[int, Meta(ge=0, description="Workloads whose last patch was refused, contested or taken back.")] = 0
    remediated_workloads: Annotated[
        tuple[str, ...], Meta(description="Workloads that are mended now, as deployment/namespace/name; at most a hundred.")
    ] = ()
    proposals: Annotated[tuple[Proposal, ...], Meta(description="Patches that were not applied; at most twenty.")] = ()
    exemptions: Annotated[Exemptions, Meta(description="How many exemptions there are.")] = Exemptions()
    preview: Annotated[Preview | None, Meta(description="What would be denied if the policy were enforced; of a policy in audit mode.")] = None
    conditions: Annotated[
        tuple[Condition, ...],
        Meta(
            description="What is so about the policy.",
            extra_json_schema={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]},
        ),
    ] = ()


class DevOpsPolicy(Struct, frozen=True):
    """What is asked of the pods of its namespace."""

    metadata: ObjectMeta = ObjectMeta()
    spec: Annotated[
        PolicySpec,
        Meta(
            description="What is asked.",
            extra_json_schema=rule(
                "!has(self.remediationMode) || self.remediationMode != 'enforce' || has(self.defaultProbe) || has(self.defaultResources)",
                "remediationMode enforce needs to know what to add: write defaultProbe or defaultResources",
            ),
        ),
    ] = PolicySpec()
    status: Annotated[PolicyStatus | None, Meta(description="What was found.")] = None


POLICIES: Resource[DevOpsPolicy] = Resource(GROUP, VERSION, "DevOpsPolicy", "devopspolicies", DevOpsPolicy, custom=True)


class AuditViolation(Struct, frozen=True):
    """One violation of an audit result."""

    pod_name: Annotated[str, Meta(description="The pod.")]
    violation_type: Annotated[Check, Meta(description="What was looked at.")]
    severity: Annotated[Severity, Meta(description="How bad it is.")]
    message: Annotated[str, Meta(description="What was found, and what to write instead.")]
    container_name: Annotated[str, Meta(description="The container; empty where it is about the whole pod.")] = ""


class AuditSpec(Struct, frozen=True):
    """The findings of one moment."""

    policy_name: Annotated[str, Meta(min_length=1, description="The policy.")]
    timestamp: Annotated[str, Meta(description="When this was found.", extra_json_schema=_WHEN)]
    health_score: Annotated[Score | None, Meta(description="From 0 to 100; none where there is nothing to judge.")] = None
    total_violations: Annotated[int, Meta(ge=0, description="Violations in all pods.")] = 0
    total_pods: Annotated[int, Meta(ge=0, description="Pods that were judged.")] = 0
    classification: Annotated[Class | None, Meta(description="The class of the score.")] = None
    cluster_name: Annotated[str, Meta(description="The cluster, where its name is configured.")] = ""
    violations: Annotated[tuple[AuditViolation, ...], Meta(description="The most severe violations first, then by pod and container.")] = ()
    truncated: Annotated[int, Meta(ge=0, description="Violations beyond those that are listed.")] = 0


class AuditRecord(Struct, frozen=True):
    """A ``PolicyAuditResult`` as it is kept in the cache: that it is there, and in its metadata of what it tells."""

    metadata: ObjectMeta = ObjectMeta()


class PolicyAuditResult(AuditRecord, frozen=True, kw_only=True):
    """The findings of one moment, kept for later. Never changed."""

    spec: Annotated[
        AuditSpec, Meta(description="What was found.", extra_json_schema=rule("self == oldSelf", "an audit result is not changed afterwards"))
    ]


AUDIT_RESULTS: Resource[AuditRecord] = Resource(GROUP, VERSION, "PolicyAuditResult", "policyauditresults", AuditRecord, custom=True)
"""Answers and watches are decoded without findings, which nobody reads again."""


CUSTOM_RESOURCES = (
    CustomResource(
        POLICIES,
        DevOpsPolicy,
        short_names=("dop",),
        columns=(
            Column(name="Mode", type="string", json_path=".spec.enforcementMode", description="Whether pods are denied."),
            Column(name="Score", type="number", json_path=".status.healthScore", description="From 0 to 100."),
            Column(name="Violations", type="integer", json_path=".status.violations", description="Violations in all pods."),
            Column(name="Ready", type="string", json_path=".status.conditions[?(@.type=='Ready')].status", description="Whether it is evaluated."),
            Column(name="Mended", type="integer", json_path=".status.remediationsApplied", description="Workloads that are mended now.", priority=1),
            Column(name="Message", type="string", json_path=".status.message", description="The result in a sentence.", priority=1),
        ),
    ),
    CustomResource(
        AUDIT_RESULTS,
        PolicyAuditResult,
        short_names=("par",),
        columns=(
            Column(name="Policy", type="string", json_path=".spec.policyName", description="The policy."),
            Column(name="Score", type="number", json_path=".spec.healthScore", description="From 0 to 100."),
            Column(name="Class", type="string", json_path=".spec.classification", description="The class of the score."),
            Column(name="Violations", type="integer", json_path=".spec.totalViolations", description="Violations in all pods."),
            Column(name="Pods", type="integer", json_path=".spec.totalPods", description="Pods that were judged."),
        ),
    ),
)
"""What the chart installs."""
