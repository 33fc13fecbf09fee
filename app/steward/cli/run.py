"""``steward run``: one component at work, until it is told to stop."""

from __future__ import annotations

from typing import get_args

import click

from steward import components
from steward.cli.argument import component_argument
from steward.telemetry import logging


@click.command(short_help="Run a component.")
@component_argument
@click.option("--config", "path", required=True, metavar="FILE", help="Configuration of the process, YAML.")
@click.option("--log-level", type=click.Choice(get_args(logging.Level)), help="Instead of log.level of the file.")
@click.option("--log-format", type=click.Choice(get_args(logging.Format)), help="Instead of log.format of the file.")
def run(component: str, path: str, log_level: logging.Level | None, log_format: logging.Format | None) -> None:
    """Run COMPONENT.

    The first SIGTERM or Ctrl-C lets it finish what it has begun and give back its lease; the second ends it at once.
    """
    # Only this command pays for the server.
    from steward.cli import config, process

    loaded = config.load(path, components.config_type(component))
    logging.configure(level=log_level or loaded.log.level, format=log_format or loaded.log.format, component=component)
    process.run(component, loaded)
