"""Which way to a cluster is taken, and why."""

import pytest
from clusterlib import cluster, providers
from clusterlib.cluster import Cluster
from clusterlib.errors import ClusterError


@pytest.fixture
def machine(monkeypatch, paths):
    """Says what the machine has: a kubeconfig, a Docker engine, root."""

    def has(*, kubeconfig="", docker=False, root=False, up=""):
        monkeypatch.setenv("KUBECONFIG", kubeconfig.format(cache=paths.cache))
        monkeypatch.setattr(providers, "docker_answers", lambda _: docker)
        monkeypatch.setattr(providers, "may_run_a_node", lambda: root)
        paths.cache.mkdir()
        if up:
            cluster.save(paths, Cluster(up, "x"))
        return paths

    return has


@pytest.mark.parametrize(
    ("has", "expected", "reason"),
    [
        ({"kubeconfig": "/etc/kube", "docker": True, "root": True}, "existing", "KUBECONFIG is set to /etc/kube"),
        ({"docker": True, "root": True}, "kind", "a Docker engine answers"),
        ({"root": True}, "node", "this is Linux and root"),
        ({"root": True, "kubeconfig": "{cache}/node/admin.kubeconfig"}, "node", "this is Linux and root"),
        ({"docker": True, "root": True, "up": "node"}, "node", "it is what is up"),
    ],
    ids=["a kubeconfig comes first", "then Docker", "then root", "a kubeconfig of ours counts for none", "what is up stays"],
)
def test_what_is_there_decides(machine, has, expected, reason):
    name, why = providers.choose(machine(**has), "auto")
    assert name == expected
    assert why.startswith(reason)


def test_what_is_asked_for_is_taken(machine):
    assert providers.choose(machine(docker=True, root=True), "node") == ("node", "it was asked for")


def test_nothing_to_start_one_with_is_told_with_three_ways_out(machine):
    with pytest.raises(ClusterError, match=r"^no cluster is to be had here\. Start Docker, or set KUBECONFIG .*, or run this as root on Linux"):
        providers.choose(machine(), "auto")


@pytest.mark.parametrize("name", providers.NAMES)
def test_every_provider_can_be_made_without_touching_anything(paths, name, monkeypatch):
    monkeypatch.delenv("STEWARD_NODE_CIDR", raising=False)
    from clusterlib.tools.build import Tools

    assert providers.make(name, paths, Tools(paths)).name == name


@pytest.mark.cluster
def test_an_existing_cluster_is_used_and_left_as_it_is(cluster_tool):
    """The one that is up for all tests stands for a user's own."""
    from clusterlib import paths as places

    found = cluster.load(places.find())
    assert found, "no cluster is up: ci/cluster up"

    up = cluster_tool("up", KUBECONFIG=found.kubeconfig)
    status = cluster_tool("status")
    down = cluster_tool("down")

    assert (up.returncode, status.returncode, down.returncode) == (0, 0, 0), up.stderr + status.stderr + down.stderr
    assert "using the cluster" in up.stderr
    assert "provider     existing" in status.stdout
    assert cluster_tool("status").returncode == 1
