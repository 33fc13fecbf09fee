"""Reasons of the Events about certificates; they are told of the webhook's configuration, and of a Secret that is not ours."""

from __future__ import annotations

from steward.runtime.plan import Reason

CREATED = Reason("WebhookAuthorityCreated", "Normal", "A certificate authority was made where there was none that could be used.")
RENEWING = Reason("WebhookAuthorityRenewing", "Normal", "The next certificate authority was made; it signs nothing until every API server trusts it.")
SWITCHED = Reason("WebhookAuthoritySwitched", "Normal", "The next certificate authority signs now; the former one is still trusted.")
RETIRED = Reason("WebhookAuthorityRetired", "Normal", "A former certificate authority is not trusted any more.")
KEPT = Reason("WebhookAuthorityKept", "Normal", "An authority that the configuration trusted and we had not made stays trusted for a day.")
FOREIGN_SECRET = Reason("WebhookSecretForeign", "Warning", "The Secret for the certificate authority belongs to somebody else and was left alone.")

ALL = (CREATED, RENEWING, SWITCHED, RETIRED, KEPT, FOREIGN_SECRET)
