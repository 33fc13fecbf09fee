"""Pod Security "restricted", as https://kubernetes.io/docs/concepts/security/pod-security-standards/ states it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

VOLUMES = {"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"}


def violations(spec: dict[str, Any]) -> Iterator[str]:
    """What a pod does that *restricted* forbids."""
    yield from (key for key in ("hostNetwork", "hostPID", "hostIPC") if spec.get(key))
    for volume in spec.get("volumes", ()):
        yield from (f"volume {kind}" for kind in volume.keys() - {"name"} - VOLUMES)
    for container in (*spec.get("initContainers", ()), *spec["containers"]):
        yield from (f"{container['name']}: {rule}" for rule, kept in _rules(container, spec.get("securityContext", {})) if not kept)


def _rules(container: dict[str, Any], pod: dict[str, Any]) -> Iterator[tuple[str, bool]]:
    """Each rule for a container, and whether it keeps it; its own settings win over those of its pod."""
    own = container.get("securityContext", {})
    capabilities = own.get("capabilities", {})
    both = {**pod, **own}
    yield "privileged", not own.get("privileged")
    yield "allowPrivilegeEscalation", own.get("allowPrivilegeEscalation") is False
    yield "capabilities", "ALL" in capabilities.get("drop", ()) and not set(capabilities.get("add", ())) - {"NET_BIND_SERVICE"}
    yield "runAsNonRoot", both.get("runAsNonRoot") is True
    yield "runAsUser", both.get("runAsUser") != 0
    yield "seccompProfile", both.get("seccompProfile", {}).get("type") in ("RuntimeDefault", "Localhost")
    yield "hostPort", not any("hostPort" in port for port in container.get("ports", ()))
