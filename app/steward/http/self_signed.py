"""A certificate made by the process itself, for ports whose clients want no proof of who answers."""

from __future__ import annotations

import datetime as dt
import socket
import ssl
import threading
import time

VALID_DAYS = 90
"""Of one certificate. Nobody has to trust it, so it costs nothing to make another."""

RENEWED_AFTER = 2 / 3
"""Part of that time after which a new one is made: cert-manager's default."""

SKEW = dt.timedelta(minutes=5)
"""How far a client's clock may be behind ours."""


class SelfSigned:
    """Makes a certificate when it is first asked for, and a new one long before that ends. The key is never outside of memory and /tmp."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._renew_at = 0.0
        self._context: ssl.SSLContext | None = None

    def context(self) -> ssl.SSLContext:
        """See :class:`steward.http.tls.Certificate`."""
        with self._lock:
            if self._context is None or time.monotonic() >= self._renew_at:
                self._context = _make()
                self._renew_at = time.monotonic() + VALID_DAYS * RENEWED_AFTER * 24 * 3600
            return self._context


def _make() -> ssl.SSLContext:
    # Only who asks for this pays for the import.
    from steward.http import pki

    now = dt.datetime.now(dt.UTC)
    return pki.context(pki.server([socket.gethostname(), "localhost"], pki.Validity(now - SKEW, now + dt.timedelta(days=VALID_DAYS))))
