"""Panels as the plain data that Grafana reads.

The subset of Grafana's schema that the dashboards need, at schemaVersion 39 (Grafana 11), which later versions migrate by themselves. A test
reads the result with Grafana's own SDK, so a misspelt field is found.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from dashboards.alerts import runbook

Json = dict[str, Any]

DATASOURCE: Json = {"type": "prometheus", "uid": "${datasource}"}


@dataclass(frozen=True)
class Query:
    """A query of a panel.

    Attributes:
        expr: PromQL.
        legend: What the series are called; in a table, the column.
        instant: Whether only the last value is asked for.
        heatmap: Whether series are the cumulative buckets of a histogram, to be shown each by itself.
    """

    expr: str
    legend: str
    instant: bool = False
    heatmap: bool = False


@dataclass(frozen=True)
class Step:
    """A threshold: from ``value`` upwards, in the panel's unit, the colour is ``color``."""

    value: float
    color: str = "red"


ABOVE_ZERO = Step(1e-9)
"""Red for any rate above 0, which itself is green: a step begins at its value. Once in 30 years is more."""


@dataclass(frozen=True)
class Panel:
    """A panel.

    Attributes:
        id: Fixed, because links and alerts refer to it; unique in its dashboard.
        kind: Grafana's name of the visualisation.
        description: What it shows, and what to do when it is red.
        unit: One of Grafana's identifiers of units.
        steps: Thresholds, ascending; below the first it is ``base``.
        base: Colour below all thresholds.
        alerts: What fires when it is red; the panel links to their runbooks.
        links: Titles and addresses of further links.
        colors: Fixed colours by a regular expression of the series' names.
        by_steps: Whether a line of a graph has the colour of the highest step it reached in the shown time, instead of one of its own.
        texts: Text and colour instead of a value, by that value.
        columns: Names of a table's columns that come from labels, by the label, in their order; those of queries follow.
        cells: Further settings of a table's column, by its name.
        legend: Of a graph: ``bottom`` has room for two lines, ``right`` for eight with short names, ``list`` for many names without values.
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
    base: str = "green"
    alerts: Sequence[str] = ()
    links: Sequence[tuple[str, str]] = ()
    colors: Mapping[str, str] = field(default_factory=dict)
    by_steps: bool = False
    texts: Mapping[int, tuple[str, str]] = field(default_factory=dict)
    columns: Mapping[str, str] = field(default_factory=dict)
    cells: Mapping[str, Json] = field(default_factory=dict)
    minimum: float | None = None
    maximum: float | None = None
    decimals: int | None = None
    stacked: bool = False
    stepped: bool = False
    legend: str = "bottom"
    width: int = 12
    height: int = 8

    def build(self, x: int, y: int) -> Json:
        """The panel as JSON at a place of the grid."""
        built: Json = {
            "id": self.id,
            "type": self.kind,
            "title": self.title,
            "description": self.description,
            "datasource": DATASOURCE,
            "gridPos": {"x": x, "y": y, "w": self.width, "h": self.height},
            "fieldConfig": {"defaults": self._defaults(), "overrides": list(self._overrides())},
            "options": self._options(),
            "targets": [self._target(number, query) for number, query in enumerate(self.queries)],
        }
        links = [(f"Runbook: {alert}", runbook(alert)) for alert in self.alerts] + list(self.links)
        if links:
            built["links"] = [{"title": title, "url": url, "targetBlank": True} for title, url in links]
        if self.kind == "table":
            built["transformations"] = list(self._transformations())
        return built

    def _defaults(self) -> Json:
        steps = [{"color": self.base, "value": None}, *({"color": step.color, "value": step.value} for step in self.steps)]
        limits = (("min", self.minimum), ("max", self.maximum), ("decimals", self.decimals))
        defaults: Json = {"unit": self.unit, "thresholds": {"mode": "absolute", "steps": steps}, "mappings": _mappings(self.texts)}
        defaults |= {key: value for key, value in limits if value is not None}
        match self.kind:
            case "timeseries":
                color = {"mode": "thresholds", "seriesBy": "max"} if self.by_steps else {"mode": "palette-classic"}
                defaults |= {"custom": self._lines(), "color": color}
            case "table":
                defaults |= {"custom": {"align": "left", "cellOptions": {"type": "auto"}}, "color": {"mode": "thresholds"}}
            case _:
                defaults |= {"color": {"mode": "thresholds"}}
        return defaults

    def _options(self) -> Json:
        if self.kind != "timeseries":
            return OPTIONS[self.kind]
        if self.legend == "list":
            legend: Json = {"calcs": [], "displayMode": "list", "placement": "bottom", "showLegend": True}
        else:
            legend = {"calcs": ["lastNotNull", "max"], "displayMode": "table", "placement": self.legend, "showLegend": True}
        return {"legend": legend, "tooltip": {"mode": "multi", "sort": "desc"}}

    def _overrides(self) -> Sequence[Json]:
        colors = [_override("byRegexp", f"/{names}/", {"color": {"mode": "fixed", "fixedColor": color}}) for names, color in self.colors.items()]
        return colors + [_override("byName", name, settings) for name, settings in self.cells.items()]

    def _lines(self) -> Json:
        return {
            "lineWidth": 1,
            "fillOpacity": 25 if self.stacked else 8,
            "showPoints": "never",
            "lineInterpolation": "stepAfter" if self.stepped else "linear",
            "stacking": {"group": "A", "mode": "normal" if self.stacked else "none"},
            "thresholdsStyle": {"mode": "line" if self.steps and not self.by_steps else "off"},
        }

    def _target(self, number: int, query: Query) -> Json:
        return {
            "refId": chr(ord("A") + number),
            "datasource": DATASOURCE,
            "expr": query.expr,
            "legendFormat": query.legend,
            "format": "table" if self.kind == "table" else "heatmap" if query.heatmap else "time_series",
            "instant": query.instant,
            "range": not query.instant,
        }

    def _transformations(self) -> Sequence[Json]:
        """Queries joined by their common labels, without the time, and with names for people."""
        values = {f"Value #{chr(ord('A') + number)}": query.legend for number, query in enumerate(self.queries)}
        names = {**self.columns, **values}
        organize = {
            "excludeByName": {"Time": True},
            "indexByName": {name: place for place, name in enumerate(names)},
            "renameByName": names,
        }
        return [{"id": "merge", "options": {}}, {"id": "organize", "options": organize}]


def graph(**settings: Any) -> Panel:
    """Lines over time, from 0 upwards; settings as of :class:`Panel`."""
    return Panel(kind="timeseries", **{"minimum": 0, **settings})


def stat(**settings: Any) -> Panel:
    """A number with its recent past, six in a line; settings as of :class:`Panel`."""
    return Panel(kind="stat", **{"minimum": 0, "width": 4, "height": 5, **settings})


def _mappings(texts: Mapping[int, tuple[str, str]]) -> list[Json]:
    shown = {str(value): {"text": text, "color": color, "index": place} for place, (value, (text, color)) in enumerate(texts.items())}
    return [{"type": "value", "options": shown}] if shown else []


def _override(matcher: str, names: str, settings: Json) -> Json:
    return {"matcher": {"id": matcher, "options": names}, "properties": [{"id": key, "value": value} for key, value in settings.items()]}


def cell(*, unit: str = "", steps: Sequence[Step] = (), texts: Mapping[int, tuple[str, str]] | None = None, link: str = "") -> Json:
    """Settings of a table's column: its unit, colours by its value, texts instead of values, and where a click leads."""
    settings: Json = {}
    if unit:
        settings["unit"] = unit
    if steps:
        settings["thresholds"] = {
            "mode": "absolute",
            "steps": [{"color": "red", "value": None}, *({"color": s.color, "value": s.value} for s in steps)],
        }
    if texts:
        settings["mappings"] = _mappings(texts)
    if steps or texts:
        settings["custom.cellOptions"] = {"type": "color-text"}
    if link:
        settings["links"] = [{"title": "Open its dashboard", "url": link}]
    return settings


_REDUCE = {"calcs": ["lastNotNull"], "fields": "", "values": False}

OPTIONS: dict[str, Json] = {
    "stat": {"colorMode": "value", "graphMode": "area", "justifyMode": "auto", "orientation": "auto", "reduceOptions": _REDUCE, "textMode": "auto"},
    "bargauge": {"displayMode": "gradient", "orientation": "horizontal", "reduceOptions": _REDUCE, "showUnfilled": True, "valueMode": "color"},
    "table": {"showHeader": True, "cellHeight": "sm"},
}
"""What every panel of a kind has in common; graphs differ in their legend."""
