"""Calls that no review is asked for, because of their size or of how many there are."""

from __future__ import annotations

import asyncio

from steward.telemetry.logging import get_logger
from steward.webhook.metrics import Counters

QUIET_SECONDS = 60.0
"""How long the log keeps quiet about a reason once it has told of it: whoever overloads us shall not fill the log, too."""

log = get_logger(__name__)


class Refusals:
    """Counts each, and tells the log of the first of a minute, by reason."""

    def __init__(self, counters: Counters) -> None:
        self._counters = counters
        self._told: dict[str, float] = {}

    def __call__(self, reason: str) -> None:
        """One more; ``reason`` is one of :data:`steward.webhook.metrics.FAILURES`."""
        self._counters.failed(reason)
        now = asyncio.get_running_loop().time()
        if now >= self._told.get(reason, now):
            self._told[reason] = now + QUIET_SECONDS
            log.warning("call not taken", failure=reason)
