"""The commands of the runbooks run: whoever is called at night copies them from the page."""

import re
import shlex

import pytest
from cluster.support.cluster import REPOSITORY
from cluster.support.wait import until

READING = ("get", "describe", "logs", "auth", "version")
"""Verbs that change nothing and end by themselves."""
ELSEWHERE = "--previous"
"""Needs a container that ended."""


def commands():
    """Every kubectl command of every runbook that only reads, with its page."""
    for page in sorted((REPOSITORY / "docs" / "runbooks").glob("*.md")):
        for block in re.findall(r"^```sh\n(.*?)^```$", page.read_text(), flags=re.MULTILINE | re.DOTALL):
            for line in block.splitlines():
                words = shlex.split(line, comments=True)
                verb = next((word for word in words[1:] if word in READING), None)
                if words[:1] == ["kubectl"] and verb and ELSEWHERE not in line:
                    yield pytest.param(words[1:], id=f"{page.stem}: {line}")


@pytest.fixture(scope="module")
def release(cluster, releases):
    """A release under the name that the pages have."""
    release = releases("test-runbooks-steward", component=None)
    release.install()
    for component in ("headless", "policy"):
        until(f"{component} leads", lambda name=f"steward-{component}": cluster.get("lease", name, "--namespace", release.namespace))
    return release


@pytest.mark.parametrize("words", list(commands()))
def test_a_command_of_a_runbook_runs(cluster, release, words):
    """In the namespace of the release; what it asks about its ServiceAccount is answered with yes."""
    here = [word.replace("serviceaccount:steward:", f"serviceaccount:{release.namespace}:") for word in words]
    if here[0] == "-n":
        here[1] = release.namespace

    said = cluster.kubectl(*here)

    assert words[0] != "auth" or said.strip() == "yes"
