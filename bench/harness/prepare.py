"""Builds what a run needs, once: two virtual environments and two Go programs, kept below the cache by the hash of what they are made of.

Only the standard library is used here, for this runs before there is anything else.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
BENCH = REPOSITORY / "bench"
APP = REPOSITORY / "app"

OLDEST = (3, 11)

GO_PROGRAMS = {
    "load": BENCH / "load",
    "admission": BENCH / "load" / "admission",
    "client-go": BENCH / "peers" / "client-go",
    "handler": BENCH / "peers" / "handler",
    "auditor": BENCH / "peers" / "auditor",
}


class CannotPrepare(Exception):
    """Something is missing; the message says what to do."""


def everything() -> Path:
    """Have all of it, and return the directory: ``steward`` and ``peers`` are virtual environments, ``bin`` holds the programs."""
    interpreter = python()
    locks = [APP / "requirements.lock", APP / "requirements-build.lock", BENCH / "peers" / "requirements.lock"]
    sources = [path for source in GO_PROGRAMS.values() for path in sorted(source.rglob("*")) if path.suffix in {".go", ".mod", ".sum"}]
    made = cache() / "bench" / _digest([*locks, *sources], interpreter)
    if not (made / "complete").exists():
        _environment(made / "steward", interpreter, locks[:2])
        _run([made / "steward" / "bin" / "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--editable", APP])
        _environment(made / "peers", interpreter, locks[2:])
        for name, source in GO_PROGRAMS.items():
            _run(["go", "build", "-trimpath", "-buildvcs=false", "-mod=readonly", "-o", made / "bin" / name, "."], cwd=source, CGO_ENABLED="0")
        (made / "complete").touch()
    if not all((cache() / "bin" / name).exists() for name in ("etcd", "kube-apiserver")):
        _run([REPOSITORY / "ci" / "cluster", "tools", "etcd", "kube-apiserver"])
    return made


def cache() -> Path:
    """Where built things are kept: $STEWARD_CACHE, else .cache."""
    return Path(os.environ.get("STEWARD_CACHE", REPOSITORY / ".cache"))


def python() -> str:
    """The interpreter for Steward and the Python peers: $BENCH_PYTHON, else the distribution's if it is new enough, else the one that runs this.

    A distribution builds with profile-guided optimization, as the one in the image is built; those of version managers mostly are not.
    """
    named = os.environ.get("BENCH_PYTHON")
    for candidate in [named] if named else ["/usr/bin/python3", sys.executable]:
        if _version(candidate) >= OLDEST:
            return candidate
    raise CannotPrepare(f"no Python {'.'.join(map(str, OLDEST))} or newer. Set BENCH_PYTHON to one.")


def _version(interpreter: str) -> tuple[int, ...]:
    try:
        done = subprocess.run([interpreter, "-c", "import sys; print(*sys.version_info[:3])"], capture_output=True, text=True, check=False)
    except OSError:
        return ()
    return tuple(map(int, done.stdout.split()))


def _environment(directory: Path, interpreter: str, locks: Sequence[Path]) -> None:
    print(f"bench/run: making {directory}", file=sys.stderr)
    _run([interpreter, "-m", "venv", "--clear", directory])
    arguments = [argument for lock in locks for argument in ("--requirement", lock)]
    _run([directory / "bin" / "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes", *arguments])


def _run(command: Sequence[str | Path], *, cwd: Path = REPOSITORY, **environment: str) -> None:
    try:
        done = subprocess.run(command, cwd=cwd, env=os.environ | environment, check=False)
    except FileNotFoundError as error:
        raise CannotPrepare(f"{command[0]} is not there. Install it: the peers need Python 3.11 with venv, and Go 1.26.") from error
    if done.returncode:
        raise CannotPrepare(f"{' '.join(map(str, command))} failed; see above.")


def _digest(paths: Iterable[Path], interpreter: str) -> str:
    digest = hashlib.sha256(f"{interpreter} {REPOSITORY}".encode())
    for path in paths:
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:12]
