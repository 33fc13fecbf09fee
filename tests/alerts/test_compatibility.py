"""The metrics of the original operators are recorded under their names, from metrics that exist."""

import subprocess
from pathlib import Path

import pytest
import yaml

from support import helm, promql

FILES = sorted((helm.CHART.parent / "alerts" / "compatibility").glob("*.yaml"))
each_file = pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)


def rules(path):
    """The rules of a file."""
    return [rule for group in yaml.safe_load(path.read_text())["groups"] for rule in group["rules"]]


def promtool(*arguments):
    """Run promtool; what it says goes into the failure."""
    done = subprocess.run([helm.tool("promtool"), *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@each_file
def test_recorded_values(path):
    """The file is one that Prometheus reads, and records what its cases expect."""
    promtool("check", "rules", "--lint=all", "--lint-fatal", str(path))
    promtool("test", "rules", str(Path(__file__).parent / "compatibility" / path.name))


@each_file
def test_every_recorded_metric_has_a_case(path):
    """With each of its labels."""
    cases = yaml.safe_load((Path(__file__).parent / "compatibility" / path.name).read_text())["tests"]
    expected = " ".join(sample["labels"] for case in cases for test in case["promql_expr_test"] for sample in test["exp_samples"])

    for rule in rules(path):
        assert rule["record"] in expected
        assert all(f'{name}="{value}"' in expected for name, value in rule.get("labels", {}).items())


@each_file
def test_only_declared_metrics_are_read_and_none_is_recorded_over(path):
    """A recorded name that the program exports too would be two metrics in one."""
    for rule in rules(path):
        assert promql.undeclared(rule["expr"]) == set()
        assert rule["record"] not in promql.declared()


@each_file
def test_each_file_belongs_to_a_component(path):
    """The chart takes it for the component of that name."""
    assert (helm.CHART.parent / "alerts" / path.name).is_file()
