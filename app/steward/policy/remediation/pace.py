"""How many workloads are patched, and when. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from steward.policy.remediation.config import RemediationConfig
from steward.policy.remediation.guards import Held
from steward.policy.remediation.history import SKEW

HOUR = dt.timedelta(hours=1)

LOOK_SECONDS = 60.0
"""How often a workload that waits for its turn looks again."""


def held(config: RemediationConfig, *, busy: int, recent: Sequence[dt.datetime], now: dt.datetime) -> tuple[Held, float] | None:
    """What of the time holds a patch back, and the seconds until it may not any more.

    Args:
        config: Windows and rates.
        busy: Workloads of the namespace that are being watched.
        recent: When workloads were patched, in all namespaces.
        now: Decides.
    """
    opens = [window.opens(now) for window in config.windows]
    if opens and None not in opens:
        at = min(moment for moment in opens if moment is not None)
        return Held("window", f"outside the maintenance windows; the next begins at {at:%a %H:%M} UTC."), (at - now).total_seconds()
    if busy >= config.max_per_namespace:
        return Held("namespace_busy", "another workload of the namespace was patched and is being watched."), LOOK_SECONDS
    within = sorted(at for at in recent if is_recent(at, now))
    if len(within) >= config.max_per_hour:
        wait = (within[-config.max_per_hour] + HOUR - now).total_seconds()
        return Held("rate", f"{len(within)} workloads were patched within the last hour, as many as maxPerHour allows."), wait
    return None


def is_recent(at: dt.datetime, now: dt.datetime) -> bool:
    """Whether it was within the last hour. What is yet to come, beyond what clocks differ by, is nothing that was done."""
    return -SKEW <= now - at < HOUR
