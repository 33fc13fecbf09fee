"""What the tests of the command line share."""

import sys

import pytest

from steward.cli import main


@pytest.fixture
def steward(monkeypatch, capsys):
    """Call the command line in this process; gives exit code, stdout, stderr."""

    def steward(*arguments):
        monkeypatch.setattr(sys, "argv", ["steward", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capsys.readouterr()
        return ended.value.code or 0, out, err

    return steward
