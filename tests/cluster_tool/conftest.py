"""The package under test lies beside ci/cluster, and is none that is installed."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY / "ci"))

from clusterlib.paths import Paths  # noqa: E402 (found by the line above)


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    """This repository, with a cache that is empty."""
    return Paths(REPOSITORY, tmp_path / "cache")


@pytest.fixture
def cluster_tool(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs ci/cluster as a user does, with an empty cache and no KUBECONFIG unless told otherwise."""

    def run(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        environment = {name: value for name, value in os.environ.items() if name not in {"KUBECONFIG", "STEWARD_NODE_CIDR"}}
        environment |= {"STEWARD_CACHE": str(tmp_path / "cache"), **variables}
        return subprocess.run([REPOSITORY / "ci" / "cluster", *arguments], env=environment, capture_output=True, text=True, check=False)

    return run


@pytest.fixture
def tool_source(tmp_path: Path) -> Path:
    """A repository with one tool in ci/tools: a program of three lines that needs no module but its own."""
    source = tmp_path / "repository" / "ci" / "tools"
    (source / "hello").mkdir(parents=True)
    (source / "tools.toml").write_text('[hello]\nrelease = "1.2.3"\nstamp."main.version" = "{version}"\nbinaries.hello = "."\n')
    (source / "hello" / "go.mod").write_text("module example.test/hello\n\ngo 1.24.0\n")
    (source / "hello" / "main.go").write_text('package main\n\nvar version = "none"\n\nfunc main() { print(version) }\n')
    return source
