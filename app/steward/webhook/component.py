"""The component ``webhook`` in one place."""

from __future__ import annotations

from steward.governance.policies import POLICIES
from steward.runtime.component import Component, Right
from steward.webhook import certificates, metrics, reasons
from steward.webhook.config import Config
from steward.webhook.model import NAMESPACES
from steward.webhook.service import build

COMPONENT = Component(
    name="webhook",
    summary="Admission review of pods against the policies of their namespace.",
    config=Config,
    rights=(
        Right(POLICIES, "list watch", why="what is asked of pods"),
        Right(NAMESPACES, "list watch", why="nothing is denied in a namespace that ends, and one just made is waited for"),
        *certificates.RIGHTS,
    ),
    metrics=(*metrics.ALL, *certificates.metrics.ALL),
    reasons=(*reasons.ALL, *certificates.reasons.ALL),
    build=build,
    elects_leader=False,
    events_when=certificates.SELF,
)
