"""``steward watch`` on a real API server: lines in a pipe, objects for machines, a page in a terminal."""

import json
import os
import re
import select
import signal
import subprocess
import time

import pytest

from support.terminal import BARE, pod

SECONDS = 60
WHEN = r"\d\d:\d\d:\d\d"


class Reader:
    """What a process writes, as it comes."""

    def __init__(self, descriptor):
        self._descriptor = descriptor
        self.text = ""

    def until(self, pattern):
        """Read until the pattern is there; its match. What stands before it is dropped."""
        deadline = time.monotonic() + SECONDS
        while (found := re.search(pattern, self.text, re.MULTILINE)) is None:
            ready, _, _ = select.select([self._descriptor], [], [], max(0, deadline - time.monotonic()))
            assert ready, f"not within {SECONDS} s: {pattern} in {self.text!r}"
            self.text += os.read(self._descriptor, 65536).decode()
        self.text = self.text[found.end() :]
        return found


@pytest.fixture
def following(shop):
    """Start ``steward watch`` in a pipe; ends it with Ctrl-C and asks how it ended."""
    started = []

    def following(*arguments):
        process = shop.start("watch", "--namespace", "bank", *arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        started.append(process)
        return Reader(process.stdout.fileno())

    yield following
    for process in started:
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=SECONDS)
        assert (0, "") == (process.returncode, err)


@pytest.fixture
def teller(shop):
    """A pod in ``bank`` that comes, changes and goes when it is told to."""
    yield lambda container, **more: shop.apply(pod("teller", "bank", container, **more))
    shop.kubectl("delete", "pod", "teller", "--namespace", "bank", "--force", "--grace-period=0", "--ignore-not-found")


def test_a_pipe_gets_a_line_for_each_pod_that_changes_and_each_score_that_moves(shop, following, teller):
    lines = following()
    lines.until(rf"^{WHEN} score    bank: 90 Healthy, 1 pod$")

    teller({**BARE, "image": "app:1"})
    lines.until(rf"^{WHEN} added    bank/teller: 2 medium, 1 low$")
    lines.until(rf"^{WHEN} score    bank: 90 -> 93 Healthy, 2 pods$")
    teller({**BARE, "image": "app:1"}, restarts=9)
    lines.until(rf"^{WHEN} updated  bank/teller: 1 critical, 2 medium, 1 low$")
    shop.kubectl("delete", "pod", "teller", "--namespace", "bank", "--force", "--grace-period=0")
    lines.until(rf"^{WHEN} deleted  bank/teller$")
    lines.until(rf"^{WHEN} score    bank: \d+ -> 90 Healthy, 1 pod$")


def test_machines_get_an_object_a_line(following, teller):
    lines = following("-o", "json")
    first = json.loads(lines.until(r'^\{.*"event": "score".*\}$')[0])

    teller(BARE)
    added = json.loads(lines.until(r'^\{.*"event": "added".*\}$')[0])

    assert ("bank", 90, 1) == (first["namespace"], first["score"], first["pods"])
    assert ("bank", "teller", 4) == (added["namespace"], added["pod"], added["violations"])


def test_a_terminal_gets_a_page_that_is_gone_afterwards(shop, teller):
    here, there = os.openpty()
    process = shop.start("watch", stdout=there, stderr=subprocess.PIPE)
    os.close(there)
    page = Reader(here)
    try:
        page.until(re.escape("\x1b[?1049h"))
        page.until(r"4 pods in 2 namespaces")
        page.until(r"bank .*90 .*\x1b\[32mHealthy")
        teller(BARE)
        page.until(rf"5 pods in 2 namespaces(.|\n)*{WHEN} added    bank/teller: 1 .*high")
        process.send_signal(signal.SIGINT)
        page.until(re.escape("\x1b[?1049l"))
        assert (0, "") == (process.wait(SECONDS), process.stderr.read())
    finally:
        process.kill()
        process.communicate()
        os.close(here)


def test_who_may_not_look_is_told_at_once(shop):
    done = shop.steward("watch", "--context", "guest")

    assert (1, "", 1) == (done.code, done.out, done.err.count("\n"))
    assert "you may not list pods" in done.err
