"""`ci/cluster up` killed with SIGKILL at many moments; `ci/cluster down` then leaves nothing. A node of its own, beside whatever is up."""

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from clusterlib import paths as places
from clusterlib import processes, providers
from clusterlib.node import machine, settings
from clusterlib.paths import Paths

pytestmark = [pytest.mark.cluster, pytest.mark.slow, pytest.mark.timeout(300)]


def free_network() -> str:
    """A network that no node on this machine has: one that a killed run left must not fail the next."""
    routes = json.loads(subprocess.run(["ip", "-json", "route"], capture_output=True, check=True).stdout) if shutil.which("ip") else []
    taken = {".".join(route["dst"].split(".")[:2]) for route in routes}
    return next(f"10.{number}.0.0/16" for number in range(217, 240) if f"10.{number}" not in taken)


CIDR = free_network()
PREFIX = CIDR.removesuffix("0.0/16")

MOMENTS = [
    "provider node",
    "starting the node",
    "containerd answers",
    "the API server is ready",
    "the node is Ready",
    "CoreDNS answers",
    "ready; `ci/cluster shell`",
]
"""What `up` prints, in this order; it is killed as soon as the line is there."""

LATER = [0.05, 0.15, 0.3, 0.5, 0.8, 1.3, 2.1]
"""Seconds after the first line, to hit what lies between: certificates, namespaces, the interface, the supervisor's own first steps."""


@pytest.fixture
def own(monkeypatch: pytest.MonkeyPatch) -> Iterator[Paths]:
    """A cache beside the repository's, with its tools and images but no node."""
    if not providers.may_run_a_node():
        pytest.skip("the node provider needs Linux and root")
    shared = places.find()
    cache = shared.cache / f"test-{os.getpid()}"
    cache.mkdir(parents=True)
    for name in ("tools", "images"):
        (shared.cache / name).mkdir(exist_ok=True)
        (cache / name).symlink_to(shared.cache / name)
    monkeypatch.setenv("STEWARD_CACHE", str(cache))
    monkeypatch.setenv("STEWARD_NODE_CIDR", CIDR)
    monkeypatch.delenv("KUBECONFIG", raising=False)
    yield places.find()
    subprocess.run([shared.repository / "ci" / "cluster", "down"], capture_output=True, check=True)
    subprocess.run(["rm", "-rf", cache], check=True)


def ci_cluster(own: Paths, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([own.repository / "ci" / "cluster", *arguments], capture_output=True, text=True, check=False)


def kill_at(own: Paths, line: str, arguments: list[str], *, seconds: float = 0.0) -> None:
    """Start a command, and kill it that long after it has printed the line."""
    with subprocess.Popen([own.repository / "ci" / "cluster", *arguments], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as command:
        assert command.stderr
        said = [printed for printed in iter(command.stderr.readline, "") if line not in printed or _stop(command, seconds)]
        assert command.wait() == -signal.SIGKILL, "".join(said)


def _stop(command: subprocess.Popen[str], seconds: float) -> bool:
    try:
        command.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        command.kill()
    return True


def what_is_left(own: Paths) -> list[str]:
    """Everything a node or a build makes outside its cache, and what of the cache is no cache."""
    env = processes.environment(own.cache)
    found = machine.leftovers(settings.find(own), env)
    found += [f"process {pid} {processes.argv(pid)}" for pid in processes.pids() if mentions(pid, own)]
    found += [f"route {route}" for route in json.loads(processes.run(["ip", "-json", "route"], env=env)) if route["dst"].startswith(PREFIX)]
    found += [f"mount {point}" for point in machine.mounts_below(own.cache)]
    return found + [str(path) for path in own.cache.iterdir() if path.name not in {"tools", "images", "bin", "tmp", "buildah", "cluster.lock"}]


def mentions(pid: int, own: Paths) -> bool:
    """Whether a process works for this cache, by its arguments or by the marker of its starter."""
    words = [*processes.argv(pid), *(word for word in processes.environ(pid) if word.startswith(processes.JOB_VARIABLE))]
    return pid != os.getpid() and any(str(own.cache) in word for word in words)


def global_settings() -> dict[str, str]:
    """What the kubelet would write on the machine if it could."""
    from clusterlib.node.layout import SYSCTLS

    return {name: (Path("/proc/sys") / name).read_text() for name in SYSCTLS}


@pytest.mark.parametrize("line", MOMENTS)
def test_up_killed_at_a_line_leaves_nothing_after_down(own, line):
    before = global_settings()
    kill_at(own, line, ["up", "--provider", "node"])

    down = ci_cluster(own, "down")

    assert down.returncode == 0, down.stderr
    assert what_is_left(own) == []
    assert global_settings() == before


@pytest.mark.parametrize("seconds", LATER)
def test_up_killed_between_two_lines_leaves_nothing_after_down(own, seconds):
    kill_at(own, "provider node", ["up", "--provider", "node"], seconds=seconds)

    down = ci_cluster(own, "down")

    assert down.returncode == 0, down.stderr
    assert what_is_left(own) == []


def test_up_goes_on_after_it_was_killed(own):
    kill_at(own, "containerd answers", ["up", "--provider", "node"])

    up = ci_cluster(own, "up", "--provider", "node")

    assert up.returncode == 0, up.stderr
    assert "removing what is left of an earlier node" in up.stderr
    assert ci_cluster(own, "status").returncode == 0


def test_a_node_whose_supervisor_was_killed_is_gone_at_once(own, eventually):
    """Process 1 of the node's namespace takes all others with it; down has only the directory and the cgroups to remove."""
    assert ci_cluster(own, "up", "--provider", "node").returncode == 0
    node = settings.find(own)
    supervisor = machine.process_one(node)
    assert supervisor
    children = processes.children(supervisor)
    assert len(children) >= 7

    os.kill(supervisor, signal.SIGKILL)

    assert eventually(lambda: not any(processes.is_alive(pid) for pid in [supervisor, *children]))
    assert ci_cluster(own, "status").returncode == 1
    assert ci_cluster(own, "down").returncode == 0
    assert what_is_left(own) == []


def test_a_build_that_was_killed_leaves_no_compiler_after_down(own):
    (own.cache / "tools").unlink()
    kill_at(own, "building coredns", ["tools", "coredns"], seconds=0.5)

    assert ci_cluster(own, "down").returncode == 0

    assert what_is_left(own) == []
    assert list(own.temporary.iterdir()) == []


def test_an_image_build_that_was_killed_leaves_nothing_after_down(own):
    shared = (own.cache / "images").resolve()
    (own.cache / "images").unlink()
    (own.cache / "images").mkdir()
    for base in shared.glob("base-*.tar"):
        (own.cache / "images" / base.name).symlink_to(base)
    kill_at(own, "building image", ["image"], seconds=1.0)

    assert ci_cluster(own, "down").returncode == 0

    assert what_is_left(own) == []
    assert list(own.temporary.iterdir()) == []


def test_the_network_of_another_node_is_refused(own, tmp_path):
    """Two nodes on the same addresses would answer for each other."""
    assert ci_cluster(own, "up", "--provider", "node").returncode == 0
    other = {**os.environ, "STEWARD_CACHE": str(tmp_path)}

    refused = subprocess.run([own.repository / "ci" / "cluster", "up", "--provider", "node"], env=other, capture_output=True, text=True, check=False)

    assert refused.returncode == 1
    assert f"addresses {CIDR} are in use: route {PREFIX}" in refused.stderr
    assert "set STEWARD_NODE_CIDR to a private /16 that is free" in refused.stderr


def test_a_node_is_the_same_to_another_checkout_with_the_same_cache(own, tmp_path):
    """Whoever asks, and whatever network they would have taken themselves."""
    assert ci_cluster(own, "up", "--provider", "node").returncode == 0
    supervisor = machine.process_one(settings.find(own))
    shutil.copytree(own.repository / "ci", tmp_path / "ci")
    other = {**os.environ, "STEWARD_NODE_CIDR": "10.99.0.0/16"}

    up = subprocess.run([tmp_path / "ci" / "cluster", "up", "--provider", "node"], env=other, capture_output=True, text=True, check=False)

    assert up.returncode == 0, up.stderr
    assert "the node is up already" in up.stderr
    assert machine.process_one(settings.find(own)) == supervisor
