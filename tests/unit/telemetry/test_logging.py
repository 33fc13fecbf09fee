"""What a line of the log looks like, and what never stands in one."""

import asyncio
import io
import json
import logging as stdlib_logging
import re

import pytest

from steward.telemetry import logging

TOKEN = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJzeXN0ZW0ifQ.c2lnbmF0dXJl"


@pytest.fixture
def lines():
    """Configure the log and give its stream."""
    stream = io.StringIO()

    def configure(**more):
        logging.configure(**{"level": "info", "format": "json", "component": "headless", "stream": stream, **more})
        return stream

    return configure


def test_a_line_is_one_object_with_the_message_constant_and_the_pairs_beside_it(lines):
    stream = lines()
    logging.get_logger("steward.runtime.informer").info("watch ended", resource="pods", seconds=1.5)
    line = json.loads(stream.getvalue())

    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line.pop("ts"))
    assert {
        "level": "info",
        "logger": "steward.runtime.informer",
        "msg": "watch ended",
        "component": "headless",
        "resource": "pods",
        "seconds": 1.5,
    } == line


def test_text_says_the_same_for_eyes(lines):
    stream = lines(format="text")
    logging.get_logger("steward.x").warning("watch ended", resource="pods", reason="too old")

    assert stream.getvalue().endswith(' WARNING steward.x watch ended resource=pods reason="too old"\n')


def test_an_exception_stands_in_the_line_with_its_traceback(lines):
    stream = lines()
    try:
        raise ValueError("broken")
    except ValueError as error:
        logging.get_logger("steward.x").error("failed", exc=error, why=error)
    (line,) = stream.getvalue().splitlines()
    line = json.loads(line)

    assert line["exc"].startswith("Traceback")
    assert line["exc"].endswith("ValueError: broken")
    assert "ValueError: broken" == line["why"]


@pytest.mark.parametrize("key", ["msg", "level", "ts", "logger", "component"])
def test_a_pair_does_not_replace_what_every_line_has(lines, key):
    stream = lines()
    logging.get_logger("steward.x").info("said", **{key: "mine"})
    line = json.loads(stream.getvalue())

    assert "mine" == line[f"{key}_"]
    assert "mine" != line[key]


@pytest.mark.parametrize(
    "secret",
    [TOKEN, f"Authorization: Bearer {TOKEN}", "Basic dXNlcjpwYXNzd29yZA==", "https://user:pass@proxy:3128"],
    ids=["jwt", "bearer", "basic", "url"],
)
@pytest.mark.parametrize("format", ["json", "text"])
def test_credentials_are_cut_out_wherever_they_stand(lines, format, secret):
    stream = lines(format=format)
    log = logging.get_logger("steward.x")
    log.info("request failed", header=secret)
    log.error("request failed", exc=ValueError(f"401 for {secret}"))
    message = f"said {secret}"
    log.info(message)

    assert 3 == stream.getvalue().count("[redacted]")
    for part in (TOKEN, "dXNlcjpwYXNzd29yZA", "user:pass"):
        assert part not in stream.getvalue()


def test_lines_of_libraries_have_the_same_form(lines):
    stream = lines()
    stdlib_logging.getLogger("gunicorn.error").warning("Worker %s is gone", 7)

    assert "Worker 7 is gone" == json.loads(stream.getvalue())["msg"]


def test_a_level_below_the_configured_one_is_not_written(lines):
    stream = lines(level="warning")
    log = logging.get_logger("steward.x")
    log.info("not written")
    log.warning("written")

    assert not log.enabled(stdlib_logging.INFO)
    assert ["written"] == [json.loads(line)["msg"] for line in stream.getvalue().splitlines()]


def test_pairs_of_what_goes_on_around_stand_in_every_line_also_of_tasks_started_there(lines):
    """As a reconcile does it; the next one has its own."""
    log = logging.get_logger("steward.test")
    stream = lines()

    async def write():
        log.info("written", object="own")

    async def reconcile():
        with logging.about(reconcile_id="1", object="a/b"):
            log.info("looked")
            with logging.about(trace_id="t"):
                await asyncio.gather(write())
        log.info("after")

    asyncio.run(reconcile())
    looked, written, after = [json.loads(line) for line in stream.getvalue().splitlines()]

    assert ("1", "a/b") == (looked["reconcile_id"], looked["object"])
    assert ("1", "own", "t") == (written["reconcile_id"], written["object"], written["trace_id"])
    assert "reconcile_id" not in after
