"""Which program this is: the version of the package, the commit of the image, the Python underneath."""

from __future__ import annotations

import os
import platform

import click

from steward import __version__
from steward.cli.output import output_option, printed

REVISION = os.environ.get("STEWARD_REVISION") or "unknown"
"""Commit the image was built from; set in the image, unknown elsewhere."""


def version_text() -> str:
    """One line for ``steward --version``."""
    return f"steward {__version__} (revision {REVISION}, python {platform.python_version()})"


@click.command(short_help="Print the version.")
@output_option
def version(*, output: str) -> None:
    """Print the versions of the program, of its commit and of the Python underneath."""
    facts = {"version": __version__, "revision": REVISION, "python": platform.python_version()}
    click.echo(version_text() if output == "text" else printed(facts, output))
