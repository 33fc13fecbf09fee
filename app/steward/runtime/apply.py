"""Carries out a Plan: proves ownership, asks the fence, writes, files the answers."""

from __future__ import annotations

import asyncio
from collections.abc import Container, Mapping
from typing import Any

from steward.runtime import errors
from steward.runtime.client import JSON_PATCH, MERGE_PATCH, Client
from steward.runtime.fence import Fence
from steward.runtime.plan import OPERATIONS, Action, Apply, Contribute, Create, Delete, Event, Outcome, Patch, Plan, RemoveFinalizer, UpdateStatus
from steward.runtime.recorder import Recorder
from steward.runtime.resource import ChildMeta, ObjectMeta
from steward.runtime.store import Writer
from steward.runtime.trial import Trial

Writers = Mapping[str, Writer[Any]]
"""The stores of the component by the name of their resource; answers are filed there."""


async def perform(plan: Plan, *, client: Client, recorder: Recorder, fence: Fence, writers: Writers, told: Container[Event] = ()) -> Outcome:
    """Write what a Plan asks for, all actions at once, then the events; what stays so and was told already is left out.

    Guarantees: nothing starts after the fence fell; an update can only hit the very object that was observed (its uid is a precondition), a deletion
    only if that is still as it was observed, with its owner (so is the version).
    Not guaranteed: that all actions happen if one fails. The next reconcile sees what did.
    Assumptions: actions of one Plan do not depend on each other.
    Raises: nothing for a failed action; it is in the Outcome. LeaseLost, when the fence fell.
    Rights: those of the actions; see Component.rights.
    """
    if plan.actions:
        fence.check()
        one = _Performer(client, fence, writers)
        # The common case of a single write saves a task.
        found = [await one.run(plan.actions[0])] if len(plan.actions) == 1 else await asyncio.gather(*map(one.run, plan.actions))
        outcome = Outcome(tuple(zip(plan.actions, found, strict=True)))
    else:
        outcome = Outcome()
    for lost in outcome.errors:
        if isinstance(lost, errors.LeaseLost):
            raise lost
    for action, error in outcome.results:
        if error is None and action.done is not None:
            recorder.record(action.done)
    if plan.done is not None and not outcome.errors:
        recorder.record(plan.done)
    for event in (*plan.events, *outcome.taken, *outcome.failed):
        if event not in told:
            recorder.record(event)
    return outcome


class _Performer:
    """The writes of one Plan."""

    def __init__(self, client: Client, fence: Fence, writers: Writers) -> None:
        self._client = client
        self._fence = fence
        self._writers = writers

    async def run(self, action: Action) -> Exception | None:
        """Do one action. What goes wrong is an answer, a bug too: it must not leave while the other actions run on."""
        try:
            match action:
                case Create():
                    await self._create(action)
                case Apply():
                    await self._apply(action)
                case Patch():
                    await self._merge(action)
                case Delete():
                    await self._delete(action)
                case UpdateStatus():
                    await self._update_status(action)
                case Contribute():
                    await self._contribute(action)
                case RemoveFinalizer():
                    await self._remove_finalizer(action)
        except Exception as error:  # noqa: BLE001 - see above
            return error
        return None

    async def _create(self, action: Create[Any]) -> None:
        writer = self._writers[str(action.resource)]
        if action.named:
            writer.wrote(await self._create_named(action), at=_now())
            return
        try:
            made = await self._client.create(action.resource, action.desired, fence=self._fence)
        except errors.AlreadyExists:
            # The cache is behind. Ask who has the name, so that the next reconcile decides on what is, not on what the watch will tell one day.
            found = await self._client.find(action.resource, action.desired.metadata.key, selector=writer.store.selector)
            if found is not None:
                writer.wrote(found, at=_now())
            hidden = await self._client.find(action.resource, action.desired.metadata.key) if found is None and writer.store.selector else None
            if hidden is None:
                raise
            made = await self._reclaim(action, hidden)
        writer.wrote(made, at=_now())

    async def _create_named(self, action: Create[Any]) -> Any:
        """Create by apply. An object that is there already is only read: it may be anybody's.

        No apply says "only if there is none" (KEP-555), so one that somebody else made since we looked gets our fields. They are given back.
        """
        found = await self._client.find(action.resource, action.meta.key)
        if found is not None:
            return found
        made = await self._client.apply(action.resource, action.desired, fence=self._fence)
        if all(entry.manager == self._client.field_manager for entry in made.metadata.managed_fields):
            return made
        key = action.meta.key
        nothing = action.resource.type(metadata=ChildMeta(name=key.name, namespace=key.namespace))
        return await self._client.apply(action.resource, nothing, uid=made.metadata.uid, fence=self._fence)

    async def _reclaim(self, action: Create[Any], hidden: Any) -> Any:
        """Apply onto an object of the same owner that lost the label we look for.

        Anybody else's is left alone. It is not filed, for nothing would tell of its end: only a resync tries again.
        """
        owner, wanted = hidden.metadata.controller, action.desired.metadata.controller
        if owner is None or wanted is None or owner.uid != wanted.uid:
            raise errors.NotOurs(f"{action.resource.kind} {hidden.metadata.key}: {_holder(hidden.metadata)}; left alone") from None
        return await self._client.apply(action.resource, action.desired, uid=hidden.metadata.uid, force=True, fence=self._fence)

    async def _apply(self, action: Apply[Any]) -> None:
        meta = action.observed.metadata
        _prove(action)
        # Our own first write was a create; see takeover().
        turn = takeover(meta, action.manager or self._client.field_manager)
        if turn:
            await self._patch(action, turn)
        made = await self._client.apply(action.resource, action.desired, uid=meta.uid, force=True, manager=action.manager, fence=self._fence)
        self._writers[str(action.resource)].wrote(made, at=_now())

    async def _merge(self, action: Patch[Any]) -> None:
        meta = action.meta
        _prove(action)
        exactly = {"uid": meta.uid, "resourceVersion": meta.resource_version}
        body = {**action.fields, "metadata": {**action.fields.get("metadata", {}), **exactly}}
        self._file(action, await self._client.patch(action.resource, meta.key, body, content_type=MERGE_PATCH, fence=self._fence))

    async def _update_status(self, action: UpdateStatus[Any]) -> None:
        if action.observed.status == action.desired.status:
            return
        uid = action.meta.uid
        made = await self._client.apply(action.resource, action.desired, uid=uid, force=True, subresource="status", fence=self._fence)
        self._file(action, made)

    async def _contribute(self, action: Contribute[Any]) -> None:
        if action.proof is not None:
            await action.proof(Trial(self._client, self._fence))
        made = await self._client.apply(action.resource, action.desired, uid=action.meta.uid, manager=action.manager, fence=self._fence)
        self._file(action, made)

    async def _remove_finalizer(self, action: RemoveFinalizer[Any]) -> None:
        meta = action.meta
        path = f"/metadata/finalizers/{meta.finalizers.index(action.finalizer)}"
        patch: list[dict[str, object]] = [
            {"op": "test", "path": "/metadata/uid", "value": meta.uid},
            {"op": "test", "path": path, "value": action.finalizer},
            {"op": "remove", "path": path},
        ]
        try:
            left = await self._patch(action, patch)
        except errors.NotFound:
            self._writers[str(action.resource)].deleted(action.observed, at=_now())
        else:
            self._file(action, left)

    def _file(self, action: Action, answer: Any) -> None:
        """File the answer to a write; without its last finalizer an object that was being deleted is gone."""
        writer, meta = self._writers[str(action.resource)], answer.metadata
        if meta.deletion_timestamp is not None and not meta.finalizers:
            writer.deleted(answer, at=_now())
        else:
            writer.wrote(answer, at=_now())

    async def _patch(self, action: Apply[Any] | RemoveFinalizer[Any], patch: list[dict[str, object]]) -> Any:
        """A JSON patch whose tests say which object, in which state, it is meant for."""
        try:
            return await self._client.patch(action.resource, action.meta.key, patch, content_type=JSON_PATCH, fence=self._fence)
        except errors.Invalid as error:
            # One of its tests failed; the server does not say which, nor that it was a test.
            raise errors.Conflict(error.call, error.status, reason=error.reason, message="the object changed since it was read") from error

    async def _delete(self, action: Delete[Any]) -> None:
        meta = action.observed.metadata
        _prove(action)
        writer = self._writers[str(action.resource)]
        try:
            left = await self._client.delete(action.resource, meta.key, uid=meta.uid, version=meta.resource_version, fence=self._fence)
        except errors.NotFound:
            left = None
        if left is None:
            writer.deleted(action.observed, at=_now())
        else:
            writer.wrote(left, at=_now())


def _prove(action: Apply[Any] | Patch[Any] | Delete[Any]) -> None:
    if not action.owned(action.observed):
        meta = action.observed.metadata
        raise errors.NotOurs(f"{action.resource.kind} {meta.key}: {_holder(meta)}; left alone, not to {OPERATIONS[type(action)]}d by us")


def _holder(meta: ObjectMeta) -> str:
    owner = meta.controller
    return f"controlled by {owner.kind} {owner.name}" if owner is not None else "without our labels and owner"


def _now() -> float:
    return asyncio.get_running_loop().time()


def takeover(meta: ChildMeta, manager: str) -> list[dict[str, object]]:
    """JSON patch that turns our entry of operation Update, left by a create, into one of operation Apply.

    Without it both entries own the fields, and an apply that leaves a field out does not remove it (client-go's csaupgrade exists for the same
    reason). Empty when there is nothing to turn.
    """
    for index, entry in enumerate(meta.managed_fields):
        if (entry.manager, entry.operation, entry.subresource) == (manager, "Update", ""):
            path = f"/metadata/managedFields/{index}"
            return [
                {"op": "test", "path": "/metadata/resourceVersion", "value": meta.resource_version},
                {"op": "test", "path": f"{path}/manager", "value": manager},
                {"op": "replace", "path": f"{path}/operation", "value": "Apply"},
            ]
    return []
