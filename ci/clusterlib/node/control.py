"""Talks to the supervisor, and turns its pids into the machine's."""

import json
import os
import socket
import time
from pathlib import Path
from typing import Any

from clusterlib import processes
from clusterlib.errors import ClusterError
from clusterlib.node.settings import Settings

_EFFECT_SECONDS = 20.0
"""More than the supervisor gives a daemon between SIGTERM and SIGKILL."""

SIGNALS = ("STOP", "CONT", "KILL", "TERM", "HUP", "INT")


def ask(settings: Settings, **request: str) -> list[dict[str, Any]]:
    """Send one request; the answer is the list of daemons as they are then. Raises: ClusterError when the node is not up or refuses."""
    answer = json.loads(_exchange(settings.state, json.dumps(request).encode()))
    if "error" in answer:
        raise ClusterError(answer["error"], f"Daemons: {', '.join(names(settings))}")
    daemons: list[dict[str, Any]] = answer["daemons"]
    return daemons


def change(settings: Settings, **request: str) -> list[dict[str, Any]]:
    """Send one request and wait until it has had its effect: a stopped daemon is gone, a started one runs. Other requests have none to wait for."""
    wanted = {"start": "running", "stop": "stopped"}.get(request["do"])
    daemons = ask(settings, **request)
    deadline = time.monotonic() + _EFFECT_SECONDS
    while wanted and any(daemon["name"] == request["daemon"] and daemon["state"] != wanted for daemon in daemons):
        if time.monotonic() > deadline:
            raise ClusterError(f"{request['daemon']} is not {wanted} after {_EFFECT_SECONDS:.0f} s", f"See ci/cluster logs {request['daemon']}")
        time.sleep(0.1)
        daemons = ask(settings, do="list")
    return daemons


def names(settings: Settings) -> list[str]:
    """The daemons of a running node."""
    return [daemon["name"] for daemon in ask(settings, do="list")]


def machine_pids(supervisor: int) -> dict[int, int]:
    """Pid inside the node to pid on the machine, for every process of the node (proc(5), NSpid of status)."""
    namespace = _pid_namespace(supervisor)
    return {_inner(pid): pid for pid in processes.pids() if _pid_namespace(pid) == namespace}


def _exchange(state: Path, data: bytes) -> bytes:
    try:
        directory = os.open(state, os.O_PATH)
    except FileNotFoundError as error:
        raise ClusterError("the node is not up", "Run ci/cluster up") from error
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(10.0)
            connection.connect(f"/proc/self/fd/{directory}/control.sock")  # the way there may be longer than a socket's path
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
            return b"".join(iter(lambda: connection.recv(65536), b""))
    except OSError as error:
        raise ClusterError(f"the node's supervisor does not answer: {error.strerror}", "Run ci/cluster down, then ci/cluster up") from error
    finally:
        os.close(directory)


def _pid_namespace(pid: int) -> str:
    try:
        return os.readlink(f"/proc/{pid}/ns/pid")  # noqa: PTH115 (its text is the name)
    except OSError:
        return ""


def _inner(pid: int) -> int:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    return next((int(line.split()[-1]) for line in status.splitlines() if line.startswith("NSpid:")), 0)
