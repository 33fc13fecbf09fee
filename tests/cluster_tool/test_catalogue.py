"""ci/tools/tools.toml and the modules beside it."""

import re
from pathlib import Path

import pytest
from clusterlib.errors import ClusterError
from clusterlib.tools.catalogue import load

REPOSITORY = Path(__file__).resolve().parents[2]
SOURCES = REPOSITORY / "ci" / "tools"
CATALOGUE = load(SOURCES)


def test_every_module_has_an_entry_and_every_entry_a_module():
    assert sorted(path.parent.name for path in SOURCES.glob("*/go.mod")) == sorted(CATALOGUE)


@pytest.mark.parametrize("name", sorted(CATALOGUE))
def test_a_tool_is_built_from_what_its_module_requires(name):
    """Each package lies in a module of go.mod, or in the tool's own directory; and its checksums are committed."""
    tool = CATALOGUE[name]
    required = re.findall(r"^(?:require\s+|\t)(\S+) v\S+", (tool.source / "go.mod").read_text(), re.MULTILINE)
    for package in tool.binaries.values():
        assert package == "." or any(package == module or package.startswith(f"{module}/") for module in required), package
    assert not required or (tool.source / "go.sum").exists()


def test_no_module_names_a_proxy_or_a_place_on_a_machine():
    for path in SOURCES.glob("*/go.mod"):
        assert not re.search(r"replace .* => (\.|/)", path.read_text()), path


def test_programs_have_names_of_their_own():
    names = [binary for tool in CATALOGUE.values() for binary in tool.binaries]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    ("asked", "expected"),
    [(["etcd"], ["etcd"]), (["helm", "ct"], ["helm", "ct"]), (["prometheus"], ["promtool", "prometheus"]), (["helm", "helm"], ["helm"])],
    ids=["a program", "two tools", "a tool with two programs", "the same twice"],
)
def test_names_mean_tools_or_programs(asked, expected):
    assert CATALOGUE.select(asked) == expected


def test_no_name_means_everything():
    assert set(CATALOGUE.select([])) == {binary for tool in CATALOGUE.values() for binary in tool.binaries}


def test_an_unknown_name_is_answered_with_the_known_ones():
    with pytest.raises(ClusterError, match=r"^hlem: no such tool\. Known: .*helm.*kubectl"):
        CATALOGUE.select(["hlem"])


def test_versions_are_those_of_the_modules():
    assert f"-X helm.sh/helm/v4/internal/version.version=v{CATALOGUE['helm'].release}" in CATALOGUE["helm"].ldflags
    assert f"helm.sh/helm/v4 v{CATALOGUE['helm'].release}" in (SOURCES / "helm" / "go.mod").read_text()


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ('module = "example.test/x"\nbinary.x = "."', r"tools.toml: x.binary: no such key. Known: binaries, "),
        ('module = "example.test/x"\nbinaries.x = "."', r"x/go.mod does not require example.test/x. Run `go get -tool "),
    ],
    ids=["a key misspelt", "a module not required"],
)
def test_a_wrong_entry_is_named(tmp_path, entry, message):
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "go.mod").write_text("module example.test/y\n")
    (tmp_path / "tools.toml").write_text(f"[x]\n{entry}\n")
    with pytest.raises(ClusterError, match=message):
        load(tmp_path)
