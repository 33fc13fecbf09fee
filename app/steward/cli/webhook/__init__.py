"""``steward webhook``: certificates and the configuration of admission, for installations without the chart. ``steward run webhook`` serves."""

from __future__ import annotations

import click

from steward.cli.webhook.generating import cert_generate
from steward.cli.webhook.installing import install_config


@click.group(short_help="Certificates and configuration of the admission webhook.")
def webhook() -> None:
    """Certificates and configuration of the admission webhook, where the chart does not make them.

    The webhook itself is served by `steward run webhook`.
    """


webhook.add_command(cert_generate)
webhook.add_command(install_config)
