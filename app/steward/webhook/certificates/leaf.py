"""The certificate this replica shows: signed here, in memory, by the stored authority, and swapped in whole once the API server would believe it."""

from __future__ import annotations

import datetime as dt
import ssl
from collections.abc import Sequence

import msgspec
from cryptography import x509

from steward.http import pki
from steward.http.pki import fingerprint
from steward.http.tls import CertificateUnreadable
from steward.telemetry.logging import get_logger
from steward.webhook.certificates.model import WebhookConfiguration, trusted
from steward.webhook.certificates.stored import Shown, Stored
from steward.webhook.certificates.timing import Timing

log = get_logger(__name__)


class Held(msgspec.Struct, frozen=True):
    """What is shown.

    Attributes:
        certificate: The leaf.
        authority: Who signed it.
        since: When it was swapped in.
        context: What connections are made with.
    """

    certificate: x509.Certificate
    authority: x509.Certificate
    since: dt.datetime
    context: ssl.SSLContext


class Leaf:
    """The :class:`~steward.http.tls.Certificate` of the server. All of it but :meth:`context` and :attr:`held` belongs to the event loop.

    Args:
        hosts: What the server is called; the API server asks for the first.
        timing: Lives and waits.

    Attributes:
        held: What is shown; None before the first.
        doubt: Why the API server would not believe it; empty if it would, or if nothing tells it to call us.
        believed: Whether it has been believed once.
    """

    def __init__(self, hosts: Sequence[str], timing: Timing) -> None:
        self._hosts = tuple(hosts)
        self._timing = timing
        self.held: Held | None = None
        self.doubt = "there is no certificate yet"
        self.believed = False

    def context(self) -> ssl.SSLContext:
        """See :class:`steward.http.tls.Certificate`."""
        held = self.held
        if held is None:
            raise CertificateUnreadable("There is no certificate yet.")
        return held.context

    @property
    def shown(self) -> Shown | None:
        """What there is to tell the leader."""
        held = self.held
        if held is None:
            return None
        until = held.certificate.not_valid_after_utc
        return Shown(fingerprint(held.authority), fingerprint(held.certificate), until, held.since)

    def look(self, stored: Stored, configuration: WebhookConfiguration | None, now: dt.datetime) -> bool:
        """Sign another one if that is due, and show it if it would be believed, or if what is shown is not believed either.

        Returns: Whether another one is shown now.
        """
        swapped = self._is_due(stored, now) and self._swap(stored, configuration, now)
        held = self.held
        self.doubt = self._distrust(held.certificate, configuration, now) if held is not None else stored.problem or "there is no authority yet"
        self.believed = self.believed or not self.doubt
        return swapped

    def _is_due(self, stored: Stored, now: dt.datetime) -> bool:
        active, held = stored.active, self.held
        if active is None or now >= active.certificate.not_valid_after_utc:
            return False
        if held is None or held.authority != active.certificate or pki.hosts_of(held.certificate) != set(self._hosts):
            return True
        return self._timing.is_due(held.certificate, now)

    def _swap(self, stored: Stored, configuration: WebhookConfiguration | None, now: dt.datetime) -> bool:
        assert stored.active is not None, "due"
        pair = pki.server(self._hosts, self._timing.validity(now, self._timing.leaf), issuer=stored.active)
        doubt = self._distrust(pair.certificate, configuration, now)
        held = self.held
        if doubt and held is not None and not self._distrust(held.certificate, configuration, now):
            log.warning("new certificate not shown: the API server would not believe it", reason=doubt)
            return False
        try:
            context = pki.context(pair)
        except pki.Unusable as error:
            log.error("new certificate not shown: it cannot be used", reason=str(error))
            return False
        self.held = Held(pair.certificate, stored.active.certificate, now, context)
        log.info("certificate renewed", fingerprint=fingerprint(pair.certificate), until=str(pair.certificate.not_valid_after_utc))
        return True

    def _distrust(self, certificate: x509.Certificate, configuration: WebhookConfiguration | None, now: dt.datetime) -> str:
        """Why an API server that calls by this configuration would not believe a certificate."""
        entries = configuration.webhooks if configuration is not None else ()
        found = (pki.distrust(certificate, self._hosts[0], trusted(entry), now) for entry in entries)
        return next((reason for reason in found if reason), "")
