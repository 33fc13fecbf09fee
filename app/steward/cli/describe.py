"""``steward describe``: what a component is, as data. The chart's tests, the generators of the docs and people read it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click
import msgspec
import yaml

from steward import components
from steward.cli.argument import component_argument


@click.command(short_help="Print what a component is: rights, metrics, reasons, configuration.")
@component_argument
@click.option("-o", "--output", type=click.Choice(["json", "yaml", "text"]), default="text", show_default=True, help="Form of the output.")
def describe(component: str, output: str) -> None:
    """Print what COMPONENT needs, measures, reports and can be told."""
    from steward.cli.facts import facts_of

    facts = facts_of(components.load(component))
    match output:
        case "json":
            click.echo(msgspec.json.format(msgspec.json.encode(facts), indent=2).decode())
        case "yaml":
            click.echo(yaml.safe_dump(facts, sort_keys=False, width=120), nl=False)
        case _:
            click.echo("\n".join(_lines(facts)))


def _lines(facts: dict[str, Any]) -> Iterator[str]:
    yield f"{facts['name']}: {facts['summary']}"
    yield "\nRights"
    for right in facts["rights"]:
        where = ("own namespace" if right["namespaced"] else "cluster") + (f", when {right['when']}" if right["when"] else "")
        resource = ".".join(part for part in (right["resource"], right["group"]) if part)
        yield f"  {resource} ({where}): {', '.join(right['verbs'])}: {right['why']}"
    yield "\nMetrics"
    for metric in facts["metrics"]:
        labels = "{" + ", ".join(metric["labels"]) + "}" if metric["labels"] else ""
        yield f"  {metric['name']}{labels} ({metric['type']}): {metric['help']}"
    yield "\nReasons of Events"
    for reason in facts["reasons"]:
        yield f"  {reason['name']} ({reason['type']}): {reason['help']}"
    yield "\nConfiguration (JSON schema)"
    yield msgspec.json.format(msgspec.json.encode(facts["config"]), indent=2).decode()
