"""The API server's answers as objects. One object that does not fit its struct costs itself, not the list it came in."""

from __future__ import annotations

from typing import Any, Generic, TypeVar

import msgspec

from steward.runtime import errors
from steward.runtime.resource import HasMeta, ObjectMeta, Resource
from steward.telemetry.logging import get_logger
from steward.telemetry.secret import Secret

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
        unreadable: What is known of the objects that do not fit their struct; without a name where not even that can be read.
    """

    items: list[T]
    resource_version: str
    token: str
    unreadable: tuple[ObjectMeta, ...] = ()


class WatchEvent(msgspec.Struct, Generic[T], frozen=True, gc=False):
    """One line of a watch.

    Attributes:
        type: ADDED, MODIFIED, DELETED or BOOKMARK.
        object: The object; a bookmark has only metadata.
    """

    type: str
    object: T

    @property
    def metadata(self) -> ObjectMeta:
        """The object's metadata."""
        return self.object.metadata


class Sign(msgspec.Struct, frozen=True, gc=False):
    """One line of a watch that carries no more than metadata: a bookmark, or a change of an object that does not fit its struct.

    Attributes:
        type: As in :class:`WatchEvent`.
        metadata: What could be read; without a name where not even that could.
    """

    type: str
    metadata: ObjectMeta


class _List(msgspec.Struct, Generic[V], frozen=True):
    metadata: ListMeta
    # Some aggregated API servers write null for none, as Go does of a slice that was never made.
    items: list[V] | None


class _Line(msgspec.Struct, frozen=True, gc=False):
    type: str
    object: msgspec.Raw


class _Named(msgspec.Struct, frozen=True, gc=False):
    metadata: ObjectMeta


class _Identity(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    name: str = ""
    namespace: str = ""
    uid: str = ""
    resource_version: str = ""


class _Nameplate(msgspec.Struct, frozen=True, gc=False):
    """What tells which object it is; the rest of its metadata may be what does not fit."""

    metadata: _Identity


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
        """One page of a list; objects that do not fit are told apart.

        Raises:
            DecodeError: It is not a list.
        """
        try:
            listed: _List[T] = self._decoder(_List[resource.type]).decode(body)  # type: ignore[name-defined]
        except (msgspec.DecodeError, UnicodeDecodeError):
            return self._salvaged(resource, self._decode(resource, _List[msgspec.Raw], body))
        return Page(listed.items or [], listed.metadata.resource_version, listed.metadata.continue_)

    def event(self, resource: Resource[T], call: errors.Call, line: bytes) -> WatchEvent[T] | Sign:
        """One line of a watch.

        Raises:
            APIError: It is an ERROR event.
            DecodeError: It is not an event.
        """
        try:
            event: WatchEvent[T] = self._decoder(WatchEvent[resource.type]).decode(line)  # type: ignore[name-defined]
        except (msgspec.DecodeError, UnicodeDecodeError):
            return self._unusual_event(resource, call, line)
        return event if event.type in CHANGES else self._unusual_event(resource, call, line)

    def _unusual_event(self, resource: Resource[T], call: errors.Call, line: bytes) -> WatchEvent[T] | Sign:
        """A line that carries no object of the kind, or one that does not fit."""
        decoded: _Line = self._decode(resource, _Line, line)
        if decoded.type == "ERROR":
            body = bytes(decoded.object)
            raise errors.from_response(call, _status_code(body), body)
        if decoded.type == "BOOKMARK":
            # An empty object of the kind, whose required lists are null: it does not fit the kind's struct.
            bookmark: _Named = self._decode(resource, _Named, decoded.object)
            return Sign(decoded.type, bookmark.metadata)
        found = self._salvage(resource, decoded.object)
        return Sign(decoded.type, found) if isinstance(found, ObjectMeta) else WatchEvent(decoded.type, found)

    def _decoder(self, type_: Any) -> msgspec.json.Decoder[Any]:
        decoder = self._decoders.get(type_)
        if decoder is None:
            decoder = self._decoders[type_] = msgspec.json.Decoder(type_, dec_hook=concealed)
        return decoder

    def _decode(self, resource: Resource[Any], type_: Any, body: bytes | msgspec.Raw) -> Any:
        try:
            return self._decoder(type_).decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise errors.DecodeError(f"{resource}: {error}") from error

    def _salvaged(self, resource: Resource[T], raw: _List[msgspec.Raw]) -> Page[T]:
        items: list[T] = []
        unreadable: list[ObjectMeta] = []
        for one in raw.items or ():
            found = self._salvage(resource, one)
            if isinstance(found, ObjectMeta):
                unreadable.append(found)
            else:
                items.append(found)
        return Page(items, raw.metadata.resource_version, raw.metadata.continue_, tuple(unreadable))

    def _salvage(self, resource: Resource[T], raw: msgspec.Raw) -> T | ObjectMeta:
        """The object, or as much of its metadata as can be read."""
        try:
            item: T = self._decoder(resource.type).decode(raw)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            known = self._metadata(raw)
            name = str(known.key) if known.name else "unknown"
            log.error("object left as it is: it does not fit its schema", resource=str(resource), object=name, reason=str(error))
            return known
        return item

    def _metadata(self, raw: msgspec.Raw) -> ObjectMeta:
        try:
            known: _Identity = self._decoder(_Nameplate).decode(raw).metadata
        except (msgspec.DecodeError, UnicodeDecodeError):
            return ObjectMeta()
        return ObjectMeta(**msgspec.structs.asdict(known))


def concealed(type_: type, value: Any) -> Any:
    """A value of a type that JSON does not know, as it comes from the server."""
    if type_ is not Secret or not isinstance(value, str):
        raise ValueError(f"no {type_.__name__}")
    return Secret(value)


def revealed(value: Any) -> Any:
    """The other way round, for the server alone."""
    if not isinstance(value, Secret):
        raise NotImplementedError(f"{type(value).__name__} has no form in JSON")
    return value.reveal()


def _status_code(body: bytes) -> int:
    try:
        return msgspec.json.decode(body, type=errors.Status).code
    except (msgspec.DecodeError, UnicodeDecodeError):
        return 500
