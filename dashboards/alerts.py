"""The alerts, read from the rules, so that a panel turns red where an alert fires and leads to its runbook."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import yaml

ALERTS = Path(__file__).parent.parent / "alerts"


def threshold(alert: str, name: str) -> float:
    """The number that a rule marks with ``# $name``.

    Raises: LookupError if there is no such alert, or no such threshold in it.
    """
    found = re.search(rf"(-?[0-9][0-9.eE+-]*)[)\s]*# \${name}\b", _rule(alert)["expr"])
    if not found:
        raise LookupError(f"alert {alert} in {ALERTS} has no threshold {name}")
    return float(found[1])


def runbook(alert: str) -> str:
    """Address of an alert's runbook. Raises: LookupError if there is no such alert."""
    return str(_rule(alert)["annotations"]["runbook_url"])


def names() -> list[str]:
    """All alerts."""
    return sorted(_rules())


def _rule(alert: str) -> dict[str, Any]:
    if alert not in _rules():
        raise LookupError(f"no alert {alert} in {ALERTS}")
    return _rules()[alert]


@cache
def _rules() -> dict[str, dict[str, Any]]:
    return {rule["alert"]: rule for rule in _read() if "alert" in rule}


def _read() -> Iterator[dict[str, Any]]:
    for path in sorted(ALERTS.rglob("*.yaml")):
        for group in yaml.safe_load(path.read_text())["groups"]:
            yield from group["rules"]
