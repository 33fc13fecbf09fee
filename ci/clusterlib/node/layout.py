"""What the node sees: its own /run, /var/lib and /var/log, its state at /run/node, a few sysctls that are not the machine's, one network interface.

Only the supervisor uses this, inside the node's namespaces; outside, nothing of it exists.
"""

import ctypes
import os
import socket
import subprocess
import time
from pathlib import Path

from clusterlib.node.settings import NODE_LINK, ROOT

_MS_BIND, _MS_REC, _MS_SHARED = 0x1000, 0x4000, 0x100000
"""linux/mount.h"""

SYSCTLS = {
    "vm/overcommit_memory": "1",
    "vm/panic_on_oom": "0",
    "kernel/panic": "10",
    "kernel/panic_on_oops": "1",
    "kernel/keys/root_maxkeys": "1000000",
    "kernel/keys/root_maxbytes": "25000000",
}
"""What the kubelet insists on and would write on the machine: setupKernelTunables in its container_manager_linux.go."""

_libc = ctypes.CDLL(None, use_errno=True)


def mount(source: str, target: str, kind: str = "", flags: int = 0) -> None:
    """Call the system call of that name. Raises: OSError."""
    if _libc.mount(source.encode(), target.encode(), kind.encode() or None, ctypes.c_ulong(flags), None) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), target)


def mount_everything(state: Path) -> None:
    """Lay out the file system.

    The kubelet's volumes need propagation, so the tree is shared: with the pods only, since the namespace was made private before.
    """
    mount("none", "/", flags=_MS_REC | _MS_SHARED)
    descriptor = os.open(state, os.O_PATH)  # the way back once /run or /var/lib, where it may be, are covered
    for directory in ("/run", "/var/lib", "/var/log"):
        mount("tmpfs", directory, "tmpfs")
    _bind(f"/proc/self/fd/{descriptor}", ROOT)
    os.close(descriptor)
    for name in ("tmp", "logs", "kubelet", "pod-logs", "etcd"):
        (ROOT / name).mkdir(mode=0o700, exist_ok=True)
    _bind(ROOT / "kubelet", Path("/var/lib/kubelet"))
    _bind(ROOT / "pod-logs", Path("/var/log/pods"))
    Path("/run/lock").mkdir()
    Path("/run/netns").mkdir()
    _show_sysctls()
    # A process that makes a user namespace may mount a proc only where one that is not covered anywhere can be seen: pods with hostUsers: false.
    Path("/run/proc").mkdir()
    mount("proc", "/run/proc", "proc")


def _bind(source: str | Path, target: Path) -> None:
    target.mkdir(parents=True, exist_ok=True)
    mount(str(source), str(target), flags=_MS_BIND)


def _show_sysctls() -> None:
    for name, value in SYSCTLS.items():
        own = Path("/run/sysctl") / name
        target = Path("/proc/sys") / name
        if target.exists():
            own.parent.mkdir(parents=True, exist_ok=True)
            own.write_text(f"{value}\n")
            mount(str(own), str(target), flags=_MS_BIND)


def configure_network(address: str, services: str, gateway: str, *, timeout: float = 30.0) -> None:
    """Wait for the interface that is put in from outside, and give it its address and a route for Service addresses.

    Services are rewritten to pods after routing, so without a route the node itself could reach none; neither could the API server, which calls
    webhooks.
    There is no default route: nothing in the node gets beyond the machine.

    Raises: TimeoutError when no interface comes, as after a kill of whoever should have put it in.
    """
    deadline = time.monotonic() + timeout
    while NODE_LINK not in {name for _, name in socket.if_nameindex()}:
        if time.monotonic() > deadline:
            raise TimeoutError(f"no interface {NODE_LINK} within {timeout:.0f} s")
        time.sleep(0.02)
    for command in (
        ["link", "set", "lo", "up"],
        ["addr", "add", address, "dev", NODE_LINK],
        ["link", "set", NODE_LINK, "up"],
        ["route", "add", services, "via", gateway],
    ):
        subprocess.run(["ip", *command], check=True)
    Path("/proc/sys/net/ipv4/ip_forward").write_text("1\n")
    bridge_filter = Path("/proc/sys/net/bridge/bridge-nf-call-iptables")
    if bridge_filter.exists():
        bridge_filter.write_text("1\n")  # a Service whose pod is on the same bridge
