"""chart-testing, as maintainers of charts run it: with ct.yaml and the values files of chart/ci."""

import shutil

import pytest
from cluster.support.cluster import REPOSITORY

from support import helm

CANNOT_BE_CARRIED = {"certmanager": "cert-manager, which makes the Secret that the pods wait for"}
"""Scenarios that need more than the definition of a custom resource, and what that is."""


def ct(cluster, chart, *arguments):
    """What ct said. It is told which chart, so it need not ask git what has changed."""
    return cluster.run("ct", *arguments, "--config", REPOSITORY / "ct.yaml", "--charts", chart, timeout=280)


@pytest.fixture(autouse=True)
def in_the_repository(monkeypatch):
    """Where ct.yaml is written for."""
    monkeypatch.chdir(REPOSITORY)


def test_ct_lint_finds_nothing(cluster):
    """Every values file is linted."""
    said = ct(cluster, "chart", "lint")

    assert "All charts linted successfully" in said
    assert [] == [scenario for scenario in helm.SCENARIOS if f"{scenario}-values.yaml" not in said]


@pytest.mark.parametrize("scenario", helm.SCENARIOS)
def test_ct_install_installs_and_tests(cluster, kinds_of_others, scenario, tmp_path):
    """Into a namespace of its own, with `helm test`, and away again. An upgrade from main would need its history and its image."""
    if why := CANNOT_BE_CARRIED.get(scenario):
        pytest.skip(f"needs {why}")
    kinds_of_others(helm.render(helm.SCENARIOS[scenario], component=None))
    chart = shutil.copytree(REPOSITORY / "chart", tmp_path / "chart")
    for path in (chart / "ci").iterdir():
        if path.name != f"{scenario}-values.yaml":
            path.unlink()

    # Pods that take leave as they should are another test's; here it would be half of the time.
    said = ct(cluster, chart, "install", "--upgrade=false", "--helm-extra-set-args=--set=terminationGracePeriodSeconds=3")

    assert "All charts installed successfully" in said
    assert f"{scenario}-values.yaml" in said
