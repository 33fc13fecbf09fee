"""The dashboards are what their modules build, Grafana reads every field, and their queries are about our metrics."""

import json
import subprocess
import sys

import pytest
import yaml

from support import grafana, helm, promql

ROOT = helm.CHART.parent
FILES = sorted((ROOT / "dashboards").glob("*.json"))
BOARDS = {path.stem: json.loads(path.read_text()) for path in FILES}
PANELS = [(uid, panel) for uid, board in BOARDS.items() for panel in board["panels"]]
UNITS = {"short", "none", "ops", "reqps", "s", "percentunit", "bytes", "dateTimeAsIso"}
"""Identifiers from Grafana's list of units that we use; others are typos until they are added here."""

each_board = pytest.mark.parametrize("board", BOARDS.values(), ids=BOARDS)
each_panel = pytest.mark.parametrize("panel", [panel for _, panel in PANELS], ids=[f"{uid}-{panel['title']}" for uid, panel in PANELS])


def test_the_json_is_what_the_builder_makes():
    """What is committed is what `python -m dashboards` writes."""
    done = subprocess.run([sys.executable, "-m", "dashboards", "--check"], cwd=ROOT, capture_output=True, text=True, check=False)

    assert FILES
    assert done.returncode == 0, done.stderr


@each_board
def test_identity(board):
    """A fixed address, a version of the schema that every supported Grafana reads, and nothing of somebody's own Grafana."""
    assert (ROOT / "dashboards" / f"{board['uid']}.json").is_file()
    assert board["uid"].startswith("steward-")
    assert board["schemaVersion"] == 39
    assert board["editable"] is False
    assert "id" not in board
    assert "__inputs" not in board


def test_identifiers_are_unique():
    """Two dashboards of one uid or title replace each other; two panels of one id share links."""
    for key in ("uid", "title"):
        assert len({board[key] for board in BOARDS.values()}) == len(BOARDS)
    for board in BOARDS.values():
        ids = [panel["id"] for panel in board["panels"]]
        assert len(set(ids)) == len(ids)


@each_board
def test_variables(board):
    """The source of data, then cluster, namespace and job: several at once, all by default, and matching where a label is missing."""
    variables = {variable["name"]: variable for variable in board["templating"]["list"]}

    assert list(variables)[:4] == ["datasource", "cluster", "namespace", "job"]
    for name in ("cluster", "namespace", "job"):
        variable = variables[name]
        assert variable["multi"]
        assert variable["includeAll"]
        assert variable["refresh"] == 2
        assert variable["allValue"] == (".*" if name == "cluster" else ".+")
        assert promql.undeclared(variable["definition"].removeprefix("label_values(").rpartition(",")[0]) == set()


@each_board
def test_grafana_knows_every_field(board):
    """Read and written by Grafana's own SDK nothing is lost: a misspelt field would be."""
    assert grafana.lost_fields(board) == []


def test_a_misspelt_field_is_lost():
    """The check above can fail."""
    board = json.loads(FILES[0].read_text())
    board["panels"][0]["fieldConfig"]["defaults"]["untis"] = "s"

    assert grafana.lost_fields(board) == [".panels[0].fieldConfig.defaults.untis"]


@each_panel
def test_a_panel_explains_itself(panel):
    """A title, words on what to do, and a unit that Grafana has."""
    assert panel["title"]
    assert len(panel["description"]) > 80
    assert panel["fieldConfig"]["defaults"]["unit"] in UNITS


@each_board
def test_the_grid(board):
    """Panels lie inside the 24 columns and do not overlap."""
    cells = [
        (x, y)
        for place in (panel["gridPos"] for panel in board["panels"])
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]

    assert len(set(cells)) == len(cells)
    assert {x for x, _ in cells} <= set(range(24))


@each_panel
def test_queries(panel):
    """Metrics that the program exports, of the chosen clusters and jobs, from the chosen source, over an interval that fits the scrape."""
    assert panel["targets"]
    for target in panel["targets"]:
        assert target["datasource"] == panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
        assert target["legendFormat"]
        assert promql.undeclared(target["expr"]) == set()
        for _, matchers in promql.selectors(target["expr"]):
            assert matchers["cluster"] == "$cluster"
            assert matchers["job"] == "$job"
        assert ("rate(" in target["expr"]) is ("[$__rate_interval]" in target["expr"])


@each_board
def test_annotations_read_our_metrics(board):
    """Lines in the graphs come from metrics that exist."""
    assert board["annotations"]["list"]
    for annotation in board["annotations"]["list"]:
        assert promql.undeclared(annotation["expr"]) == set()


def test_panels_turn_red_where_alerts_fire():
    """The threshold of the panel on failed operations is that of the alert."""
    rules = yaml.safe_load((ROOT / "alerts" / "headless.yaml").read_text())["groups"][0]["rules"]
    (line,) = [line for rule in rules if rule["alert"] == "HighServiceCreationErrorRate" for line in rule["expr"].splitlines() if "# $ratio" in line]
    (panel,) = [panel for panel in BOARDS["steward-headless"]["panels"] if panel["title"] == "Share of failed operations"]

    assert panel["fieldConfig"]["defaults"]["thresholds"]["steps"][1] == {"color": "red", "value": float(line.split()[1])}


def test_the_headless_dashboard_shows_what_was_asked_for():
    """Services, operations, events, latency, errors and skipped pods."""
    shown = {name for panel in BOARDS["steward-headless"]["panels"] for target in panel["targets"] for name, _ in promql.selectors(target["expr"])}

    assert {name.removeprefix("k8s_headless_service_operator_") for name in shown} == {
        "services",
        "operations_total",
        "pod_events_total",
        "reconcile_duration_seconds_bucket",
        "skipped_pods",
    }
