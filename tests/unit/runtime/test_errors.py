"""From an answer to a typed error."""

import msgspec
import pytest

from steward.runtime import errors
from steward.runtime.errors import Call, from_response

CALL = Call("create", "services", "shop", "web-0")


def _status(code: int, reason: str, message: str = "why", **details) -> bytes:
    return msgspec.json.encode({"kind": "Status", "code": code, "reason": reason, "message": message, "details": details})


@pytest.mark.parametrize(
    ("code", "reason", "expected"),
    [
        (400, "BadRequest", errors.Invalid),
        (401, "Unauthorized", errors.Unauthorized),
        (403, "Forbidden", errors.Forbidden),
        (404, "NotFound", errors.NotFound),
        (409, "AlreadyExists", errors.AlreadyExists),
        (409, "Conflict", errors.Conflict),
        (410, "Expired", errors.Gone),
        (410, "Gone", errors.Gone),
        (422, "Invalid", errors.Invalid),
        (429, "TooManyRequests", errors.Throttled),
        (500, "InternalError", errors.ServerError),
        (503, "ServiceUnavailable", errors.ServerError),
        (504, "Timeout", errors.ServerError),
        (418, "", errors.ServerError),
    ],
)
def test_a_code_and_a_reason_make_a_class(code, reason, expected):
    assert expected is type(from_response(CALL, code, _status(code, reason)))


def test_a_uid_that_does_not_fit_is_a_conflict():
    """Another object has the name by now. A real server calls that Invalid when the object is there, and Conflict when none is."""
    causes = [{"reason": "FieldValueInvalid", "message": 'Invalid value: "1": field is immutable', "field": "metadata.uid"}]

    assert errors.Conflict is type(from_response(CALL, 422, _status(422, "Invalid", causes=causes)))


def test_the_message_says_what_was_asked_and_what_was_answered():
    assert "create services shop/web-0: 403 Forbidden: no right" == str(from_response(CALL, 403, _status(403, "Forbidden", "no right")))


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"<html>token=secret</html>", "502 no reason given"),
        (b'{"kind":"Secret","data":{"password":"secret"},"message":"secret"}', "502 no reason given"),
        (b"\xff\xfe", "502 no reason given"),
        (b"", "502 no reason given"),
        (b"null", "502 no reason given"),
    ],
    ids=["a page of a proxy", "an object", "no text", "nothing", "null"],
)
def test_only_a_status_is_quoted(body, words):
    """Any other body may hold what nobody should log."""
    said = str(from_response(CALL, 502, body))

    assert said.endswith(words)
    assert "secret" not in said


def test_a_long_message_is_cut():
    assert errors.MESSAGE_LIMIT == len(from_response(CALL, 500, _status(500, "InternalError", "x" * 1000)).message)


@pytest.mark.parametrize(
    ("header", "details", "seconds"),
    [
        ("7", {}, 7.0),
        (None, {"retryAfterSeconds": 3}, 3.0),
        ("7", {"retryAfterSeconds": 3}, 7.0),
        ("Wed, 21 Oct 2026 07:28:00 GMT", {}, None),
        ("86400", {}, 60.0),
        ("9" * 5000, {}, 60.0),
        (None, {"retryAfterSeconds": 86400}, 60.0),
        ("\u00b2", {}, None),
        (None, {}, None),
    ],
    ids=["header", "details", "header wins", "a date is not understood", "a day", "for ever", "a day in details", "no number", "neither"],
)
def test_the_seconds_to_wait_come_from_the_header_or_the_details(header, details, seconds):
    assert seconds == from_response(CALL, 429, _status(429, "TooManyRequests", **details), header).retry_after


def test_every_error_has_a_place_in_the_tree():
    """Whoever catches StewardError catches what this program raises on purpose."""
    classes = [found for found in vars(errors).values() if isinstance(found, type) and issubclass(found, Exception)]

    assert all(issubclass(found, errors.StewardError) for found in classes)
    assert all(found.__name__ in errors.__doc__ for found in classes)
