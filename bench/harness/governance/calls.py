"""The client: a Go program (bench/load/admission) that calls a server, on a core of its own where that is asked for."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.peers import made
from harness.waiting import Failed

EXPECTED = {"good": True, "bad": False, "twenty containers": False, "update": True}
"""What the policies of the benchmark say about each review; ``update`` breaks rules, and broke them before the change."""


@dataclass(frozen=True)
class Summary:
    """What came of a load. Times are milliseconds."""

    calls: int
    perSecond: float  # noqa: N815 - as bench/load writes it
    p50: float
    p99: float
    max: float


class Client:
    """Calls one server.

    Args:
        url: Where reviews or pods are posted to.
        root: The certificate that the server is trusted by.
        identity: Certificate and key of the caller, for a server that asks for them.
        cores: The cores that the client may use; all when empty.
    """

    def __init__(self, url: str, root: Path, *, identity: tuple[Path, Path] | None = None, cores: Sequence[int] = ()) -> None:
        own = (f"-certificate={identity[0]}", f"-key={identity[1]}", "-pods") if identity else ()
        self._command = [*pinned(cores), str(made() / "bin" / "admission"), f"-url={url}", f"-root={root}", *own]

    def verdicts(self) -> dict[str, bool]:
        """Whether each review is allowed."""
        return {one["review"]: one["allowed"] for one in self._run("-check")}

    def prove(self) -> None:
        """Raises: Failed when a verdict is another one than all peers have to give."""
        found = self.verdicts()
        if found != EXPECTED:
            raise Failed(f"other verdicts than expected: {found}")

    def load(self, *, connections: int, seconds: float, rate: float = 0) -> Summary:
        """Call for a while; as often as is answered, or so many times a second."""
        return Summary(**self._run(f"-connections={connections}", f"-for={seconds}s", f"-rate={rate}"))

    def _run(self, *arguments: str) -> Any:
        done = subprocess.run([*self._command, *arguments], capture_output=True, text=True, check=False)
        if done.returncode:
            raise Failed(f"the client: {done.stderr.strip()}")
        return json.loads(done.stdout)


def pinned(cores: Sequence[int]) -> list[str]:
    """The beginning of a command that keeps to these cores."""
    return ["taskset", "--cpu-list", ",".join(map(str, cores))] if cores else []
