"""What a user sees while waiting: one line when something starts, one when it is done, and a sign of life in between.

All on stderr; stdout is for data.
"""

import contextlib
import sys
import threading
import time
from collections.abc import Iterator

SIGN_OF_LIFE_SECONDS = 15.0
"""Long enough not to fill a CI log during a build of several minutes, short enough not to look dead."""

_started = time.monotonic()
_lock = threading.Lock()


def say(text: str) -> None:
    """Print one line with the seconds since the program started."""
    with _lock:
        print(f"{time.monotonic() - _started:6.1f} s  {text}", file=sys.stderr, flush=True)


@contextlib.contextmanager
def step(doing: str, done: str) -> Iterator[None]:
    """Announce `doing`, repeat it every 15 s with the seconds it has taken, and end with `done` and its seconds.

    A step that raises ends without a line: the error is the line.
    """
    say(doing)
    begun = time.monotonic()
    over = threading.Event()

    def sign_of_life() -> None:
        while not over.wait(SIGN_OF_LIFE_SECONDS):
            say(f"{doing}: {time.monotonic() - begun:.0f} s so far")

    thread = threading.Thread(target=sign_of_life, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
    say(f"{done} ({time.monotonic() - begun:.1f} s)")
