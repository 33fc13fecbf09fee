"""What the machine must have before anything is built or started. Every problem is one line with its mend, and all of them are told at once."""

import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from ipaddress import IPv4Network
from pathlib import Path
from typing import NamedTuple

from clusterlib import processes
from clusterlib.errors import ClusterError
from clusterlib.node import cgroups
from clusterlib.node.settings import CIDR_VARIABLE, Settings

PROGRAMS = {
    "runc": "runc",
    "ip": "iproute2",
    "iptables": "iptables",
    "openssl": "openssl",
    "unshare": "util-linux",
    "nsenter": "util-linux",
    "mount": "mount",
}
"""What the node starts or calls, and the Debian package it comes in."""

IMAGE_PROGRAMS = {"buildah": "buildah", "mmdebstrap": "mmdebstrap"}
"""What `ci/cluster image` calls where there is no Docker."""

_FREE_BYTES = 3 * 2**30
"""What a running node takes: images unpacked, logs, etcd; Kubernetes itself evicts pods when a disk is nearly full."""
_FREE_MEMORY_KIB = 2 * 2**20

Problem = tuple[str, str]
"""What is wrong, and the mend."""


class Machine(NamedTuple):
    """What the checks look at."""

    settings: Settings
    env: Mapping[str, str]
    scratch: Path
    """A directory on the file system where the node's state will be."""


def packages() -> list[str]:
    """Debian packages of the node provider, those for building images included."""
    return sorted({*PROGRAMS.values(), *IMAGE_PROGRAMS.values()})


def require(machine: Machine) -> None:
    """Raises: ClusterError that lists every problem."""
    problems = list(_system())
    if not problems:
        for check in _CHECKS:
            problems += check(machine)
    if problems:
        raise ClusterError("no node can run here: " + "; ".join(f"{reason} ({mend})" for reason, mend in problems))


def missing_programs(programs: Mapping[str, str], env: Mapping[str, str]) -> list[Problem]:
    """One problem for all that are missing: their names, and the command that installs them."""
    missing = [program for program in programs if shutil.which(program, path=env["PATH"]) is None]
    if not missing:
        return []
    wanted = " ".join(sorted({programs[program] for program in missing}))
    return [(f"{', '.join(missing)} missing", f"apt-get install --no-install-recommends {wanted}")]


def _system() -> Iterator[Problem]:
    if sys.platform != "linux":
        yield f"this is {sys.platform}, not Linux", "start Docker and use --provider kind"
    elif os.geteuid() != 0:
        yield "not root", "run it as root, or start Docker and use --provider kind"


def _programs(machine: Machine) -> Iterator[Problem]:
    yield from missing_programs(PROGRAMS, machine.env)


def _namespaces(machine: Machine) -> Iterator[Problem]:
    command = ["unshare", "--mount", "--pid", "--net", "--uts", "--ipc", "--fork", "--kill-child", "--mount-proc", "ip", "link", "set", "lo", "up"]
    if not processes.succeeds(command, env=machine.env):
        yield "namespaces cannot be made", "root lacks CAP_SYS_ADMIN or CAP_NET_ADMIN; in a container, start it with --privileged"


def _overlay(machine: Machine) -> Iterator[Problem]:
    script = 'cd "$1" && mkdir -p l u w m && mount -t overlay overlay -o lowerdir=l,upperdir=u,workdir=w m'
    if not processes.succeeds(["unshare", "--mount", "sh", "-c", script, "sh", machine.scratch], env=machine.env):
        yield (
            f"no overlay file system on {machine.settings.state.parent}",
            "load the module `overlay`, or set STEWARD_CACHE to a directory on ext4 or xfs",
        )


def _cgroups(_: Machine) -> Iterator[Problem]:
    if missing := cgroups.missing():
        yield f"no cgroup controllers {', '.join(missing)} below {cgroups.ROOT}", "mount them, or start the kernel with them enabled"


def _bridge(_: Machine) -> Iterator[Problem]:
    if not Path("/proc/sys/net/bridge/bridge-nf-call-iptables").exists():
        yield "bridged packets do not pass iptables", "modprobe br_netfilter"


def _kernel_log(_: Machine) -> Iterator[Problem]:
    if not Path("/dev/kmsg").exists():
        yield "no /dev/kmsg, which the kubelet reads", "in a container, ln -s /dev/console /dev/kmsg"


def _disk(machine: Machine) -> Iterator[Problem]:
    free = shutil.disk_usage(machine.settings.state.parent).free
    if free < _FREE_BYTES:
        yield (
            f"{machine.settings.state.parent} has {free / 2**30:.1f} GiB left, a node needs {_FREE_BYTES // 2**30}",
            "make room, or set STEWARD_CACHE",
        )


def _memory(_: Machine) -> Iterator[Problem]:
    words = next(line.split() for line in Path("/proc/meminfo").read_text().splitlines() if line.startswith("MemAvailable:"))
    if int(words[1]) < _FREE_MEMORY_KIB:
        yield f"{int(words[1]) // 1024} MiB of memory available, a node needs {_FREE_MEMORY_KIB // 1024}", "end something else"


def _addresses(machine: Machine) -> Iterator[Problem]:
    settings = machine.settings
    for route in json.loads(processes.run(["ip", "-json", "route", "show", "table", "all"], env=machine.env) or "[]"):
        if (route.get("dev") != settings.host_link) and (taken := overlap(route.get("dst", ""), settings.network)):
            yield (
                f"addresses {settings.network} are in use: route {taken} by {route.get('dev', route.get('type'))}",
                f"set {CIDR_VARIABLE} to a private /16 that is free",
            )
            return


def overlap(destination: str, network: IPv4Network) -> str:
    """The destination of a route if it leads into the network; else nothing. A default route leads everywhere and takes nothing."""
    try:
        other = IPv4Network(destination)
    except ValueError:  # default, or of another family
        return ""
    return destination if other.prefixlen and other.overlaps(network) else ""


_CHECKS: tuple[Callable[[Machine], Iterator[Problem]], ...] = (
    _programs,
    _namespaces,
    _overlay,
    _cgroups,
    _bridge,
    _kernel_log,
    _disk,
    _memory,
    _addresses,
)
