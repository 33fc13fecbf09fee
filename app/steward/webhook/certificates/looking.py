"""What rotation and replica look at, and when: at every change, and by the wall clock in between."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

from steward.http.pki import fingerprint
from steward.runtime.backoff import Backoff, Pauses
from steward.runtime.component import Context
from steward.runtime.errors import Conflict, LeaseLost, StewardError
from steward.runtime.hands import Hands
from steward.runtime.plan import Outcome
from steward.runtime.resource import Key
from steward.runtime.stopping import StoppedFirst, unless_stopped
from steward.runtime.store import Change
from steward.telemetry.logging import get_logger
from steward.webhook.certificates import model
from steward.webhook.certificates.model import KubeSecret, WebhookConfiguration
from steward.webhook.certificates.stored import Stored, read

RETRY = Backoff(first=0.2, factor=2.0, jitter=0.5, cap=10.0, reset=30.0)
"""Pauses after a write that failed; a Conflict only means that somebody was faster."""

log = get_logger(__name__)


class Seen:
    """The three things that decide, from the caches, and since when each authority is trusted.

    Args:
        context: For the caches.
        secret: Key of the Secret.
        configuration: Name of the ValidatingWebhookConfiguration; empty where there is none to look at.
        service: Name of the Service, in the namespace of the Secret.
    """

    def __init__(self, context: Context[Any], *, secret: Key, configuration: str, service: str) -> None:
        self.key = secret
        self._configuration = Key("", configuration)
        self._secrets = context.store(model.SECRETS, namespace=secret.namespace, name=secret.name)
        self._configurations = context.store(model.CONFIGURATIONS, namespace="", name=configuration) if configuration else None
        # Every slice of a Service carries its name (KEP-752).
        self._slices = context.store(model.SLICES, namespace=secret.namespace, selector=f"kubernetes.io/service-name={service}")
        self._since: dict[str, float] = {}
        self._woken: list[asyncio.Event] = []
        for store in (self._secrets, self._configurations, self._slices):
            if store is not None:
                context.subscribe(store, self._changed)

    @property
    def secret(self) -> KubeSecret | None:
        """The Secret."""
        return self._secrets.get(self.key)

    @property
    def stored(self) -> Stored:
        """What it says; nothing where there is none."""
        return read(self.secret or KubeSecret())

    @property
    def configuration(self) -> WebhookConfiguration | None:
        """The configuration of the webhook."""
        return self._configurations.get(self._configuration) if self._configurations is not None else None

    @property
    def ready(self) -> frozenset[str]:
        """Names of the pods that the Service sends calls to."""
        return model.ready_pods(self._slices)

    def trusted_for(self) -> dict[str, dt.timedelta]:
        """Fingerprints of the authorities that every entry of the configuration trusts, and for how long we saw that without a break.

        By the monotonic clock and from our own observation, because the clock of whoever led before may differ.
        """
        now = asyncio.get_running_loop().time()
        return {one: dt.timedelta(seconds=now - since) for one, since in self._since.items()}

    def wakes(self, event: asyncio.Event) -> None:
        """Set this event at every change."""
        self._woken.append(event)

    async def settle(self, hands: Hands, outcome: Outcome) -> None:
        """Raise what went wrong; after a Conflict what is written is read anew before."""
        for error in outcome.errors:
            if isinstance(error, Conflict):
                await hands.refresh(self._secrets, self.key)
                if self._configurations is not None:
                    await hands.refresh(self._configurations, self._configuration)
            raise error

    def _changed(self, change: Change[Any]) -> None:
        if isinstance(change.object, WebhookConfiguration):
            now, entries = asyncio.get_running_loop().time(), change.new.webhooks if change.new is not None else ()
            known = [{fingerprint(one) for one in model.trusted(entry)} for entry in entries]
            common = set.intersection(*known) if known else set()
            self._since = {one: self._since.get(one, now) for one in common}
        for event in self._woken:
            event.set()


async def look_again(look: Callable[[], Coroutine[Any, Any, float]], *, woken: asyncio.Event, stopping: asyncio.Event) -> None:
    """Look, and again at every change, after the seconds a look returns, or soon after one that failed; until told to stop.

    Raises: LeaseLost, when a look does.
    """
    pauses = Pauses(RETRY)
    while not stopping.is_set():
        woken.clear()
        try:
            seconds = await look()
        except LeaseLost:
            raise
        except StewardError as error:
            log.warning("certificates not brought up to date, trying again", reason=str(error))
            seconds = pauses.next()
        with suppress(StoppedFirst, TimeoutError):
            async with asyncio.timeout(seconds):
                await unless_stopped(stopping, woken.wait())
