"""A namespace in which a team runs its pods, and one pod of it that asks the cluster's DNS."""

import json
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

from cluster.support.cluster import Cluster, Object
from cluster.support.wait import until
from demolib import workloads
from demolib.lines import Lines
from demolib.timing import LOOKUP, Stopwatch, stopwatch

RESOLVER = "resolver"


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
        return workloads.spec(self.cluster.image)

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
        text = self.kubectl("exec", RESOLVER, "--", "python3", "-c", LOOKUP, *questions)
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
    def watch_answers(self, name: str) -> Iterator[Lines]:
        """A line for every change of the answer to a name while it is entered, the first one included."""
        command = ["kubectl", "--namespace", self.namespace, "exec", "-i", RESOLVER, "--", "python3", "-c", LOOKUP, "--watch", "300"]
        with Lines([*command, self.full_name(name)], self.cluster.env) as lines:
            until(f"{name} was asked once", lambda: lines.seen)
            yield lines

    def stopwatch(self, selector: str) -> AbstractContextManager[Stopwatch]:
        """Measures how long it takes from the address of each selected pod to its name."""
        return stopwatch(self.cluster.env, namespace=self.namespace, selector=selector, resolver=RESOLVER, domain=self.domain)
