"""Waiting for something to become so, with a deadline."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

PAUSE_SECONDS = 0.1


def until(what: str, look: Callable[[], T], *, timeout: float = 60.0, last: Callable[[], object] = lambda: "") -> T:
    """Look again and again until what is seen is true, and return it.

    Args:
        what: Ends the sentence "waited in vain until ...".
        look: Whatever it returns; an AssertionError counts as not yet.
        timeout: Seconds.
        last: Asked when the time is over, for what to show then.

    Raises: AssertionError.
    """
    deadline = time.monotonic() + timeout
    while True:
        seen = why = None
        try:
            seen = look()
        except AssertionError as error:
            why = error
        if seen:
            return seen
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {timeout:g} s in vain until {what}; last seen: {why or seen!r} {last()}".rstrip())
        time.sleep(PAUSE_SECONDS)
