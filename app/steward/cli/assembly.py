"""The composition root: the only module that knows every part and puts them together."""

from __future__ import annotations

import hashlib
import os
import platform
import socket
import uuid
from typing import Any, NamedTuple

import msgspec
from flask import Flask

from steward import __version__, components
from steward.cli.config import LeaderElectionConfig, ProcessConfig
from steward.cli.version import REVISION
from steward.http.app import create_app
from steward.runtime import auth, authorizer, metrics
from steward.runtime.client import Client
from steward.runtime.lease import LeaseConfig
from steward.runtime.manager import Manager
from steward.runtime.resource import Key
from steward.runtime.transport import HTTPTransport
from steward.telemetry import trouble
from steward.telemetry.metrics import SCRAPE_ERRORS, bind
from steward.telemetry.registry import create_registry
from steward.telemetry.tracing import attributes_of, tracing

LABEL_LIMIT = 63
"""Characters of a label's value (apimachinery, validation.LabelValueMaxLength)."""


class Assembled(NamedTuple):
    """The parts of a process: the manager, not yet running, the application that speaks for it, and who guards that, if anybody does."""

    manager: Manager[Any]
    app: Flask
    door: authorizer.Door | None


def assemble(name: str, config: ProcessConfig[Any]) -> Assembled:
    """Make the parts of a component's process.

    Raises: ConfigError when there is no way to an API server, or the configuration contradicts itself.
    """
    component = components.load(name)
    if config.tracing.endpoint:
        about = attributes_of(component=name, version=__version__, environment=os.environ)
        tracing.configure(about, endpoint=config.tracing.endpoint, ratio=config.tracing.sample_ratio)
    identity = f"{os.environ.get('POD_NAME') or socket.gethostname()}_{uuid.uuid4()}"
    lease = _lease(config.leader_election, component=name, identity=identity) if component.elects_leader else None
    credentials = auth.load(user_agent=f"steward-{name}/{__version__}")
    registry = create_registry()
    instruments = bind((metric for metric in component.all_metrics if metric is not SCRAPE_ERRORS), registry, component=name)
    instruments[metrics.BUILD_INFO].labels(__version__, REVISION, platform.python_version()).set(1)
    transport = HTTPTransport(credentials)
    door = None
    if config.http.authorization:
        component = msgspec.structs.replace(component, rights=(*component.rights, *authorizer.RIGHTS))
        door = authorizer.Door(authorizer.Authorizer(Client(transport, field_manager=f"steward-{name}", instruments=instruments)))
    manager = Manager(
        component,
        config.config,
        transport=transport,
        instruments=instruments,
        identity=identity,
        instance=_instance(config.leader_election, component=name),
        own_namespace=auth.namespace(),
        lease=lease,
        namespaces=config.namespaces,
    )
    app = create_app(
        probes=manager.probes,
        registry=registry,
        events=manager.recent_events,
        trouble=trouble.keep().lines,
        metrics_port=config.http.metrics_port,
        health_port=config.http.health_port,
        authorize=door,
    )
    return Assembled(manager, app, door)


def _lease(config: LeaderElectionConfig, *, component: str, identity: str) -> LeaseConfig | None:
    """Which lease the process holds; None when a single replica needs none."""
    if not config.enabled:
        return None
    return LeaseConfig(
        key=_lease_key(config, component=component),
        identity=identity,
        lease_duration=config.lease_duration_seconds,
        renew_deadline=config.renew_deadline_seconds,
        retry_period=config.retry_period_seconds,
    )


def _lease_key(config: LeaderElectionConfig, *, component: str) -> Key:
    return Key(config.lease_namespace or auth.namespace(), config.lease_name or f"steward-{component}")


def _instance(config: LeaderElectionConfig, *, component: str) -> str:
    """Where the lease is, for that is what replicas have in common and installations have not; cut to the length of a label value."""
    name = ".".join(_lease_key(config, component=component))
    return name if len(name) <= LABEL_LIMIT else f"{name[: LABEL_LIMIT - 11]}-{hashlib.sha256(name.encode()).hexdigest()[:10]}"
