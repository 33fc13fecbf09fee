"""Building into the cache, with the real go."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from clusterlib.errors import ClusterError
from clusterlib.paths import Paths
from clusterlib.tools.build import Tools

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture
def own(tool_source, tmp_path):
    """Paths of a repository with the one tool `hello`."""
    return Paths(tool_source.parents[1], tmp_path / "cache")


def built_with(paths):
    return Tools(paths).ensure(["hello"])["hello"]


def output(program):
    return subprocess.run([program], capture_output=True, text=True, check=True).stderr


def test_a_program_is_built_stamped_and_linked(own):
    program = built_with(own)

    assert output(program) == "v1.2.3"
    assert (own.bin / "hello").resolve() == program.resolve()


def test_what_is_cached_is_not_built_again(own, capsys):
    program = built_with(own)
    before = program.stat().st_mtime_ns
    capsys.readouterr()

    assert built_with(own) == program
    assert program.stat().st_mtime_ns == before
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [("hello/main.go", "none", "nothing"), ("hello/go.mod", "1.24.0", "1.24.1"), ("tools.toml", "1.2.3", "1.2.4")],
    ids=["its source", "its module", "its version"],
)
def test_a_change_makes_another_program_and_keeps_the_old_one(own, file, old, new):
    first = built_with(own)
    path = own.tool_sources / file
    path.write_text(path.read_text().replace(old, new))

    second = built_with(own)

    assert second != first
    assert first.exists()
    assert (own.bin / "hello").resolve() == second.resolve()


def test_two_at_once_build_it_once(own):
    script = "import sys; sys.path.insert(0, sys.argv[1]); from pathlib import Path; "
    script += "from clusterlib.paths import Paths; from clusterlib.tools.build import Tools; "
    script += "print(Tools(Paths(Path(sys.argv[2]), Path(sys.argv[3]))).ensure(['hello'])['hello'])"
    command = [sys.executable, "-c", script, REPOSITORY / "ci", own.repository, own.cache]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    answers = [process.communicate() for process in both]

    assert len({printed for printed, _ in answers}) == 1
    assert "".join(said for _, said in answers).count("built hello") == 1


def test_a_failing_build_tells_what_go_said_and_leaves_nothing(own):
    (own.tool_sources / "hello" / "main.go").write_text("package main\n\nfunc main() { nonsense }\n")
    with pytest.raises(ClusterError, match="undefined: nonsense"):
        built_with(own)
    assert not list(own.tools.glob("hello-*"))


def test_without_go_the_mend_is_told(own, monkeypatch):
    monkeypatch.setenv("PATH", os.devnull)
    monkeypatch.setattr("clusterlib.processes.SYSTEM_PATH", os.devnull)
    with pytest.raises(ClusterError, match=r"go: no such program. Install Go 1\.\d+ or newer \(https://go.dev/dl\)"):
        built_with(own)


def test_a_short_disk_is_told_before_anything_is_built(own, monkeypatch):
    monkeypatch.setattr("clusterlib.tools.build.free_bytes", lambda _: 2**30)
    with pytest.raises(ClusterError, match=r"cache has 1\.0 GiB left, building needs \d+. Make room, or set STEWARD_CACHE"):
        built_with(own)


@pytest.mark.parametrize(
    ("program", "arguments", "expected"),
    [
        ("helm", ["version", "--short"], "v4."),
        ("promtool", ["--version"], "version 3."),
        ("kubectl", ["version", "--client"], "v1."),
        ("ct", ["version"], "v3."),
    ],
)
def test_programs_say_the_version_they_are_pinned_to(program, arguments, expected):
    """An unstamped program calls itself `development`, `unknown` or v0.0.0."""
    tools = Tools(Paths(REPOSITORY, Path(os.environ.get("STEWARD_CACHE", REPOSITORY / ".cache"))))
    if tools.missing([program]):
        pytest.skip(f"{program} is not built: ci/cluster tools {program}")
    printed = subprocess.run([tools.ensure([program])[program], *arguments], capture_output=True, text=True, check=True).stdout

    assert tools.catalogue.of(program).release in printed
    assert expected in printed
