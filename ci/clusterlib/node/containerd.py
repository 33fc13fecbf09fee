"""containerd's client, run where containerd is: inside the node's mounts."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from clusterlib import processes
from clusterlib.errors import ClusterError
from clusterlib.images import oci
from clusterlib.node import machine
from clusterlib.node.settings import CONTAINERD_SOCKET, ROOT, Settings

_TIMEOUT_SECONDS = 300.0


def answers(settings: Settings, env: Mapping[str, str]) -> bool:
    """Whether containerd can be spoken to."""
    try:
        _ctr(settings, env, "version")
    except ClusterError:
        return False
    return True


def load(settings: Settings, env: Mapping[str, str], archives: Sequence[Path]) -> None:
    """Put images into containerd; those it has are left out."""
    known = _ctr(settings, env, "images", "list")
    for archive in archives:
        digest = oci.digest_of(archive)
        if not digest or digest not in known:
            with archive.open("rb") as file:
                _ctr(settings, env, "images", "import", "--local", "-", stdin=file.fileno())


def _ctr(settings: Settings, env: Mapping[str, str], *arguments: str, stdin: int | None = None) -> str:
    pid = machine.process_one(settings)
    if pid is None:
        raise ClusterError("the node is not up", "Run ci/cluster up")
    ctr = ["nsenter", f"--target={pid}", "--mount", f"{ROOT}/bin/ctr", "--address", CONTAINERD_SOCKET, "--namespace", "k8s.io"]
    return processes.run([*ctr, *arguments], env=env, stdin=stdin, timeout=_TIMEOUT_SECONDS)
