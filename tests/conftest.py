"""What every test gets: its own environment, and tools of this repository on PATH."""

import asyncio
import logging
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

# How long an example takes says something about the machine, not about us.
settings.register_profile("steward", deadline=None)
settings.load_profile("steward")

REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def repository() -> Path:
    """Root of the checkout."""
    return REPOSITORY


@pytest.fixture(scope="session", autouse=True)
def tools_on_path() -> None:
    """Programs built by ``ci/cluster tools`` are found by name, as ``make`` does it."""
    cache = Path(os.environ.get("STEWARD_CACHE", REPOSITORY / ".cache"))
    os.environ["PATH"] = os.pathsep.join([str(cache / "bin"), str(Path(sys.executable).parent), os.environ["PATH"]])


@pytest.fixture(scope="session", autouse=True)
def loop_of_the_main_thread() -> Iterator[None]:
    """A loop that is closed in the end: pytest-asyncio asks for the thread's own before each test, and Python makes one that nobody closes."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    yield
    loop.close()


@pytest.fixture(autouse=True)
def log_as_before() -> Iterator[None]:
    """A command that runs in this process sets up the log of the whole process."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(capture=False)


@pytest.fixture
def eventually() -> Callable[..., bool]:
    """Whether something holds within some seconds."""

    def wait(holds: Callable[[], bool], seconds: float = 20.0) -> bool:
        deadline = time.monotonic() + seconds
        while not holds():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.02)
        return True

    return wait
