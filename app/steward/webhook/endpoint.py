"""From a call to its answer: reads the caches, asks the review, counts, and knows what to answer when there is no review.

A call that fails must not look like a refusal, nor a refusal like a failure: the API server passes over failures where the configuration
says ``failurePolicy: Ignore``, and never over a refusal. The path says which of both the caller's configuration wants, so that it and
this process cannot disagree.
"""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Collection, Generator, Iterable

import msgspec

from steward.governance.namespaces import BY_NAMESPACE, SystemNamespaces
from steward.governance.policies import DevOpsPolicy
from steward.http.admission import Call, Reply
from steward.runtime.backoff import pause
from steward.runtime.resource import Key
from steward.runtime.store import Store
from steward.telemetry.logging import get_logger
from steward.webhook import answers
from steward.webhook.metrics import Counters
from steward.webhook.model import Namespace, Request
from steward.webhook.naming import name
from steward.webhook.review import ALLOWED, Decision, reviewing
from steward.webhook.subject import subject

OPEN, CLOSED = "/validate/open", "/validate/closed"
"""Paths for ``failurePolicy: Ignore`` and ``Fail``."""

FRESH_SECONDS, LOOK_SECONDS = 0.1, 0.005
"""How long a namespace may be unknown that was made a moment ago, for the watch to tell of it, and how often is looked."""

log = get_logger(__name__)


class Unreviewed(Exception):
    """There can be no review.

    Attributes:
        reason: One of :data:`steward.webhook.metrics.FAILURES`.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class Scope(msgspec.Struct, frozen=True):
    """Which requests are looked at.

    Attributes:
        own_namespace: Ours, which is let through: our pods must come back while nobody answers for them.
        system: Those of the cluster itself, which are let through too.
        injected: Names of containers that nobody wrote.
    """

    own_namespace: str
    system: SystemNamespaces
    injected: Collection[str]


class Endpoint:
    """Answers calls.

    Args:
        policies: All policies, indexed by :data:`~steward.governance.namespaces.BY_NAMESPACE`.
        namespaces: All namespaces; None where only some are looked at, and may be read.
        scope: What is looked at.
        counters: Where it counts.
    """

    def __init__(self, policies: Store[DevOpsPolicy], namespaces: Store[Namespace] | None, *, scope: Scope, counters: Counters) -> None:
        self._policies = policies
        self._namespaces = namespaces
        self._scope = scope
        self._counters = counters

    async def handle(self, call: Call) -> Reply:
        """Answer one call. Never raises."""
        try:
            request = answers.read(call.content_type, call.body)
        except answers.Malformed as error:
            self._counters.failed("malformed")
            log.warning("call is no review", reason=str(error))
            return answers.malformed(error)
        try:
            decision = await self._decide(request, call.deadline)
        except Unreviewed as error:
            return self._unreviewed(call, request, error.reason, str(error))
        except Exception as error:  # noqa: BLE001 - an error of ours is answered by the failure policy, whatever it is
            log.error("review failed", namespace=request.namespace, name=name(request), exc=error)
            return self._unreviewed(call, request, "error", f"the review failed with {type(error).__name__}")
        if not decision.allowed:
            log.info("denied", namespace=request.namespace, name=name(request), user=request.user_info.username, reason=decision.message)
        self._counters.answered(request, decision, asyncio.get_running_loop().time() - call.started)
        return answers.decided(request, decision)

    async def _decide(self, request: Request, deadline: float) -> Decision:
        if request.namespace in ("", self._scope.own_namespace) or request.namespace in self._scope.system:
            return ALLOWED
        if asyncio.get_running_loop().time() > deadline:
            raise Unreviewed("deadline", "the call came too late")
        try:
            found = subject(request)
        except answers.UNREADABLE as error:
            raise Unreviewed("malformed", f"the object cannot be read: {error}") from error
        if found is None:
            return ALLOWED
        is_ending = self._namespaces is not None and await self._is_ending(self._namespaces, request.namespace, deadline)
        now = dt.datetime.now(dt.UTC)
        policies = self._policies_of(request.namespace)
        return await _in_turns(reviewing(found, policies, now=now, injected=self._scope.injected, is_ending=is_ending), deadline)

    async def _is_ending(self, namespaces: Store[Namespace], namespace: str, deadline: float) -> bool:
        """Whether the namespace is being deleted. One that is not known yet may have policies that are not known yet either."""
        loop = asyncio.get_running_loop()
        until = min(loop.time() + FRESH_SECONDS, deadline)
        while (found := namespaces.get(Key("", namespace))) is None:
            if loop.time() >= until:
                raise Unreviewed("namespace", f"namespace {namespace} is not known yet")
            await pause(LOOK_SECONDS)
        return found.metadata.deletion_timestamp is not None

    def _policies_of(self, namespace: str) -> Iterable[DevOpsPolicy]:
        unreadable = sorted(key.name for key in self._policies.unreadable if key.namespace == namespace)
        if unreadable:
            raise Unreviewed("policy", f"DevOpsPolicy {', '.join(unreadable)} cannot be read")
        return self._policies.by(BY_NAMESPACE, namespace)

    def _unreviewed(self, call: Call, request: Request, reason: str, message: str) -> Reply:
        self._counters.failed(reason)
        log.warning("no review", failure=reason, reason=message, namespace=request.namespace, name=name(request), path=call.path)
        if call.path == CLOSED:
            return answers.failed_closed(message)
        passed = Decision(allowed=True, warnings=(f"DevOpsPolicy: not checked: {message}"[:256],))
        self._counters.answered(request, passed, asyncio.get_running_loop().time() - call.started)
        return answers.decided(request, passed)


async def _in_turns(steps: Generator[None, None, Decision], deadline: float) -> Decision:
    """Carry out a review, and let other calls have their turn between its steps. Raises: Unreviewed when it is too late to go on."""
    loop = asyncio.get_running_loop()
    while True:
        try:
            next(steps)
        except StopIteration as over:
            decision: Decision = over.value
            return decision
        await pause(0)
        if loop.time() > deadline:
            raise Unreviewed("deadline", "its policies could not all be asked in time")
