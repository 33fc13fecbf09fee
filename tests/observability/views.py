"""What a dashboard shows: its panels with what Prometheus answers to their queries."""

import math
from typing import Any

from observability.stage.prometheus import Prometheus, QueryError, Series
from support.boards import Json, filled

RATE_INTERVAL_SECONDS = 15
"""As Grafana chooses it: four scrapes at least; some more here, since there is less to count than in an hour."""

POINTS = 240
"""About one for three pixels of a graph."""


def view(board: Json, prometheus: Prometheus, *, start: float, end: float) -> Json:
    """A dashboard with its data, all rows open, as the preview draws it."""
    drawn, height = _opened(board["panels"])
    for panel in drawn:
        panel["results"] = [_result(target, prometheus, start, end) for target in panel.get("targets", [])]
    return {
        "title": board["title"],
        "variables": [
            {"label": one["label"], "value": "Prometheus" if one["type"] == "datasource" else "All"} for one in board["templating"]["list"]
        ],
        "from": start * 1000,
        "to": end * 1000,
        "panels": drawn,
        "height": height,
    }


def _result(target: Json, prometheus: Prometheus, start: float, end: float) -> Json:
    expr = filled(target["expr"], rate_interval=f"{RATE_INTERVAL_SECONDS}s", range=f"{math.ceil(end - start)}s")
    try:
        if target["instant"]:
            return {"target": target, "series": prometheus.query(expr, at=end)}
        return {"target": target, "series": prometheus.query_range(expr, start=start, end=end, step=max(1, (end - start) / POINTS))}
    except QueryError as error:
        return {"target": target, "series": [], "error": str(error)}


def has_number(series: list[Series]) -> bool:
    """Whether at least one value of all is a number."""
    return any(not math.isnan(float(value)) for one in series for _, value in one.get("values", [one.get("value")]))


def _opened(panels: list[Json]) -> tuple[list[Json], int]:
    """Panels as they lie when every collapsed row is opened, and the height of all."""
    opened: list[dict[str, Any]] = []
    shift = 0
    for panel in panels:
        inside = panel.get("panels", [])
        opened += [{**one, "gridPos": {**one["gridPos"], "y": one["gridPos"]["y"] + shift}} for one in (panel, *inside)]
        if inside:
            shift += max(one["gridPos"]["y"] + one["gridPos"]["h"] for one in inside) - panel["gridPos"]["y"] - 1
    return opened, max(one["gridPos"]["y"] + one["gridPos"]["h"] for one in opened)
