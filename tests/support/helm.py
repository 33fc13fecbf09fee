"""The real helm, on this repository's chart."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from support.paths import merge

CHART = Path(__file__).resolve().parents[2] / "chart"
ENABLED = {kind: {"enabled": True} for kind in ("serviceMonitor", "prometheusRule", "dashboards", "networkPolicy", "podDisruptionBudget")}
"""Values that switch on all that is off by default, but for the PodMonitor, which gives way to the ServiceMonitor."""

SCENARIOS = {path.name.removesuffix("-values.yaml"): yaml.safe_load(path.read_text()) or {} for path in sorted((CHART / "ci").glob("*-values.yaml"))}
"""Values of the files that chart-testing installs, by name."""

NAMES = tuple(yaml.safe_load((CHART / "values.yaml").read_text())["components"])
"""The components of the chart."""

Values = Mapping[str, Any]
Object = dict[str, Any]


class RenderError(Exception):
    """helm refused; the text is what it said."""


def tool(name: str) -> str:
    """Path of a program.

    Raises: LookupError with the command that builds it.
    """
    path = shutil.which(name)
    if path is None:
        raise LookupError(f"{name} is not on PATH. Build it with: ci/cluster tools {name}")
    return path


def alone(component: str) -> dict[str, Any]:
    """Values that switch on one component only. What holds of one holds of all, for their templates are the same defines."""
    return {"components": {name: {"enabled": name == component} for name in NAMES}}


def text(values: Values | None = None, *, release: str = "steward", namespace: str = "steward", flags: Sequence[str] = ()) -> str:
    """What ``helm template`` prints for these values; asked once, then remembered.

    Raises: RenderError.
    """
    return _text(json.dumps(values or {}), release, namespace, tuple(flags))


def render(values: Values | None = None, *, release: str = "steward", namespace: str = "steward", component: str | None = "headless") -> list[Object]:
    """The objects that the chart makes of these values, with one component unless they say otherwise; None stands for all.

    Raises: RenderError.
    """
    given = merge(alone(component), values or {}) if component is not None else values
    return [document for document in yaml.safe_load_all(text(given, release=release, namespace=namespace)) if document]


def notes(values: Values | None = None) -> str:
    """What ``helm install`` says at the end.

    Raises: RenderError.
    """
    printed = run("install", "steward", str(CHART), "--namespace", "steward", "--dry-run=client", "--values", "-", stdin=json.dumps(values or {}))
    return printed.partition("\nNOTES:\n")[2]


def of_kind(objects: Sequence[Object], kind: str) -> list[Object]:
    """Those objects that are of a kind."""
    return [found for found in objects if found["kind"] == kind]


def only(objects: Sequence[Object], kind: str) -> Object:
    """The one object of a kind."""
    found = of_kind(objects, kind)
    assert len(found) == 1, f"expected one {kind}, found {[one['metadata']['name'] for one in found]}"
    return found[0]


def pods(objects: Sequence[Object]) -> Iterator[tuple[str, Object]]:
    """Name and template of everything that becomes a pod: the objects' own, and those of the tests."""
    for found in objects:
        template = found if found["kind"] == "Pod" else found.get("spec", {}).get("template")
        if template:
            yield f"{found['kind']}/{found['metadata']['name']}", template


def run(*arguments: str, stdin: str = "") -> str:
    """What helm prints.

    Raises: RenderError with what it says on failure, without the lines about followed links.
    """
    done = subprocess.run([tool("helm"), *arguments], input=stdin, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RenderError(done.stdout + re.sub(r"^level=INFO .*\n", "", done.stderr, flags=re.MULTILINE))
    return done.stdout


@lru_cache(maxsize=512)
def _text(values: str, release: str, namespace: str, flags: tuple[str, ...]) -> str:
    return run("template", release, str(CHART), "--namespace", namespace, "--values", "-", *flags, stdin=values)
