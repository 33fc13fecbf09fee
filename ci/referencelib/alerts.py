"""docs/alerts.md: every alert with its expression and what of it can be changed."""

import re
from collections.abc import Iterator

from referencelib.sources import Facts, head, panels, rules, table


def page() -> str:
    """The page."""
    return "\n".join(_lines())


def _lines() -> Iterator[str]:
    alerts = [rule for rule in rules() if "alert" in rule]
    yield from head(
        "Alerts",
        "Every alert of `alerts/`. The chart makes PrometheusRules of them (`prometheusRule.enabled`); `prometheusRule.rules.<alert>` changes "
        "one: `enabled`, `for`, `keepFiringFor`, `severity`, `thresholds.<name>`, `labels`, `annotations`, `expr`. *critical* wakes somebody, "
        "*warning* is for working hours, *info* is never routed alone.",
    )
    rows = [
        (f"[{one['alert']}](#{one['alert'].lower()})", one["labels"]["severity"], one.get("for", "-"), one["annotations"]["summary"])
        for one in alerts
    ]
    yield from table(("alert", "severity", "for", "summary"), rows)
    for alert in alerts:
        yield from _alert(alert)
    recorded: dict[str, list[str]] = {}
    for rule in rules():
        if "record" in rule and rule["record"] not in recorded.setdefault(rule["file"], []):
            recorded[rule["file"]].append(rule["record"])
    yield "## Recording rules"
    yield ""
    yield from table(("file", "series"), [(f"`{file}`", ", ".join(f"`{name}`" for name in names)) for file, names in recorded.items() if names])


def _alert(alert: Facts) -> Iterator[str]:
    name = alert["alert"]
    yield f"## {name}"
    yield ""
    yield _plain(alert["annotations"]["description"])
    yield ""
    yield "```promql"
    yield alert["expr"].strip()
    yield "```"
    yield ""
    thresholds = re.findall(r"(-?[0-9][0-9.eE+-]*)[)\s]*# \$(\w+)", alert["expr"])
    facts = [f"[runbook](runbooks/{name}.md)", f"`{alert['file']}`, group `{alert['group']}`"]
    if thresholds:
        facts.append(f"thresholds {', '.join(f'`{key}` {value}' for value, key in thresholds)}")
    shown = [f"{board}: {panel['title']}" for board, panel in panels() if f"Runbook: {name}" in {link["title"] for link in panel.get("links", [])}]
    if shown:
        facts.append(f"panels {', '.join(shown)}")
    yield from (f"- {fact}" for fact in facts)
    yield ""


def _plain(text: str) -> str:
    """A description with its labels named, not filled in."""
    return re.sub(r"\{\{\s*(?:printf\s+\S+\s+)?\$(?:labels\.)?(\w+)[^}]*\}\}", r"*\1*", text).strip()
