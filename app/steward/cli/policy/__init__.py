"""``steward policy``: what is asked of pods, as files, as bundles, and in clusters."""

from __future__ import annotations

import click

from steward.cli.policy.bundles import bundle_apply, bundle_list, bundle_show
from steward.cli.policy.converting import convert
from steward.cli.policy.differences import diff
from steward.cli.policy.transfer import export, import_
from steward.cli.policy.undoing import undo


@click.group(short_help="Bundles, export, import and differences of policies.")
def policy() -> None:
    """Bundles, export, import and differences of policies."""


for _command in (bundle_list, bundle_show, bundle_apply, export, import_, diff, convert, undo):
    policy.add_command(_command)
