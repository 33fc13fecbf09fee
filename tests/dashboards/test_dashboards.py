"""The dashboards are what their modules build, and Grafana reads every field of them."""

import json
import subprocess
import sys
from copy import deepcopy

import pytest

from support import boards, grafana, promql

BOARDS = boards.boards()
PANELS = [(uid, panel) for uid, board in BOARDS.items() for panel in boards.panels(board)]
UNITS = {"short", "none", "ops", "reqps", "s", "percent", "percentunit", "bytes"}
"""Identifiers of units that we use; others are typos until they are added here. The preview knows Grafana's own list."""

each_board = pytest.mark.parametrize("board", BOARDS.values(), ids=BOARDS)
each_panel = pytest.mark.parametrize("panel", [panel for _, panel in PANELS], ids=[f"{uid}-{panel['title']}" for uid, panel in PANELS])


def test_the_json_is_what_the_builder_makes():
    """What is committed is what `python -m dashboards` writes."""
    command = [sys.executable, "-m", "dashboards", "--check"]
    done = subprocess.run(command, cwd=boards.DIRECTORY.parent, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert BOARDS.keys() == {"steward-overview", "steward-headless", "steward-governance", "steward-runtime"}


@each_board
def test_identity(board):
    """A fixed address, a version of the schema that every supported Grafana reads, and nothing of somebody's own Grafana."""
    assert (boards.DIRECTORY / f"{board['uid']}.json").is_file()
    assert board["uid"].startswith("steward-")
    assert board["title"].startswith("Steward / ")
    assert "steward" in board["tags"]
    assert board["schemaVersion"] == 39
    assert board["editable"] is False
    assert board["refresh"] == "30s"
    assert "id" not in board
    assert "__inputs" not in board


def test_identifiers_are_unique():
    """Two dashboards of one uid or title replace each other; two panels of one id share links."""
    for key in ("uid", "title"):
        assert len({board[key] for board in BOARDS.values()}) == len(BOARDS)
    for board in BOARDS.values():
        ids = [one["id"] for panel in board["panels"] for one in (panel, *panel.get("panels", []))]
        assert len(set(ids)) == len(ids)


@each_board
def test_variables(board):
    """The source of data, then cluster, namespace and job: several at once, all by default, and matching where a label is missing."""
    variables = {variable["name"]: variable for variable in board["templating"]["list"]}

    assert list(variables)[:4] == ["datasource", "cluster", "namespace", "job"]
    assert (variables["datasource"]["type"], variables["datasource"]["query"]) == ("datasource", "prometheus")
    for name, variable in variables.items():
        if name == "datasource":
            continue
        assert variable["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
        assert variable["multi"]
        assert variable["includeAll"]
        assert variable["refresh"] == 2, "it is asked again when the time changes"
        assert variable["allValue"] == (".*" if name == "cluster" else ".+")
        assert promql.undeclared(variable["definition"].removeprefix("label_values(").rpartition(",")[0]) == set()


@each_board
def test_every_variable_is_asked_for(board):
    """A choice that changes no panel misleads."""
    chosen = json.dumps([panel["targets"] for panel in boards.panels(board)])

    assert [one["name"] for one in board["templating"]["list"] if f"${one['name']}" not in chosen and f"${{{one['name']}}}" not in chosen] == []


@each_board
def test_grafana_knows_every_field(board):
    """Read and written by Grafana's own SDK nothing is lost: a misspelt field would be."""
    assert grafana.lost_fields(board) == []


def test_a_misspelt_field_is_lost():
    """The check above can fail."""
    board = deepcopy(BOARDS["steward-headless"])
    board["panels"][1]["fieldConfig"]["defaults"]["untis"] = "s"

    assert grafana.lost_fields(board) == [".panels[1].fieldConfig.defaults.untis"]


@each_panel
def test_a_panel_explains_itself(panel):
    """A title, words on what to do, and a unit that Grafana has."""
    assert panel["title"]
    assert len(panel["description"]) > 80
    assert panel["fieldConfig"]["defaults"]["unit"] in UNITS


@each_board
def test_the_grid(board):
    """Panels lie inside the 24 columns and do not overlap, rows that are opened included."""
    for panels in (board["panels"], *(panel["panels"] for panel in board["panels"] if panel.get("panels"))):
        cells = [
            (x, y)
            for place in (panel["gridPos"] for panel in panels)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        ]
        assert len(set(cells)) == len(cells)
        assert {x for x, _ in cells} <= set(range(24))


@each_board
def test_a_dashboard_begins_with_whether_all_is_well(board):
    """The first row has the answers, four to six numbers before any graph; what costs processes stands last and is not queried until it is opened."""
    heading, *panels = board["panels"]
    first = panels[: next(place for place, panel in enumerate(panels) if panel["type"] == "row")]
    kinds = [panel["type"] for panel in first]

    assert heading["type"] == "row"
    assert set(kinds) <= {"stat", "timeseries"}
    assert kinds == sorted(kinds)
    assert 4 <= kinds.count("stat") <= 6
    assert len([panel for panel in board["panels"] if panel["type"] != "row"]) <= 25, "a page is opened as a whole"
