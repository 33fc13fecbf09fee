"""Reasons of the Events on policies, and of their conditions."""

from __future__ import annotations

from steward.runtime.plan import Reason

HEALTHY = Reason("PolicyHealthy", "Normal", "The score is 80 or more again.")
UNHEALTHY = Reason("PolicyUnhealthy", "Warning", "The score has fallen below 80.")
EXEMPTION_EXPIRED = Reason("ExemptionExpired", "Warning", "An exemption has ended; what it covered counts again.")
EXEMPTION_EXPIRING = Reason("ExemptionExpiring", "Warning", "An exemption ends within seven days.")

ALL = (HEALTHY, UNHEALTHY, EXEMPTION_EXPIRED, EXEMPTION_EXPIRING)

EVALUATED = "Evaluated"
"""Reason of the condition Ready. That of Healthy is the class of the score."""

NOTHING_TO_JUDGE = "NothingToJudge"
