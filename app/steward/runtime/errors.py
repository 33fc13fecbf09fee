"""What can go wrong between this process and the API server, as types.

::

    StewardError
    ├── APIError              the server answered, and said no
    │   ├── NotFound          404; the only error that means "absent"
    │   ├── AlreadyExists     409 on create
    │   ├── Conflict          409 on everything else, and 422 about the uid: the object moved, read again
    │   ├── Gone              410; a resource version or continue token expired
    │   ├── Unauthorized      401
    │   ├── Forbidden         403
    │   ├── Invalid           400 and 422; trying again is useless until something changes
    │   ├── Throttled         429; carries retry_after
    │   └── ServerError       5xx, and whatever has no class of its own
    ├── TransportError        no answer
    │   ├── ConnectFailed     no connection, or no TLS
    │   ├── Timeout           no answer in time; the write may have happened
    │   └── StreamBroken      the answer stopped in the middle
    ├── DecodeError           an answer that is not what the resource says
    ├── ConfigError           the user's input is wrong; one line says where and what to write
    ├── NotOurs               the object belongs to somebody else
    ├── Unproved              a dry run was refused; nothing was written
    └── LeaseLost             another replica may be the leader; stop writing

Use the classes, never the status code: ``except NotFound`` is the one way to learn that something is absent.
"""

from __future__ import annotations

import msgspec

MESSAGE_LIMIT = 256
"""Characters of a server's message that reach a log. Bodies may hold what nobody should log (kopf cuts at the same length)."""


RETRY_AFTER_LIMIT = 60.0
"""Seconds that are waited at most because an answer says so. The API server itself never asks for more than 32 (maxRetryAfter in
apiserver/pkg/util/flowcontrol); a proxy on the way may ask for a day."""


class StewardError(Exception):
    """Base of every error this program raises on purpose."""


class Call(msgspec.Struct, frozen=True, gc=False):
    """What was asked of the API server, for messages and metrics.

    Attributes:
        verb: The API verb, as in RBAC: get, list, watch, create, patch, update, delete.
        resource: Plural name, such as ``services``.
        namespace: Namespace, or empty.
        name: Object name, or empty.
    """

    verb: str
    resource: str
    namespace: str = ""
    name: str = ""

    def __str__(self) -> str:
        where = "/".join(part for part in (self.namespace, self.name) if part)
        return f"{self.verb} {self.resource} {where}".rstrip()


class APIError(StewardError):
    """The API server refused a request.

    Attributes:
        status: HTTP status code.
        reason: ``reason`` of the server's Status, such as ``AlreadyExists``; may be empty.
        retry_after: Seconds the server asked to wait, or None.
        call: What was asked.
    """

    def __init__(self, call: Call, status: int, *, reason: str = "", message: str = "", retry_after: float | None = None) -> None:
        self.call = call
        self.status = status
        self.reason = reason
        self.message = message[:MESSAGE_LIMIT]
        self.retry_after = retry_after
        said = f"{reason}: {self.message}" if reason and self.message else reason or self.message or "no reason given"
        super().__init__(f"{call}: {status} {said}")


class NotFound(APIError):
    """The object does not exist (404)."""


class AlreadyExists(APIError):
    """An object of that name exists (409 on create)."""


class Conflict(APIError):
    """The object changed since it was read, or another manager owns the field (409)."""


class Gone(APIError):
    """The resource version or the continue token is too old (410)."""


class Unauthorized(APIError):
    """The token was not accepted (401)."""


class Forbidden(APIError):
    """The right is missing, or a quota or a terminating namespace forbids it (403)."""


class Invalid(APIError):
    """The server will never accept this request as it is (400, 422)."""


class Throttled(APIError):
    """The server asks for fewer requests (429)."""


class ServerError(APIError):
    """The server failed (5xx)."""


class TransportError(StewardError):
    """No answer came."""

    def __init__(self, call: Call, message: str) -> None:
        self.call = call
        super().__init__(f"{call}: {message}")


class ConnectFailed(TransportError):
    """No connection to the API server."""


class Timeout(TransportError):
    """No answer in time; whether a write happened is unknown."""


class StreamBroken(TransportError):
    """The stream ended in the middle of an answer."""


class DecodeError(StewardError):
    """An answer did not have the shape of its resource."""


class ConfigError(StewardError):
    """Wrong user input: the message names the field, what was found, and what to write."""


class NotOurs(StewardError):
    """The object exists and belongs to somebody else; it was left alone."""


class Unproved(StewardError):
    """What was to be written was tried in a dry run first, and refused; nothing was written."""


class LeaseLost(StewardError):
    """The lease was not renewed in time; nothing may be written any more."""


class Status(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """The part of ``metav1.Status`` that errors need."""

    kind: str = ""
    code: int = 0
    reason: str = ""
    message: str = ""
    details: StatusDetails | None = None


class StatusDetails(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """Details of a Status; only what is used."""

    retry_after_seconds: int = 0
    causes: tuple[StatusCause, ...] = ()


class StatusCause(msgspec.Struct, frozen=True, gc=False):
    """One cause of a Status."""

    field: str = ""


_STATUS = msgspec.json.Decoder(Status)
_BY_CODE: dict[int, type[APIError]] = {
    400: Invalid,
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    410: Gone,
    422: Invalid,
    429: Throttled,
}


def from_response(call: Call, code: int, body: bytes, retry_after: str | None = None) -> APIError:
    """Make the typed error of an answer.

    Only a body whose kind is Status is quoted, because any other may hold anything (a proxy's page, an object).

    Args:
        call: What was asked.
        code: HTTP status, or the code of an ERROR event.
        body: Body of the answer.
        retry_after: Value of the Retry-After header; only whole seconds are understood, as in client-go, and at most :data:`RETRY_AFTER_LIMIT`.
    """
    try:
        status = _STATUS.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        status = Status()
    if status.kind != "Status":
        status = Status()
    kind = _BY_CODE.get(code, ServerError)
    if status.reason == "AlreadyExists":
        kind = AlreadyExists
    elif status.reason == "Expired":
        kind = Gone
    elif status.details is not None and any(cause.field == "metadata.uid" for cause in status.details.causes):
        # A write that names a uid found another object under the name. To the server that is an immutable field, hence 422.
        kind = Conflict
    return kind(call, code, reason=status.reason, message=status.message, retry_after=_seconds_to_wait(retry_after, status))


def _seconds_to_wait(header: str | None, status: Status) -> float | None:
    if header is not None and header.isdecimal():
        return min(float(header), RETRY_AFTER_LIMIT)
    if status.details is not None and status.details.retry_after_seconds > 0:
        return float(min(status.details.retry_after_seconds, RETRY_AFTER_LIMIT))
    return None


def innermost(error: BaseException) -> BaseException:
    """The one error inside groups of one; a group of several as it is."""
    while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return error
