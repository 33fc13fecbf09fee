"""Locks between processes, on files: the kernel drops them when their holder dies, so none is ever left over."""

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path

from clusterlib import progress

POLL_SECONDS = 0.2


@contextlib.contextmanager
def hold(path: Path, doing: str) -> Iterator[None]:
    """Hold the lock at `path`; says who has it when it must wait. `doing` is what the next one in the queue is told."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+") as file:
        _wait(file.fileno(), path)
        file.seek(0)
        file.truncate()
        file.write(f"process {os.getpid()}: {doing}\n")
        file.flush()
        yield


def _wait(descriptor: int, path: Path) -> None:
    told = False
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if not told:
                progress.say(f"waiting for {path.read_text().strip() or 'another ci/cluster'}")
                told = True
            time.sleep(POLL_SECONDS)
        else:
            return
