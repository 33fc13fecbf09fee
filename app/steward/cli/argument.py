"""The argument COMPONENT of several commands."""

from __future__ import annotations

import click

from steward import components


def _known(ctx: click.Context, _: click.Parameter, value: str) -> str:
    if value not in components.NAMES:
        raise click.UsageError(f'unknown component "{value}". Known: {", ".join(components.NAMES)}', ctx)
    return value


component_argument = click.argument("component", metavar="COMPONENT", callback=_known)
"""Decorator that hands the name of a component to the command."""
