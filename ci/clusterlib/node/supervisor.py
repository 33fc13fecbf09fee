"""Process 1 of the node: lays out what the node sees, starts the daemons, restarts what dies, reaps orphans, and obeys a socket.

Run by `unshare` with namespaces of its own for mounts, processes, network and host name, as `supervisor.py --state=DIRECTORY`.
It needs nobody after its start. Killed, it takes every process of the node with it; mounts, interfaces, packet filter rules go with the namespaces.
"""

import contextlib
import json
import os
import selectors
import signal
import socket
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from clusterlib.node import layout
from clusterlib.node.settings import ROOT
from clusterlib.processes import SYSTEM_PATH

TICK_SECONDS = 0.05
RESTART_SECONDS = 1.0
"""Between the death of a daemon and its restart, as `RestartSec=1` of the units of kubelet and containerd."""
STOP_SECONDS = 10.0
"""Between SIGTERM and SIGKILL when a daemon is stopped."""
_SIGNALS = {"STOP", "CONT", "KILL", "TERM", "HUP", "INT"}


@dataclass
class Daemon:
    """A program that should run, and how it fares."""

    name: str
    argv: list[str]
    after: list[dict[str, str]]
    process: subprocess.Popen[bytes] | None = None
    wanted: bool = True
    not_before: float = 0.0
    kill_at: float = 0.0
    starts: int = 0
    last_exit: int | None = None

    def send(self, number: signal.Signals) -> None:
        """Signal it, if it runs. Not by Popen, which would reap it before the supervisor sees its end."""
        if self.process:
            os.kill(self.process.pid, number)

    def describe(self) -> dict[str, Any]:
        """For whoever asks through the socket. `pid` is the one inside the node."""
        state = "running" if self.process else "waiting" if self.wanted else "stopped"
        pid = self.process.pid if self.process else None
        return {"name": self.name, "state": state, "pid": pid, "starts": self.starts, "lastExit": self.last_exit}


class Supervisor:
    """Owns the daemons; one thread, a tick of 50 ms, nothing in it waits longer than a second."""

    def __init__(self, daemons: list[Daemon], logs: Path) -> None:
        self._daemons = {daemon.name: daemon for daemon in daemons}
        self._logs = logs

    def run(self, control: socket.socket) -> None:
        """Forever."""
        with selectors.DefaultSelector() as selector:
            selector.register(control, selectors.EVENT_READ)
            while True:
                for _ in selector.select(TICK_SECONDS):
                    self._serve(control)
                self._reap()
                self._tick(time.monotonic())

    def _tick(self, now: float) -> None:
        for daemon in self._daemons.values():
            if daemon.process and daemon.kill_at and now > daemon.kill_at:
                daemon.send(signal.SIGKILL)
            if not daemon.process and daemon.wanted and now >= daemon.not_before and self._may_start(daemon):
                self._start(daemon)

    @staticmethod
    def _may_start(daemon: Daemon) -> bool:
        """Only the first start waits for others: what restarts must cope, as it must on any node."""
        return daemon.starts > 0 or all(holds(condition) for condition in daemon.after)

    def _start(self, daemon: Daemon) -> None:
        with (self._logs / f"{daemon.name}.log").open("ab") as log:
            try:
                daemon.process = subprocess.Popen(daemon.argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
            except OSError as error:
                log.write(f"supervisor: {error}\n".encode())
                daemon.not_before = time.monotonic() + RESTART_SECONDS
        daemon.starts += 1
        daemon.kill_at = 0.0

    def _reap(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            for daemon in self._daemons.values():
                if daemon.process and daemon.process.pid == pid:
                    daemon.last_exit = daemon.process.returncode = os.waitstatus_to_exitcode(status)
                    daemon.process = None
                    daemon.not_before = time.monotonic() + RESTART_SECONDS
                    print(f"{daemon.name} ended with {daemon.last_exit}", flush=True)

    def _serve(self, control: socket.socket) -> None:
        connection, _ = control.accept()
        with connection, contextlib.suppress(OSError):
            connection.settimeout(1.0)
            try:
                answer = self._do(json.loads(connection.recv(4096)))
            except (ValueError, KeyError) as error:
                answer = {"error": str(error)}
            connection.sendall(json.dumps(answer).encode())

    def _do(self, request: dict[str, str]) -> dict[str, Any]:
        if request["do"] != "list":
            if request["daemon"] not in self._daemons:
                raise ValueError(f"{request['daemon']}: no such daemon")
            self._command(request, self._daemons[request["daemon"]])
        return {"daemons": [daemon.describe() for daemon in self._daemons.values()]}

    @staticmethod
    def _command(request: dict[str, str], daemon: Daemon) -> None:
        match request["do"]:
            case "start":
                daemon.wanted, daemon.not_before = True, 0.0
            case "stop":
                daemon.wanted, daemon.kill_at = False, time.monotonic() + STOP_SECONDS
                daemon.send(signal.SIGTERM)
                daemon.send(signal.SIGCONT)
            case "signal" if request["signal"] in _SIGNALS:
                if not daemon.process:
                    raise ValueError(f"{daemon.name} does not run")
                daemon.send(signal.Signals[f"SIG{request['signal']}"])
            case other:
                raise ValueError(f"{other} {request.get('signal', '')}: no such command")


def holds(condition: dict[str, str]) -> bool:
    """Whether a condition of a daemon's first start is met."""
    try:
        if "tcp" in condition:
            host, _, port = condition["tcp"].rpartition(":")
            socket.create_connection((host, int(port)), timeout=0.2).close()
        elif "socket" in condition:
            with socket.socket(socket.AF_UNIX) as probe:
                probe.connect(condition["socket"])
        else:
            context = ssl.create_default_context(cafile=condition["ca"])
            context.load_cert_chain(condition["cert"], condition["key"])
            urllib.request.urlopen(condition["https"], timeout=0.5, context=context).close()  # noqa: S310 (the scheme is in the plan)
    except OSError:
        return False
    return True


def listen(path: Path) -> socket.socket:
    """A socket that whoever sees it can connect to: it gets its name when it listens."""
    half_made = path.with_suffix(".new")
    control = socket.socket(socket.AF_UNIX)
    control.bind(str(half_made))
    control.listen()
    half_made.rename(path)
    return control


def main(argv: list[str]) -> None:
    """Become the node."""
    state = Path(argv[1].removeprefix("--state="))
    plan = json.loads((state / "plan.json").read_text())
    layout.mount_everything(state)
    socket.sethostname(plan["hostname"])
    layout.configure_network(**plan["network"])
    os.environ.clear()
    os.environ.update(PATH=f"{ROOT}/bin:{SYSTEM_PATH}", HOME="/root", TMPDIR=str(ROOT / "tmp"), LANG="C.UTF-8")
    Supervisor([Daemon(**daemon) for daemon in plan["daemons"]], ROOT / "logs").run(listen(ROOT / "control.sock"))


if __name__ == "__main__":
    main(sys.argv)
