"""The API server's answers as objects. One object that does not fit its struct costs itself, not the list it came in."""

from __future__ import annotations

from typing import Any, Generic, TypeVar, cast

import msgspec

from steward.runtime import errors
from steward.runtime.resource import HasMeta, ObjectMeta, Resource
from steward.telemetry.logging import get_logger

T = TypeVar("T", bound=HasMeta)
V = TypeVar("V")

CHANGES = frozenset(("ADDED", "MODIFIED", "DELETED"))
"""Events that carry an object of the kind that is watched."""

log = get_logger(__name__)


class ListMeta(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """``metav1.ListMeta``."""

    resource_version: str = ""
    continue_: str = msgspec.field(default="", name="continue")


class Page(msgspec.Struct, Generic[T], frozen=True):
    """One page of a list.

    Attributes:
        items: The objects.
        resource_version: Version of the whole list.
        token: Continue token; empty on the last page.
    """

    items: list[T]
    resource_version: str
    token: str


class WatchEvent(msgspec.Struct, Generic[T], frozen=True, gc=False):
    """One line of a watch.

    Attributes:
        type: ADDED, MODIFIED, DELETED or BOOKMARK.
        object: The object; a bookmark has only metadata.
    """

    type: str
    object: T


class _List(msgspec.Struct, Generic[V], frozen=True):
    metadata: ListMeta
    # Some aggregated API servers write null for none, as Go does of a slice that was never made.
    items: list[V] | None


class _Line(msgspec.Struct, frozen=True, gc=False):
    type: str
    object: msgspec.Raw


class _Named(msgspec.Struct, frozen=True, gc=False):
    metadata: ObjectMeta


class Answers:
    """Decodes answers; keeps a decoder for each type."""

    def __init__(self) -> None:
        self._decoders: dict[Any, msgspec.json.Decoder[Any]] = {}

    def object(self, resource: Resource[T], body: bytes) -> T:
        """One object.

        Raises:
            DecodeError: It is not one of this resource.
        """
        decoded: T = self._decode(resource, resource.type, body)
        return decoded

    def page(self, resource: Resource[T], body: bytes) -> Page[T]:
        """One page of a list, without the objects that do not fit.

        Raises:
            DecodeError: It is not a list.
        """
        try:
            listed: _List[T] = self._decoder(_List[resource.type]).decode(body)  # type: ignore[name-defined]
        except (msgspec.DecodeError, UnicodeDecodeError):
            raw = self._decode(resource, _List[msgspec.Raw], body)
            items = [item for item in (self._salvage(resource, one) for one in raw.items or ()) if item is not None]
            listed = _List(raw.metadata, items)
        return Page(listed.items or [], listed.metadata.resource_version, listed.metadata.continue_)

    def event(self, resource: Resource[T], call: errors.Call, line: bytes) -> WatchEvent[T] | None:
        """One line of a watch; None for an object that does not fit.

        Raises:
            APIError: It is an ERROR event.
            DecodeError: It is not an event.
        """
        try:
            event: WatchEvent[T] = self._decoder(WatchEvent[resource.type]).decode(line)  # type: ignore[name-defined]
        except (msgspec.DecodeError, UnicodeDecodeError):
            return self._unusual_event(resource, call, line)
        return event if event.type in CHANGES else self._unusual_event(resource, call, line)

    def _unusual_event(self, resource: Resource[T], call: errors.Call, line: bytes) -> WatchEvent[T] | None:
        """A line that carries no object of the kind, or one that does not fit."""
        decoded: _Line = self._decode(resource, _Line, line)
        if decoded.type == "ERROR":
            body = bytes(decoded.object)
            raise errors.from_response(call, _status_code(body), body)
        if decoded.type == "BOOKMARK":
            # An empty object of the kind, whose required lists are null: it does not fit the kind's struct.
            return WatchEvent(decoded.type, cast("T", self._decode(resource, _Named, decoded.object)))
        item = self._salvage(resource, decoded.object)
        return None if item is None else WatchEvent(decoded.type, item)

    def _decoder(self, type_: Any) -> msgspec.json.Decoder[Any]:
        decoder = self._decoders.get(type_)
        if decoder is None:
            decoder = self._decoders[type_] = msgspec.json.Decoder(type_)
        return decoder

    def _decode(self, resource: Resource[Any], type_: Any, body: bytes | msgspec.Raw) -> Any:
        try:
            return self._decoder(type_).decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise errors.DecodeError(f"{resource}: {error}") from error

    def _salvage(self, resource: Resource[T], raw: msgspec.Raw) -> T | None:
        try:
            item: T = self._decoder(resource.type).decode(raw)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            log.error("object left out: it does not fit its schema", resource=str(resource), object=self._name(raw), reason=str(error))
            return None
        return item

    def _name(self, raw: msgspec.Raw) -> str:
        try:
            named: _Named = self._decoder(_Named).decode(raw)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return "unknown"
        return str(named.metadata.key)


def _status_code(body: bytes) -> int:
    try:
        return msgspec.json.decode(body, type=errors.Status).code
    except (msgspec.DecodeError, UnicodeDecodeError):
        return 500
