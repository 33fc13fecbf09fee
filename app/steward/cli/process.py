"""The life of a process: ports, then gunicorn, then in its worker the component's manager; and the way back.

The master of gunicorn lives as long as the worker and only waits, so it imports nothing that the worker needs: libraries that
both had loaded would be paid for twice, because counting references copies shared pages. What knows all parts is
:mod:`steward.cli.assembly`, imported after the fork.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NoReturn

from steward import __version__
from steward.cli.config import HTTPConfig, ProcessConfig
from steward.cli.version import REVISION
from steward.http import gunicorn
from steward.http.sockets import PortUnavailable, listen
from steward.http.tls import Certificate, CertificateFiles, CertificateUnreadable
from steward.runtime.errors import ConfigError, StewardError
from steward.telemetry.logging import get_logger
from steward.telemetry.tracing import tracing

if TYPE_CHECKING:
    from steward.runtime.authorizer import Door
    from steward.runtime.manager import Manager

DRAIN_SECONDS = 20.0
"""What the manager may take to stop: above the sum of its own limits, below STOP_SECONDS of the server, so that the log says who was late."""

log = get_logger(__name__)


def run(component: str, config: ProcessConfig[Any]) -> NoReturn:
    """Run a component and exit with its process.

    Raises: ConfigError when a certificate cannot be used; StewardError when a port cannot be listened on, or no file can be written at all.
    """
    sockets = _listen(config.http)
    try:
        gunicorn.serve(Process(component, config), sockets, _certificates(config.http))
    except gunicorn.CannotStart as error:
        raise StewardError(str(error)) from error


class Process:
    """The :class:`~steward.http.gunicorn.Program` of a component: its manager in a thread with an event loop of its own."""

    def __init__(self, component: str, config: ProcessConfig[Any]) -> None:
        self._component = component
        self._config = config
        self._manager: Manager[Any] | None = None
        self._ended: Callable[[], None] = lambda: None
        self._stopping = False
        self._failed = False

    def start(self, ended: Callable[[], None]) -> gunicorn.WSGIApp:
        """See :class:`~steward.http.gunicorn.Program`."""
        from steward.cli import assembly

        try:
            self._manager, app, door = assembly.assemble(self._component, self._config)
        except StewardError as error:
            raise gunicorn.CannotStart(f"steward: {error}") from error
        ports = self._config.http
        log.info("process started", version=__version__, revision=REVISION, metrics_port=ports.metrics_port, health_port=ports.health_port)
        self._ended = ended
        # A daemon: whatever it still does when the server ends must not keep the process.
        threading.Thread(target=self._work, args=(self._manager, door), name="manager", daemon=True).start()
        return app

    def stop(self) -> None:
        """See :class:`~steward.http.gunicorn.Program`."""
        if self._stopping or self._manager is None:
            return
        self._stopping = True
        log.info("process stops", limit_seconds=DRAIN_SECONDS)
        late = threading.Timer(DRAIN_SECONDS, self._give_up)
        late.daemon = True
        late.start()
        self._manager.stop()

    def failed(self) -> bool:
        """See :class:`~steward.http.gunicorn.Program`."""
        return self._failed

    def _work(self, manager: Manager[Any], door: Door | None) -> None:
        import asyncio

        self._failed = True
        try:
            asyncio.run(_run(manager, door))
            self._failed = not self._stopping
            if self._failed:
                log.error("manager ended by itself")
        except StewardError as error:
            log.error("manager ended", reason=f"{type(error).__name__}: {error}")
        except BaseException as error:  # noqa: BLE001 - whatever ends the manager ends the process, and is the last thing it says
            log.error("manager died", reason=str(error), exc=error)
        finally:
            tracing.shutdown()
            self._ended()

    def _give_up(self) -> None:
        self._failed = True
        log.error("manager did not stop in time", limit_seconds=DRAIN_SECONDS)
        self._ended()


async def _run(manager: Manager[Any], door: Door | None) -> None:
    if door is not None:
        door.open()
    await manager.run()


def _certificates(config: HTTPConfig) -> dict[int, Certificate]:
    """What the ports with TLS show, by port."""
    if not config.tls:
        return {}
    if not config.tls_cert_file:
        from steward.http.self_signed import SelfSigned

        return {config.metrics_port: SelfSigned()}
    try:
        return {config.metrics_port: CertificateFiles(config.tls_cert_file, config.tls_private_key_file)}
    except CertificateUnreadable as error:
        raise ConfigError(f"http.tlsCertFile: {error} Mount a Secret of type kubernetes.io/tls there.") from error


def _listen(config: HTTPConfig) -> list[socket.socket]:
    sockets = []
    for field, port in (("http.metricsPort", config.metrics_port), ("http.healthPort", config.health_port)):
        try:
            sockets.append(listen(port))
        except PortUnavailable as error:
            raise StewardError(f"{field}: {error}") from error
    return sockets
