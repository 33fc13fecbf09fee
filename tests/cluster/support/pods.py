"""Pods to give names to. All run our own image, which has Python, and pass Pod Security *restricted*."""

from collections.abc import Mapping

from cluster.support.cluster import Object

ANNOTATION = "steward.dev/headless-service"
LEGACY_ANNOTATION = "srcd.host/create-headless-service"
PORT = 8000

IDLE = "import signal as s; s.pthread_sigmask(s.SIG_BLOCK, {s.SIGTERM}); s.sigwait({s.SIGTERM})"
"""Ends at SIGTERM, which a process 1 otherwise ignores."""
STUBBORN = "import signal as s; s.pthread_sigmask(s.SIG_BLOCK, {s.SIGTERM}); s.sigwait({s.SIGUSR1})"
"""Ends at SIGKILL only."""


def spec(image: str, program: str = IDLE, *, grace: int = 5) -> Object:
    """The spec of a pod that runs a line of Python and says it has a port `http`.

    Args:
        image: Our own.
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
    metadata = {"name": name, "annotations": asking() if annotations is None else annotations, "labels": labels or {}}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": of}


def deployment(name: str, of: Object, replicas: int, annotations: Mapping[str, str]) -> Object:
    """A Deployment whose pods carry annotations."""
    labels = {"app": name}
    template = {"metadata": {"labels": labels, "annotations": annotations}, "spec": of}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {"replicas": replicas, "selector": {"matchLabels": labels}, "template": template},
    }


def job(name: str, of: Object, completions: int, annotations: Mapping[str, str]) -> Object:
    """A Job whose pods carry annotations, and run at once."""
    template = {"metadata": {"labels": {"app": name}, "annotations": annotations}, "spec": {**of, "restartPolicy": "Never"}}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name},
        "spec": {"completions": completions, "parallelism": completions, "template": template},
    }
