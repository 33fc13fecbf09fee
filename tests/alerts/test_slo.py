"""The windows and factors of the objectives' alerts are those of the SRE Workbook, whatever the objective."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml

from support import helm

FOLDER = helm.CHART.parent / "alerts" / "slo"
TABLE = tomllib.loads((FOLDER / "objectives.toml").read_text())
GROUPS = [group for path in sorted(FOLDER.glob("*.yaml")) for group in yaml.safe_load(Path(path).read_text())["groups"]]
ALERTS = [rule for group in GROUPS for rule in group["rules"] if "alert" in rule]
WINDOWS = {
    "critical": [(0.02, "1h", "5m", 14.4), (0.05, "6h", "30m", 6.0)],
    "warning": [(0.10, "1d", "2h", 3.0), (0.10, "3d", "6h", 1.0)],
}
"""Share of the budget that is burnt, long window, short window, factor."""
HOURS = {"1h": 1, "6h": 6, "1d": 24, "3d": 72}


@pytest.mark.parametrize(("budget", "long", "factor"), [(burn[0], burn[1], burn[3]) for burns in WINDOWS.values() for burn in burns])
def test_the_factor_is_what_burns_that_share_in_the_long_window(budget, long, factor):
    assert factor == pytest.approx(budget * 30 * 24 / HOURS[long])


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: rule["alert"])
def test_an_alert_compares_a_long_and_a_short_window_each(rule):
    """In that order, with the same factor."""
    compared = re.findall(r"ratio_rate(\w+)\{.*\n *> on \(sloth_id\) group_left \(\)\n *\(([0-9.]+) \*", rule["expr"])
    wanted = [(window, factor) for _, long, short, factor in WINDOWS[rule["labels"]["severity"]] for window in (long, short)]

    assert [(window, float(factor)) for window, factor in compared] == wanted


@pytest.mark.parametrize(("component", "name", "entry"), [(component, *item) for component, table in TABLE.items() for item in table.items()])
def test_an_objective_leaves_a_budget_that_can_burn_that_fast(component, name, entry):
    """Below 93.1 % not even a complete failure burns at 14.4 times the rate."""
    assert 14.4 * (1 - entry["objective"] / 100) < 1
    assert {f"{entry['alert']}BudgetBurn{speed}" for speed in ("Fast", "Slow")} <= {rule["alert"] for rule in ALERTS}


def test_every_component_that_something_waits_for_has_an_objective_on_its_availability():
    """Names are written by headless, pods are admitted by webhook; the others report."""
    components = {path.stem for path in FOLDER.parent.glob("*.yaml")} - {"common", "watch", "policy"}

    assert components == {component for component, table in TABLE.items() if "availability" in table}
