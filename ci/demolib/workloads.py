"""Pods to give names to. All run Steward's own image, which has Python, and pass Pod Security *restricted*."""

from collections.abc import Mapping
from typing import Any

Object = dict[str, Any]

ANNOTATION = "steward.dev/headless-service"
LEGACY_ANNOTATION = "srcd.host/create-headless-service"
PORT = 8000

IDLE = "import signal as s; s.pthread_sigmask(s.SIG_BLOCK, {s.SIGTERM}); s.sigwait({s.SIGTERM})"
"""Ends at SIGTERM, which a process 1 otherwise ignores."""


def spec(image: str, program: str = IDLE, *, grace: int = 5) -> Object:
    """The spec of a pod that runs a line of Python and says it has a port `http`.

    Args:
        image: Steward's own.
        program: The line.
        grace: Seconds from SIGTERM to SIGKILL.
    """
    return {
        "terminationGracePeriodSeconds": grace,
        "automountServiceAccountToken": False,
        "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [
            {
                "name": "main",
                "image": image,
                "imagePullPolicy": "IfNotPresent",
                "command": ["python3", "-c", program],
                "ports": [{"name": "http", "containerPort": PORT}],
                "securityContext": {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}},
            }
        ],
    }


def asking(annotation: str = ANNOTATION) -> Mapping[str, str]:
    """The annotations of a pod that asks for a name."""
    return {annotation: "true"}


def bare(name: str, of: Object, annotations: Mapping[str, str] | None = None, labels: Mapping[str, str] | None = None) -> Object:
    """A pod by itself. It asks for a name unless it is told otherwise."""
    metadata = {"name": name, "annotations": asking() if annotations is None else annotations, "labels": labels or {"app": name}}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": of}


def deployment(name: str, of: Object, replicas: int, annotations: Mapping[str, str] | None = None) -> Object:
    """A Deployment whose pods ask for names, unless they are told otherwise."""
    template = _template(name, of, annotations)
    spec = {"replicas": replicas, "selector": {"matchLabels": template["metadata"]["labels"]}, "template": template}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": spec}


def job(name: str, of: Object, completions: int, annotations: Mapping[str, str] | None = None) -> Object:
    """A Job whose pods run at once and ask for names, unless they are told otherwise."""
    spec = {"completions": completions, "parallelism": completions, "template": _template(name, {**of, "restartPolicy": "Never"}, annotations)}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name}, "spec": spec}


def _template(name: str, of: Object, annotations: Mapping[str, str] | None) -> Object:
    return {"metadata": {"labels": {"app": name}, "annotations": asking() if annotations is None else annotations}, "spec": of}
