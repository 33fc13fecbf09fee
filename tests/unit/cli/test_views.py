"""What ``steward watch`` tells while the cluster does not answer."""

import logging

import pytest

from steward.cli.surveys import Survey
from steward.cli.views import Lines, Objects
from steward.runtime import errors

AWAY = errors.ConnectFailed(errors.Call("watch", "pods"), "cannot connect: refused")


@pytest.fixture(autouse=True)
def level():
    """A view quietens a logger of the process."""
    logger = logging.getLogger("steward.runtime.informer")
    before = logger.level
    yield
    logger.setLevel(before)


@pytest.mark.parametrize("kind", [Lines, Objects])
def test_an_outage_is_told_once_and_its_end_too(capsys, kind):
    empty = Survey("", {})
    with kind("seed") as view:
        for failure in (None, AWAY, AWAY, None, None):
            view.look(empty, failure)

    out, err = capsys.readouterr()
    assert "" == out, "a pipe gets data alone"
    assert ["steward: watch pods: cannot connect: refused", "steward: the cluster answers again"] == err.splitlines()
