"""The webhook's own verdicts behind certificates that are replaced, and creates at a rate that have to pass them."""

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator
from typing import Any

from steward.governance.namespaces import BY_NAMESPACE, SystemNamespaces
from steward.governance.policies import POLICIES
from steward.http.admission import Call, Reply
from steward.webhook import metrics
from steward.webhook.component import COMPONENT
from steward.webhook.endpoint import Endpoint, Scope
from steward.webhook.model import NAMESPACES
from support.doors import PODS, Door
from support.rig import POD, Answering

LATEST = {**POD, "spec": {"containers": [{"name": "a", "image": "a:latest"}]}}
"""A pod that :data:`POLICY` denies; the other one passes."""

POLICY = {
    "apiVersion": "policy.steward.dev/v1alpha1", "kind": "DevOpsPolicy", "metadata": {"name": "strict"},
    "spec": {"forbidLatestTag": True, "enforcementMode": "enforce"},
}  # fmt: skip

AT_ONCE = 32
"""Creates under way at most: where they are not answered in time, fewer are made."""


class Reviewing(Answering):
    """Says what the component says."""

    NEEDS = tuple(right for right in COMPONENT.rights if right.resource in {POLICIES, NAMESPACES})

    def __init__(self, context: Any, certificate: Any) -> None:
        super().__init__(context, certificate)
        # Pods are made where the Secret is, and the release's own namespace is let through.
        scope = Scope(own_namespace="", system=SystemNamespaces(), injected=())
        counters = metrics.Counters(context.instruments)
        self._endpoint = Endpoint(context.store(POLICIES, BY_NAMESPACE), context.store(NAMESPACES), scope=scope, counters=counters)
        context.expose(metrics.IN_FLIGHT, lambda: self.server.in_flight)

    async def reply(self, call: Call) -> Reply:
        """See :class:`~steward.webhook.endpoint.Endpoint`."""
        return await self._endpoint.handle(call)


class Paced:
    """Pods made as dry runs at a rate, such as pass and such as are denied in turn.

    Args:
        door: The API server.
        rate: Creates a second. What is late is made up for.

    Attributes:
        answers: How many were answered.
        wrong: Answers that were not the right ones: what was refused, and what passed unseen.
        longest: Seconds of the longest create.
        seconds: How long it went on.
    """

    def __init__(self, door: Door, *, rate: float) -> None:
        self._door = door
        self._rate = rate
        self._numbers = itertools.count()
        self.answers = 0
        self.wrong: list[str] = []
        self.longest = self.seconds = 0.0

    async def denied(self) -> None:
        """Make the policy, and wait until it is known."""
        await self._door.create("/apis/policy.steward.dev/v1alpha1/namespaces/{}/devopspolicies", POLICY)
        loop = asyncio.get_running_loop()
        end = loop.time() + 20
        while await self._create(LATEST, 403):
            assert loop.time() < end
            await asyncio.sleep(0.05)

    @contextlib.asynccontextmanager
    async def load(self) -> AsyncIterator[None]:
        """Create pods until the block ends."""
        loop, stopping = asyncio.get_running_loop(), asyncio.Event()
        started = loop.time()
        async with asyncio.TaskGroup() as group:
            for _ in range(AT_ONCE):
                group.create_task(self._client(started, stopping))
            yield
            stopping.set()
        self.seconds = loop.time() - started

    async def _client(self, started: float, stopping: asyncio.Event) -> None:
        loop = asyncio.get_running_loop()
        while not stopping.is_set():
            number = next(self._numbers)
            await asyncio.sleep(started + number / self._rate - loop.time())
            began = loop.time()
            wrong = await self._create(*((LATEST, 403) if number % 2 else (POD, 201)))
            self.longest = max(self.longest, loop.time() - began)
            self.answers += 1
            if wrong:
                self.wrong.append(wrong)

    async def _create(self, pod: dict[str, Any], expected: int) -> str:
        """Why the answer was not the right one, or nothing."""
        code, answer = await self._door.call("POST", PODS, pod, dryRun="All")
        return "" if code == expected else f"{code} instead of {expected}: {answer.get('message')}"
