"""What stands between a leader that may be none any more and its writes. It falls by itself, whether or not anything still runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from steward.runtime import errors


class Fence(Protocol):
    """Asked before every write."""

    def check(self) -> None:
        """Raise LeaseLost when the leadership is not sure any more."""

    def time_left(self) -> float:
        """Seconds the leadership is sure to last."""


class Open:
    """The fence of a component that needs no leader."""

    def check(self) -> None:
        """Never raises."""

    def time_left(self) -> float:
        """For ever."""
        return float("inf")


OPEN = Open()
"""For writes that need no leader."""


class Held:
    """The fence of a held lease: falls by itself, without anybody running."""

    def __init__(self, deadline: float, clock: Callable[[], float]) -> None:
        self._deadline = deadline
        self._clock = clock

    def check(self) -> None:
        """Raise LeaseLost after the deadline."""
        if self._clock() >= self._deadline:
            raise errors.LeaseLost("the lease was not renewed in time; nothing is written any more")

    def time_left(self) -> float:
        """Seconds to the deadline; raises LeaseLost after it."""
        self.check()
        return self._deadline - self._clock()

    def extend(self, deadline: float) -> None:
        """A renewal that began ``renew_deadline`` seconds before ``deadline`` was confirmed."""
        self._deadline = max(self._deadline, deadline)

    def fall(self) -> None:
        """Nothing more from now on."""
        self._deadline = float("-inf")
