"""What ``steward watch`` tells while the cluster does not answer, and what it keeps quiet."""

import logging

import pytest

from steward.cli.surveys import Survey
from steward.cli.views import Lines, Objects, Page
from steward.runtime import errors

AWAY = errors.ConnectFailed(errors.Call("watch", "pods"), "cannot connect: refused")


@pytest.mark.parametrize("kind", [Lines, Objects])
def test_an_outage_is_told_once_and_its_end_too(capsys, kind):
    empty = Survey("", {})
    with kind("seed") as view:
        for failure in (None, AWAY, AWAY, None, None):
            view.look(empty, failure)

    out, err = capsys.readouterr()
    assert "" == out, "a pipe gets data alone"
    assert ["steward: watch pods: cannot connect: refused", "steward: the cluster answers again"] == err.splitlines()


@pytest.mark.parametrize("kind", [Lines, Objects, Page])
def test_what_the_informer_logs_is_hidden_as_long_as_a_view_shows(kind):
    informer = logging.getLogger("steward.runtime.informer")
    with kind("seed"):
        assert not informer.isEnabledFor(logging.ERROR)

    assert logging.NOTSET == informer.level
