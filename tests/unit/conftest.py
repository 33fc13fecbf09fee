"""What unit tests share."""

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest


class Running:
    """A process under test: two HTTP ports, lines on stderr, an exit code."""

    def __init__(self, process: subprocess.Popen, ports: tuple[int, int], log: str) -> None:
        self.process = process
        self.metrics_port, self.health_port = ports
        self._log = log

    def get(self, path: str, *, port: int | None = None) -> tuple[int, str]:
        """Status and body."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port or self.metrics_port}{path}", timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def until(self, path: str, status: int, *, seconds: float = 20) -> str:
        """Wait for an answer; its body."""
        deadline = time.monotonic() + seconds
        seen: object = None
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError, http.client.HTTPException):
                seen = self.get(path)
                if seen[0] == status:
                    return seen[1]
            assert self.process.poll() is None, f"ended with {self.process.returncode}: {self.log()}"
            time.sleep(0.02)
        raise AssertionError(f"{path} never answered {status}; last {seen}; {self.log()}")

    def log(self) -> str:
        """What it wrote so far."""
        with open(self._log, encoding="utf-8") as file:
            return file.read()

    def signal(self, number: int) -> None:
        """Send a signal, as the kubelet does, to the first process only."""
        self.process.send_signal(number)

    def children(self) -> list[int]:
        """Process ids of the workers."""
        with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children", encoding="utf-8") as file:
            return [int(pid) for pid in file.read().split()]

    def wait(self, seconds: float = 15) -> int:
        """The exit code."""
        return self.process.wait(seconds)


@pytest.fixture
def free_ports() -> tuple[int, int]:
    """Two ports that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as other:
        return one.getsockname()[1], other.getsockname()[1]


@pytest.fixture
def start(tmp_path, free_ports) -> Iterator:
    """Start a Python program as a process; at the end it is gone, with its children."""
    started: list[Running] = []

    def start(*arguments: object, environment: dict[str, str] | None = None) -> Running:
        log = tmp_path / f"stderr-{len(started)}"
        with open(log, "wb") as stderr:
            process = subprocess.Popen(
                [sys.executable, *map(str, arguments)], stderr=stderr, env={**os.environ, **(environment or {})}, start_new_session=True
            )
        started.append(Running(process, free_ports, str(log)))
        return started[-1]

    yield start
    for running in started:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(running.process.pid, signal.SIGKILL)
        running.process.wait()
