"""What leaves the house: the packaged chart, and the settings of chart-testing."""

import shutil
import subprocess
import tarfile

import pytest
import yaml

from support import helm


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    """The names of the files in the packaged chart, and the package."""
    folder = tmp_path_factory.mktemp("package")
    helm.run("package", str(helm.CHART), "--destination", str(folder))
    (path,) = folder.glob("*.tgz")
    with tarfile.open(path) as archive:
        return path, {member.name for member in archive.getmembers()}


def test_the_package_has_the_rules_and_the_dashboards(package):
    """The links to alerts/ and dashboards/ are resolved; the builder of the dashboards and the values of the tests stay at home."""
    _, names = package

    for folder, pattern in (("alerts", "*.yaml"), ("dashboards", "*.json")):
        for file in (helm.CHART.parent / folder).glob(pattern):
            assert f"steward/files/{folder}/{file.name}" in names
    assert not [name for name in names if name.endswith((".py", ".pyc")) or "/ci/" in name]


def test_the_package_has_its_readme_and_its_licence(package):
    """Artifact Hub shows the one, the Apache License asks for the other; what the README is made of stays at home."""
    _, names = package

    assert {"steward/README.md", "steward/LICENSE"} <= names
    assert "steward/README.md.gotmpl" not in names


def test_the_package_renders_as_the_folder_does(package):
    """What is installed from a registry is what was tested here."""
    path, _ = package
    rendered = helm.run("template", "steward", str(path), "--namespace", "steward", "--values", "-", stdin=yaml.safe_dump(helm.ENABLED))

    assert rendered == helm.text(helm.ENABLED)


@pytest.mark.parametrize(("key", "folder"), [("prometheusRule", "alerts"), ("dashboards", "dashboards")])
def test_a_copy_without_the_links_is_refused(tmp_path, key, folder):
    """Flux leaves symbolic links out of what it fetches from git; rules that are silently missing look like rules that never fire."""
    shutil.copytree(helm.CHART, tmp_path / "chart", ignore=shutil.ignore_patterns("files"))

    with pytest.raises(helm.RenderError, match=f"{key}.enabled: this copy of the chart has no files/{folder}/"):
        helm.run("template", "steward", str(tmp_path / "chart"), "--set", f"{key}.enabled=true")
    assert "kind: Deployment" in helm.run("template", "steward", str(tmp_path / "chart"))


def test_helm_lint_is_content():
    """Warnings count as errors."""
    helm.run("lint", "--strict", str(helm.CHART))


def test_chart_testing_finds_the_chart():
    """ct takes the direct children of chart-dirs as charts, and the two files of settings exist."""
    settings = yaml.safe_load((helm.CHART.parent / "ct.yaml").read_text())

    assert any((helm.CHART.parent / folder).resolve() == helm.CHART.parent for folder in settings["chart-dirs"])
    assert (helm.CHART.parent / settings["lint-conf"]).is_file()
    assert (helm.CHART.parent / settings["chart-yaml-schema"]).is_file()


def test_chart_testing_knows_all_its_settings():
    """It ignores a key it does not know; each is called as an option of its commands is."""
    settings = yaml.safe_load((helm.CHART.parent / "ct.yaml").read_text())
    help_text = "".join(
        subprocess.run([helm.tool("ct"), command, "--help"], check=True, capture_output=True, text=True).stdout for command in ("lint", "install")
    )

    assert [key for key in settings if f"--{key} " not in help_text] == []
