"""What the API server asks and is answered, ``admission.k8s.io/v1``; and what of it the review reads.

Only the fields that are read, so what a newer Kubernetes adds is passed over and never refused.
"""

from __future__ import annotations

import msgspec
from msgspec import UNSET, UnsetType

from steward.runtime.resource import ObjectMeta, Resource, Struct

OPERATIONS = ("CREATE", "UPDATE", "DELETE", "CONNECT")
"""``admissionv1.Operation``."""

API_VERSION, KIND = "admission.k8s.io/v1", "AdmissionReview"


class GroupVersionKind(Struct, frozen=True):
    """``metav1.GroupVersionKind``."""

    group: str = ""
    version: str = ""
    kind: str = ""


class GroupVersionResource(Struct, frozen=True):
    """``metav1.GroupVersionResource``."""

    group: str = ""
    version: str = ""
    resource: str = ""


class UserInfo(Struct, frozen=True):
    """``authenticationv1.UserInfo``: who asked the API server."""

    username: str = ""
    groups: tuple[str, ...] = ()


class Request(Struct, frozen=True):
    """``AdmissionRequest``. The objects are decoded once it is known what they are."""

    uid: str
    kind: GroupVersionKind = GroupVersionKind()
    resource: GroupVersionResource = GroupVersionResource()
    sub_resource: str = ""
    name: str = ""
    namespace: str = ""
    operation: str = ""
    user_info: UserInfo = UserInfo()
    object: msgspec.Raw = msgspec.Raw(b"null")
    old_object: msgspec.Raw = msgspec.Raw(b"null")
    dry_run: bool | None = None


class Asked(Struct, frozen=True):
    """``AdmissionReview`` as the API server sends it."""

    api_version: str = ""
    kind: str = ""
    request: Request | None = None


class Status(Struct, frozen=True, omit_defaults=False):
    """``metav1.Status``: why not."""

    code: int
    message: str
    reason: str = ""
    status: str = "Failure"


class Response(Struct, frozen=True, omit_defaults=False):
    """``AdmissionResponse`` of a validating webhook, which must not patch."""

    uid: str
    allowed: bool
    status: Status | UnsetType = UNSET
    warnings: tuple[str, ...] | UnsetType = UNSET
    audit_annotations: dict[str, str] | UnsetType = UNSET


class Answered(Struct, frozen=True, omit_defaults=False):
    """``AdmissionReview`` as it goes back."""

    response: Response
    api_version: str = API_VERSION
    kind: str = KIND


class Namespace(Struct, frozen=True):
    """``corev1.Namespace``: whether it is there, and ends."""

    metadata: ObjectMeta = ObjectMeta()


NAMESPACES: Resource[Namespace] = Resource("", "v1", "Namespace", "namespaces", Namespace, namespaced=False)
