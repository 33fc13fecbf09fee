"""How long certificates live, and what is waited for. No values of users: each has its reason in how API servers work."""

from __future__ import annotations

import datetime as dt

import msgspec
from cryptography import x509

from steward.http.pki import Validity

HOUR, DAY = dt.timedelta(hours=1), dt.timedelta(days=1)


class Timing(msgspec.Struct, frozen=True):
    """Lives and waits.

    Attributes:
        authority: Life of an authority, as cert-manager's and kyverno's own.
        leaf: Life of a server's certificate: short, since replacing it costs nothing and asks nobody.
        skew: How far a certificate's beginning is before its making, for clocks that are behind.
        left: Part of a life below which the successor is made: cert-manager renews after two thirds.
        spread: What is waited after the configuration was seen to trust the next authority. API servers hear of it by their own watch and
            nothing acknowledges; a minute is a choice, a hundred times what a watch takes.
        drain: How long a former authority stays trusted at least, after the switch.
        poll: How often everything is looked at by the wall clock. A machine that slept has missed every timer.
        forgotten: How long the word of a replica that is not there any more stays.
    """

    authority: dt.timedelta = 365 * DAY
    leaf: dt.timedelta = 7 * DAY
    skew: dt.timedelta = HOUR
    left: float = 1 / 3
    spread: dt.timedelta = dt.timedelta(seconds=60)
    drain: dt.timedelta = DAY
    poll: dt.timedelta = dt.timedelta(seconds=10)
    forgotten: dt.timedelta = HOUR

    def validity(self, now: dt.datetime, life: dt.timedelta) -> Validity:
        """From when to when something holds that is made now."""
        return Validity(now - self.skew, now + life)

    def made(self, certificate: x509.Certificate) -> dt.datetime:
        """When it was made."""
        return certificate.not_valid_before_utc + self.skew

    def is_due(self, certificate: x509.Certificate, now: dt.datetime) -> bool:
        """Whether it needs a successor: most of its life is over, or its life has not begun, because a clock went back."""
        end = certificate.not_valid_after_utc
        return now < certificate.not_valid_before_utc or end - now < (end - self.made(certificate)) * self.left


TIMING = Timing()
"""What holds in production."""
