"""What is read and written: the Secret with the authority, the configuration that trusts it, and who answers for the Service."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable

import msgspec
from cryptography import x509

from steward.http import pki
from steward.runtime.resource import ChildMeta, ObjectMeta, Resource, Struct
from steward.telemetry.secret import Secret

MANAGER = "steward-webhook-certs"
"""Field manager of ``caBundle``: cainjector, Helm and Argo CD are told apart from us by it."""

MANAGED_BY_LABEL, MANAGED_BY = "app.kubernetes.io/managed-by", "steward"
INSTANCE_LABEL = "steward.dev/instance"


class KubeSecret(Struct, frozen=True):
    """``corev1.Secret``. Its values are base64 and never shown."""

    metadata: ChildMeta = ChildMeta()
    type: str = ""
    data: dict[str, Secret] = msgspec.field(default_factory=dict)


class ClientConfig(Struct, frozen=True):
    """``admissionregistration.k8s.io/v1`` WebhookClientConfig: whom the API server trusts."""

    ca_bundle: str = ""


class Webhook(Struct, frozen=True):
    """``admissionregistration.k8s.io/v1`` ValidatingWebhook: its name and what we write of it."""

    name: str = ""
    client_config: ClientConfig = ClientConfig()


class WebhookConfiguration(Struct, frozen=True):
    """``admissionregistration.k8s.io/v1`` ValidatingWebhookConfiguration."""

    metadata: ChildMeta = ChildMeta()
    webhooks: tuple[Webhook, ...] = ()


class Conditions(Struct, frozen=True):
    """``discovery.k8s.io/v1`` EndpointConditions. Unknown means ready."""

    ready: bool | None = None


class Target(Struct, frozen=True):
    """``corev1.ObjectReference`` of an endpoint."""

    kind: str = ""
    name: str = ""


class Endpoint(Struct, frozen=True):
    """``discovery.k8s.io/v1`` Endpoint."""

    conditions: Conditions = Conditions()
    target_ref: Target | None = None


class EndpointSlice(Struct, frozen=True):
    """``discovery.k8s.io/v1`` EndpointSlice."""

    metadata: ObjectMeta = ObjectMeta()
    endpoints: tuple[Endpoint, ...] | None = ()


SECRETS: Resource[KubeSecret] = Resource("", "v1", "Secret", "secrets", KubeSecret)
CONFIGURATIONS: Resource[WebhookConfiguration] = Resource(
    "admissionregistration.k8s.io",
    "v1",
    "ValidatingWebhookConfiguration",
    "validatingwebhookconfigurations",
    WebhookConfiguration,
    namespaced=False,
)
SLICES: Resource[EndpointSlice] = Resource("discovery.k8s.io", "v1", "EndpointSlice", "endpointslices", EndpointSlice)


def encoded(text: str) -> str:
    """A text as JSON has bytes."""
    return base64.b64encode(text.encode()).decode()


def decoded(text: str) -> str:
    """The other way round; empty for what is no base64 of a text."""
    try:
        return base64.b64decode(text, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return ""


def trusted(webhook: Webhook) -> tuple[x509.Certificate, ...]:
    """The authorities one entry of the configuration trusts; none where the bundle is rubbish, which the API server would not have taken."""
    try:
        return pki.read_certificates(decoded(webhook.client_config.ca_bundle))
    except pki.Unusable:
        return ()


def ready_pods(slices: Iterable[EndpointSlice]) -> frozenset[str]:
    """Names of the pods that the Service sends calls to."""
    found = (endpoint for one in slices for endpoint in one.endpoints or () if endpoint.conditions.ready is not False)
    return frozenset(endpoint.target_ref.name for endpoint in found if endpoint.target_ref is not None and endpoint.target_ref.kind == "Pod")
