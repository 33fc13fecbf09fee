"""The dashboards as they are written, and their queries as Grafana would send them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

DIRECTORY = Path(__file__).resolve().parents[2] / "dashboards"

Json = dict[str, Any]


def boards() -> dict[str, Json]:
    """Every dashboard by its identifier."""
    return {path.stem: json.loads(path.read_text()) for path in sorted(DIRECTORY.glob("*.json"))}


def panels(board: Json) -> Iterator[Json]:
    """The panels of a dashboard, those in collapsed rows too; not the rows."""
    for panel in board["panels"]:
        if panel["type"] == "row":
            yield from panel["panels"]
        else:
            yield panel


def filled(expr: str, *, rate_interval: str = "5m", range: str = "1h") -> str:
    """An expression as it is sent when All is chosen everywhere: a variable stands for its ``allValue``."""
    values = {"cluster": ".*", "namespace": ".+", "job": ".+", "component": ".+", "__rate_interval": rate_interval, "__range": range}
    return re.sub(r"\$\{?(\w+)\}?", lambda found: values[found[1]], expr)
