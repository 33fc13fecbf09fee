"""Asks the API server whether we may do what we are going to do, and says in words what is missing (SelfSubjectAccessReview)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

from steward.runtime import errors
from steward.runtime.backoff import Backoff, Pauses
from steward.runtime.client import Client
from steward.runtime.lease import LEASES
from steward.runtime.resource import ObjectMeta, Resource, Struct
from steward.telemetry.logging import get_logger
from steward.telemetry.probes import Verdict

if TYPE_CHECKING:
    from steward.runtime.component import Right

RETRY = Backoff(first=1.0, factor=2.0, jitter=0.5, cap=15.0, reset=120.0)
"""Pauses between two looks while something is missing."""

log = get_logger(__name__)


class ResourceAttributes(Struct, frozen=True):
    """``authorization.k8s.io/v1`` ResourceAttributes."""

    namespace: str = ""
    verb: str = ""
    group: str = ""
    resource: str = ""
    subresource: str = ""
    name: str = ""


class ReviewSpec(Struct, frozen=True):
    """``authorization.k8s.io/v1`` SelfSubjectAccessReviewSpec."""

    resource_attributes: ResourceAttributes = ResourceAttributes()


class ReviewStatus(Struct, frozen=True):
    """``authorization.k8s.io/v1`` SubjectAccessReviewStatus."""

    allowed: bool = False
    reason: str = ""


class Review(Struct, frozen=True):
    """``authorization.k8s.io/v1`` SelfSubjectAccessReview."""

    metadata: ObjectMeta = ObjectMeta()
    spec: ReviewSpec = ReviewSpec()
    status: ReviewStatus = ReviewStatus()


REVIEWS: Resource[Review] = Resource("authorization.k8s.io", "v1", "SelfSubjectAccessReview", "selfsubjectaccessreviews", Review, namespaced=False)


class RightsCheck:
    """Looks until every right is there; then never again.

    Args:
        client: Whom to ask.
        rights: What is needed.
        own_namespace: The namespace of the rights that are only needed there.
        namespaces: The namespaces of all others; empty for the whole cluster.
        lease: Name of the lease that is held, or empty.
        config: The component's configuration, which has the names of other single objects.
    """

    def __init__(
        self, client: Client, rights: Sequence[Right], *, own_namespace: str, namespaces: Sequence[str] = (), lease: str = "", config: object = None
    ) -> None:
        self._client = client
        self._rights = rights
        self._own_namespace = own_namespace
        self._namespaces = tuple(namespaces) or ("",)
        self._lease = lease
        self._config = config
        self.verdict = Verdict(False, "rights not checked yet")

    async def run(self) -> None:
        """Check, and check again while something is missing or cannot be asked."""
        pauses = Pauses(RETRY)
        while not await self._settled():
            await pauses.wait()
            await self._client.reachable()
        await asyncio.get_running_loop().create_future()

    async def _settled(self) -> bool:
        try:
            missing = "; ".join(await self._missing())
        except errors.StewardError as error:
            # Not a fault of ours: an outage must not keep the process from starting, or the kubelet restarts it again and again.
            self.verdict = Verdict(True, f"rights not checked yet: {error}")
            return False
        if missing and missing != self.verdict.reason:
            log.error("rights are missing; grant them, or set rbac.create=true in the chart", missing=missing)
        self.verdict = Verdict(not missing, missing)
        return not missing

    async def _missing(self) -> list[str]:
        wanted = [
            (right, verb, namespace)
            for right in self._rights
            for verb in right.verbs.split()
            for namespace in ((self._own_namespace,) if right.own_namespace else self._namespaces)
        ]
        # One after the other: nobody waits for the answers, and a server that is away is asked once, not for each right.
        return [
            f"may not {verb} {right}{f' in namespace {where}' if where else ''} ({right.why})"
            for right, verb, where in wanted
            if not await self._ask(right, verb, where)
        ]

    async def _ask(self, right: Right, verb: str, namespace: str) -> bool:
        resource, name = right.resource, right.name_in(self._config)
        if not name and resource == LEASES and verb != "create":
            # A role may be limited to the one that is held; a create names none yet, for RBAC either.
            name = self._lease
        attributes = ResourceAttributes(
            namespace=namespace, verb=verb, group=resource.group, resource=resource.plural, subresource=right.subresource, name=name
        )
        answer = await self._client.create(REVIEWS, Review(spec=ReviewSpec(resource_attributes=attributes)))
        return answer.status.allowed
