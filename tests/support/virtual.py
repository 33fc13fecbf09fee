"""An event loop whose clock jumps, for tests that need one for each of many examples."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

import looptime

T = TypeVar("T")


def run(scenario: Coroutine[Any, Any, T], *, settle: int = 8) -> T:
    """Run to the end on a fresh loop of virtual time.

    Args:
        scenario: What to run.
        settle: Idle rounds of the loop before the clock jumps: as many as a chain of tasks without a timer needs.
    """
    with asyncio.Runner(loop_factory=lambda: looptime.new_event_loop(noop_cycles=settle)) as runner:
        return runner.run(scenario)
