"""Thresholds of the alerts, read from the rules, so that a panel turns red where the alert fires."""

import re
from pathlib import Path

import yaml

ALERTS = Path(__file__).parent.parent / "alerts"


def threshold(alert: str, name: str) -> float:
    """The number that a rule marks with ``# $name``.

    Raises: LookupError if there is no such alert, or no such threshold in it.
    """
    for path in sorted(ALERTS.glob("*.yaml")):
        for group in yaml.safe_load(path.read_text())["groups"]:
            for rule in group["rules"]:
                if rule.get("alert") == alert and (found := re.search(rf"(-?[0-9][0-9.eE+-]*)[)\s]*# \${name}\b", rule["expr"])):
                    return float(found[1])
    raise LookupError(f"no threshold {name} of alert {alert} in {ALERTS}")
