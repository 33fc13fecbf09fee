"""What the tests of the command line in clusters share: pods as kubelets would tell of them, and programs that are run."""

import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from support import helm

PROBE = {"tcpSocket": {"port": 8080}}
GOOD = {
    "name": "app",
    "image": "registry.example.com/app:1.4",
    "livenessProbe": PROBE,
    "readinessProbe": PROBE,
    "resources": {"requests": {"cpu": "100m"}},
}
BARE = {"name": "app", "image": "registry.example.com/app"}


_STEWARD = [sys.executable, "-c", "from steward.cli import main; main()"]


class Done(NamedTuple):
    """What a process left."""

    code: int
    out: str
    err: str


class Desk:
    """A kubeconfig with the contexts ``berlin``, ``dublin`` (the same) and ``guest``, who may do nothing; and the programs that use it."""

    def __init__(self, kubeconfig: Path) -> None:
        self.kubeconfig = kubeconfig

    def steward(self, *arguments: str, stdin: str = "") -> Done:
        """Run the command line."""
        return self._run([*_STEWARD, *map(str, arguments)], stdin)

    def start(self, *arguments: str, **options: Any) -> subprocess.Popen[str]:
        """Start the command line, for what does not end by itself; options as of Popen."""
        return subprocess.Popen([*_STEWARD, *arguments], text=True, env=self._environment(), **options)

    def kubectl(self, *arguments: str, stdin: str = "") -> str:
        """Run kubectl, which must succeed; what it prints."""
        done = self._run([helm.tool("kubectl"), *arguments], stdin)
        assert done.code == 0, done.err
        return done.out

    def apply(self, *objects: dict[str, Any]) -> None:
        """Create or change objects, with their status."""
        text = yaml.safe_dump_all(objects)
        self.kubectl("apply", "--filename", "-", stdin=text)
        if with_status := [one for one in objects if "status" in one]:
            self.kubectl(
                "apply", "--server-side", "--force-conflicts", "--subresource", "status", "--filename", "-", stdin=yaml.safe_dump_all(with_status)
            )

    def _run(self, command: list[str], stdin: str) -> Done:
        done = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False, env=self._environment(), timeout=50)
        return Done(done.returncode, done.stdout, done.stderr)

    def _environment(self) -> dict[str, str]:
        tools = Path(helm.tool("helm")).parent
        return {"PATH": f"{tools}:/usr/bin:/bin", "KUBECONFIG": str(self.kubeconfig), "HOME": str(self.kubeconfig.parent)}


def pod(name: str, namespace: str, container: dict[str, Any] = GOOD, *, restarts: int = 0, phase: str = "Running", **meta: Any) -> dict[str, Any]:
    """A pod that runs, as a kubelet would say."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace, **meta},
        "spec": {"containers": [container]},
        "status": {
            "phase": phase,
            "containerStatuses": [
                {"name": "app", "image": container["image"], "imageID": "x", "ready": True, "restartCount": restarts, "state": {"running": {}}}
            ],
        },
    }


def namespace(name: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
