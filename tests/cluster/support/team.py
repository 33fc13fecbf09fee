"""A namespace in which a team runs its pods, and one pod of it that asks the cluster's DNS."""

import json
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Self

from cluster.support import pods
from cluster.support.cluster import REPOSITORY, Cluster, Object
from cluster.support.wait import until

LOOKUP = REPOSITORY / "ci" / "demolib" / "lookup.py"
RESOLVER = "resolver"

Line = tuple[float, str]
"""When a line came, on our own monotonic clock, and the line."""


@dataclass(frozen=True)
class Team:
    """The namespace.

    Attributes:
        cluster: Where.
        namespace: Its name.
        domain: Of the cluster, such as cluster.local.
    """

    cluster: Cluster
    namespace: str
    domain: str

    @property
    def spec(self) -> Object:
        """Of a pod that idles."""
        return pods.spec(self.cluster.image)

    def kubectl(self, *arguments: object, stdin: str | None = None) -> str:
        """kubectl in this namespace."""
        return self.cluster.kubectl("--namespace", self.namespace, *arguments, stdin=stdin)

    def apply(self, *objects: Object) -> None:
        """Create objects here, or change them."""
        self.cluster.apply(*({**one, "metadata": {**one["metadata"], "namespace": self.namespace}} for one in objects))

    def get(self, kind: str, name: str) -> Object | None:
        """One object of this namespace; None when there is none."""
        return self.cluster.get(kind, name, "--namespace", self.namespace)

    def select(self, kind: str, *arguments: object) -> Sequence[Object]:
        """All objects of this namespace that are selected."""
        return self.cluster.select(kind, "--namespace", self.namespace, *arguments)

    def delete(self, *arguments: object) -> None:
        """Delete objects and wait until they are gone."""
        self.kubectl("delete", *arguments, "--ignore-not-found", "--wait")

    def address(self, pod: str) -> str:
        """Address of a pod, once it has one."""
        return until(f"pod {pod} has an address", lambda: (self.get("pod", pod) or {"status": {}})["status"].get("podIP"), timeout=90)

    def addresses(self, selector: str, number: int) -> dict[str, str]:
        """Address of each selected pod by its name, once there are as many that have one."""

        def look() -> dict[str, str]:
            found = {pod["metadata"]["name"]: pod["status"].get("podIP", "") for pod in self.select("pods", "--selector", selector)}
            return found if len(found) == number and all(found.values()) else {}

        return until(f"{number} pods {selector} have addresses", look, timeout=90)

    def full_name(self, name: str) -> str:
        """What the DNS calls a Service of this namespace."""
        return f"{name}.{self.namespace}.svc.{self.domain}"

    def ask(self, *questions: str) -> list[Object]:
        """The DNS' answers to full names; those of other types than A are asked with /TYPE."""
        with LOOKUP.open() as program:
            text = self.kubectl("exec", "-i", RESOLVER, "--", "python3", "-", *questions, stdin=program.read())
        return [json.loads(line) for line in text.splitlines()]

    def answer(self, name: str) -> Object:
        """Code and addresses for a Service of this namespace."""
        asked = self.ask(self.full_name(name))[0]
        return {"code": asked["code"], "answers": asked["answers"]}

    def getaddrinfo(self, name: str) -> list[str]:
        """What any program in a pod gets for a name, search domains and all."""
        program = f"import socket; print(*sorted({{one[4][0] for one in socket.getaddrinfo({name!r}, None)}}))"
        return self.kubectl("exec", RESOLVER, "--", "python3", "-c", program).split()

    def until_answered(self, name: str, *addresses: str, timeout: float = 20.0) -> None:
        """Wait until a name is answered with exactly these addresses. Raises: AssertionError."""
        wanted = {"code": "NOERROR", "answers": sorted(addresses)}
        until(f"{self.full_name(name)} is {wanted}", lambda: self.answer(name) == wanted, timeout=timeout, last=lambda: self.answer(name))

    def until_unknown(self, name: str, *, timeout: float = 20.0) -> None:
        """Wait until nobody answers to a name. Raises: AssertionError."""
        until(f"{self.full_name(name)} is unknown", lambda: self.answer(name)["code"] == "NXDOMAIN", timeout=timeout, last=lambda: self.answer(name))

    @contextmanager
    def watch_answers(self, *questions: str, seconds: float = 120.0) -> Iterator["Lines"]:
        """Every change of the answers while it is entered; begins when each question has had its first answer."""
        command = ["exec", "-i", RESOLVER, "--", "python3", "-", "--watch", str(seconds), *questions]
        with Lines(self.cluster, self.namespace, command, stdin=LOOKUP.read_text()) as lines:
            until("all names were asked once", lambda: len(lines.seen) >= len(questions))
            yield lines

    @contextmanager
    def watch_addresses(self) -> Iterator["Lines"]:
        """A line `<pod> <address>` for every change of a pod, as soon as the API server tells it."""
        template = r'{.metadata.name}{" "}{.status.podIP}{"\n"}'
        with Lines(self.cluster, self.namespace, ["get", "pods", "--watch", "-o", f"jsonpath={template}"]) as lines:
            until("the pods that are there were listed", lambda: lines.seen)
            yield lines


@dataclass
class Lines:
    """A kubectl that goes on printing, and when each line came.

    Attributes:
        seen: All lines so far.
    """

    cluster: Cluster
    namespace: str
    command: Sequence[str]
    stdin: str = ""
    seen: list[Line] = field(default_factory=list)

    def __enter__(self) -> Self:
        words = ["kubectl", "--namespace", self.namespace, *self.command]
        self._process = subprocess.Popen(words, env=self.cluster.env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._process.stdin is not None
        self._process.stdin.write(self.stdin)
        self._process.stdin.close()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(10)
        self._reader.join(10)
        assert self._process.stdout is not None
        self._process.stdout.close()

    def first(self, holds: Callable[[str], bool]) -> float | None:
        """When the first line came for which something holds; None while there is none."""
        return next((when for when, line in list(self.seen) if holds(line)), None)

    def _read(self) -> None:
        for line in self._process.stdout or ():
            self.seen.append((time.monotonic(), line.strip()))
