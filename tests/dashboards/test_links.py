"""From alert to dashboard to runbook: what one leads to is there."""

import re
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml

from support import boards

BOARDS = boards.boards()
ROOT = boards.DIRECTORY.parent
RULES = {
    rule["alert"]: rule
    for path in sorted((ROOT / "alerts").rglob("*.yaml"))
    for group in yaml.safe_load(path.read_text())["groups"]
    for rule in group["rules"]
    if "alert" in rule
}
COMPONENTS = list(yaml.safe_load((ROOT / "chart" / "values.yaml").read_text())["components"])
PANELS = [pytest.param(panel, id=f"{uid}-{panel['title']}") for uid, board in BOARDS.items() for panel in boards.panels(board)]
ABOVE_ZERO = 1e-9
"""A step begins at its value, and 0 is green."""


def opens(address: str) -> None:
    """Assert that an address inside Grafana is a dashboard of ours, and that what it sets are variables of it."""
    parts = urlsplit(address)
    board = BOARDS[parts.path.removeprefix("/d/")]
    variables = {one["name"] for one in board["templating"]["list"]}
    plain = re.sub(r"\$\{(\w+):queryparam\}", r"var-\1=x", parts.query)
    assert {name.removeprefix("var-") for name in parse_qs(plain)} <= variables


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_an_alert_leads_to_a_dashboard(rule):
    """For every component that the alert can be about."""
    address = rule["annotations"]["dashboard_url"]
    for component in COMPONENTS:
        filled = re.sub(r"\{\{ ?\$labels\.(\w+) ?\}\}", lambda label: component if label[1] == "component" else "x", address)  # noqa: B023 - used at once
        opens(filled)


@pytest.mark.parametrize("panel", PANELS)
def test_a_panel_leads_to_what_is_there(panel):
    """To runbooks of alerts that exist, and to dashboards."""
    cells = [
        link for override in panel["fieldConfig"]["overrides"] for one in override["properties"] if one["id"] == "links" for link in one["value"]
    ]
    for link in panel.get("links", []) + cells:
        kind, _, alert = link["title"].partition(": ")
        if kind == "Runbook":
            assert link["url"] == RULES[alert]["annotations"]["runbook_url"]
        else:
            opens(re.sub(r"\$\{__data[^}]*\}", "x", link["url"]))


@pytest.mark.parametrize("panel", PANELS)
def test_a_panel_turns_red_where_its_alert_fires(panel):
    """A red step of a panel that names an alert is a number of that alert's expression."""
    alerts = [link["title"].removeprefix("Runbook: ") for link in panel.get("links", []) if link["title"].startswith("Runbook: ")]
    steps = [
        step["value"] for step in panel["fieldConfig"]["defaults"]["thresholds"]["steps"] if step["color"] == "red" and step["value"] is not None
    ]
    numbers = {float(number) for alert in alerts for number in re.findall(r"(?<![\w.\[])\d+(?:\.\d+)?(?![\w.])", RULES[alert]["expr"])}
    # Objects are counted where the alert asks for none of them, or for any: one is red, and so is any rate.
    counted = {1.0, ABOVE_ZERO} if any(re.search(r"[=>] 0\b|unless", RULES[alert]["expr"]) for alert in alerts) else set()
    if alerts:
        assert set(steps) <= numbers | counted


@pytest.mark.parametrize("name", RULES)
def test_every_alert_is_named_on_a_panel(name):
    """Who was woken by an alert finds its panel; alerts on absence have the overview."""
    named = {
        link["title"].removeprefix("Runbook: ") for board in BOARDS.values() for panel in boards.panels(board) for link in panel.get("links", [])
    }

    assert name in named


@pytest.mark.parametrize("board", BOARDS.values(), ids=BOARDS)
def test_dashboards_lead_to_each_other(board):
    """By a menu of all that have our tag, which keeps the time and the choices."""
    (menu,) = board["links"]

    assert (menu["type"], menu["tags"], menu["keepTime"], menu["includeVars"]) == ("dashboards", ["steward"], True, True)
    assert all("steward" in other["tags"] for other in BOARDS.values())
