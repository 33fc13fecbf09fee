"""The page about the log says what the program says."""

import ast
import re
from pathlib import Path

import pytest

from steward.runtime.plan import OPERATIONS

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/logs.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| (`.+?) \| ([a-z, ]+) \|", PAGE, re.MULTILINE)
TOLD = {message: set(levels.split(", ")) for messages, levels in ROWS for message in re.findall(r"`(.+?)`", messages)}

LEVELS = ("debug", "info", "warning", "error")


def said() -> dict[str, set[str]]:
    """Every message of the program, and its levels. One that is handed to ``say`` has those between which the line before chooses."""
    found: dict[str, set[str]] = {f"{word}d": {"info"} for word in OPERATIONS.values()}
    for file in (ROOT / "app/steward").rglob("*.py"):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        for function in (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)):
            calls = [node for node in ast.walk(function) if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant)]
            chosen = {node.attr for node in ast.walk(function) if isinstance(node, ast.Attribute) and is_log(node.value)} & set(LEVELS)
            for call in calls:
                if isinstance(call.func, ast.Attribute) and call.func.attr in LEVELS and is_log(call.func.value):
                    found.setdefault(call.args[0].value, set()).add(call.func.attr)
                elif isinstance(call.func, ast.Name) and call.func.id == "say":
                    found.setdefault(call.args[0].value, set()).update(chosen)
    return found


def is_log(node: ast.expr) -> bool:
    """Whether an expression is a module's or an object's logger."""
    return (isinstance(node, ast.Name) and node.id in ("log", "_log")) or (isinstance(node, ast.Attribute) and node.attr == "_log")


SAID = {message: levels for message, levels in said().items() if levels != {"debug"}}


def test_messages_are_found():
    assert {"created", "caches synced", "watch failed, trying again", "manager died"} <= set(SAID)


@pytest.mark.parametrize("message", sorted(SAID))
def test_every_message_above_debug_is_on_the_page_with_its_level(message):
    assert SAID[message] - {"debug"} == TOLD.get(message, set()) - {"debug"}


def test_the_page_tells_of_no_message_that_is_never_said():
    assert set() == set(TOLD) - set(said())
