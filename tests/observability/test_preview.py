"""The dashboards as Grafana draws them, with what a real Prometheus has of the real program."""

import shutil
from pathlib import Path

import pytest

from observability import pictures
from observability.views import view
from support import boards

BOARDS = boards.boards()
TARGET = {"refId": "A", "expr": "x", "legendFormat": "{{pod}}", "format": "time_series", "instant": False}


@pytest.fixture(scope="session", autouse=True)
def programs(request):
    """What drawing needs. Without it the tests are left out, unless somebody asked for the pictures."""
    try:
        pictures.browser(), pictures.modules()
    except pictures.Missing as missing:
        if request.config.getoption("--pictures", None):
            pytest.fail(str(missing), pytrace=False)
        pytest.skip(str(missing))


@pytest.fixture(scope="module")
def drawn(played, tmp_path_factory, request):
    """Every dashboard, drawn; kept where it was asked for."""
    directory = tmp_path_factory.mktemp("pictures")
    views = {uid: view(board, played.prometheus, start=played.began, end=played.ended) for uid, board in BOARDS.items()}
    seen = pictures.draw(views, directory)
    if kept := request.config.getoption("--pictures", None):
        Path(kept).mkdir(parents=True, exist_ok=True)
        for uid in BOARDS:
            shutil.copy(directory / f"{uid}.png", kept)
    return seen


@pytest.mark.parametrize("uid", BOARDS)
def test_every_panel_shows_data_under_names_for_people(drawn, uid):
    """No panel without data or with an error, no legend of raw labels, no unit that Grafana does not have."""
    assert drawn[uid]["errors"] == []
    assert [f"{panel['title']}: {problem}" for panel in drawn[uid]["panels"] for problem in panel["problems"]] == []
    assert {panel["id"] for panel in drawn[uid]["panels"]} == {panel["id"] for panel in boards.panels(BOARDS[uid])}


def panel(**changes):
    """A panel that is drawn without a word, with changes."""
    defaults = {"unit": "short", "thresholds": {"mode": "absolute", "steps": [{"color": "green", "value": None}]}, "mappings": []}
    legend = {"calcs": [], "displayMode": "list", "placement": "bottom", "showLegend": True}
    return {
        "id": 1,
        "type": "timeseries",
        "title": "A panel",
        "gridPos": {"x": 0, "y": 0, "w": 12, "h": 8},
        "fieldConfig": {"defaults": defaults | changes.pop("defaults", {}), "overrides": []},
        "options": {"legend": legend},
        "results": [{"target": TARGET, "series": [{"metric": {"pod": "a"}, "values": [[0, "1"], [60, "2"]]}]}],
    } | changes


def result(series, **changes):
    return [{"target": TARGET | changes, "series": series}]


CASES = {
    "fine": ({}, []),
    "no data": ({"results": result([])}, ["query A: no data", "no number"]),
    "not a number": ({"results": result([{"metric": {"pod": "a"}, "values": [[0, "NaN"]]}])}, ["no number"]),
    "an error": ({"results": [{"target": TARGET, "series": [], "error": "parse error"}]}, ["query A: parse error", "no number"]),
    "raw labels": (
        {"results": result([{"metric": {"pod": "a"}, "values": [[0, "1"]]}], legendFormat="")},
        ['series "{pod="a"}": a name of raw labels, or none'],
    ),
    "no name": ({"results": result([{"metric": {}, "values": [[0, "1"]]}])}, ['series "": a name of raw labels, or none']),
    "one name for two": ({"results": result([{"metric": {"pod": "a", "n": n}, "values": [[0, "1"]]} for n in "ab"])}, ["two series have one name"]),
    "no such unit": ({"defaults": {"unit": "cores"}}, ["unit cores: Grafana has none of that name"]),
    "no such panel": ({"type": "piechart"}, ["Error: panels of type piechart: not known to the preview"]),
}
"""Changes of the panel, and what is said about it then."""


@pytest.fixture(scope="module")
def wrong(tmp_path_factory):
    """A dashboard of one panel for every case."""
    head = {"variables": [], "from": 0, "to": 60_000, "height": 8}
    return pictures.draw(
        {name: {"title": name, **head, "panels": [panel(**changes)]} for name, (changes, _) in CASES.items()}, tmp_path_factory.mktemp("wrong")
    )


@pytest.mark.parametrize("case", CASES)
def test_what_is_wrong_with_a_panel_is_said(wrong, case):
    """The check above can fail."""
    (seen,) = wrong[case]["panels"]

    assert seen["problems"] == CASES[case][1]
