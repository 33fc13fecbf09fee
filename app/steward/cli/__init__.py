"""The command line. Data goes to stdout, everything else to stderr; 0 is done, 1 failed, 2 wrong use, which every ConfigError is."""

from __future__ import annotations

import os
import sys
from typing import NoReturn

import click

from steward.cli.analyze import analyze
from steward.cli.check import check
from steward.cli.completion import completion
from steward.cli.contexts import list_contexts
from steward.cli.crd import crd
from steward.cli.describe import describe
from steward.cli.generate import deploy, observability
from steward.cli.listing import list_
from steward.cli.policy import policy
from steward.cli.probe import probe
from steward.cli.run import run
from steward.cli.verify import verify
from steward.cli.version import version, version_text
from steward.cli.watch import watch
from steward.cli.webhook import webhook
from steward.runtime.errors import ConfigError, StewardError


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120})
@click.version_option(message=version_text())
def steward() -> None:
    """Operators for a Kubernetes cluster, one process per component."""


for _command in (
    run,
    describe,
    probe,
    verify,
    check,
    list_,
    analyze,
    watch,
    list_contexts,
    crd,
    policy,
    webhook,
    observability,
    deploy,
    completion,
    version,
):
    steward.add_command(_command)


def main() -> NoReturn:
    """Run the command line; every expected failure is one line."""
    try:
        code = steward.main(prog_name="steward", standalone_mode=False, color=False if os.environ.get("NO_COLOR") else None)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        code = error.exit_code
    except click.UsageError as error:
        where = error.ctx.command_path if error.ctx else "steward"
        message = error.format_message()
        code = _fail(f"{message}{'' if message.endswith(('.', '?')) else '.'} Try `{where} --help`.", error.exit_code)
    except click.Abort:
        code = _fail("interrupted", 1)
    except click.ClickException as error:
        code = _fail(error.format_message(), error.exit_code)
    except ConfigError as error:
        code = _fail(str(error), 2)
    except StewardError as error:
        code = _fail(str(error), 1)
    sys.exit(code)


def _fail(message: str, code: int) -> int:
    click.echo(f"steward: {message}", err=True)
    return code
