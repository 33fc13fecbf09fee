"""What commands print: tables for people, JSON and YAML for machines, colours where there is a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal

import click

Form = Literal["text", "json", "yaml"]

COLORS = {"Healthy": "green", "Stable": "yellow", "Degraded": "bright_red", "Critical": "red"}
"""Of the classes of a score."""

SEVERE = {"critical": "red", "high": "bright_red", "medium": "yellow"}

output_option: Callable[[Callable[..., None]], Callable[..., None]] = click.option(
    "-o", "--output", type=click.Choice(["text", "json", "yaml"]), default="text", show_default=True, help="Form of the output."
)
"""Decorator: ``-o``, handed over as ``output``."""


class Found(click.ClickException):
    """There is what the command looks for, and nobody wants it: violations, differences. Polaris' exit code for it."""

    exit_code = 3


def printed(report: Any, form: str) -> str:
    """A report for machines."""
    import msgspec
    import yaml

    plain = msgspec.to_builtins(report)
    if form == "json":
        return msgspec.json.format(msgspec.json.encode(plain), indent=2).decode()
    return str(yaml.safe_dump(plain, sort_keys=False, width=120, allow_unicode=True)).rstrip()


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Columns as kubectl prints them: as wide as they need to be, three spaces apart. Cells may be coloured."""
    lines = [tuple(columns), *(tuple(map(str, row)) for row in rows)]
    widths = [max(len(click.unstyle(line[number])) for line in lines) for number in range(len(columns))]
    return "\n".join("   ".join(_padded(cell, width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines)


def _padded(cell: str, width: int) -> str:
    return cell + " " * (width - len(click.unstyle(cell)))


def colored(word: str, colors: dict[str, str]) -> str:
    """A word in its colour; which terminals see, and nobody who sets NO_COLOR."""
    return click.style(word, fg=colors[word]) if word in colors else word
