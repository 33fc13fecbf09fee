"""What can be watched and written: resources, keys and object metadata as data.

A :class:`Resource` stands in for the scheme, the mapper and the dynamic client of other runtimes: it names the API path
and the struct an answer is decoded into. Structs hold only the fields a component reads.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Mapping
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

import msgspec

from steward.runtime.errors import ConfigError


class Key(NamedTuple):
    """Namespace and name of an object; the namespace is empty for cluster-scoped ones."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}" if self.namespace else self.name


class Struct(msgspec.Struct, frozen=True, gc=False, rename="camel", omit_defaults=True, kw_only=True):
    """Base of everything decoded from the API server: immutable, untracked by the collector, camelCase on the wire."""


class OwnerReference(Struct, frozen=True):
    """``metav1.OwnerReference``. ``blockOwnerDeletion`` is left out: setting it needs rights on the owner's finalizers (OpenShift enforces that)."""

    api_version: str = ""
    kind: str = ""
    name: str = ""
    uid: str = ""
    controller: bool = False


class ManagedField(Struct, frozen=True):
    """Who wrote an object last by which operation; what they wrote is not kept."""

    manager: str = ""
    operation: str = ""
    subresource: str = ""


class ObjectMeta(Struct, frozen=True):
    """The part of ``metav1.ObjectMeta`` that any component reads."""

    name: str = ""
    namespace: str = ""
    uid: str = ""
    resource_version: str = ""
    generation: int = 0
    creation_timestamp: str = ""
    deletion_timestamp: str | None = None
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}
    owner_references: tuple[OwnerReference, ...] = ()
    finalizers: tuple[str, ...] = ()

    @property
    def key(self) -> Key:
        """Namespace and name."""
        return Key(self.namespace, self.name)

    @property
    def controller(self) -> OwnerReference | None:
        """The owner that controls this object, or None."""
        for owner in self.owner_references:
            if owner.controller:
                return owner
        return None


class ChildMeta(ObjectMeta, frozen=True):
    """Metadata of objects we write: also who else wrote them, which :func:`steward.runtime.apply.perform` needs."""

    managed_fields: tuple[ManagedField, ...] = ()


class HasMeta(Protocol):
    """Anything with object metadata."""

    @property
    def metadata(self) -> ObjectMeta:
        """The object's metadata."""


class HasStatus(HasMeta, Protocol):
    """An object that also tells what became of it. ``status`` is one struct; it repeats the generation it speaks of, as ``observedGeneration``."""

    @property
    def status(self) -> msgspec.Struct | None:
        """What was found."""


T = TypeVar("T", bound=HasMeta)

_NAMESPACE = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
"""RFC 1123 label, as the API server wants the name of a namespace."""


class Resource(msgspec.Struct, Generic[T], frozen=True):
    """One kind of object at the API server.

    Attributes:
        group: API group; empty for the core group.
        version: API version.
        kind: Kind, as in manifests.
        plural: Name in the URL and in RBAC rules.
        type: Struct an object is decoded into.
        namespaced: Whether objects live in a namespace.
        shared: Dotted attribute paths whose equal values are stored once, such as ``metadata.labels``; replicas repeat them.
        unread: Paths of maps that nobody reads and no cache keeps, such as ``metadata.annotations``; each pod's may be its own.
        custom: Whether a CustomResourceDefinition makes the API serve it: it may be missing, and come and go while we run.
    """

    group: str
    version: str
    kind: str
    plural: str
    type: type[T]
    namespaced: bool = True
    shared: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()
    custom: bool = False

    @property
    def api_version(self) -> str:
        """``apiVersion`` of a manifest."""
        return f"{self.group}/{self.version}" if self.group else self.version

    def path(self, namespace: str = "", name: str = "", subresource: str = "") -> str:
        """URL path of the collection or of one object."""
        parts = ["/apis", self.group, self.version] if self.group else ["/api", self.version]
        if namespace:
            parts += ["namespaces", namespace]
        parts.append(self.plural)
        parts += [part for part in (name, subresource) if part]
        return "/".join(parts)

    def manifest(self, desired: HasMeta) -> dict[str, Any]:
        """The object as JSON-able data with ``apiVersion`` and ``kind``."""
        body: Mapping[str, Any] = msgspec.to_builtins(desired)
        return {"apiVersion": self.api_version, "kind": self.kind, **body}

    def encoded(self, desired: HasMeta) -> bytes:
        """The manifest as JSON, at half the price."""
        return b'{"apiVersion":"%s","kind":"%s",%s' % (self.api_version.encode(), self.kind.encode(), msgspec.json.encode(desired)[1:])

    def __str__(self) -> str:
        return f"{self.plural}.{self.group}" if self.group else self.plural


def micro_time() -> str:
    """Now, as ``metav1.MicroTime``."""
    return dt.datetime.now(dt.UTC).isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"


def check_namespaces(field: str, names: Iterable[str]) -> None:
    """Refuse names of a setting that no namespace can have: they would silently never match.

    Raises:
        ConfigError: Names the entry.
    """
    for index, name in enumerate(names):
        check_namespace(f"{field}[{index}]", name)


def check_namespace(field: str, name: str) -> None:
    """As :func:`check_namespaces`, for one. Raises: ConfigError."""
    if _NAMESPACE.fullmatch(name) is None:
        raise ConfigError(f'{field}: "{name}" is not a namespace. Write whole names; there are no patterns.')
