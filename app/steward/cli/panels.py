"""The queries of dashboards: from the files that Grafana imports, or from the ConfigMaps that carry them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import msgspec
import yaml

from steward.runtime.errors import ConfigError

_RANGES = {
    "__rate_interval": "5m",
    "__interval": "1m",
    "__range": "1h",
    "__rate_interval_ms": "300000",
    "__interval_ms": "60000",
    "__range_s": "3600",
}
_VARIABLE = re.compile(r"\$(?:(?P<plain>\w+)|\{(?P<braced>\w+)(?::\w+)?\})")
_ANY = ".*"
"""What Grafana puts for a variable of which all values are chosen."""


class Query(msgspec.Struct, frozen=True):
    """A query of a panel, with its variables filled in."""

    dashboard: str
    panel: str
    expression: str


def read(name: str, text: str) -> list[Query]:
    """The queries in a dashboard, a ConfigMap with dashboards, or a list of such ConfigMaps, as JSON or YAML.

    Raises: ConfigError when it is none of them; ``name`` says in the message what was read.
    """
    try:
        document = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - a safe loader, the quick one where there is one
    except yaml.YAMLError as error:
        raise ConfigError(f"{name}: neither JSON nor YAML") from error
    found = list(_dashboards(name, document))
    if not found:
        raise ConfigError(f"{name}: no dashboard in it. Give a dashboard's JSON, or ConfigMaps that hold some, as kubectl prints them.")
    return [query for dashboard in found for query in _queries(str(dashboard.get("title", name)), dashboard)]


def _dashboards(name: str, document: Any) -> Iterator[dict[str, Any]]:
    match document:
        case {"panels": list()}:
            yield document
        case {"kind": "ConfigMap", "data": dict() as data}:
            for key, text in data.items():
                if key.endswith(".json"):
                    try:
                        yield from _dashboards(key, msgspec.json.decode(text))
                    except (msgspec.DecodeError, TypeError) as error:
                        raise ConfigError(f"{name}: {key} is not JSON: {error}") from error
        case {"items": list() as items}:
            for item in items:
                yield from _dashboards(name, item)


def _queries(title: str, holder: dict[str, Any]) -> Iterator[Query]:
    for panel in holder.get("panels", ()):
        for target in panel.get("targets", ()):
            if expression := target.get("expr"):
                yield Query(title, str(panel.get("title", "")), _VARIABLE.sub(_fill, expression))
        # A row that is folded holds its panels itself.
        yield from _queries(title, panel)


def _fill(found: re.Match[str]) -> str:
    return _RANGES.get(found["plain"] or found["braced"], _ANY)
