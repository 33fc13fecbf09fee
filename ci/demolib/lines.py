"""A program that goes on printing, and when each of its lines came."""

import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self


@dataclass
class Lines:
    """Runs the program while it is entered.

    Attributes:
        command: The program and its arguments.
        env: Its environment.
        seen: When each line came, on the monotonic clock of this process, and the line.
    """

    command: Sequence[str]
    env: Mapping[str, str]
    seen: list[tuple[float, str]] = field(default_factory=list)

    def __enter__(self) -> Self:
        """Start it."""
        self._process = subprocess.Popen(list(self.command), env=dict(self.env), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End it."""
        self._process.terminate()
        self._process.wait(10)
        self._reader.join(10)
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe:
                pipe.close()

    def send(self, line: str) -> None:
        """Write a line to its stdin."""
        if self._process.stdin:
            self._process.stdin.write(f"{line}\n")

    def _read(self) -> None:
        for line in self._process.stdout or ():
            self.seen.append((time.monotonic(), line.strip()))
