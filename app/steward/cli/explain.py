"""Turns the errors of YAML and msgspec into one line: where, what was expected, what was found, what to write."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from typing import Any

import msgspec
import yaml

_PATH = re.compile(r" - at (?:`key` in )?`\$(?P<path>[^`]*)`$")
_STEP = re.compile(r"\.(?P<key>[^.\[]+)|\[(?P<index>\d+|\.\.\.)\]")
_UNKNOWN = re.compile(r"unknown field `(?P<name>[^`]*)`")
_MISSING = re.compile(r"missing required field `(?P<name>[^`]*)`")
_TYPES = {
    "integer": "a whole number",
    "number": "a number",
    "string": "text",
    "boolean": "true or false",
    "array": "a list",
    "object": "a mapping of keys to values",
    "null": "null",
}

A_TIME = "2027-01-31T00:00:00Z"
"""An example (RFC 3339)."""

WHOLE = "the file"

Schema = dict[str, Any]


def malformed(error: yaml.MarkedYAMLError) -> str:
    """What is wrong with text that is not YAML."""
    mark = error.problem_mark or error.context_mark
    where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
    return f"{where}not YAML: {error.problem or error.context}. Mend the line, or quote the value."


def invalid(error: msgspec.ValidationError, document: Any, schema: Schema) -> str:
    """What is wrong with a document that is YAML and not what the schema says.

    Args:
        error: What msgspec said.
        document: What was read.
        schema: JSON schema of what was expected.
    """
    text = str(error)
    at = _PATH.search(text)
    path, value, expected = _walk(at["path"] if at else "", document, schema)
    if unknown := _UNKNOWN.search(text):
        return f"{_join(path, unknown['name'])}: unknown key. {_known(unknown['name'], expected)}"
    if missing := _MISSING.search(text):
        return f"{_join(path, missing['name'])}: expected a value, got none. Write {_wanted(_property(expected, missing['name'], schema))}."
    if at and "`key` in" in at[0]:
        return f"{path or WHOLE}: expected text as keys. Quote every key that looks like a number or a boolean."
    if not text.startswith(("Expected ", "Invalid enum value ", "Invalid RFC3339 ")):
        return f"{path}: {text.removesuffix(at[0]) if at else text}"
    wanted = _wanted(expected)
    return f"{path or WHOLE}: expected {wanted}, got {_shown(value)}. Write {_example(wanted, expected, value)}."


def unknown(document: Any, schema: Schema) -> str:
    """What is wrong with the first key that the schema does not know, also where the struct would pass over it; empty for none.

    Args:
        document: What was read; what does not fit the schema otherwise is passed over.
        schema: JSON schema of what was expected.
    """
    return next(_strangers("", document, schema, schema), "")


def _strangers(path: str, value: Any, node: Schema, root: Schema) -> Iterator[str]:
    node = _resolve(node, root)
    if isinstance(value, list):
        for index, one in enumerate(value):
            yield from _strangers(f"{path}[{index}]", one, node.get("items", {}), root)
    elif isinstance(value, dict) and "properties" in node:
        for name, one in value.items():
            if name in node["properties"]:
                yield from _strangers(_join(path, name), one, node["properties"][name], root)
            else:
                yield f"{_join(path, str(name))}: unknown key. {_known(str(name), node)}"


def _walk(path: str, document: Any, schema: Schema) -> tuple[str, Any, Schema]:
    """Follow msgspec's path through the document and its schema at once. ``[...]`` is some value of a mapping: the first that does not fit."""
    names = ""
    value, expected = document, _resolve(schema, schema)
    for step in _STEP.finditer(path):
        if step["key"]:
            names = _join(names, step["key"])
            expected = _property(expected, step["key"], schema)
            value = value.get(step["key"])
        elif step["index"] == "...":
            expected = _resolve(expected.get("additionalProperties", {}), schema)
            key, value = next(((key, one) for key, one in value.items() if not _fits(one, expected)), ("…", None))
            names = _join(names, str(key))
        else:
            names += f"[{step['index']}]"
            expected = _resolve(expected.get("items", {}), schema)
            value = value[int(step["index"])]
    return names, value, expected


def _resolve(node: Schema, root: Schema) -> Schema:
    """The node itself, behind references and behind ``or null``."""
    if "anyOf" in node:
        node = {**node, **next((one for one in node["anyOf"] if one.get("type") != "null"), {})}
    if "$ref" in node:
        node = {**root["$defs"][node["$ref"].rsplit("/", 1)[1]], **{key: node[key] for key in node if key == "default"}}
    return node


def _property(node: Schema, name: str, root: Schema) -> Schema:
    return _resolve(node.get("properties", {}).get(name) or node.get("additionalProperties") or {}, root)


def _fits(value: Any, node: Schema) -> bool:
    kinds: dict[str, type | tuple[type, ...]] = {
        "string": str,
        "boolean": bool,
        "integer": int,
        "number": (int, float),
        "array": list,
        "object": dict,
    }
    return isinstance(value, kinds.get(node.get("type", ""), object))


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def _known(name: str, node: Schema) -> str:
    known = sorted(node.get("properties", {}))
    if near := difflib.get_close_matches(name, known, n=1):
        return f"Did you mean {near[0]}?"
    return f"Known keys are {', '.join(known)}." if known else "Remove it; there are no keys here."


def _wanted(node: Schema) -> str:
    if "enum" in node:
        return "one of " + ", ".join(str(one) for one in node["enum"])
    if node.get("format") == "date-time":
        return "a time with its zone"
    words = _TYPES.get(node.get("type", ""), "another value")
    if "minimum" in node and "maximum" in node:
        return f"{words} from {node['minimum']} to {node['maximum']}"
    bounds = {"minimum": "at least", "exclusiveMinimum": "above", "maximum": "at most", "exclusiveMaximum": "below"}
    words += "".join(f" {word} {node[key]}" for key, word in bounds.items() if key in node)
    if "pattern" in node:
        words += f" that matches {node['pattern']}"
    return words


def _shown(value: Any) -> str:
    text = msgspec.json.encode(value, enc_hook=str).decode()
    return text if len(text) <= 60 else text[:57] + "…"


def _example(wanted: str, node: Schema, value: Any) -> str:
    """What to write instead: the same number without its unit or quotes, else the default, else what is wanted."""
    if node.get("type") in {"integer", "number"} and isinstance(value, str) and (digits := re.match(r"\d+", value)):
        return digits[0]
    if node.get("format") == "date-time":
        return f"a time such as {A_TIME}"
    default = node.get("default")
    if "enum" not in node and isinstance(default, str | int | float) and default != "":
        return f"{wanted}, such as {_shown(default)}"
    return wanted
