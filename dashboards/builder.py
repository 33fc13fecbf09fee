"""Panels and dashboards as the plain data that Grafana reads.

The subset of Grafana's schema that the dashboards need, at schemaVersion 39 (Grafana 11), which later versions migrate by
themselves. A test reads the result with Grafana's own SDK, so a misspelt field is found.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]

DATASOURCE: Json = {"type": "prometheus", "uid": "${datasource}"}
COLUMNS = 24
"""Width of Grafana's grid."""


@dataclass(frozen=True)
class Query:
    """A query of a panel. ``instant`` asks for the last value only."""

    expr: str
    legend: str
    instant: bool = False


@dataclass(frozen=True)
class Step:
    """A threshold: from ``value`` upwards, in the panel's unit, the colour is ``color``."""

    value: float
    color: str


@dataclass(frozen=True)
class Panel:
    """A panel.

    Attributes:
        id: Fixed, because links and alerts refer to it; unique in its dashboard.
        kind: Grafana's name of the visualisation.
        description: What it shows, and what to do when it is red.
        unit: One of Grafana's identifiers of units.
        steps: Thresholds, ascending; below the first it is green.
        width: Columns, of 24.
        height: Grid units of 30 pixels.
    """

    id: int
    kind: str
    title: str
    description: str
    unit: str
    queries: Sequence[Query]
    steps: Sequence[Step] = ()
    minimum: float | None = None
    maximum: float | None = None
    stacked: bool = False
    width: int = 12
    height: int = 8

    def build(self, x: int, y: int) -> Json:
        """The panel as JSON at a place of the grid."""
        defaults: Json = {"unit": self.unit, "thresholds": self._thresholds(), "mappings": []}
        defaults |= {key: value for key, value in (("min", self.minimum), ("max", self.maximum)) if value is not None}
        if self.kind == "timeseries":
            defaults["custom"] = self._lines()
        return {
            "id": self.id,
            "type": self.kind,
            "title": self.title,
            "description": self.description,
            "datasource": DATASOURCE,
            "gridPos": {"x": x, "y": y, "w": self.width, "h": self.height},
            "fieldConfig": {"defaults": defaults, "overrides": []},
            "options": _OPTIONS[self.kind],
            "targets": [self._target(number, query) for number, query in enumerate(self.queries)],
        }

    def _thresholds(self) -> Json:
        steps = [{"color": "green", "value": None}, *({"color": step.color, "value": step.value} for step in self.steps)]
        return {"mode": "absolute", "steps": steps}

    def _lines(self) -> Json:
        return {
            "lineWidth": 1,
            "fillOpacity": 10,
            "showPoints": "never",
            "stacking": {"group": "A", "mode": "normal" if self.stacked else "none"},
            "thresholdsStyle": {"mode": "line" if self.steps else "off"},
        }

    @staticmethod
    def _target(number: int, query: Query) -> Json:
        return {
            "refId": chr(ord("A") + number),
            "datasource": DATASOURCE,
            "expr": query.expr,
            "legendFormat": query.legend,
            "instant": query.instant,
            "range": not query.instant,
        }


_OPTIONS: dict[str, Json] = {
    "timeseries": {
        "legend": {"calcs": ["lastNotNull", "max"], "displayMode": "table", "placement": "bottom", "showLegend": True},
        "tooltip": {"mode": "multi", "sort": "desc"},
    },
    "bargauge": {
        "displayMode": "gradient",
        "orientation": "horizontal",
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
        "showUnfilled": True,
        "valueMode": "color",
    },
}


def variable(name: str, query: str, *, label: str, all_value: str = ".+") -> Json:
    """A variable filled by a query, with several values at once and one for all of them.

    ``all_value`` is ``.*`` where series may lack the label.
    """
    return {
        "name": name,
        "label": label,
        "type": "query",
        "datasource": DATASOURCE,
        "definition": query,
        "query": {"qryType": 1, "query": query, "refId": "PrometheusVariableQueryEditor-VariableQuery"},
        "refresh": 2,
        "sort": 1,
        "multi": True,
        "includeAll": True,
        "allValue": all_value,
        "current": {"selected": True, "text": ["All"], "value": ["$__all"]},
    }


def dashboard(*, component: str, title: str, description: str, variables: Iterable[Json], panels: Iterable[Panel]) -> Json:
    """A dashboard of a component; its identifier is ``steward-<component>``."""
    return {
        "uid": f"steward-{component}",
        "title": title,
        "description": description,
        "tags": ["steward", component],
        "schemaVersion": 39,
        "version": 1,
        "editable": False,
        "graphTooltip": 1,
        "refresh": "30s",
        "timezone": "browser",
        "time": {"from": "now-1h", "to": "now"},
        "links": [
            {
                "type": "dashboards",
                "title": "Steward",
                "tags": ["steward"],
                "asDropdown": True,
                "includeVars": True,
                "keepTime": True,
                "targetBlank": False,
                "icon": "external link",
                "tooltip": "",
                "url": "",
            },
        ],
        "annotations": {"list": list(_annotations(component))},
        "templating": {"list": [_DATASOURCE_VARIABLE, *variables]},
        "panels": list(_place(panels)),
    }


_DATASOURCE_VARIABLE: Json = {"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus", "refresh": 1}


def _annotations(component: str) -> Iterable[Json]:
    """Vertical lines: where alerts fire, and where a process started."""
    queries = (
        ("Alerts", "red", f'ALERTS{{alertstate="firing", component="{component}", cluster=~"$cluster"}}', "{{alertname}}", False),
        ("Starts", "blue", 'process_start_time_seconds{cluster=~"$cluster", job=~"$job"} * 1000', "{{pod}} started", True),
    )
    for name, color, expr, title, at_value in queries:
        yield {
            "name": name,
            "enable": True,
            "iconColor": color,
            "datasource": DATASOURCE,
            "expr": expr,
            "titleFormat": title,
            "useValueForTime": at_value,
        }


def _place(panels: Iterable[Panel]) -> Iterable[Json]:
    """Panels from left to right; what does not fit into a row begins the next one."""
    x = y = row = 0
    for panel in panels:
        if x + panel.width > COLUMNS:
            x, y, row = 0, y + row, 0
        yield panel.build(x, y)
        x, row = x + panel.width, max(row, panel.height)
