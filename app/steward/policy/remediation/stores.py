"""What remediation looks at: policies, pods, workloads, and what there is around those."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from steward.governance.model import Pod
from steward.governance.namespaces import BY_NAMESPACE
from steward.governance.policies import POLICIES, DevOpsPolicy
from steward.policy.remediation import model, surroundings
from steward.policy.remediation.model import REPLICA_SETS, WORKLOADS, ReplicaSet, Workload
from steward.policy.remediation.surroundings import Autoscaler, Budget, ScaledObject, VerticalAutoscaler
from steward.runtime.component import Context
from steward.runtime.resource import Resource
from steward.runtime.store import Index, Store

BY_UID: Index[Any] = Index("uid", lambda item: (item.metadata.uid,))
BY_CONTROLLER: Index[Any] = Index("controller", lambda item: (item.metadata.controller.uid,) if item.metadata.controller is not None else ())
TRIED: Index[Workload] = Index("tried", lambda item: ("",) if model.RECORD in item.metadata.annotations else ())


class Stores(msgspec.Struct, frozen=True):
    """The caches, each with the indexes that are asked for."""

    policies: Store[DevOpsPolicy]
    pods: Store[Pod]
    workloads: Mapping[str, Store[Workload]]
    replica_sets: Store[ReplicaSet]
    budgets: Store[Budget]
    hpas: Store[Autoscaler]
    vpas: Store[VerticalAutoscaler]
    scaled: Store[ScaledObject]


def follow(context: Context[Any], pods: Resource[Pod]) -> Stores:
    """Have all of them kept up to date; ``pods`` as the component follows them."""
    return Stores(
        policies=context.store(POLICIES, BY_NAMESPACE),
        pods=context.store(pods, BY_CONTROLLER),
        workloads={kind: context.store(resource, BY_UID, BY_NAMESPACE, TRIED) for kind, resource in WORKLOADS.items()},
        replica_sets=context.store(REPLICA_SETS, BY_UID, BY_CONTROLLER),
        budgets=context.store(surroundings.BUDGETS, BY_NAMESPACE),
        hpas=context.store(surroundings.HPAS, BY_NAMESPACE),
        vpas=context.store(surroundings.VPAS, BY_NAMESPACE),
        scaled=context.store(surroundings.SCALED_OBJECTS, BY_NAMESPACE),
    )
