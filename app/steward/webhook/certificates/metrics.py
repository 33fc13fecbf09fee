"""What is measured of certificates."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from cryptography import x509

from steward.telemetry.metrics import Counter, Sample, StateGauge
from steward.webhook.certificates.rotation import STEPS

PREFIX = "kube_devops_webhook_certificate"
LEAF = "leaf"

Known = Callable[[], Iterable[tuple[str, x509.Certificate]]]
"""The certificates there are now, each with what it is: ``leaf`` or ``ca``."""

EXPIRY: StateGauge[Known] = StateGauge(
    f"{PREFIX}_expiry_timestamp_seconds",
    "Unix time at which a certificate ends: the leaf that this replica shows, and the CA that signs.",
    ("certificate",),
    lambda known: [Sample((name,), certificate.not_valid_after_utc.timestamp()) for name, certificate in known()],
)
NOT_BEFORE: StateGauge[Known] = StateGauge(
    f"{PREFIX}_not_before_timestamp_seconds",
    "Unix time from which a certificate holds.",
    ("certificate",),
    lambda known: [Sample((name,), certificate.not_valid_before_utc.timestamp()) for name, certificate in known()],
)
ROTATIONS = Counter(
    f"{PREFIX}_rotations_total",
    "Steps of rotations of certificates: those of the CA on the replica that leads, and new leaves.",
    ("step",),
    preset=tuple((step,) for step in (*STEPS, LEAF)),
)

ALL = (EXPIRY, NOT_BEFORE, ROTATIONS)
