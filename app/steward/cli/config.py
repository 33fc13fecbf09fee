"""The configuration file of a process: YAML, camelCase keys, unknown keys are errors."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Generic, TypeVar

import msgspec
import yaml
from msgspec import Meta

from steward.cli import explain
from steward.runtime.errors import ConfigError
from steward.runtime.resource import check_namespaces
from steward.telemetry import logging

C = TypeVar("C")

Port = Annotated[int, Meta(ge=1, le=65535)]
Seconds = Annotated[float, Meta(gt=0)]


class Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel", kw_only=True):
    """Base of every part of the file."""


class LogConfig(Section, frozen=True, kw_only=True):
    """What is logged and how."""

    level: Annotated[logging.Level, Meta(description="Least level written.")] = "info"
    format: Annotated[logging.Format, Meta(description="One JSON object a line, or text for terminals.")] = "json"


class HTTPConfig(Section, frozen=True, kw_only=True):
    """Where the process answers, and to whom."""

    metrics_port: Annotated[Port, Meta(description="Serves /metrics, /events and the health checks.")] = 8080
    health_port: Annotated[Port, Meta(description="Serves the health checks only.")] = 8081
    tls: Annotated[bool, Meta(description="Whether the metrics port speaks TLS.")] = False
    tls_cert_file: Annotated[str, Meta(description="PEM file of the certificate; when empty the process makes one that nobody can check.")] = ""
    tls_private_key_file: Annotated[str, Meta(description="PEM file of its key.")] = ""
    authorization: Annotated[bool, Meta(description="Whether all but the health checks wants a token whose bearer may get the path, by RBAC.")] = (
        False
    )

    def __post_init__(self) -> None:
        """Refuse what would be less safe than it looks. Raises: ConfigError."""
        if bool(self.tls_cert_file) != bool(self.tls_private_key_file):
            missing, given = ("tlsCertFile", "tlsPrivateKeyFile") if self.tls_private_key_file else ("tlsPrivateKeyFile", "tlsCertFile")
            raise ConfigError(f"http.{missing}: empty, and {given} is not. Write both, or neither.")
        if self.tls_cert_file and not self.tls:
            raise ConfigError("http.tls: false, and tlsCertFile names a certificate. Write true, or no file.")
        if self.authorization and not self.tls:
            raise ConfigError("http.authorization: true, and http.tls is false, so tokens would be sent in the clear. Write http.tls: true.")


class TracingConfig(Section, frozen=True, kw_only=True):
    """Where traces go. Headers and certificates for the collector come from OpenTelemetry's environment variables."""

    endpoint: Annotated[str, Meta(pattern="^(https?://.+)?$", description="URL of an OTLP/HTTP collector, without a path; off when empty.")] = ""
    sample_ratio: Annotated[float, Meta(ge=0, le=1, description="Part of the reconciles that is traced.")] = 1.0


class LeaderElectionConfig(Section, frozen=True, kw_only=True):
    """Which Lease makes one replica the leader."""

    enabled: Annotated[bool, Meta(description="False where there is never more than one replica.")] = True
    lease_name: Annotated[str, Meta(description="Name of the Lease; steward-COMPONENT when empty.")] = ""
    lease_namespace: Annotated[str, Meta(description="Namespace of the Lease; the process's own when empty.")] = ""
    lease_duration_seconds: Annotated[Seconds, Meta(description="What other replicas wait after the last renewal they saw.")] = 15.0
    renew_deadline_seconds: Annotated[Seconds, Meta(description="How long after its last renewal a leader stops.")] = 10.0
    retry_period_seconds: Annotated[Seconds, Meta(description="Time between attempts.")] = 2.0


class ProcessConfig(Section, Generic[C], frozen=True, kw_only=True):
    """The whole file. ``config`` is the component's own part."""

    log: LogConfig = LogConfig()
    http: HTTPConfig = HTTPConfig()
    tracing: TracingConfig = TracingConfig()
    leader_election: LeaderElectionConfig = LeaderElectionConfig()
    namespaces: Annotated[tuple[str, ...], Meta(description="The only namespaces that are looked at; all when empty.")] = ()
    config: C

    def __post_init__(self) -> None:
        """Refuse what would silently never match. Raises: ConfigError."""
        check_namespaces("namespaces", self.namespaces)


def load(path: str, component_config: type[C]) -> ProcessConfig[C]:
    """Read and check a configuration file; an absent key has its default.

    Args:
        path: The file.
        component_config: Struct of the component's own part.

    Raises: ConfigError with the file, the field, what was found and what to write.
    """
    document = _read(path)
    if isinstance(document, dict):
        document.setdefault("config", {})
    shape = ProcessConfig[component_config]  # type: ignore[valid-type]
    try:
        config: ProcessConfig[C] = msgspec.convert(document, shape)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from error
    except msgspec.ValidationError as error:
        raise ConfigError(f"{path}: {explain.invalid(error, document, msgspec.json.schema(shape))}") from error
    if config.http.metrics_port == config.http.health_port:
        raise ConfigError(f"{path}: http.healthPort: {config.http.health_port} is http.metricsPort too. Write another port.")
    return config


def _read(path: str) -> Any:
    try:
        document = yaml.safe_load(Path(path).read_bytes())
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}. Name a readable YAML file with --config.") from error
    except yaml.MarkedYAMLError as error:
        raise ConfigError(f"{path}: {explain.malformed(error)}") from error
    except yaml.YAMLError as error:
        raise ConfigError(f"{path}: not YAML: {' '.join(str(error).split())}. Write the file as UTF-8 text.") from error
    return {} if document is None else document
