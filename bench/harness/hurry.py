"""Runs Steward in a time that passes faster: an hour of resyncs, watch timeouts and beats in a minute, with real sockets and a real server.

Everything in the runtime takes its time from the event loop, so a loop whose clock runs faster, and which sleeps shorter by as much, is all that is
needed. ``python -m harness.hurry SPEED ARGUMENTS...`` is ``steward ARGUMENTS...``.
"""

from __future__ import annotations

import asyncio
import selectors
import sys
from typing import Any

from steward.cli import main


class Hurried(selectors.DefaultSelector):
    """Waits shorter than it is told to."""

    speed = 1.0

    def select(self, timeout: float | None = None) -> list[Any]:
        """As the selector, with a timeout in the loop's seconds."""
        return super().select(timeout / self.speed if timeout is not None else None)


class Loop(asyncio.SelectorEventLoop):
    """An event loop whose seconds are shorter."""

    def time(self) -> float:
        """Seconds of the loop."""
        return super().time() * Hurried.speed


class Policy(asyncio.DefaultEventLoopPolicy):
    """Makes such loops."""

    def new_event_loop(self) -> asyncio.AbstractEventLoop:
        """See the class."""
        return Loop(Hurried())


if __name__ == "__main__":
    Hurried.speed = float(sys.argv.pop(1))
    asyncio.set_event_loop_policy(Policy())
    main()
