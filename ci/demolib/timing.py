"""How long it takes from a pod's address to the DNS' answer: both seen from outside, and stamped by one clock."""

import contextlib
import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from demolib.lines import Lines

LOOKUP = (Path(__file__).parent / "lookup.py").read_text(encoding="utf-8")
_POD = r'{.metadata.name}{" "}{.status.podIP}{"\n"}'
_POLL_SECONDS = 0.05


class Named(NamedTuple):
    """A pod that has its name."""

    pod: str
    address: str
    answers: list[str]
    seconds: float
    """From its address to the answer, as somebody sees it who watches pods and asks the DNS all the time."""


@dataclass(frozen=True)
class Stopwatch:
    """Watches the pods of a namespace, and asks for the name of each from the moment it exists.

    Attributes:
        addresses: A line `<pod> [<address>]` for every change of a pod.
        answers: The lines of lookup.py.
        domain: What stands behind a pod's name, such as `shop.svc.cluster.local`.
    """

    addresses: Lines
    answers: Lines
    domain: str

    def named(self, number: int, *, timeout: float) -> list[Named]:
        """The pods in the order of their addresses, once there are as many that have both. Raises: TimeoutError that names those that have not."""
        deadline = time.monotonic() + timeout
        asked: set[str] = set()
        while True:
            seen = {line.split()[0] for _, line in list(self.addresses.seen) if line}
            for pod in sorted(seen - asked):
                self.answers.send(f"{pod}.{self.domain}")
            asked |= seen
            found = list(self._named())
            if len(found) >= number:
                return found
            if time.monotonic() > deadline:
                late = ", ".join(sorted(seen - {one.pod for one in found})) or "no pod was seen"
                raise TimeoutError(f"{len(found)} of {number} pods have a name after {timeout:.0f} s; without: {late}")
            time.sleep(_POLL_SECONDS)

    def _named(self) -> Iterator[Named]:
        answered: dict[str, tuple[float, list[str]]] = {}
        for when, line in list(self.answers.seen):
            answer = json.loads(line)
            if answer["answers"]:
                answered.setdefault(answer["question"], (when, answer["answers"]))
        known: dict[str, float] = {}
        for when, line in list(self.addresses.seen):
            pod, _, address = line.partition(" ")
            if address and pod not in known and f"{pod}.{self.domain}" in answered:
                known[pod] = when
                at, answers = answered[f"{pod}.{self.domain}"]
                yield Named(pod, address, answers, max(at - when, 0.0))


@contextlib.contextmanager
def stopwatch(env: Mapping[str, str], *, namespace: str, selector: str, resolver: str, domain: str) -> Iterator[Stopwatch]:
    """Start it before the pods are.

    Args:
        env: With KUBECONFIG and a PATH that has kubectl.
        namespace: Of the pods.
        selector: Of the pods.
        resolver: A running pod there that has Python.
        domain: Of the cluster, such as `cluster.local`.
    """
    kubectl = ["kubectl", "--namespace", namespace]
    watch = [*kubectl, "get", "pods", "--selector", selector, "--watch", "-o", f"jsonpath={_POD}"]
    ask = [*kubectl, "exec", "-i", resolver, "--", "python3", "-c", LOOKUP, "--watch", "600"]
    with Lines(ask, env) as answers, Lines(watch, env) as addresses:
        yield Stopwatch(addresses, answers, f"{namespace}.svc.{domain}")
