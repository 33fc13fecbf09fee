"""chart-testing, as maintainers of charts run it: with ct.yaml and the values files of chart/ci."""

import pytest
from cluster.support.cluster import REPOSITORY

CASES = sorted(path.name for path in (REPOSITORY / "chart" / "ci").glob("*-values.yaml"))


def ct(cluster, *arguments):
    """What ct said. It is told which chart, so it need not ask git what has changed."""
    return cluster.run("ct", *arguments, "--config", "ct.yaml", "--charts", "chart", timeout=280)


@pytest.fixture(autouse=True)
def in_the_repository(monkeypatch):
    """Where ct.yaml is written for."""
    monkeypatch.chdir(REPOSITORY)


def test_ct_lint_finds_nothing(cluster):
    """Every values file is linted."""
    said = ct(cluster, "lint")

    assert "All charts linted successfully" in said
    assert CASES == [case for case in CASES if case in said]


def test_ct_install_installs_and_tests_with_every_values_file(cluster):
    """Each into a namespace of its own, with `helm test`, and away again. An upgrade from main would need its history and its image."""
    said = ct(cluster, "install", "--upgrade=false")

    assert "All charts installed successfully" in said
    assert CASES == [case for case in CASES if case in said]
