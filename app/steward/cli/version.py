"""Which program this is: the version of the package, the commit of the image, the Python underneath."""

from __future__ import annotations

import os
import platform

import click

from steward import __version__

REVISION = os.environ.get("STEWARD_REVISION") or "unknown"
"""Commit the image was built from; set in the image, unknown elsewhere."""


def version_text() -> str:
    """One line for ``steward --version``."""
    return f"steward {__version__} (revision {REVISION}, python {platform.python_version()})"


@click.command(short_help="Print the version.")
def version() -> None:
    """Print the versions of the program, of its commit and of the Python underneath."""
    click.echo(version_text())
