"""What of a request is judged: which pod, compared with which, by which checks.

====================== ========= ==================================================================================================
resource               operation
====================== ========= ==================================================================================================
pods                   CREATE    all checks but those of a running pod, which are the background's
pods                   UPDATE    the same, if images or the list of containers changed: what PodSecurity calls a significant update
pods/ephemeralcontainers UPDATE  the images of ephemeral containers; they can have neither probes nor resources
pods/resize            UPDATE    resources, which is all that it carries
workloads              both      the pod template, as warnings: nobody reads those of pods, which a controller creates
====================== ========= ==================================================================================================

Whatever else comes is let through: a release that asks for more may be older than its configuration.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from steward.governance.model import Container, Pod, PodSpec, Workload
from steward.governance.templates import TEMPLATES, without_nulls
from steward.governance.violations import STATIC_CHECKS, Check
from steward.webhook.model import Request

MIRROR = "kubernetes.io/config.mirror"
"""Annotation of the pod that a kubelet makes for a static one (corev1.MirrorPodAnnotationKey). Anybody can write it."""

NODES = "system:nodes"
"""Group of kubelets, which nobody can claim (KEP-279)."""

_pod = msgspec.json.Decoder(Pod)


class Subject(NamedTuple):
    """What is judged.

    Attributes:
        pod: As it would be.
        before: As it is; None when it is new, or a template: what nothing is denied for need not be compared.
        checks: By what.
        is_template: Whether it is a workload's template: it cannot be denied, and what pods are given on their creation is not in it.
        workload: What it belongs to, where the pod does not say so.
    """

    pod: Pod
    before: Pod | None
    checks: frozenset[Check] = STATIC_CHECKS
    is_template: bool = False
    workload: Workload | None = None


def subject(request: Request) -> Subject | None:
    """Find what is judged; None where there is nothing.

    Raises: msgspec.DecodeError when an object cannot be read.
    """
    if request.operation not in ("CREATE", "UPDATE"):
        return None
    is_of_pods = (request.resource.group, request.resource.resource) == ("", "pods")
    return _of_pod(request) if is_of_pods else _of_template(request)


def _of_pod(request: Request) -> Subject | None:
    pod, before = _read(request.object), _read(request.old_object)
    if pod is None or _is_mirror(pod, request):
        return None
    match request.operation, request.sub_resource:
        case "CREATE", "":
            return Subject(pod, None)
        case "UPDATE", "" if before is None or _shape(pod) != _shape(before):
            return Subject(pod, before)
        case "UPDATE", "ephemeralcontainers":
            return Subject(_debugging(pod), None if before is None else _debugging(before), frozenset({"latest_tag"}))
        case "UPDATE", "resize":
            return Subject(pod, before, frozenset({"missing_resources"}))
    return None


def _is_mirror(pod: Pod, request: Request) -> bool:
    """Whether a kubelet shows a pod that runs already. Denying it would only hide it."""
    return MIRROR in pod.metadata.annotations and NODES in request.user_info.groups


def _shape(pod: Pod) -> tuple[tuple[tuple[str, str], ...], ...]:
    """What makes an update significant (pod-security-admission, isSignificantPodUpdate): containers, and their images."""
    spec = pod.spec
    return tuple(tuple((one.name, one.image) for one in several) for several in (spec.init_containers, spec.containers, spec.ephemeral_containers))


def _debugging(pod: Pod) -> Pod:
    """Only the ephemeral containers."""
    some: tuple[Container, ...] = pod.spec.ephemeral_containers
    return msgspec.structs.replace(pod, spec=PodSpec(ephemeral_containers=some))


def _of_template(request: Request) -> Subject | None:
    kind = request.kind
    path = TEMPLATES.get((kind.group, kind.kind))
    if not path or request.sub_resource:
        return None
    content = without_nulls(msgspec.json.decode(request.object))
    template = _at(content, path)
    if template is None:
        return None
    name = str(_at(content, ("metadata", "name")) or "")
    return Subject(msgspec.convert(template, Pod), None, is_template=True, workload=Workload(request.namespace, kind.kind, name))


def _at(content: Any, path: tuple[str, ...]) -> Any:
    for step in path:
        content = content.get(step) if isinstance(content, dict) else None
    return content


def _read(raw: msgspec.Raw) -> Pod | None:
    text = bytes(raw)
    if text == b"null":
        return None
    try:
        return _pod.decode(text)
    except msgspec.ValidationError:
        # With the nulls of a client that writes them, such as those of a Go program's empty lists.
        return msgspec.convert(without_nulls(msgspec.json.decode(text)), Pod)
