"""What docs/governance.md says to those who come from kube-devops, against the program and the chart."""

import json
import re
from pathlib import Path

import pytest
import yaml

from steward import components
from steward.cli.config import HTTPConfig
from steward.governance.conversion import OLD_FINALIZER
from steward.governance.scores import summary
from steward.policy.status import LET_THROUGH
from steward.runtime.workqueue import FIRST_DELAY, MAX_DELAY
from steward.webhook.config import Serving
from steward.webhook.endpoint import CLOSED, OPEN
from support import helm

ROOT = Path(__file__).resolve().parents[2]
_, _, SECTION = (ROOT / "docs" / "governance.md").read_text().partition("## From kube-devops")
ROWS = [[cell.strip() for cell in line.strip("|").split("|")] for line in SECTION.splitlines() if line.startswith("| ")]
HERE = {name: here for name, _, here in ROWS if name}
NAMES = {former: here for _, former, here in ROWS}


def exported():
    return {metric.name for name in components.NAMES for metric in components.load(name).metrics}


def monitor(**values):
    (found,) = helm.of_kind(helm.render({"serviceMonitor": {"enabled": True}, **values}, component="webhook"), "ServiceMonitor")
    return found["spec"]["endpoints"][0]


def test_ports():
    metrics, health, admission = HTTPConfig().metrics_port, HTTPConfig().health_port, Serving().port

    assert f"each component: metrics on {metrics}, health checks there and on {health}; admission on {admission}" == HERE["ports"]


def test_scraping():
    assert "interval" not in monitor()
    assert HERE["`interval` of the monitors"].startswith("empty")
    assert ["http", "https"] == [monitor(metrics={"tls": {"enabled": on}}).get("scheme", "http") for on in (False, True)]
    assert "http as the others, https with `metrics.tls.enabled`" == HERE["monitor of the webhook"]


def test_paths():
    assert f"`{OPEN}` with `failurePolicy: Ignore`, `{CLOSED}` with `Fail`" == HERE["path of admission"]


def test_finalizer_leader_and_pause():
    (former,) = (former for name, former, _ in ROWS if name == "finalizer of policies")

    assert f"`{OLD_FINALIZER}`" == former
    assert {"policy": True, "watch": False} == {name: components.load(name).elects_leader for name in ("policy", "watch")}
    assert "of `policy`; `watch` elects none, and each replica is ready" == HERE["leader"]
    assert f"from {FIRST_DELAY * 1000:.0f} ms, twice as long each time, to {MAX_DELAY:.0f} s" == HERE["pause after an error"]


@pytest.mark.parametrize("component", ["watch", "webhook"])
def test_names_of_metrics_are_those_that_the_rules_record(component):
    rules = yaml.safe_load((ROOT / "alerts" / "compatibility" / f"{component}.yaml").read_text())
    for rule in (rule for group in rules["groups"] for rule in group["rules"]):
        told = next(here for former, here in NAMES.items() if re.search(former_pattern(former), f"`{rule['record']}`"))
        name = re.match("`(kube_devops_[a-z_]+)`", told)
        expected = name[1] if name else f"kube_devops_{rule['record']}"
        assert re.search(rf"\b{expected}\b", rule["expr"])


def former_pattern(cell):
    """What stands in the column of former names, as an expression for one of them."""
    named = [re.escape(one).replace(r"\*", "[a-z_]+") for one in re.findall("`[a-z_]+[*]?`", cell)]
    return "|".join(named) or "(?!)"


def test_policies_have_the_names_of_before():
    assert {"devopspolicy_violations", "devopspolicy_reconcile_total", "devopspolicy_health_score"} <= exported()
    assert "the same, but for `devopspolicy_violations`, which has the severity as a label" == HERE["names of metrics"]


def test_the_dashboard_and_the_message():
    uid = json.loads((ROOT / "dashboards" / "steward-governance.json").read_text())["uid"]

    assert f"`{uid}`" == HERE["uid of the dashboard"]
    assert f"`{summary(1, 1, 95)}`; in system namespaces followed by `{LET_THROUGH}`" == HERE["message in the status"]
