"""Waiting that ends when the process is told to stop."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

S = TypeVar("S")


class StoppedFirst(Exception):
    """Told to stop before what was waited for."""


async def unless_stopped(stop: asyncio.Event, waiting: Coroutine[Any, Any, S]) -> S:
    """Wait, but not longer than until ``stop``.

    Raises: StoppedFirst.
    """
    task = asyncio.ensure_future(waiting)
    stopped = asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait({task, stopped}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise StoppedFirst
        return task.result()
    finally:
        task.cancel()
        stopped.cancel()
