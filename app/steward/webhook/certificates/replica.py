"""What every replica does: shows a certificate of the stored authority, says so, and says whether the API server would believe it."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Iterable
from typing import Any

from cryptography import x509

from steward.http.pki import fingerprint
from steward.runtime.component import Context
from steward.runtime.plan import Patch, Plan
from steward.telemetry.probes import Verdict
from steward.webhook.certificates import metrics
from steward.webhook.certificates.leaf import Leaf
from steward.webhook.certificates.looking import Seen, look_again
from steward.webhook.certificates.model import SECRETS
from steward.webhook.certificates.rotation import is_ours
from steward.webhook.certificates.stored import Stored, annotation, said
from steward.webhook.certificates.timing import Timing


class Replica:
    """A :class:`~steward.runtime.component.Service`. Needs no leader: leaves renew themselves as long as there is an authority.

    Args:
        context: For the writes.
        seen: What decides.
        leaf: What the server shows.
        timing: Lives and waits.
    """

    name = "certificate"

    def __init__(self, context: Context[Any], seen: Seen, leaf: Leaf, *, timing: Timing) -> None:
        self._context = context
        self._hands = context.hands
        self._seen = seen
        self._leaf = leaf
        self._timing = timing
        self._stored = Stored()
        self._woken = asyncio.Event()
        seen.wakes(self._woken)
        for gauge in (metrics.EXPIRY, metrics.NOT_BEFORE):
            context.expose(gauge, self._known)

    async def run(self, stopping: asyncio.Event) -> None:
        """Keep the certificate up to date until told to stop."""
        await look_again(self.look, woken=self._woken, stopping=stopping)

    async def look(self) -> float:
        """Do what is due. Returns: seconds until it is worth another look."""
        now = dt.datetime.now(dt.UTC)
        secret = self._seen.secret
        self._stored = self._seen.stored if secret is not None and is_ours(secret, self._context.instance) else Stored()
        if self._leaf.look(self._stored, self._seen.configuration, now):
            self._context.instruments[metrics.ROTATIONS].labels(metrics.LEAF).inc()
        outcome = await self._hands.perform(self._confirmation())
        await self._seen.settle(self._hands, outcome)
        return self._timing.poll.total_seconds()

    def ready(self) -> Verdict:
        """Whether this replica may be called: it shows a certificate that has not expired and was believed once.

        Not believed any more is told and no refusal: taken from the Service, this replica would come back later than the repair.
        """
        held = self._leaf.held
        if held is None:
            return Verdict(False, self._leaf.doubt)
        if dt.datetime.now(dt.UTC) >= held.certificate.not_valid_after_utc:
            return Verdict(False, "the certificate has expired")
        if self._leaf.doubt:
            return Verdict(self._leaf.believed, f"the API server would not believe it: {self._leaf.doubt}")
        active = self._stored.active
        is_wanted = active is None or active.certificate == held.authority
        return Verdict(True, f"leaf {fingerprint(held.certificate)[:16]}" + ("" if is_wanted else " of a former authority"))

    def _confirmation(self) -> Plan:
        """Tell the leader what is shown. Only who is called needs to: a pod that is going is not waited for."""
        pod, secret, shown = self._hands.identity.rpartition("_")[0], self._seen.secret, self._leaf.shown
        if secret is None or shown is None or pod not in self._seen.ready or self._stored.shown.get(annotation(pod)) == shown:
            return Plan()
        fields = {"metadata": {"annotations": {annotation(pod): said(shown)}}}
        return Plan(actions=(Patch(SECRETS, secret, fields, owned=lambda found: is_ours(found, self._context.instance)),))

    def _known(self) -> Iterable[tuple[str, x509.Certificate]]:
        held, active = self._leaf.held, self._stored.active
        if held is not None:
            yield metrics.LEAF, held.certificate
        if active is not None:
            yield "ca", active.certificate
