"""A dashboard as the plain data that Grafana reads: rows of panels on a grid, variables, links and annotations."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from dashboards.panels import DATASOURCE, Json, Panel

COLUMNS = 24
"""Width of Grafana's grid."""


@dataclass(frozen=True)
class Row:
    """A heading with the panels below it.

    Attributes:
        id: Fixed, as that of a panel.
        collapsed: Whether one has to open it; what is not seen is not queried.
    """

    id: int
    title: str
    panels: Sequence[Panel]
    collapsed: bool = False


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


OF_RELEASE = (
    variable("cluster", "label_values(steward_build_info, cluster)", label="Cluster", all_value=".*"),
    variable("namespace", 'label_values(steward_build_info{cluster=~"$cluster"}, namespace)', label="Namespace of Steward"),
    variable("job", 'label_values(steward_build_info{cluster=~"$cluster", namespace=~"$namespace"}, job)', label="Job"),
)
"""What ``queries.WHERE_RELEASE`` asks for."""


def dashboard(*, name: str, title: str, description: str, alerts: str, variables: Iterable[Json], rows: Iterable[Row]) -> Json:
    """A dashboard.

    Args:
        name: Of the component, or of what it shows of all; its identifier is ``steward-<name>``.
        title: For people.
        description: What one learns here.
        alerts: Matchers of the alerts that are marked in its graphs.
        variables: Beside the source of data.
        rows: From top to bottom.
    """
    return {
        "uid": f"steward-{name}",
        "title": title,
        "description": description,
        "tags": ["steward", name],
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
        "annotations": {"list": list(_annotations(alerts))},
        "templating": {"list": [_DATASOURCE_VARIABLE, *variables]},
        "panels": list(_place(rows)),
    }


_DATASOURCE_VARIABLE: Json = {"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus", "refresh": 1}


def _annotations(alerts: str) -> Iterable[Json]:
    """Vertical lines: where alerts fire, and where a process started."""
    queries = (
        ("Alerts", "red", f'ALERTS{{alertstate="firing", {alerts}, cluster=~"$cluster"}}', "{{alertname}}", False),
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


def _place(rows: Iterable[Row]) -> Iterable[Json]:
    """Rows from top to bottom, their panels from left to right; what does not fit into a line begins the next one."""
    y = 0
    for row in rows:
        heading: Json = {
            "id": row.id,
            "type": "row",
            "title": row.title,
            "collapsed": row.collapsed,
            "gridPos": {"x": 0, "y": y, "w": COLUMNS, "h": 1},
        }
        placed, bottom = _fill(row.panels, y + 1)
        yield {**heading, "panels": placed if row.collapsed else []}
        if row.collapsed:
            y += 1
        else:
            yield from placed
            y = bottom


def _fill(panels: Iterable[Panel], y: int) -> tuple[list[Json], int]:
    """Panels from a line downwards, and the first line below them."""
    placed, x, height = [], 0, 0
    for panel in panels:
        if x + panel.width > COLUMNS:
            x, y, height = 0, y + height, 0
        placed.append(panel.build(x, y))
        x, height = x + panel.width, max(height, panel.height)
    return placed, y + height
