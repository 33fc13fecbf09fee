"""The node's supervisor, as an ordinary process with daemons that only sleep."""

import signal
import socket
import subprocess
import sys
from ipaddress import IPv4Network
from pathlib import Path

import pytest
from clusterlib import processes
from clusterlib.errors import ClusterError
from clusterlib.node import control
from clusterlib.node.settings import Settings

CI = Path(__file__).resolve().parents[2] / "ci"
SCRIPT = """
import sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from clusterlib.node.supervisor import Daemon, Supervisor, listen
state = Path(sys.argv[2])
daemons = [
    Daemon("sleeper", ["sleep", "300"], []),
    Daemon("patient", ["sleep", "300"], [{"socket": str(state / "other.sock")}]),
    Daemon("broken", ["sh", "-c", "echo cannot bind; exit 7"], []),
]
Supervisor(daemons, state).run(listen(state / "control.sock"))
"""


@pytest.fixture
def node(tmp_path, eventually):
    """Settings of something that answers like a node."""
    process = subprocess.Popen([sys.executable, "-c", SCRIPT, CI, tmp_path])
    own = Settings(tmp_path, "0123abcd", IPv4Network("10.99.0.0/16"))
    try:
        assert eventually((tmp_path / "control.sock").exists)
        assert eventually(lambda: state(own, "sleeper")["state"] == "running")
        yield own
    finally:
        children = processes.children(process.pid)
        process.kill()
        process.wait()
        processes.kill(children)


def state(node, name):
    return next(daemon for daemon in control.ask(node, do="list") if daemon["name"] == name)


def test_a_daemon_that_dies_is_started_again(node, eventually):
    first = state(node, "sleeper")["pid"]

    control.change(node, do="signal", daemon="sleeper", signal="KILL")

    assert eventually(lambda: state(node, "sleeper")["starts"] == 2)
    again = state(node, "sleeper")
    assert again["state"] == "running"
    assert again["pid"] != first
    assert again["lastExit"] == -signal.SIGKILL


def test_a_stopped_daemon_stays_away_until_it_is_started(node):
    assert [daemon["state"] for daemon in control.change(node, do="stop", daemon="sleeper") if daemon["name"] == "sleeper"] == ["stopped"]
    assert state(node, "sleeper")["pid"] is None

    control.change(node, do="start", daemon="sleeper")

    assert state(node, "sleeper")["state"] == "running"


def test_a_frozen_daemon_keeps_its_process(node, eventually):
    control.change(node, do="signal", daemon="sleeper", signal="STOP")
    pid = state(node, "sleeper")["pid"]
    assert eventually(lambda: Path(f"/proc/{pid}/stat").read_text().split()[2] == "T")

    control.change(node, do="signal", daemon="sleeper", signal="CONT")

    assert eventually(lambda: Path(f"/proc/{pid}/stat").read_text().split()[2] == "S")
    assert state(node, "sleeper")["starts"] == 1


def test_the_first_start_waits_for_its_condition(node, eventually):
    assert state(node, "patient")["state"] == "waiting"
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(node.state / "other.sock"))
        other.listen()
        assert eventually(lambda: state(node, "patient")["state"] == "running")


def test_a_daemon_that_cannot_run_is_counted_and_its_words_are_kept(node, eventually):
    assert eventually(lambda: state(node, "broken")["starts"] >= 2)
    assert state(node, "broken")["lastExit"] == 7
    assert "cannot bind" in (node.state / "broken.log").read_text()


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        ({"do": "stop", "daemon": "nonesuch"}, r"^nonesuch: no such daemon\. Daemons: sleeper, patient, broken"),
        ({"do": "signal", "daemon": "patient", "signal": "KILL"}, r"^patient does not run\."),
        ({"do": "signal", "daemon": "sleeper", "signal": "SEGV"}, r"^signal SEGV: no such command\."),
    ],
    ids=["unknown daemon", "not running", "unknown signal"],
)
def test_what_it_cannot_do_it_says(node, request_, message):
    with pytest.raises(ClusterError, match=message):
        control.ask(node, **request_)


def test_no_node_is_told_as_such(tmp_path):
    nowhere = Settings(tmp_path / "none", "0123abcd", IPv4Network("10.99.0.0/16"))
    with pytest.raises(ClusterError, match=r"^the node is not up\. Run ci/cluster up"):
        control.ask(nowhere, do="list")
