"""``ValidatingWebhookConfiguration`` as ``steward webhook install-config`` reads and writes it."""

from __future__ import annotations

from typing import Any

from steward.runtime.resource import ChildMeta, Resource, Struct


class Configuration(Struct, frozen=True):
    """``admissionregistration/v1.ValidatingWebhookConfiguration``; its entries are the chart's and are not looked into."""

    metadata: ChildMeta = ChildMeta()
    webhooks: tuple[dict[str, Any], ...] = ()


CONFIGURATIONS: Resource[Configuration] = Resource(
    "admissionregistration.k8s.io", "v1", "ValidatingWebhookConfiguration", "validatingwebhookconfigurations", Configuration, namespaced=False
)
