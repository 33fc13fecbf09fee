"""What the object of a request is called, for the log."""

from __future__ import annotations

import msgspec

from steward.runtime.resource import OwnerReference, Struct
from steward.webhook.answers import UNREADABLE
from steward.webhook.model import Request


class _Meta(Struct, frozen=True):
    name: str | None = None
    generate_name: str | None = None
    owner_references: tuple[OwnerReference, ...] | None = None


class _Object(Struct, frozen=True):
    metadata: _Meta = _Meta()


_object = msgspec.json.Decoder(_Object)


def name(request: Request) -> str:
    """The name; of one that the API server is still to generate (metav1.ObjectMeta, generateName), how it will begin and an asterisk, or whose it is.

    Empty where nothing is said about it, or nothing that can be read.
    """
    if request.name:
        return request.name
    try:
        meta = _object.decode(request.object).metadata
    except UNREADABLE:
        return ""
    if meta.name:
        return meta.name
    if meta.generate_name:
        return f"{meta.generate_name}*"
    return next((f"of {owner.kind} {owner.name}" for owner in meta.owner_references or ()), "")
