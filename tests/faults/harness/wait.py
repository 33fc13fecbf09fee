"""Waiting for a condition, with a deadline."""

import asyncio
import time
from collections.abc import Callable

from faults.harness.kube import Kube, Refused, Unreachable

LOOK_SECONDS = 0.05


async def until(condition: Callable[[], bool], what: str, *, within: float) -> float:
    """Look until a condition holds; the seconds that took. Raises: AssertionError saying what was waited for."""
    started = time.monotonic()
    while not condition():
        if time.monotonic() - started > within:
            raise AssertionError(f"after {within:.0f} s: no {what}")
        await asyncio.sleep(LOOK_SECONDS)
    return time.monotonic() - started


async def answering(kube: Kube, *, within: float = 60) -> None:
    """Wait until the API server says that it is ready."""
    started = time.monotonic()
    while True:
        try:
            await kube.ask("GET", "/readyz", seconds=2)
        except (Unreachable, Refused) as error:
            if time.monotonic() - started > within:
                raise AssertionError(f"no API server after {within:.0f} s: {error}") from error
            await asyncio.sleep(LOOK_SECONDS)
        else:
            return
