"""What is looked for and made on the machine, on directories that stand for it."""

from ipaddress import IPv4Network

import pytest
from clusterlib.errors import ClusterError
from clusterlib.node import cgroups, checks


@pytest.fixture
def v1(tmp_path):
    """Hierarchies of cgroup v1, with a v2 one beside them that has no controller to give."""
    for name in (*cgroups.NEEDED_V1, "blkio", "unified"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "cgroup.procs").touch()
    (tmp_path / "unified" / "cgroup.controllers").touch()
    (tmp_path / "cpuset" / "cpuset.cpus").write_text("0-1\n")
    (tmp_path / "cpuset" / "cpuset.mems").write_text("0\n")
    return tmp_path


@pytest.fixture
def v2(tmp_path):
    """The unified hierarchy of a machine with systemd."""
    (tmp_path / "cgroup.procs").touch()
    (tmp_path / "cgroup.controllers").write_text("cpuset cpu io memory hugetlb pids rdma misc\n")
    (tmp_path / "cgroup.subtree_control").write_text("")
    return tmp_path


def test_nothing_is_missing_where_all_is_there(v1):
    assert cgroups.missing(v1) == []
    assert not cgroups.is_v2(v1)


def test_a_missing_controller_is_named_on_v1(v1):
    (v1 / "pids" / "cgroup.procs").unlink()
    assert cgroups.missing(v1) == ["pids"]


def test_a_missing_controller_is_named_on_v2(v2):
    (v2 / "cgroup.controllers").write_text("cpu memory\n")
    assert cgroups.missing(v2) == ["cpuset", "pids"]


def test_on_v1_every_hierarchy_gets_the_group_and_cpusets_are_filled(v1):
    cgroups.make("steward-x", v1)

    assert all((v1 / name / "steward-x").is_dir() for name in (*cgroups.NEEDED_V1, "blkio"))
    assert not (v1 / "unified" / "steward-x").exists()
    assert (v1 / "cpuset" / "steward-x" / "cpuset.cpus").read_text() == "0-1\n"


def test_on_v2_the_controllers_the_kubelet_asks_for_are_passed_down_twice(v2):
    """To the node's group, and from it to the pods'; rdma and misc are nobody's affair."""
    cgroups.make("steward-x", v2)

    for directory in (v2, v2 / "steward-x"):
        assert (directory / "cgroup.subtree_control").read_text() == "+cpu +cpuset +memory +pids +hugetlb +io"


def test_a_group_that_cannot_pass_its_controllers_on_is_explained(v2):
    (v2 / "cgroup.subtree_control").unlink()
    (v2 / "cgroup.subtree_control").mkdir()
    with pytest.raises(ClusterError, match=r"subtree_control does not take .*processes must first move out of its root cgroup"):
        cgroups.make("steward-x", v2)


def test_groups_are_removed_with_all_below_them_also_where_runc_made_them(v1):
    for hierarchy in ("memory", "unified"):
        (v1 / hierarchy / "steward-x" / "kubepods" / "burstable" / "pod1").mkdir(parents=True)
    assert len(cgroups.paths("steward-x", v1)) == 2

    cgroups.remove("steward-x", v1)

    assert cgroups.paths("steward-x", v1) == []
    assert (v1 / "memory" / "cgroup.procs").exists()


def test_a_group_that_stays_is_named(v1):
    (v1 / "memory" / "steward-x").mkdir()
    (v1 / "memory" / "steward-x" / "cgroup.procs").touch()
    with pytest.raises(ClusterError, match=r"memory/steward-x cannot be removed"):
        cgroups.remove("steward-x", v1, timeout=0.0)


@pytest.mark.parametrize(
    ("destination", "overlaps"),
    [("10.213.7.0/24", True), ("10.213.0.1", True), ("10.0.0.0/8", True), ("10.214.0.0/16", False), ("default", False), ("fe80::/64", False)],
)
def test_a_route_into_the_nodes_network_is_seen(destination, overlaps):
    assert bool(checks.overlap(destination, IPv4Network("10.213.0.0/16"))) is overlaps


def test_missing_programs_are_told_at_once_with_one_command():
    problems = checks.missing_programs({"sh": "dash", "nonesuch": "tools-b", "neither": "tools-a"}, {"PATH": "/bin:/usr/bin"})
    assert problems == [("nonesuch, neither missing", "apt-get install --no-install-recommends tools-a tools-b")]


def test_the_packages_cover_every_program_that_is_called():
    assert set(checks.packages()) == {*checks.PROGRAMS.values(), *checks.IMAGE_PROGRAMS.values()}
