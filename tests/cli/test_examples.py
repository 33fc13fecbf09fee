"""The examples of docs/cli.md, run in a real bash, on a real API server, with the real helm and kubectl.

``pytest tests/cli/test_examples.py --write-examples`` writes what they print now; ``ci/reference`` then makes the page.
"""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from support import helm
from support.terminal import BARE, GOOD

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = Path(__file__).parent / "examples"
sys.path.insert(0, str(ROOT / "ci"))

NORMAL = (
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "2026-11-21T12:00:00Z"),
    (r"^\d\d:\d\d:\d\d ", "12:00:00 "),
    (r"https://127\.0\.0\.1:\d+", "https://127.0.0.1:6443"),
    (r"revision \S+, python \S+\)", "revision 1b2e0e1, python 3.13.9)"),
)
"""What differs from run to run, and what stands in the page instead."""

WAIVER = {
    "apiVersion": "policy.steward.dev/v1alpha1",
    "kind": "DevOpsPolicy",
    "metadata": {"name": "default", "namespace": "shop"},
    "spec": {
        "forbidLatestTag": True,
        "maxRestartCount": 5,
        "exemptions": [{"checks": ["latest_tag"], "containers": ["app"], "reason": "vendor has no tags", "expires": "2099-01-31T00:00:00Z"}],
    },
}


OLD = {
    "apiVersion": "devops.stochastic.io/v1",
    "kind": "DevOpsPolicy",
    "metadata": {"name": "default", "namespace": "shop", "finalizers": ["devops.stochastic.io/cleanup"]},
    "spec": {"forbidLatestTag": True, "maxRestartCount": 3, "enforcementMode": "enforce"},
}


def deployment(name):
    meta = {"name": name, "namespace": "shop"}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta, "spec": {"template": {"spec": {"containers": [BARE]}}}}


@pytest.fixture
def desk_of_a_user(defined, tmp_path):
    """A directory with what the examples name, and no policies in the cluster."""
    defined.kubectl("delete", "devopspolicies", "--all", "--all-namespaces")
    (tmp_path / "chart").symlink_to(helm.CHART)
    (tmp_path / "waiver.yaml").write_text(yaml.safe_dump(WAIVER))
    (tmp_path / "old.yaml").write_text(yaml.safe_dump(OLD))
    (tmp_path / "web.yaml").write_text(yaml.safe_dump(deployment("web")))
    (tmp_path / "config.yaml").write_text("config:\n  podSelektor: app=web\n")
    (tmp_path / "shop" / "templates").mkdir(parents=True)
    (tmp_path / "shop" / "Chart.yaml").write_text("apiVersion: v2\nname: shop\nversion: 1.0.0\n")
    (tmp_path / "shop" / "templates" / "web.yaml").write_text(
        yaml.safe_dump_all([deployment("web"), {**deployment("api"), "spec": {"template": {"spec": {"containers": [GOOD]}}}}])
    )
    programs = tmp_path / "bin"
    programs.mkdir()
    shim = programs / "steward"
    shim.write_text(f"#!{sys.executable}\nfrom steward.cli import main\nmain()\n")
    shim.chmod(0o755)
    environment = {"PATH": f"{programs}:{Path(helm.tool('helm')).parent}:/usr/bin:/bin", "KUBECONFIG": str(defined.kubeconfig), "HOME": str(tmp_path)}

    def run(command):
        streams = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        done = subprocess.run(["bash", "-c", command], cwd=tmp_path, env=environment, text=True, check=False, timeout=50, **streams)
        text = re.sub(r"^level=INFO .*\n", "", done.stdout, flags=re.MULTILINE)
        for pattern, normal in NORMAL:
            text = re.sub(pattern, normal, text, flags=re.MULTILINE)
        return text

    return run


def shown(path):
    """Commands and what they print, as they stand in a file."""
    found = []
    for line in path.read_text().splitlines(keepends=True):
        if line.startswith("$ "):
            found.append([line[2:], ""])
        else:
            found[-1][0 if found[-1][0].endswith("\\\n") else 1] += line
    return found


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.console")), ids=lambda path: path.stem)
def test_an_example_prints_what_the_page_says(path, desk_of_a_user, defined, request):
    if path.stem == "crd-install":
        defined.kubectl("delete", "crd", "--all")

    printed = [(command, desk_of_a_user(command)) for command, _ in shown(path)]

    if request.config.getoption("--write-examples", default=False):
        path.write_text("".join(f"$ {command}{text}" for command, text in printed))
    assert [(command, text) for command, text in shown(path)] == printed


def test_every_command_has_an_example_and_every_example_a_command():
    from referencelib import cli

    assert {path.stem for path in EXAMPLES.glob("*")} == {cli.example(path).stem for path, _ in cli.commands()}
