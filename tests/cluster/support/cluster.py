"""The cluster under test, as `ci/cluster` gives it."""

import json
import os
import re
import shlex
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from demolib.workloads import Object

REPOSITORY = Path(__file__).resolve().parents[3]
PROGRAM = REPOSITORY / "ci" / "cluster"


@dataclass(frozen=True)
class Result:
    """How a program ended."""

    code: int
    stdout: str
    stderr: str


class Failed(Exception):
    """A program ended with something else than 0; the text has what it said."""


def run(arguments: Sequence[object], *, env: Mapping[str, str], stdin: str | None = None, timeout: float = 300.0) -> Result:
    """Run a program to its end, however it ends."""
    words = [str(word) for word in arguments]
    done = subprocess.run(words, env=dict(env), input=stdin, capture_output=True, text=True, timeout=timeout, check=False)
    return Result(done.returncode, done.stdout, done.stderr)


@dataclass(frozen=True)
class Cluster:
    """A cluster that is up.

    Attributes:
        provider: existing, kind or node.
        kubeconfig: Its path.
        version: Of the API server.
        values: Path of a values file for every release; empty for none.
        image: Our own, as the chart names it.
    """

    provider: str
    kubeconfig: str
    version: str
    values: str
    image: str

    @property
    def env(self) -> dict[str, str]:
        """An environment for programs that are to talk to this cluster."""
        return {**os.environ, "KUBECONFIG": self.kubeconfig}

    def run(self, *arguments: object, stdin: str | None = None, timeout: float = 300.0) -> str:
        """The stdout of a program that talks to this cluster. Raises: Failed."""
        done = run(arguments, env=self.env, stdin=stdin, timeout=timeout)
        if done.code:
            raise Failed(f"{shlex.join(map(str, arguments))} ended with {done.code}: {done.stderr.strip() or done.stdout.strip()}")
        return done.stdout

    def kubectl(self, *arguments: object, stdin: str | None = None, timeout: float = 120.0) -> str:
        """The stdout of kubectl. Raises: Failed."""
        return self.run("kubectl", *arguments, stdin=stdin, timeout=timeout)

    def get(self, kind: str, name: str, *arguments: object) -> Object | None:
        """One object; None when there is none."""
        text = self.kubectl("get", kind, name, *arguments, "--ignore-not-found", "-o", "json")
        return json.loads(text) if text else None

    def select(self, kind: str, *arguments: object) -> list[Object]:
        """All objects that are selected."""
        return json.loads(self.kubectl("get", kind, *arguments, "-o", "json"))["items"]

    def apply(self, *objects: Object) -> None:
        """Create objects, or change them."""
        self.kubectl("apply", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}))

    def audit(self, mentioning: str) -> list[Object]:
        """The lines of the API server's audit log that mention something. Raises: Failed where there is no log to be had, saying why."""
        return [json.loads(line) for line in self.run(PROGRAM, "logs", "audit").splitlines() if mentioning in line]


def up(kubeconfig: str = "", values: str = "") -> Cluster:
    """Have a cluster with monitoring and our image; one that is up is taken as it is.

    Args:
        kubeconfig: Of the cluster to take; empty means what `ci/cluster` chooses.
        values: Path of a values file for every release, which may name another image.

    Raises: Failed.
    """
    env = {**os.environ, **({"KUBECONFIG": kubeconfig} if kubeconfig else {})}
    started = run([PROGRAM, "up", "--monitoring", "--image"], env=env, timeout=3600)
    if started.code:
        raise Failed(started.stderr)
    found = dict(re.findall(r"^export (\w+)=(.*)$", run([PROGRAM, "env"], env=env).stdout, re.MULTILINE))
    kubeconfig = shlex.split(found["KUBECONFIG"])[0]
    version = json.loads(run(["kubectl", "version", "-o", "json"], env={**env, "KUBECONFIG": kubeconfig}).stdout)
    return Cluster(found["STEWARD_PROVIDER"], kubeconfig, version["serverVersion"]["gitVersion"], values, _image(values))


def _image(values: str) -> str:
    """Registry, repository and tag, as the chart puts them together."""
    deployment = ["--show-only", "templates/headless/deployment.yaml", *(["--values", values] if values else [])]
    done = run(["helm", "template", "steward", REPOSITORY / "chart", *deployment], env=os.environ)
    found = re.search(r'image: "?([^"\s]+)', done.stdout)
    if not found:
        raise Failed(f"helm template: {done.stderr}")
    return found[1]
