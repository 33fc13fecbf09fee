"""What the pages are made of: what components declare, the rules, the dashboards."""

import json
import re
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import promql_parser
import yaml

from steward import components
from steward.cli.facts import facts_of

ROOT = Path(__file__).resolve().parents[2]

Facts = dict[str, Any]


@cache
def declared() -> dict[str, Facts]:
    """Every component of the chart by name, as ``steward describe`` says it."""
    names = yaml.safe_load((ROOT / "chart" / "values.yaml").read_text())["components"]
    return {name: facts_of(components.load(name)) for name in names}


@cache
def rules() -> list[Facts]:
    """Every rule of alerts/, in the order of files, with ``file`` and ``group``."""
    found = []
    for path in sorted((ROOT / "alerts").rglob("*.yaml")):
        for group in yaml.safe_load(path.read_text())["groups"]:
            found += [{**rule, "file": str(path.relative_to(ROOT)), "group": group["name"]} for rule in group["rules"]]
    return found


@cache
def panels() -> list[tuple[str, Facts]]:
    """Every panel with the title of its dashboard, without ``Steward / ``."""
    found = []
    for path in sorted((ROOT / "dashboards").glob("*.json")):
        board = json.loads(path.read_text())
        for panel in board["panels"]:
            inside = panel["panels"] if panel["type"] == "row" else [panel]
            found += [(board["title"].removeprefix("Steward / "), one) for one in inside]
    return found


def read_by(expr: str) -> set[str]:
    """Names of the series that an expression reads."""
    found: set[str] = set()

    def visit(node: promql_parser.Expr) -> None:
        if isinstance(node, promql_parser.VectorSelector):
            found.add(node.name or "")

    promql_parser.walk(promql_parser.parse(re.sub(r"\$__(rate_interval|range|interval)", "5m", expr)), pre_visit=visit)
    return found


def head(title: str, text: str) -> Iterator[str]:
    """Beginning of a page."""
    yield f"# {title}"
    yield ""
    yield "<!-- Written by ci/reference, which `make generate` runs; do not edit. -->"
    yield ""
    yield text
    yield ""


def table(columns: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    """A table; bars and angle brackets in its cells are text."""
    yield f"| {' | '.join(columns)} |"
    yield f"|{'---|' * len(columns)}"
    for row in rows:
        cells = (cell.replace("|", "\\|").replace("<", "&lt;") for cell in row)
        yield f"| {' | '.join(cells)} |"
    yield ""
