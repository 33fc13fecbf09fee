"""What is kept of the log for the status page."""

import logging as stdlib_logging

import pytest

from steward.telemetry import logging, trouble

TOKEN = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJzeXN0ZW0ifQ.c2lnbmF0dXJl"


@pytest.fixture
def kept():
    """The log, kept as long as the test runs."""
    stdlib_logging.getLogger().setLevel(stdlib_logging.DEBUG)
    return trouble.keep()


def test_warnings_and_errors_are_kept_newest_first(kept):
    log = logging.get_logger("steward.test")
    log.info("went well")
    log.warning("watch ended", resource="pods")
    log.error("reconcile failed", exc=ValueError("broken"))

    error, warning = kept.lines()

    assert warning.endswith("WARNING steward.test watch ended resource=pods")
    assert "ERROR steward.test reconcile failed" in error
    assert "ValueError: broken" in error


def test_only_the_last_are_kept(kept):
    log = logging.get_logger("steward.test")
    for number in range(trouble.LINES + 1):
        log.warning("again", number=number)

    assert trouble.LINES == len(kept.lines())
    assert kept.lines()[-1].endswith("number=1")


def test_credentials_are_cut_out(kept):
    logging.get_logger("steward.test").warning("refused", header=f"Bearer {TOKEN}")

    assert TOKEN not in kept.lines()[0]


def test_a_line_that_cannot_be_formed_does_not_fail_who_logs_it(kept, capsys):
    class Unprintable:
        def __str__(self):
            raise RuntimeError("no text")

    logging.get_logger("steward.test").warning("odd", value=Unprintable())

    assert [] == kept.lines()
    assert "no text" in capsys.readouterr().err
