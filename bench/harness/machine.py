"""Where and with what a run was made, for whoever reads its figures."""

from __future__ import annotations

import json
import os
import platform
import re
import subprocess
from datetime import UTC, datetime
from pathlib import Path

from harness.peers import made
from harness.prepare import BENCH, REPOSITORY, cache

PACKAGES = {"steward": ("aiohttp", "gunicorn", "kubernetes", "msgspec"), "peers": ("aiohttp", "kopf", "kubernetes")}


def describe() -> dict[str, object]:
    """The machine and the versions of everything that takes part."""
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "revision": _said("git", "-C", str(REPOSITORY), "rev-parse", "--short=12", "HEAD"),
        "processor": _processor(),
        "memory": _memory(),
        "system": f"{_distribution()}, Linux {platform.release()}",
        "python": _python(),
        "packages": {name: _packages(name, wanted) for name, wanted in PACKAGES.items()},
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


def _packages(environment: str, wanted: tuple[str, ...]) -> dict[str, str]:
    listed = json.loads(_said(str(made() / environment / "bin" / "pip"), "list", "--format", "json", "--disable-pip-version-check"))
    found = {one["name"].lower(): one["version"] for one in listed}
    return {name: found[name] for name in wanted}


def _module_version() -> str:
    modules = (BENCH / "peers" / "client-go" / "go.mod").read_text()
    found = re.search(r"k8s\.io/client-go (v\S+)", modules)
    return found[1] if found else "unknown"


def _said(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
