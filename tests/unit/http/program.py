"""A program for the server, as small as one can be; started as a process of its own by the tests of the server.

Usage: program.py METRICS_PORT HEALTH_PORT WHAT [CERTIFICATE KEY], where WHAT is what the program does:
``obey`` ends when it is told to; ``pile`` does too, and has 32 MiB of Events to tell; ``linger`` takes a second for it; ``ignore``
never ends; ``die`` ends by itself when anyone asks for /events; ``refuse`` raises instead of starting. With files the metrics port speaks TLS.
"""

import sys
import threading

from prometheus_client import CollectorRegistry

from steward.http.app import create_app
from steward.http.gunicorn import serve
from steward.http.sockets import listen
from steward.http.tls import CertificateFiles
from steward.telemetry import logging
from steward.telemetry.probes import LIVENESS, READINESS, Verdict

log = logging.get_logger("program")


class Program:
    name = "program"
    paths = (LIVENESS, READINESS)

    def __init__(self, ports, what):
        self.ports, self.what = ports, what
        self.stopping = False

    def start(self, ended):
        if self.what == "refuse":
            raise RuntimeError("no, thank you")
        self.ended = ended
        log.info("started")
        metrics_port, health_port = self.ports
        return create_app(
            probes=[self], registry=CollectorRegistry(), events=self.events, trouble=list, metrics_port=metrics_port, health_port=health_port
        )

    def stop(self):
        if not self.stopping:
            self.stopping = True
            log.info("told to stop")
            if self.what != "ignore":
                threading.Timer(1.0 if self.what == "linger" else 0.0, self.ended).start()

    def failed(self):
        return not self.stopping

    def events(self):
        if self.what == "die":
            self.ended()
        if self.what == "pile":
            return b"x" * (32 << 20)
        return b'{"reason":"Tested"}\n'

    def check(self):
        return Verdict(ok=not self.stopping, reason="stopping" if self.stopping else "")


if __name__ == "__main__":
    ports = (int(sys.argv[1]), int(sys.argv[2]))
    logging.configure(level="info", format="json", component="test")
    certificates = {ports[0]: CertificateFiles(*sys.argv[4:])} if sys.argv[4:] else {}
    serve(Program(ports, sys.argv[3]), [listen(port) for port in ports], certificates)
