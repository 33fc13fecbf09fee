"""From the bytes of a call to a request, and from what was decided to the bytes of an answer."""

from __future__ import annotations

from typing import Any

import msgspec

from steward.http.admission import Reply
from steward.webhook import model
from steward.webhook.model import Answered, Asked, Request, Response, Status
from steward.webhook.review import Decision

UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What msgspec raises for what is no JSON, or does not fit."""

_asked = msgspec.json.Decoder(Asked)
_answer = msgspec.json.Encoder()


class Malformed(Exception):
    """A call that is no review; the message says why.

    Attributes:
        uid: Of the request, as far as it could be read.
    """

    def __init__(self, reason: str, uid: str = "") -> None:
        super().__init__(reason)
        self.uid = uid


def read(content_type: str, body: bytes) -> Request:
    """The request of a call.

    Raises: Malformed.
    """
    if content_type != "application/json":
        raise Malformed(f"Content-Type: expected application/json, got {content_type or 'none'}")
    if not body:
        raise Malformed("the body is empty")
    try:
        asked = _asked.decode(body)
    except msgspec.ValidationError as error:
        raise Malformed(f"not an {model.KIND}: {error}", _uid(body)) from error
    except UNREADABLE as error:
        raise Malformed(f"not JSON: {error}") from error
    request = asked.request
    uid = request.uid if request is not None else ""
    if (asked.api_version, asked.kind) != (model.API_VERSION, model.KIND):
        found = f"{asked.api_version or 'no apiVersion'}, {asked.kind or 'no kind'}"
        raise Malformed(f"expected {model.API_VERSION}, {model.KIND}, got {found}", uid)
    if request is None:
        raise Malformed("no request")
    if not uid:
        raise Malformed("request.uid is empty")
    if request.operation not in model.OPERATIONS:
        raise Malformed(f'request.operation: expected one of {", ".join(model.OPERATIONS)}, got "{request.operation}"', uid)
    return request


def decided(request: Request, decision: Decision) -> Reply:
    """The answer of a review."""
    return _reply(
        200,
        Response(
            request.uid,
            decision.allowed,
            status=msgspec.UNSET if decision.allowed else Status(403, decision.message, "Forbidden"),
            warnings=decision.warnings or msgspec.UNSET,
            audit_annotations=decision.notes or msgspec.UNSET,
        ),
    )


def malformed(error: Malformed) -> Reply:
    """The answer to what is no review: for the API server a call that failed."""
    return _reply(400, Response(error.uid, allowed=False, status=Status(400, str(error), "BadRequest")))


def failed_closed(reason: str) -> Reply:
    """The answer without a review where no object may pass without one: for the API server a call that failed, no refusal."""
    return Reply(500, f"no review: {reason}\n".encode(), b"text/plain")


def _reply(status: int, response: Response) -> Reply:
    return Reply(status, _answer.encode(Answered(response)))


def _uid(body: bytes) -> str:
    """What can be read of the uid."""
    try:
        document: Any = msgspec.json.decode(body)
    except UNREADABLE:
        return ""
    request = document.get("request") if isinstance(document, dict) else None
    uid = request.get("uid") if isinstance(request, dict) else None
    return uid if isinstance(uid, str) else ""
