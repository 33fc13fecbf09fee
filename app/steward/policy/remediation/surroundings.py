"""What has a say about a workload besides its owner: budgets, autoscalers and what its pods use."""

from __future__ import annotations

import msgspec

from steward.policy.remediation.model import Selector
from steward.runtime.resource import ObjectMeta, Resource, Struct


class BudgetSpec(Struct, frozen=True):
    """``policyv1.PodDisruptionBudgetSpec``."""

    selector: Selector | None = None


class BudgetStatus(Struct, frozen=True):
    """``policyv1.PodDisruptionBudgetStatus``."""

    disruptions_allowed: int = 0


class Budget(Struct, frozen=True):
    """``policyv1.PodDisruptionBudget``."""

    metadata: ObjectMeta = ObjectMeta()
    spec: BudgetSpec = BudgetSpec()
    status: BudgetStatus = BudgetStatus()


BUDGETS: Resource[Budget] = Resource("policy", "v1", "PodDisruptionBudget", "poddisruptionbudgets", Budget)


class Target(Struct, frozen=True):
    """What an autoscaler scales. KEDA leaves out the kind of a Deployment."""

    kind: str = "Deployment"
    name: str = ""

    @property
    def workload(self) -> tuple[str, str]:
        """Its kind and its name."""
        return self.kind or "Deployment", self.name


class MetricSource(Struct, frozen=True):
    """``autoscalingv2.ResourceMetricSource``, and that of one container."""

    name: str = ""


class Metric(Struct, frozen=True):
    """``autoscalingv2.MetricSpec``."""

    resource: MetricSource | None = None
    container_resource: MetricSource | None = None


class AutoscalerSpec(Struct, frozen=True):
    """``autoscalingv2.HorizontalPodAutoscalerSpec``."""

    scale_target_ref: Target = Target()
    metrics: tuple[Metric, ...] = ()


class Autoscaler(Struct, frozen=True):
    """``autoscalingv2.HorizontalPodAutoscaler``."""

    metadata: ObjectMeta = ObjectMeta()
    spec: AutoscalerSpec = AutoscalerSpec()

    @property
    def target(self) -> Target:
        """What it scales."""
        return self.spec.scale_target_ref


HPAS: Resource[Autoscaler] = Resource("autoscaling", "v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers", Autoscaler)


class VerticalSpec(Struct, frozen=True):
    """Of a VerticalPodAutoscaler: its target."""

    target_ref: Target = Target()


class VerticalAutoscaler(Struct, frozen=True):
    """``autoscaling.k8s.io/v1`` VerticalPodAutoscaler."""

    metadata: ObjectMeta = ObjectMeta()
    spec: VerticalSpec = VerticalSpec()

    @property
    def target(self) -> Target:
        """What it scales."""
        return self.spec.target_ref


VPAS: Resource[VerticalAutoscaler] = Resource(
    "autoscaling.k8s.io", "v1", "VerticalPodAutoscaler", "verticalpodautoscalers", VerticalAutoscaler, custom=True
)


class Trigger(Struct, frozen=True):
    """A trigger of KEDA: ``cpu`` and ``memory`` become metrics of an HPA."""

    type: str = ""


class ScaledObjectSpec(Struct, frozen=True):
    """Of a ScaledObject: target and triggers."""

    scale_target_ref: Target = Target()
    triggers: tuple[Trigger, ...] = ()


class ScaledObject(Struct, frozen=True):
    """``keda.sh/v1alpha1`` ScaledObject."""

    metadata: ObjectMeta = ObjectMeta()
    spec: ScaledObjectSpec = ScaledObjectSpec()

    @property
    def target(self) -> Target:
        """What it scales."""
        return self.spec.scale_target_ref


SCALED_OBJECTS: Resource[ScaledObject] = Resource("keda.sh", "v1alpha1", "ScaledObject", "scaledobjects", ScaledObject, custom=True)

AnyAutoscaler = Autoscaler | VerticalAutoscaler | ScaledObject


class ContainerUsage(Struct, frozen=True):
    """``metrics.k8s.io`` ContainerMetrics."""

    name: str = ""
    usage: dict[str, str] = msgspec.field(default_factory=dict)


class PodMetrics(Struct, frozen=True):
    """``metrics.k8s.io/v1beta1`` PodMetrics."""

    metadata: ObjectMeta = ObjectMeta()
    containers: tuple[ContainerUsage, ...] = ()


POD_METRICS: Resource[PodMetrics] = Resource("metrics.k8s.io", "v1beta1", "PodMetrics", "pods", PodMetrics, custom=True)
