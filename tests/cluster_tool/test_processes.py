"""Starting programs, finding them again, locks: with real processes."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from clusterlib import processes, scratch
from clusterlib.errors import ClusterError

CI = Path(__file__).resolve().parents[2] / "ci"


@pytest.fixture
def starter(tmp_path):
    """A process that has started `sleep` as a job of the cache `tmp_path`, detached, as a program that lost its parent's death signal would be."""
    script = (
        "import subprocess, sys, time; sys.path.insert(0, sys.argv[1]); from pathlib import Path; from clusterlib import processes;"
        "child = subprocess.Popen(['sleep', '300'], env=processes.environment(Path(sys.argv[2])), start_new_session=True);"
        "print(child.pid, flush=True); time.sleep(300)"
    )
    process = subprocess.Popen([sys.executable, "-c", script, CI, tmp_path], stdout=subprocess.PIPE, text=True)
    assert process.stdout
    child = int(process.stdout.readline())
    yield process, child
    for pid in (process.pid, child):
        if processes.is_alive(pid):
            os.kill(pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()


def test_the_children_of_a_living_command_are_no_orphans(starter, tmp_path):
    _, child = starter
    assert str(tmp_path) in "".join(processes.environ(child))
    assert child not in processes.orphans(tmp_path)


def test_those_of_a_killed_command_are_found_and_end(starter, tmp_path):
    process, child = starter
    process.kill()
    process.wait()

    assert child in processes.orphans(tmp_path)
    assert child not in processes.orphans(tmp_path / "another")
    processes.kill(processes.orphans(tmp_path))
    assert not processes.is_alive(child)


def test_a_program_dies_with_the_command_that_runs_it(tmp_path, eventually):
    script = (
        "import sys; sys.path.insert(0, sys.argv[1]); from pathlib import Path; from clusterlib import processes;"
        "processes.run(['sh', '-c', f'echo $$ > {sys.argv[2]}/pid; exec sleep 300'], env=processes.environment(Path(sys.argv[2])))"
    )
    process = subprocess.Popen([sys.executable, "-c", script, CI, tmp_path])
    assert eventually(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text().strip().isdigit())
    child = int((tmp_path / "pid").read_text())
    assert eventually(lambda: processes.argv(child)[:1] == ["sleep"])

    process.kill()
    process.wait()

    assert eventually(lambda: not processes.is_alive(child))


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (["nonesuch"], r"^nonesuch: no such program\. Install it"),
        (["sh", "-c", "echo first; echo why >&2; exit 3"], r"^`sh -c .*` ended with 3: why\. Install it"),
        (["sleep", "30"], r"^`sleep 30` did not end within 0 s\. Install it"),
    ],
    ids=["missing", "failing", "hanging"],
)
def test_what_goes_wrong_is_told_with_its_mend(command, message, tmp_path):
    with pytest.raises(ClusterError, match=message):
        processes.run(command, env=processes.environment(tmp_path), timeout=0.3 if command[0] == "sleep" else 20.0, mend="Install it")


LOCKER = """
import sys; sys.path.insert(0, sys.argv[1])
from pathlib import Path
from clusterlib import lock
with lock.hold(Path(sys.argv[2]), sys.argv[3]):
    print("held", flush=True)
    sys.stdin.readline()
"""


def locker(path, doing):
    command = [sys.executable, "-c", LOCKER, CI, path, doing]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_a_lock_is_waited_for_its_holder_named_and_death_releases_it(tmp_path):
    with locker(tmp_path / "lock", "building helm") as first:
        assert first.stdout.readline() == "held\n"
        with locker(tmp_path / "lock", "building ct") as second:
            assert f"waiting for process {first.pid}: building helm" in second.stderr.readline()
            first.kill()
            assert second.stdout.readline() == "held\n"
            second.kill()


def test_scratch_of_the_dead_is_swept_and_that_of_the_living_kept(paths):
    own = scratch.directory(paths)
    dead = paths.temporary / "4194305-1"
    dead.mkdir()

    scratch.sweep(paths)

    assert own.exists()
    assert not dead.exists()
