"""The node's place in the cgroup hierarchies. The kubelet wants its root cgroup to exist, with every controller it uses."""

import time
from pathlib import Path

from clusterlib.errors import ClusterError

ROOT = Path("/sys/fs/cgroup")
NEEDED_V1 = ("cpu", "cpuacct", "cpuset", "memory", "pids", "freezer", "devices")
NEEDED_V2 = ("cpu", "cpuset", "memory", "pids")
"""Controllers of the kubelet's qosContainerManager and of runc."""
WANTED_V2 = (*NEEDED_V2, "hugetlb", "io")
"""Passed down when there: the kubelet's getSupportedUnifiedControllers asks for hugetlb if the root has it."""


def is_v2(root: Path = ROOT) -> bool:
    """Whether the unified hierarchy is mounted where the kubelet looks.

    A v2 mount beside v1 (`unified`) does not count: the controllers are with v1.
    """
    return (root / "cgroup.controllers").exists()


def missing(root: Path = ROOT) -> list[str]:
    """Controllers the node needs and the machine does not offer."""
    if is_v2(root):
        offered = (root / "cgroup.controllers").read_text().split()
        return [name for name in NEEDED_V2 if name not in offered]
    return [name for name in NEEDED_V1 if not (root / name / "cgroup.procs").exists()]


def make(name: str, root: Path = ROOT) -> None:
    """Make the node's cgroup in every hierarchy. Raises: ClusterError when the controllers cannot be passed down to it."""
    if is_v2(root):
        _make_v2(root / name, root)
        return
    for hierarchy in _hierarchies(root):
        if not is_v2(hierarchy):
            (hierarchy / name).mkdir(exist_ok=True)
    for file in ("cpuset.cpus", "cpuset.mems"):  # empty in a new cpuset, and then no process may enter
        (root / "cpuset" / name / file).write_text((root / "cpuset" / file).read_text())


def _make_v2(path: Path, root: Path) -> None:
    offered = (root / "cgroup.controllers").read_text().split()
    controllers = " ".join(f"+{name}" for name in WANTED_V2 if name in offered)
    path.mkdir(exist_ok=True)
    for directory in (root, path):
        try:
            (directory / "cgroup.subtree_control").write_text(controllers)
        except OSError as error:
            raise ClusterError(
                f"{directory}/cgroup.subtree_control does not take `{controllers}`: {error.strerror}",
                "In a container, processes must first move out of its root cgroup; start it with --cgroupns=host, or use a machine of its own",
            ) from error


def paths(name: str, root: Path = ROOT) -> list[Path]:
    """The node's cgroup in every hierarchy where it exists."""
    candidates = [root / name] if is_v2(root) else [hierarchy / name for hierarchy in _hierarchies(root)]
    return [path for path in candidates if path.is_dir()]


def remove(name: str, root: Path = ROOT, *, timeout: float = 20.0) -> None:
    """Remove it with all below it; the kernel refuses for a moment after the last process has gone.

    Raises: ClusterError when it still refuses after `timeout` seconds.
    """
    deadline = time.monotonic() + timeout
    while left := [path for path in paths(name, root) if not _remove_tree(path)]:
        if time.monotonic() > deadline:
            raise ClusterError(f"cgroup {left[0]} cannot be removed", f"Processes in it: `cat {left[0]}/cgroup.procs`")
        time.sleep(0.1)


def _remove_tree(path: Path) -> bool:
    for directory in sorted((entry for entry in path.rglob("*") if entry.is_dir()), key=lambda entry: len(entry.parts), reverse=True):
        if not _remove_one(directory):
            return False
    return _remove_one(path)


def _remove_one(path: Path) -> bool:
    try:
        path.rmdir()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True


def _hierarchies(root: Path) -> list[Path]:
    """Of v1: every mounted hierarchy, also a v2 one beside them, where runc makes groups too. Links (cpu -> cpu,cpuacct) are followed once."""
    return sorted({path.resolve() for path in root.iterdir() if (path / "cgroup.procs").exists()})
