"""What a health check is. The runtime makes probes, the HTTP application answers with them; neither knows the other."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Protocol

from msgspec import Struct

STARTUP = "startupz"
"""Configuration and rights are in order. Asked until it is true once."""

LIVENESS = "livez"
"""The process makes progress. False makes the kubelet restart the container."""

READINESS = "readyz"
"""The process can do its work: caches are synced, it is not stopping."""


class Verdict(Struct, frozen=True):
    """The answer of a probe.

    Attributes:
        ok: Whether all is well.
        reason: Why not, in words for a human; may also say something when all is well. Holds no secrets: anyone who reaches the port reads it.
    """

    ok: bool
    reason: str = ""


class Probe(Protocol):
    """One named check."""

    @property
    def name(self) -> str:
        """Short name in the verbose answer, such as ``informer-sync``."""

    @property
    def paths(self) -> Collection[str]:
        """Which of STARTUP, LIVENESS and READINESS ask it."""

    def check(self) -> Verdict:
        """Judge now. Called from the threads of the HTTP server: it returns at once, reads only, takes no lock of the loop."""


class Check(Struct, frozen=True):
    """A :class:`Probe` made of a function."""

    name: str
    paths: Collection[str]
    check: Callable[[], Verdict]
