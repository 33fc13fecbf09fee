"""Grafana's own reader and writer of dashboards."""

from __future__ import annotations

import itertools
import json
import warnings
from collections.abc import Iterator
from typing import Any

from grafana_foundation_sdk.cog.encoder import JSONEncoder

with warnings.catch_warnings():
    # Grafana recommends its new resource, which Grafana 11 and 12 and the sidecar do not import.
    warnings.simplefilter("ignore", DeprecationWarning)
    from grafana_foundation_sdk.models.dashboard import Dashboard


def lost_fields(board: dict[str, Any]) -> list[str]:
    """Fields that are not there, or not the same, after Grafana's SDK has read and written a dashboard: it does not know them."""
    return list(_lost(board, json.loads(JSONEncoder().encode(Dashboard.from_json(board))), ""))


def _lost(before: Any, after: Any, path: str) -> Iterator[str]:
    if isinstance(before, dict):
        for key, value in before.items():
            yield from _lost(value, after[key], f"{path}.{key}") if key in after else [f"{path}.{key}"]
    elif isinstance(before, list):
        for number, pair in enumerate(itertools.zip_longest(before, after)):
            yield from _lost(*pair, f"{path}[{number}]")
    elif before != after:
        yield path
