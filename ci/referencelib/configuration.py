"""docs/configuration.md: what a process can be told, what a component may do, and what it reports."""

import json
from collections.abc import Iterator
from typing import Any

import msgspec

from referencelib.sources import Facts, declared, head, table
from steward.cli.config import ProcessConfig

COLUMNS = ("key", "type", "default", "meaning")


def page() -> str:
    """The page."""
    return "\n".join(_lines())


def _lines() -> Iterator[str]:
    yield from head(
        "Configuration",
        "What `steward run <component> --config FILE` reads. The chart writes that file from its values; [its README](../chart/README.md) has those. "
        "An unknown key or a wrong value ends the process with one line that names the key and the fix.",
    )
    schema = msgspec.json.schema(ProcessConfig[dict[str, Any]])
    yield "## Of every process"
    yield ""
    yield from table(COLUMNS, list(_rows(schema, schema, "")))
    for name, facts in declared().items():
        yield from _component(name, facts)


def _component(name: str, facts: Facts) -> Iterator[str]:
    yield f"## {name}"
    yield ""
    yield facts["summary"]
    yield ""
    yield f"Under `config`; in the chart under `components.{name}.config`:"
    yield ""
    yield from table(COLUMNS, list(_rows(facts["config"], facts["config"], "")))
    yield "What it may do; the chart's roles grant this and nothing more:"
    yield ""
    rights = [(_resource(one), ", ".join(one["verbs"]), _where(one), one["why"]) for one in facts["rights"]]
    yield from table(("resource", "verbs", "where", "why"), rights)
    yield "Reasons of its Kubernetes Events:"
    yield ""
    yield from table(("reason", "type", "meaning"), [(f"`{one['name']}`", one["type"], one["help"]) for one in facts["reasons"]])


def _resource(right: Facts) -> str:
    return f"`{'.'.join(filter(None, (right['resource'], right['group'])))}`"


def _where(right: Facts) -> str:
    where = "own namespace" if right["namespaced"] else "cluster"
    return f"{where}, when `{right['when']}`" if right["when"] else where


def _rows(node: Facts, root: Facts, prefix: str) -> Iterator[tuple[str, ...]]:
    """A row for each key that is no map of further ones."""
    node = _resolved(node, root)
    for key, found in node.get("properties", {}).items():
        inner = _resolved(found, root)
        if inner.get("properties"):
            yield from _rows(inner, root, f"{prefix}{key}.")
        elif key != "config":
            default = f"`{json.dumps(found['default'])}`" if "default" in found else "required"
            yield f"`{prefix}{key}`", _type(inner), default, found.get("description", inner.get("description", ""))


def _resolved(node: Facts, root: Facts) -> Facts:
    if "$ref" in node:
        found: Facts = root["$defs"][node["$ref"].rpartition("/")[2]]
        return found
    return node


def _type(node: Facts) -> str:
    """The type for people, with its limits."""
    if "enum" in node:
        return " or ".join(f"`{value}`" for value in node["enum"])
    if node.get("type") == "array":
        return f"list of {_type(node['items'])}"
    limits = {
        "minimum": "at least",
        "maximum": "at most",
        "exclusiveMinimum": "above",
        "minLength": "characters at least",
        "maxLength": "characters at most",
    }
    said = [f"{words} {node[key]:g}" for key, words in limits.items() if key in node]
    return ", ".join([str(node.get("type", "any")), *said])
