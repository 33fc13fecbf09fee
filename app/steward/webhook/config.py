"""What a user can configure about admission, and what the chart tells the process about its installation."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

from steward.governance.namespaces import SYSTEM_NAMESPACES, Patterns, check_patterns
from steward.governance.rules import INJECTED, Injected

DERIVED: dict[str, Any] = {"x-derived": True}
"""Marks a field that the chart fills from other values; it is no value itself."""

Port = Annotated[int, msgspec.Meta(ge=1, le=65535)]


class Serving(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True, kw_only=True):
    """Where admission is served, and under which names."""

    port: Annotated[Port, msgspec.Meta(description="Port that the API server calls, with TLS.")] = 8443
    tls_mode: Annotated[
        Literal["self", "files"], msgspec.Meta(description="Whether the component makes its certificates and rotates them, or reads them from files.")
    ] = "self"
    tls_cert_file: Annotated[str, msgspec.Meta(description="PEM file of the certificate, with tlsMode files.")] = ""
    tls_private_key_file: Annotated[str, msgspec.Meta(description="PEM file of its key.")] = ""
    service_name: Annotated[str, msgspec.Meta(description="Service that the API server calls.")] = "steward-webhook"
    secret_name: Annotated[str, msgspec.Meta(description="Secret with the authority of the certificates, with tlsMode self.")] = (
        "steward-webhook-certificates"  # noqa: S105 - a name
    )
    configuration_name: Annotated[str, msgspec.Meta(description="The ValidatingWebhookConfiguration; empty where there is none.")] = "steward-webhook"
    cluster_domain: Annotated[str, msgspec.Meta(description="Domain of the cluster's Services.")] = "cluster.local"


class Config(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True, kw_only=True):
    """Configuration of the component ``webhook``."""

    injected_containers: Injected = INJECTED
    system_namespaces: Patterns = SYSTEM_NAMESPACES
    serving: Annotated[Serving, msgspec.Meta(description="Where admission is served.", extra_json_schema=DERIVED)] = Serving()

    def __post_init__(self) -> None:
        """Refuse what would silently never match. Raises: ConfigError."""
        check_patterns("config.systemNamespaces", self.system_namespaces)
