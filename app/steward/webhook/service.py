"""Builds the component: caches, the endpoint that reads them, and the server before it. It has no controller."""

from __future__ import annotations

import asyncio
from typing import Any

from steward.governance.namespaces import BY_NAMESPACE, SystemNamespaces
from steward.governance.policies import POLICIES
from steward.http.admission import AdmissionServer
from steward.http.sockets import PortUnavailable
from steward.runtime.component import Context
from steward.runtime.controller import Controller
from steward.runtime.errors import ConfigError
from steward.telemetry.probes import Verdict
from steward.webhook import metrics
from steward.webhook.certificates import certificate
from steward.webhook.config import Config
from steward.webhook.endpoint import CLOSED, OPEN, Endpoint, Scope
from steward.webhook.model import NAMESPACES
from steward.webhook.refusals import Refusals


class Admission:
    """The :class:`~steward.runtime.component.Service` that answers API servers."""

    name = "admission"

    def __init__(self, server: AdmissionServer) -> None:
        self._server = server

    async def run(self, stopping: asyncio.Event) -> None:
        """See :class:`~steward.runtime.component.Service`."""
        await self._server.run(stopping)

    def ready(self) -> Verdict:
        """See :class:`~steward.runtime.component.Service`."""
        return Verdict(self._server.is_listening, "" if self._server.is_listening else "admission is not served yet")


def build(context: Context[Config]) -> tuple[Controller[Any], ...]:
    """See :class:`~steward.runtime.component.Component`.

    Raises: ConfigError when the port or the certificate cannot be used.
    """
    config = context.config
    counters = metrics.Counters(context.instruments)
    # Where only some namespaces may be read, the namespaces themselves may not.
    namespaces = context.store(NAMESPACES) if not context.namespaces else None
    if namespaces is not None:
        context.subscribe(namespaces, lambda change: counters.forget(change.object.metadata.name) if change.new is None else None)
    endpoint = Endpoint(
        context.store(POLICIES, BY_NAMESPACE),
        namespaces,
        scope=Scope(context.own_namespace, SystemNamespaces(config.system_namespaces), config.injected_containers),
        counters=counters,
    )
    try:
        server = AdmissionServer(
            endpoint.handle, paths=(OPEN, CLOSED), port=config.serving.port, certificate=certificate(context), refused=Refusals(counters)
        )
    except PortUnavailable as error:
        raise ConfigError(f"config.serving.port: {error}") from error
    context.expose(metrics.IN_FLIGHT, lambda: server.in_flight)
    context.serve(Admission(server))
    return ()
