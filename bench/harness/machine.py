"""Where and with what a run was made, for whoever reads its figures."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import subprocess
import tomllib
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from harness.peers import made
from harness.prepare import APP, BENCH, REPOSITORY, cache

PACKAGES = {"steward": APP / "pyproject.toml", "peers": BENCH / "peers" / "requirements.in"}
"""Which packages are told: those that are asked for there, not what they bring."""

NAME = re.compile(r"^\s*\"?([A-Za-z][\w.-]*)(?:\[[^]]*\])?\s*(?:[<>=~!]=?|$)")


def describe(plan: str, *, rounds: int, parts: Iterable[str]) -> dict[str, object]:
    """The machine, the versions of everything that takes part, and a digest of what is measured, which consists of these parts."""
    return {
        "plan": plan,
        "measured": _measured(parts),
        "rounds": rounds,
        "date": datetime.now(UTC).date().isoformat(),
        "revision": _revision(),
        "processor": _processor(),
        "memory": _memory(),
        "system": f"{_distribution()}, Linux {platform.release()}",
        "python": _python(),
        "packages": {name: _packages(name, _asked(source.read_text())) for name, source in PACKAGES.items()},
        "go": _said("go", "env", "GOVERSION"),
        "client_go": _module_version(),
        "kube_apiserver": _said(str(cache() / "bin" / "kube-apiserver"), "--version").removeprefix("Kubernetes "),
        "etcd": _said(str(cache() / "bin" / "etcd"), "--version").splitlines()[0].removeprefix("etcd Version: "),
        "load": os.getloadavg()[0],
    }


def _processor() -> str:
    model = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return f"{os.cpu_count()} cores, {model[1].strip() if model else platform.machine()}"


def _memory() -> str:
    return f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB"


def _distribution() -> str:
    return platform.freedesktop_os_release().get("PRETTY_NAME", "unknown")


def _python() -> str:
    code = "import os, sys; print(sys.version.split()[0], 'of', os.path.realpath(sys.executable))"
    return _said(str(made() / "steward" / "bin" / "python"), "-c", code)


def _measured(parts: Iterable[str]) -> str:
    """Changes with the plan, the programs, the interpreter and the libraries: what is the same may go on in one run."""
    digest = hashlib.sha256("\n".join([made().name, *parts]).encode())
    for path in sorted([*(APP / "steward").rglob("*.py"), *(BENCH / "peers").rglob("*.py")]):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _revision() -> str:
    changed = _said("git", "-C", str(REPOSITORY), "status", "--porcelain", "--", "app", "bench/load", "bench/peers")
    return _said("git", "-C", str(REPOSITORY), "rev-parse", "--short=12", "HEAD") + (" with changes" if changed else "")


def _asked(requirements: str) -> list[str]:
    """The names of direct dependencies, in the ``dependencies`` of a pyproject.toml or in a requirements file."""
    if "[project]" in requirements:
        lines = tomllib.loads(requirements)["project"]["dependencies"]
    else:
        lines = [line.partition("#")[0].strip() for line in requirements.splitlines()]
    found = (NAME.match(line) for line in lines)
    return [one[1].lower() for one in found if one is not None]


def _packages(environment: str, wanted: Sequence[str]) -> dict[str, str]:
    listed = json.loads(_said(str(made() / environment / "bin" / "pip"), "list", "--format", "json", "--disable-pip-version-check"))
    found = {one["name"].lower(): one["version"] for one in listed}
    return {name: found[name] for name in wanted if name in found}


def _module_version() -> str:
    modules = (BENCH / "peers" / "client-go" / "go.mod").read_text()
    found = re.search(r"k8s\.io/client-go (v\S+)", modules)
    return found[1] if found else "unknown"


def _said(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
