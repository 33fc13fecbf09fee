"""What a reconcile asks for, as data. :mod:`steward.runtime.apply` carries it out."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Generic, Self, TypeVar

import msgspec

from steward.runtime.errors import NotOurs
from steward.runtime.resource import HasMeta, HasStatus, ObjectMeta, Resource
from steward.runtime.trial import Trial

T = TypeVar("T", bound=HasMeta)
R = TypeVar("R", bound=HasStatus)


class Reason(msgspec.Struct, frozen=True):
    """A reason of Events, as people filter by it.

    Attributes:
        name: UpperCamelCase, stable.
        type: ``Normal`` or ``Warning``.
        help: One sentence for the reference.
    """

    name: str
    type: str
    help: str


class Reference(msgspec.Struct, frozen=True, gc=False, rename="camel", omit_defaults=True):
    """``corev1.ObjectReference``: which object something is about."""

    api_version: str = ""
    kind: str = ""
    namespace: str = ""
    name: str = ""
    uid: str = ""

    @classmethod
    def to(cls, resource: Resource[Any], meta: ObjectMeta) -> Self:
        """The reference to an object."""
        return cls(api_version=resource.api_version, kind=resource.kind, namespace=meta.namespace, name=meta.name, uid=meta.uid)


class Event(msgspec.Struct, frozen=True):
    """Something to tell the owner of an object.

    Attributes:
        regarding: The object.
        reason: Why.
        note: One sentence; at most 1 kB is kept.
        action: What was done or tried, UpperCamelCase.
    """

    regarding: Reference
    reason: Reason
    note: str
    action: str


class Create(msgspec.Struct, Generic[T], frozen=True):
    """Make an object that does not exist.

    Attributes:
        resource: What kind of object.
        desired: All fields we have an opinion on.
        named: Write it by server-side apply, for which RBAC can be limited to the name; who loses a race finds what the other wrote. Only for what
            all who may write it agree on.
        done: Told once it is written.
        taken: Told for as long as the name belongs to an object that the selector of the store keeps from us.
    """

    resource: Resource[T]
    desired: T
    named: bool = False
    done: Event | None = None
    taken: Event | None = None

    @property
    def meta(self) -> ObjectMeta:
        """Which object it is about."""
        return self.desired.metadata


class Apply(msgspec.Struct, Generic[T], frozen=True):
    """Bring an object of ours to the desired state.

    Attributes:
        observed: The object the decision rests on.
        desired: All fields we have an opinion on.
        owned: Proof of ownership: whether the observed object is ours.
        manager: Field manager, where it is not the component's.
        done: Told once it is written.
    """

    resource: Resource[T]
    observed: T
    desired: T
    owned: Callable[[T], bool]
    manager: str = ""
    done: Event | None = None

    @property
    def meta(self) -> ObjectMeta:
        """Which object it is about."""
        return self.observed.metadata


class Patch(msgspec.Struct, Generic[T], frozen=True):
    """Change some fields of an object of ours as it was observed: of two who decided at once, one gets a Conflict.

    Attributes:
        observed: The object the decision rests on.
        fields: A merge patch (RFC 7386): None takes a field away.
        owned: Proof of ownership: whether the observed object is ours.
        done: Told once it is written.
    """

    resource: Resource[T]
    observed: T
    fields: Mapping[str, Any]
    owned: Callable[[T], bool]
    done: Event | None = None

    @property
    def meta(self) -> ObjectMeta:
        """Which object it is about."""
        return self.observed.metadata


class Delete(msgspec.Struct, Generic[T], frozen=True):
    """Delete an object of ours; attributes as in :class:`Apply`."""

    resource: Resource[T]
    observed: T
    owned: Callable[[T], bool]
    done: Event | None = None

    @property
    def meta(self) -> ObjectMeta:
        """Which object it is about."""
        return self.observed.metadata


class UpdateStatus(msgspec.Struct, Generic[R], frozen=True):
    """Say in the status of an object what became of it. Whose the object is does not matter; nothing is written where the status is so.

    Attributes:
        observed: The object the decision rests on.
        desired: Name and namespace, and the whole status we have an opinion on.
    """

    resource: Resource[R]
    observed: R
    desired: R
    done: Event | None = None

    @property
    def meta(self) -> ObjectMeta:
        """Which object it is about."""
        return self.observed.metadata


class Contribute(msgspec.Struct, Generic[T], frozen=True):
    """Add fields to an object of somebody else: server-side apply by a field manager of its own, never by force.

    What that manager added before and ``desired`` does not name any more is taken away. The outcome is a Conflict where another manager has set one
    of the fields otherwise, and Unproved where the proof failed.

    Attributes:
        observed: The object the decision rests on.
        desired: Its name, its namespace, and all fields that shall be ours.
        manager: The field manager.
        proof: Asked before the write; raises Unproved. It can change nothing.
        done: Told once it is written.
        failed: What to tell when it could not be written, given the error; None for nothing.
    """

    resource: Resource[T]
    observed: T
    desired: HasMeta
    manager: str
    proof: Callable[[Trial], Awaitable[None]] | None = None
    done: Event | None = None
    failed: Callable[[Exception], Event | None] | None = None

    @property
    def meta(self) -> ObjectMeta:
        """Which object it is about."""
        return self.observed.metadata


class RemoveFinalizer(msgspec.Struct, Generic[T], frozen=True):
    """Let an object go that waits for us; finalizers of others stay. To set one is an :class:`Apply`.

    Attributes:
        observed: The object the decision rests on, which has the finalizer.
        finalizer: Its name, such as ``aws.steward.dev/external``.
    """

    resource: Resource[T]
    observed: T
    finalizer: str
    done: Event | None = None

    @property
    def meta(self) -> ObjectMeta:
        """Which object it is about."""
        return self.observed.metadata


Action = Create[Any] | Apply[Any] | Patch[Any] | Delete[Any] | UpdateStatus[Any] | Contribute[Any] | RemoveFinalizer[Any]


class Plan(msgspec.Struct, frozen=True):
    """The decision of one reconcile.

    Attributes:
        actions: Writes; they may not depend on each other, for they leave all at once.
        events: What is so besides. Told once for as long as every look at the key finds it so.
        requeue_after: Seconds until the key is looked at again without a change. Polling, never failure: also when a write was refused for good.
        done: Told once all actions are done.
        skip: A word for why nothing is wanted, for the log.
    """

    actions: tuple[Action, ...] = ()
    events: tuple[Event, ...] = ()
    requeue_after: float | None = None
    done: Event | None = None
    skip: str = ""


OPERATIONS: dict[type, str] = {
    Create: "create",
    Apply: "update",
    Patch: "update",
    Delete: "delete",
    UpdateStatus: "update",
    Contribute: "update",
    RemoveFinalizer: "update",
}
"""The word for each action in metrics and logs."""


class Outcome(msgspec.Struct, frozen=True):
    """What became of a Plan: each action with its error, or None where it was done."""

    results: tuple[tuple[Action, Exception | None], ...] = ()

    @property
    def errors(self) -> list[Exception]:
        """The errors, in the order of the actions."""
        return [error for _, error in self.results if error is not None]

    @property
    def taken(self) -> tuple[Event, ...]:
        """What there is to tell about names that belong to others."""
        refused = (action for action, error in self.results if isinstance(action, Create) and isinstance(error, NotOurs))
        return tuple(action.taken for action in refused if action.taken is not None)

    @property
    def failed(self) -> tuple[Event, ...]:
        """What there is to tell about contributions that failed."""
        found = (
            action.failed(error)
            for action, error in self.results
            if isinstance(action, Contribute) and error is not None and action.failed is not None
        )
        return tuple(event for event in found if event is not None)
