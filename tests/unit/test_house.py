"""Rules of this house that no linter has."""

import ast
from pathlib import Path
from statistics import quantiles

import pytest

APP = Path(__file__).resolve().parents[2] / "app" / "steward"
FILES = sorted(APP.rglob("*.py"))
TREES = {path.relative_to(APP).as_posix(): ast.parse(path.read_text()) for path in FILES}

FUNCTIONS = [
    (f"{name}:{node.name}", node.end_lineno - node.lineno + 1)
    for name, tree in TREES.items()
    for node in ast.walk(tree)
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
]

CALLS_WITH_A_PLACE = {
    "asyncio.sleep": {"runtime/backoff.py"},
    # A command of its own, without an event loop.
    "time.sleep": {"cli/probe.py"},
}
"""Waiting is the business of one module, so that a reader finds every pause of the runtime in it."""


def test_functions_are_small():
    """None over 60 lines, nine of ten under 35: what does not fit has more than one job."""
    assert [] == [(name, lines) for name, lines in FUNCTIONS if lines > 60]
    assert quantiles([lines for _, lines in FUNCTIONS], n=10)[-1] <= 35


def test_files_are_small():
    assert [] == [(path.name, lines) for path in FILES if (lines := len(path.read_text().splitlines())) > 300]


@pytest.mark.parametrize(("call", "places"), CALLS_WITH_A_PLACE.items(), ids=CALLS_WITH_A_PLACE)
def test_pauses_stand_where_they_are_looked_for(call, places):
    found = {name for name, tree in TREES.items() for node in ast.walk(tree) if isinstance(node, ast.Call) and call == ast.unparse(node.func)}

    assert places == found


def test_no_task_is_started_that_nobody_watches():
    """``asyncio.create_task`` forgets its task; a group's ends with the group, and its death is noticed."""
    naked = {
        name
        for name, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and "asyncio.create_task" == ast.unparse(node.func)
    }

    assert set() == naked


def test_no_file_imports_the_global_registry():
    """What is registered globally collides in the second test, and in every second use."""
    names = {
        name
        for name, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and "prometheus_client" in (node.module or "") and any(alias.name == "REGISTRY" for alias in node.names)
    }

    assert set() == names
