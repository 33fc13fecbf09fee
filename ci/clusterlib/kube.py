"""kubectl, held to one cluster."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clusterlib import processes


@dataclass(frozen=True)
class Kubectl:
    """A program, a kubeconfig, an environment."""

    program: Path
    kubeconfig: str
    """As in $KUBECONFIG: one path, or several with colons between."""
    env: Mapping[str, str]

    def run(self, *arguments: str, stdin: str | None = None, timeout: float | None = None) -> str:
        """Its stdout. Raises: ClusterError with what kubectl said."""
        return processes.run([self.program, *arguments], env={**self.env, "KUBECONFIG": self.kubeconfig}, stdin=stdin, timeout=timeout)

    def get(self, *arguments: str) -> dict[str, Any]:
        """`kubectl get … -o json`; an empty object when there is no such thing."""
        answer: dict[str, Any] = json.loads(self.run("get", "--ignore-not-found", "-o", "json", *arguments) or "{}")
        return answer

    def apply(self, manifest: str) -> None:
        """Server-side apply: large CRDs do not fit into the annotation of the other kind."""
        self.run("apply", "--server-side", "--force-conflicts", "--field-manager=steward-ci", "-f", "-", stdin=manifest)
