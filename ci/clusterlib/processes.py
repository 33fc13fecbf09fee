"""Starting programs, and finding those that were started: from /proc, by what they were started with, never by a name alone."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from clusterlib.errors import ClusterError

JOB_VARIABLE = "STEWARD_CLUSTER_JOB"
"""In the environment of every program that works for one ci/cluster command: `<pid>:<start time>:<cache>` of that command.

It is how orphans are recognised.
"""

SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""Appended to PATH: the shell of a user who became root often lacks the sbin directories, where ip, iptables and runc are."""

CONFINED = ("unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc")
"""Put before a program that mounts things or starts daemons: what it leaves ends with it, also when it is killed."""

_TAIL_LINES = 8


def environment(cache: Path, **more: str) -> dict[str, str]:
    """The caller's environment with the marker of this command and the sbin directories."""
    path = os.environ.get("PATH", "")
    marker = f"{os.getpid()}:{start_time(os.getpid())}:{cache}"
    return {**os.environ, "PATH": f"{path}:{SYSTEM_PATH}" if path else SYSTEM_PATH, JOB_VARIABLE: marker, **more}


def _with_parent(words: Sequence[str], env: Mapping[str, str]) -> list[str]:
    """The same command, killed by the kernel when this process dies, also by SIGKILL.

    Only Linux has a program for that; elsewhere the command is as it was.
    """
    setpriv = shutil.which("setpriv", path=env.get("PATH"))
    return [setpriv, "--pdeathsig", "KILL", *words] if setpriv else list(words)


def run(
    argv: Sequence[str | os.PathLike[str]],
    *,
    env: Mapping[str, str],
    cwd: Path | None = None,
    stdin: str | int | None = None,
    timeout: float | None = None,
    mend: str = "",
) -> str:
    """Run a program to its end and return its stdout; `stdin` is a text, or a file's descriptor.

    Raises: ClusterError with the last lines it wrote when it fails, is missing, or takes longer than `timeout` seconds.
    """
    words = [os.fspath(word) for word in argv]
    if shutil.which(words[0], path=env.get("PATH")) is None:
        raise ClusterError(f"{words[0]}: no such program", mend)
    source: dict[str, Any] = {"input": stdin} if isinstance(stdin, str) else {"stdin": subprocess.DEVNULL if stdin is None else stdin}
    try:
        done: subprocess.CompletedProcess[str] = subprocess.run(
            _with_parent(words, env), env=env, cwd=cwd, timeout=timeout, capture_output=True, text=True, check=False, **source
        )
    except subprocess.TimeoutExpired as error:
        raise ClusterError(f"`{_shown(words)}` did not end within {timeout:.0f} s", mend) from error
    if done.returncode != 0:
        raise ClusterError(f"`{_shown(words)}` ended with {done.returncode}: {tail(done.stderr or done.stdout)}", mend)
    return done.stdout


def succeeds(argv: Sequence[str | os.PathLike[str]], *, env: Mapping[str, str], timeout: float = 30.0) -> bool:
    """Whether a program exists, ends within `timeout` seconds, and ends with 0."""
    try:
        run(argv, env=env, timeout=timeout)
    except ClusterError:
        return False
    return True


def tail(text: str, lines: int = _TAIL_LINES) -> str:
    """The last lines of an output, on one line."""
    return " | ".join(line.strip() for line in text.strip().splitlines()[-lines:])


def _shown(words: Sequence[str]) -> str:
    return " ".join(words) if len(words) < 12 else " ".join([*words[:10], "…"])


def pids() -> Iterator[int]:
    """Every process that can be seen."""
    proc = Path("/proc")
    if proc.is_dir():
        yield from (int(entry.name) for entry in proc.iterdir() if entry.name.isdigit())


def argv(pid: int) -> list[str]:
    """The words a process was started with; empty when it is gone, a zombie, or none of ours to read."""
    return _words(pid, "cmdline")


def environ(pid: int) -> list[str]:
    """The environment a process was started with, as `NAME=value`; empty when it cannot be read."""
    return _words(pid, "environ")


def _words(pid: int, name: str) -> list[str]:
    try:
        raw = Path(f"/proc/{pid}/{name}").read_bytes()
    except OSError:
        return []
    return [word.decode(errors="replace") for word in raw.split(b"\0") if word]


def start_time(pid: int) -> str:
    """When a process started, in clock ticks since boot: with the pid it names a process for good (proc(5), field 22 of stat).

    Empty when it is gone.
    """
    return (_stat(pid) or [""] * 20)[19]


def parent(pid: int) -> int:
    """The parent of a process; 0 when it is gone."""
    return int((_stat(pid) or ["", "0"])[1])


def is_alive(pid: int) -> bool:
    """Whether a process runs; a zombie does not."""
    stat = _stat(pid)
    return bool(stat) and stat[0] not in {"Z", "X"}


def _stat(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def children(pid: int) -> list[int]:
    """The direct children of a process."""
    return [other for other in pids() if parent(other) == pid]


def orphans(cache: Path) -> list[int]:
    """Programs started for a ci/cluster command of this cache which is no longer there: what a kill -9 leaves behind for a moment."""
    found = []
    for pid in pids():
        for word in environ(pid):
            name, _, value = word.partition("=")
            if name == JOB_VARIABLE and _is_orphan(value, cache):
                found.append(pid)
    return found


def _is_orphan(marker: str, cache: Path) -> bool:
    pid, _, rest = marker.partition(":")
    started, _, owner = rest.partition(":")
    return owner == str(cache) and pid.isdigit() and start_time(int(pid)) != started


def kill(victims: Sequence[int], *, timeout: float = 20.0) -> None:
    """SIGKILL and wait until they are gone.

    Raises: ClusterError when one does not go, which is the kernel's affair (a process in uninterruptible sleep).
    """
    for pid in victims:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
    deadline = time.monotonic() + timeout
    while left := [pid for pid in victims if is_alive(pid)]:
        if time.monotonic() > deadline:
            raise ClusterError(f"processes {left} do not end after SIGKILL", "Look at `cat /proc/<pid>/stack`; they wait for the kernel")
        time.sleep(0.05)
