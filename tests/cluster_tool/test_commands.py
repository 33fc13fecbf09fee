"""ci/cluster as a user meets it: what it says, on which stream, with which exit code."""

import json
import shlex

import pytest

UNUSABLE = {"PATH": "/usr/bin:/bin", "KUBECONFIG": "/nonesuch/config"}


@pytest.mark.parametrize(
    ("arguments", "variables", "message"),
    [
        (["tools", "nonesuch"], {}, "nonesuch: no such tool. Known: "),
        (["image", "nonesuch"], {}, "nonesuch: no such image. Known: "),
        (["env"], {}, "no cluster is up. Run ci/cluster up"),
        (["shell"], {}, "no cluster is up. Run ci/cluster up"),
        (["logs", "kubelet"], {}, "no cluster is up. Run ci/cluster up"),
        (["node", "list"], {}, "the node is not up. Run ci/cluster up"),
        (["up", "--provider", "existing"], {}, "KUBECONFIG is not set. Set KUBECONFIG to a file that "),
        (["up"], {"KUBECONFIG": "/nonesuch/config"}, "KUBECONFIG=/nonesuch/config: no such file that can be read. Set KUBECONFIG "),
        (["up", "--provider", "node"], {"STEWARD_NODE_CIDR": "10.0.0.0/8"}, "STEWARD_NODE_CIDR=10.0.0.0/8 is not a private /16. Give one "),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_cannot_be_done_is_one_line_and_exit_1(cluster_tool, arguments, variables, message):
    done = cluster_tool(*arguments, **variables)

    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.splitlines()[-1].startswith(f"ci/cluster: {message}")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("arguments", [[], ["nonesuch"], ["up", "--provider", "nonesuch"], ["node", "signal", "etcd", "SEGV"]], ids=" ".join)
def test_wrong_use_is_exit_2(cluster_tool, arguments):
    done = cluster_tool(*arguments)
    assert done.returncode == 2
    assert done.stderr.startswith("usage: ci/cluster")


def test_nothing_up_is_a_status_too(cluster_tool):
    done = cluster_tool("status")
    assert done.returncode == 1
    assert "nothing is up" in done.stdout


def test_down_without_anything_up_is_no_error(cluster_tool):
    assert cluster_tool("down").returncode == 0
    assert cluster_tool("down").returncode == 0


def test_packages_are_a_list_for_apt(cluster_tool):
    done = cluster_tool("packages")
    assert done.stderr == ""
    assert {"runc", "buildah", "mmdebstrap", "iproute2", "iptables"} <= set(done.stdout.split())


def test_env_is_what_a_shell_evaluates(cluster_tool, tmp_path):
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "cluster.json").write_text(json.dumps({"provider": "kind", "kubeconfig": "/a b/config", "audit_log": None}))
    done = cluster_tool("env")

    words = dict(shlex.split(line)[1].split("=", 1) for line in done.stdout.splitlines())
    assert words["KUBECONFIG"] == "/a b/config"
    assert words["PATH"].startswith(f"{tmp_path}/cache/bin:")
    assert words["STEWARD_PROVIDER"] == "kind"


def test_another_provider_than_the_one_that_is_up_is_refused(cluster_tool, tmp_path):
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "cluster.json").write_text(json.dumps({"provider": "kind", "kubeconfig": "x"}))
    done = cluster_tool("up", "--provider", "node")
    assert done.returncode == 1
    assert "--provider node: a cluster of provider kind is up. Run ci/cluster down first" in done.stderr
