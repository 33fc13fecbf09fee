"""A credential does not show, whatever is done with it."""

import copy
import io
import json
import pickle

import msgspec
import pytest

from steward.telemetry import logging
from steward.telemetry.secret import Secret

TOKEN = "not-a-known-form-of-a-credential"
SECRET = Secret(f"Bearer {TOKEN}")

WAYS = {
    "str": str,
    "repr": repr,
    "f-string": lambda secret: f"{secret} {secret!r} {secret:>40}",
    "percent": lambda secret: "%s %r" % (secret, secret),  # noqa: UP031 - one of the ways
    "in a container": lambda secret: str({"authorization": secret}),
    "in a struct": lambda secret: repr(msgspec.defstruct("Request", [("header", Secret)])(header=secret)),
    "in an error": lambda secret: str(ValueError("refused", secret)),
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_what_is_printed_is_not_the_text(way):
    assert TOKEN not in way(SECRET)
    assert "[redacted]" in way(SECRET)


@pytest.mark.parametrize("encode", [msgspec.json.encode, json.dumps, pickle.dumps, copy.deepcopy], ids=["msgspec", "json", "pickle", "deepcopy"])
def test_it_leaves_the_process_by_no_encoder(encode):
    with pytest.raises((TypeError, NotImplementedError)):
        encode(SECRET)


@pytest.mark.parametrize("form", ["json", "text"])
def test_a_line_of_the_log_does_not_hold_it(form):
    """Not as a pair, and not in the traceback of an error that carries it."""
    stream = io.StringIO()
    record = logging.logging.LogRecord("steward.test", 30, "", 0, "refused", None, None)
    record.steward_fields = {"header": SECRET, "headers": {"authorization": SECRET}}
    try:
        raise ValueError("refused", SECRET)
    except ValueError as error:
        record.exc_info = (ValueError, error, error.__traceback__)
    stream.write((logging.JSONFormatter if form == "json" else logging.TextFormatter)("headless").format(record))

    assert TOKEN not in stream.getvalue()
    assert "[redacted]" in stream.getvalue()


def test_the_text_is_there_for_whom_it_was_made():
    assert f"Bearer {TOKEN}" == SECRET.reveal()
    assert Secret("a") == Secret("a") != Secret("b")
    assert 1 == len({Secret("a"), Secret("a")})
