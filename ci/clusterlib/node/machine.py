"""What a node needs outside of its namespaces: one process that holds them, one interface, two routes, a cgroup.

Made here, found again by name, taken away here.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from clusterlib import processes
from clusterlib.errors import ClusterError
from clusterlib.node import cgroups
from clusterlib.node.settings import NODE_LINK, Settings

SUPERVISOR = Path(__file__).with_name("supervisor.py")
_WAIT_SECONDS = 20.0


def supervisors(settings: Settings) -> list[int]:
    """The processes of this node on the machine: `unshare` and the supervisor, recognised by their arguments.

    The others live in the supervisor's namespace and die with it. Another checkout with the same cache may have started them.
    """
    return [pid for pid in processes.pids() if _supervises(processes.argv(pid), settings.marker)]


def _supervises(argv: Sequence[str], marker: str) -> bool:
    return marker in argv and SUPERVISOR.name in (Path(argument).name for argument in argv)


def process_one(settings: Settings) -> int | None:
    """The supervisor itself, by its pid on the machine; None when it does not run."""
    found = supervisors(settings)
    return next((pid for pid in found if processes.parent(pid) in found), None)


def start(settings: Settings, env: Mapping[str, str]) -> int:
    """Start the supervisor in its namespaces and put the interface in. Returns: its pid. Raises: ClusterError when it ends at once."""
    unshare = ["unshare", "--mount", "--pid", "--net", "--uts", "--ipc", "--fork", "--kill-child", "--mount-proc"]
    clean = {name: value for name, value in env.items() if name != processes.JOB_VARIABLE}
    log = settings.state / "logs" / "supervisor.log"
    with log.open("ab") as output:
        holder = subprocess.Popen(
            [*unshare, sys.executable, "-I", str(SUPERVISOR), settings.marker],
            env=clean, cwd="/", stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True,
        )  # fmt: skip
    deadline = time.monotonic() + _WAIT_SECONDS
    while (pid := process_one(settings)) is None:
        if holder.poll() is not None or time.monotonic() > deadline:
            raise ClusterError(f"the node's first process did not start: {processes.tail(log.read_text())}", "Look at the reason above")
        time.sleep(0.02)
    _plug_in(settings, pid, env)
    return pid


def _plug_in(settings: Settings, pid: int, env: Mapping[str, str]) -> None:
    """The interface is made with its other end already inside, so that it vanishes with the node whatever happens to us."""
    link = settings.host_link
    for command in (
        ["link", "add", link, "type", "veth", "peer", "name", NODE_LINK, "netns", str(pid)],
        ["addr", "add", f"{settings.host_ip}/30", "dev", link],
        ["link", "set", link, "up"],
        ["route", "add", str(settings.services), "via", str(settings.node_ip)],
        ["route", "add", str(settings.pods), "via", str(settings.node_ip)],
    ):
        processes.run(["ip", *command], env=env)


def remove(settings: Settings, env: Mapping[str, str]) -> None:
    """Take everything away, whatever state it is in; nothing there is no error."""
    processes.kill(supervisors(settings))
    _unplug(settings, env)
    cgroups.remove(settings.cgroup)
    if mounts := mounts_below(settings.state):
        raise ClusterError(
            f"{mounts[0]} is mounted below the state directory and not by the node", f"Run `umount {mounts[0]}`, then ci/cluster down again"
        )
    shutil.rmtree(settings.state, ignore_errors=True)


def _unplug(settings: Settings, env: Mapping[str, str]) -> None:
    """Remove the interface. Its namespace may outlive its last process by a minute, until the kernel has given up on connections nobody closed."""
    if settings.host_link in links(env):
        deleted = processes.succeeds(["ip", "link", "delete", settings.host_link, "type", "veth"], env=env)
        if not deleted and settings.host_link in links(env):
            raise ClusterError(f"interface {settings.host_link} cannot be deleted", f"Run `ip link delete {settings.host_link}`")


def links(env: Mapping[str, str]) -> list[str]:
    """Names of the machine's interfaces."""
    return [link["ifname"] for link in json.loads(processes.run(["ip", "-json", "link"], env=env) or "[]")]


def mounts_below(directory: Path) -> list[str]:
    """Mount points on the machine at or below a directory (proc(5), field 5 of mountinfo)."""
    points = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    return [point for point in points if Path(point).is_relative_to(directory)]


def leftovers(settings: Settings, env: Mapping[str, str]) -> list[str]:
    """What of a node is still on the machine, in words; empty when nothing is."""
    found = [f"process {pid}" for pid in supervisors(settings)]
    found += [f"interface {name}" for name in links(env) if name == settings.host_link]
    found += [f"cgroup {path}" for path in cgroups.paths(settings.cgroup)]
    found += [f"mount {point}" for point in mounts_below(settings.state)]
    return found + ([f"directory {settings.state}"] if os.path.lexists(settings.state) else [])
