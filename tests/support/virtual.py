"""An event loop whose clock jumps, for tests that need one for each of many examples."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

import looptime

T = TypeVar("T")


def run(scenario: Coroutine[Any, Any, T]) -> T:
    """Run to the end on a fresh loop of virtual time."""
    with asyncio.Runner(loop_factory=looptime.new_event_loop) as runner:
        return runner.run(scenario)
