"""A running peer: what its processes cost, all of them together."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from support.envtest import die_with_parent

TICKS = os.sysconf("SC_CLK_TCK")
STOP_SECONDS = 20.0
WORDS = 300
RESTART_FIRST, RESTART_CAP = 10.0, 300.0
"""Seconds the kubelet waits before it restarts a container for the second time, and at most (pkg/kubelet, backOffPeriod and MaxCrashLoopBackOff)."""

_MAPPING = re.compile(r"^[0-9a-f]+-[0-9a-f]+ \S+ (?P<offset>[0-9a-f]+) (?P<device>\S+) (?P<inode>\d+)")


class Running:
    """One peer with all its children, in a process group of its own."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
        self._command = command
        self._environment = os.environ | environment
        self._log = log
        self._start()

    def _start(self) -> None:
        with self._log.open("ab") as log:
            self._says_from = log.tell()
            self.started = time.time()
            self._process: subprocess.Popen[bytes] = subprocess.Popen(
                self._command,
                env=self._environment,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
                preexec_fn=die_with_parent,  # noqa: PLW1509 - it calls one system call
            )

    @property
    def is_alive(self) -> bool:
        """Whether the first process is there."""
        return self._process.poll() is None

    @property
    def process_id(self) -> int:
        """Of the first process, and of its group."""
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """Of the first process; negative when a signal ended it."""
        return self._process.returncode

    def last_words(self) -> str:
        """The last line of its log, cut."""
        with self._log.open("rb") as log:
            log.seek(self._says_from)
            lines = log.read().decode(errors="replace").strip().splitlines()
        return lines[-1][:WORDS] if lines else "it said nothing"

    def cpu_seconds(self) -> float:
        """CPU time of all processes so far, user and system."""
        return sum(_cpu_ticks(process) for process in self._processes()) / TICKS

    def memory_bytes(self) -> int:
        """What the container would be charged for, alone on its node.

        Anonymous and shared memory as PSS, which divides a page among those who map it; pages of files once, whoever else on this machine maps them.
        """
        anonymous = 0
        files: dict[tuple[str, ...], int] = {}
        for process in self._processes():
            with suppress(OSError):  # it has ended in this moment
                rollup = _numbers(Path(f"/proc/{process}/smaps_rollup").read_text())
                anonymous += rollup["Pss_Anon"] + rollup["Pss_Shmem"]
                for mapping, size in _file_pages(process).items():
                    files[mapping] = max(size, files.get(mapping, 0))
        return (anonymous + sum(files.values())) * 1024

    def peak_bytes(self) -> int:
        """The most that was in memory at once, of each process, added up: pages that they share count for each (VmHWM of proc_pid_status(5))."""
        peak = 0
        for process in self._processes():
            with suppress(OSError):  # it has ended in this moment
                peak += _numbers(Path(f"/proc/{process}/status").read_text(), of=("VmHWM",))["VmHWM"]
        return peak * 1024

    def stop(self) -> None:
        """SIGTERM, and SIGKILL for whoever does not obey or was left behind."""
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        with suppress(ProcessLookupError):
            os.killpg(self.process_id, signal.SIGKILL)

    def _processes(self) -> list[int]:
        found, waiting = [], [self.process_id]
        while waiting:
            process = waiting.pop()
            found.append(process)
            try:
                waiting += map(int, Path(f"/proc/{process}/task/{process}/children").read_text().split())
            except OSError:
                found.pop()
        return found


class Restarted(Running):
    """A peer that is restarted when it ends, as a kubelet does it. CPU time is that of all its lives."""

    restarts = 0
    _due = 0.0
    _pause = RESTART_FIRST
    _this_life = 0.0
    _former_lives = 0.0

    def cpu_seconds(self) -> float:
        """See :class:`Running`."""
        self._this_life = max(self._this_life, super().cpu_seconds())
        return self._former_lives + self._this_life

    def look(self) -> None:
        """Restart it if it has ended and its time has come; to be called now and then."""
        if self.is_alive:
            self.cpu_seconds()
            return
        if time.monotonic() < self._due:
            return
        self.restarts += 1
        self._former_lives, self._this_life = self._former_lives + self._this_life, 0.0
        self._due = time.monotonic() + self._pause
        self._pause = min(2 * self._pause, RESTART_CAP)
        self._start()


def _cpu_ticks(process: int) -> int:
    try:
        # After the name in parentheses; utime and stime are fields 14 and 15 of proc_pid_stat(5).
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0  # it has ended in this moment
    return int(fields[11]) + int(fields[12])


def _file_pages(process: int) -> dict[tuple[str, ...], int]:
    """Kilobytes of files in memory, by mapping; without what was copied on write."""
    found: dict[tuple[str, ...], int] = {}
    mapping: tuple[str, ...] | None = None
    for line in Path(f"/proc/{process}/smaps").read_text().splitlines():
        head = _MAPPING.match(line)
        if head is not None:
            mapping = (head["device"], head["inode"], head["offset"]) if head["inode"] != "0" and "/dev/" not in line else None
        elif mapping is not None and line.startswith(("Rss:", "Anonymous:")):
            size = int(line.split()[1])
            found[mapping] = found.get(mapping, 0) + (size if line.startswith("Rss:") else -size)
    return found


def _numbers(text: str, *, of: Sequence[str] = ()) -> dict[str, int]:
    lines = (line.partition(":") for line in text.splitlines()[1:])
    return {name: int(value.split()[0]) for name, _, value in lines if not of or name in of}
