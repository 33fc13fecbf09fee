"""Options that commands about policies share."""

from __future__ import annotations

import click

from steward.cli.judging import BUNDLES

BUNDLE = click.Choice(BUNDLES)
bundle_argument = click.argument("bundle", type=BUNDLE)
name_option = click.option("--policy-name", default="", metavar="NAME", help="Name of the policy; that of the bundle, if none is given.")
dry_run_option = click.option("--dry-run", is_flag=True, help="Ask the API server what would change, and change nothing.")
force_option = click.option("--force-conflicts", "force", is_flag=True, help="Take over fields that somebody else has set.")
