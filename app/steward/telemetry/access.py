"""Who may read what a process says about itself: the answer of whoever decides, in a word that the HTTP side turns into a status."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum


class Access(Enum):
    """Whether a request may be answered."""

    GRANTED = "granted"
    UNKNOWN = "unknown"
    """Nobody knows the token, or there is none: 401."""
    DENIED = "denied"
    """The bearer is known, and may not: 403."""
    UNDECIDED = "undecided"
    """Nobody can be asked now: 503."""


Authorize = Callable[[str, str], Access]
"""Decides on a bearer token and a path. Called from any thread, and may block for seconds."""
