"""gunicorn as Steward runs it: one gthread worker that also carries the program, and whose end is the end of the process.

The master starts the worker and waits; the worker serves HTTP and runs the :class:`Program`. A worker is never started a
second time: when it ends by itself, the master ends too, so that the kubelet sees it, restarts the container and counts.

Order of a stop (SIGTERM, SIGINT or SIGHUP): the master tells the worker; the worker tells the program and goes on serving, so
that readiness can say no and metrics stay; when the program has ended, the worker closes its sockets and the master exits 0.
A second signal ends both at once, with 1. Where the program failed, the exit code is 3.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import ssl
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any, NoReturn, Protocol

from gunicorn import glogging
from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter
from gunicorn.errors import AppImportError, HaltServer
from gunicorn.workers.gthread import TConn, ThreadWorker

from steward.http.tls import Certificate
from steward.telemetry.logging import get_logger

WSGIApp = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

THREADS = 4
"""Requests at once. More threads do not serve more, Python runs one; four keep a slow scrape from holding up a probe."""

STOP_SECONDS = 25
"""What a stop may take before the worker is killed: below the 30 s of a pod's default terminationGracePeriodSeconds."""

IN_FLIGHT_SECONDS = 2
"""What requests under way get when the program has ended: a scrape takes a tenth of it, and nothing else is answered here."""

FAILED = Arbiter.WORKER_BOOT_ERROR
"""Exit code of a program that failed: 3, the one on which gunicorn's master ends at once and with the same code."""

_STOPPING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)

_log = get_logger(__name__)


REQUEST_SECONDS = 8.0
"""What one request may take from its first byte to the last of its answer. A client that sends or reads a byte now and then is never silent for
long, and would keep a thread for ever; below the 10 s after which the kubelet gives up a probe."""


class CannotStart(Exception):
    """What a program raises when it cannot start and the message says all there is to say: it is printed as it is, and the exit code is 1."""


class Program(Protocol):
    """What the worker carries besides HTTP. All methods are called in the main thread of the worker."""

    def start(self, ended: Callable[[], None]) -> WSGIApp:
        """Start, and say what to serve.

        Args:
            ended: To be called, from any thread, when the program is over for whatever reason.

        Raises:
            CannotStart: For a reason that the user can mend.
        """

    def stop(self) -> None:
        """Begin to end, without waiting. May be called more than once."""

    def failed(self) -> bool:
        """Whether the end was not asked for or went wrong; known once ``ended`` was called."""


def serve(program: Program, sockets: Sequence[socket.socket], certificates: Mapping[int, Certificate] | None = None) -> NoReturn:
    """Run a program and its HTTP server until both end; then exit the process.

    Args:
        program: Started in the worker, after the fork.
        sockets: Listening sockets.
        certificates: What those ports show that speak TLS.

    Raises:
        CannotStart: No directory for the worker's heartbeat can be written.
    """
    Server(program, sockets, certificates or {}).run()
    raise AssertionError("gunicorn's master always exits")


class Server(BaseApplication):
    """gunicorn's idea of an application: the settings, and what to load."""

    def __init__(self, program: Program, sockets: Sequence[socket.socket], certificates: Mapping[int, Certificate]) -> None:
        self.program = program
        self.certificates = certificates
        self._sockets = sockets
        self._heartbeat = _heartbeat_directory()
        super().__init__()

    def load_config(self) -> None:
        """Called by gunicorn, before the fork."""
        settings = {
            "bind": [f"fd://{one.detach()}" for one in self._sockets],
            "workers": 1,
            "worker_class": Worker,
            "threads": THREADS,
            "graceful_timeout": STOP_SECONDS,
            "worker_tmp_dir": self._heartbeat,
            "logger_class": Logger,
            "control_socket_disable": True,
            # No proxy stands before us, so no header may speak for one.
            "forwarded_allow_ips": "",
        }
        for name, value in settings.items():
            self.cfg.set(name, value)

    def run(self) -> None:
        """Become the master."""
        Master(self).run()


class Master(Arbiter):
    """Starts one worker once."""

    # No reload, no second worker, no re-execution: each would be a second manager in one pod.
    SIGNALS = (*_STOPPING, signal.SIGQUIT)

    _asked = False
    _hurried = False

    def signal(self, sig: int, frame: object) -> None:
        """Every way of asking for a stop is TERM the first time, and QUIT, gunicorn's word for "at once", the second."""
        if sig in _STOPPING:
            sig = signal.SIGQUIT if self._asked else signal.SIGTERM
            self._asked = True
        self._hurried = self._hurried or sig == signal.SIGQUIT
        super().signal(sig, frame)

    def spawn_worker(self) -> int:
        """Start the worker; where there was one already, end instead."""
        if self.worker_age:
            raise HaltServer("the worker is gone", FAILED)
        pid: int = super().spawn_worker()
        return pid

    def run(self) -> None:
        """gunicorn's loop. A worker that fails while it is being stopped raises out of it."""
        try:
            super().run()
        except HaltServer as halt:
            raise SystemExit(halt.exit_status) from None
        except SystemExit as end:
            raise SystemExit(end.code or int(self._hurried)) from None

    def halt(self, reason: str | None = None, exit_status: int = 0) -> NoReturn:
        """End the worker, then this process."""
        if exit_status == self.APP_LOAD_ERROR:
            exit_status = 1
        elif exit_status:
            _log.error("process ends because its worker did", exit_code=exit_status)
        super().halt(exit_status=exit_status)
        raise AssertionError(reason)


class Worker(ThreadWorker):
    """Serves, and ends with the program."""

    app: Server

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._under_way: dict[TConn, float] = {}

    def init_signals(self) -> None:
        """As gunicorn, but a terminal's Ctrl-C or hang-up, which reaches both processes, is left to the master."""
        super().init_signals()
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)

    def load_wsgi(self) -> None:
        """Start the program."""
        self.cfg.set("graceful_timeout", IN_FLIGHT_SECONDS)
        try:
            self.wsgi = self.app.program.start(self._end)
        except CannotStart as error:
            raise AppImportError(str(error)) from None

    def handle_exit(self, sig: int, frame: object) -> None:
        """SIGTERM: the program first. Deferred, because a signal handler may interrupt a thread that holds a lock."""
        self.method_queue.defer(self.app.program.stop)

    def handle_quit(self, sig: int, frame: object) -> NoReturn:
        """SIGQUIT: at once."""
        os._exit(1)

    def handle(self, conn: TConn) -> object:
        """One request, in a thread. For each client that does not hang up gunicorn's main loop would wait 2 s, and its heartbeat with it."""
        if not self._secured(conn):
            return False
        self._under_way[conn] = time.monotonic()
        try:
            kept: object = super().handle(conn)
        finally:
            del self._under_way[conn]
        if not kept:
            with suppress(OSError):
                conn.sock.shutdown(socket.SHUT_RDWR)
        return kept

    def murder_pending(self) -> None:
        """Called by gunicorn every second, to end connections that wait for nothing; here also those whose request takes too long."""
        super().murder_pending()
        too_early = time.monotonic() - REQUEST_SECONDS
        for conn in [conn for conn, since in list(self._under_way.items()) if since < too_early]:
            _log.debug("request took too long, connection cut")
            with suppress(OSError):
                # Of the socket beneath TLS: the thread that waits for it holds the state of the encryption.
                socket.socket.shutdown(conn.sock, socket.SHUT_RDWR)

    def _secured(self, conn: TConn) -> bool:
        """Whether a connection can be read: on a port with TLS it is wrapped first, which waits for nothing yet."""
        certificate = self.app.certificates.get(conn.server[1])
        if certificate is None or isinstance(conn.sock, ssl.SSLSocket):
            return True
        try:
            conn.sock.getpeername()
            conn.sock = certificate.context().wrap_socket(conn.sock, server_side=True, do_handshake_on_connect=False)
        except OSError:
            # The client has gone.
            return False
        return True

    def run(self) -> None:
        """Serve until the program ended, or the master vanished; then exit, whatever a slow client still holds open."""
        super().run()
        code = FAILED if self.app.program.failed() else 0
        logging.shutdown()
        os._exit(code)

    def is_parent_alive(self) -> bool:
        """An orphan stops like on a signal, for its lease must be given back."""
        if self.ppid != os.getppid():
            self.app.program.stop()
        return True

    def _end(self) -> None:
        self.method_queue.defer(super().handle_exit, signal.SIGTERM, None)


class Logger(glogging.Logger):
    """gunicorn's lines through our logging: only what went wrong, at debug level also its chatter and each request."""

    def setup(self, cfg: Any) -> None:
        """Called by gunicorn instead of making handlers."""
        self.cfg = cfg
        chatty = _log.enabled(logging.DEBUG)
        self.error_log.setLevel(logging.DEBUG if chatty else logging.WARNING)
        self.error_log.propagate = True
        # The master says it itself, with what follows from it.
        self.error_log.addFilter(lambda record: not str(record.msg).startswith(("Worker (pid:%s) exited", "Shutting down")))

    def exception(self, msg: str, *args: Any, **kwargs: Any) -> None:
        """An error with its traceback; a client that stopped halfway and met the socket's limit of time is none."""
        if isinstance(sys.exc_info()[1], BlockingIOError | TimeoutError):
            _log.debug("client too slow, connection closed")
        else:
            super().exception(msg, *args, **kwargs)

    def access(self, resp: Any, req: Any, environ: dict[str, Any], request_time: timedelta) -> None:
        """One request was answered."""
        _log.debug(
            "request answered",
            method=environ.get("REQUEST_METHOD"),
            path=environ.get("RAW_URI"),
            port=environ.get("SERVER_PORT"),
            status=str(resp.status).split(" ", 1)[0],
            seconds=request_time.total_seconds(),
            agent=environ.get("HTTP_USER_AGENT"),
        )


def _heartbeat_directory() -> str:
    """Memory where there is some, so that a slow disk cannot look like a dead worker; else where temporary files go."""
    if os.access("/dev/shm", os.W_OK | os.X_OK):  # noqa: S108 - gunicorn makes its file there with mkstemp
        return "/dev/shm"  # noqa: S108
    try:
        return tempfile.gettempdir()
    except FileNotFoundError:
        raise CannotStart("neither /dev/shm nor /tmp can be written. Mount an emptyDir at /tmp.") from None
