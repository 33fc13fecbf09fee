"""A directory for half-made things, one per process, so that what a killed one left can be told from what a living one needs."""

import atexit
import functools
import os
import shutil
from pathlib import Path

from clusterlib import processes
from clusterlib.paths import Paths


@functools.cache
def directory(paths: Paths) -> Path:
    """This process's own, removed when it ends."""
    own = paths.temporary / _owner(os.getpid())
    own.mkdir(parents=True, exist_ok=True)
    atexit.register(shutil.rmtree, own, ignore_errors=True)
    return own


def sweep(paths: Paths) -> None:
    """Remove those of processes that are gone."""
    for path in paths.temporary.glob("*"):
        pid = path.name.partition("-")[0]
        if not pid.isdigit() or _owner(int(pid)) != path.name:
            shutil.rmtree(path, ignore_errors=True)


def _owner(pid: int) -> str:
    return f"{pid}-{processes.start_time(pid)}"
