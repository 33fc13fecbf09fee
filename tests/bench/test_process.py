"""What a peer's processes cost, all of them together, and that none is left behind."""

import sys
from pathlib import Path

import pytest

from harness.process import Restarted, Running

MEGABYTE = 1_000_000

FAMILY = """
import os, signal, sys, time
shared = bytearray(os.urandom(1)) * {shared}
if os.fork() == 0:
    own = bytearray(os.urandom(1)) * {own}
    print("ready", flush=True)
    time.sleep(100)
signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
time.sleep(100)
"""


@pytest.fixture
def family(tmp_path, eventually):
    """Starts a parent whose child shares its memory and has some of its own; the child does not hear of the parent's end."""
    started = []

    def start(*, shared: int, own: int) -> Running:
        log = tmp_path / f"{len(started)}.log"
        running = Running([sys.executable, "-c", FAMILY.format(shared=shared, own=own)], {}, log)
        started.append(running)
        assert eventually(lambda: running.last_words() == "ready")
        return running

    yield start
    for running in started:
        running.stop()


def test_memory_is_that_of_all_processes_and_counts_what_they_share_once(family):
    bare = family(shared=0, own=0).memory_bytes()

    grown = family(shared=60 * MEGABYTE, own=30 * MEGABYTE).memory_bytes()

    assert grown - bare == pytest.approx(90 * MEGABYTE, rel=0.1)


def test_cpu_time_is_that_of_all_processes(tmp_path, eventually):
    burn = "import os\nos.fork()\nwhile True: pass"
    running = Running([sys.executable, "-c", burn], {}, tmp_path / "log")
    try:
        assert eventually(lambda: running.cpu_seconds() > 0.3)
    finally:
        running.stop()


def test_a_child_that_its_parent_leaves_behind_is_ended(family, eventually):
    running = family(shared=0, own=0)
    parent = running.process_id
    child = int(Path(f"/proc/{parent}/task/{parent}/children").read_text())

    running.stop()

    assert eventually(lambda: not Path(f"/proc/{child}/cmdline").exists() or not Path(f"/proc/{child}/cmdline").read_bytes())


def test_the_last_words_are_those_of_this_life(tmp_path, eventually):
    log = tmp_path / "log"
    log.write_text("of a former one\n")
    running = Running(["sh", "-c", "exit 3"], {}, log)

    assert eventually(lambda: not running.is_alive)
    assert (running.exit_code, running.last_words()) == (3, "it said nothing")
    running.stop()


def test_a_peer_that_ends_is_restarted_at_once_and_then_only_after_a_pause(tmp_path, eventually):
    running = Restarted(["sh", "-c", "exit 1"], {}, tmp_path / "log")

    assert eventually(lambda: not running.is_alive)
    running.look()
    assert eventually(lambda: not running.is_alive)
    running.look()

    assert running.restarts == 1
    running.stop()
