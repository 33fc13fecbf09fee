"""The workflows do what a desk can do, with no more rights than they need; actionlint checks the rest."""

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
TARGETS |= {name for line in re.findall(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE) for name in line.split()}

pytestmark = pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)


def steps(path):
    """The steps of all jobs."""
    return [step for job in yaml.safe_load(path.read_text())["jobs"].values() for step in job["steps"]]


def test_actions_are_pinned_by_commit(path):
    """A tag can be moved to other code; the version behind the commit stands beside it, where Dependabot reads it."""
    used = re.findall(r"uses: (.*)$", path.read_text(), re.MULTILINE)

    assert used
    assert [] == [line for line in used if not re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}  # v\d+\.\d+\.\d+", line)]


def test_jobs_end_and_have_few_rights(path):
    """Each has a limit of time; the token may read unless a job says more."""
    workflow = yaml.safe_load(path.read_text())

    assert workflow["permissions"] == {"contents": "read"}
    assert all(job["timeout-minutes"] <= 90 for job in workflow["jobs"].values())
    assert all(step["with"]["persist-credentials"] is False for step in steps(path) if step.get("uses", "").startswith("actions/checkout@"))


def test_what_is_run_is_a_target_of_the_makefile(path):
    """The one exception writes a key into a file."""
    commands = [step["run"] for step in steps(path) if "run" in step and "SIGN_KEYRING_BASE64" not in step.get("env", {})]
    called = [re.match(r"make ([a-z-]+)", command) for command in commands]

    assert called
    assert all(called)
    assert {call[1] for call in called} <= TARGETS


def test_no_expression_stands_in_a_command(path):
    """GitHub pastes it in before the shell reads it, and a branch may be called `; rm -rf`."""
    assert [] == [step["run"] for step in steps(path) if "${{" in step.get("run", "")]
