"""``steward list-contexts``: the clusters that the other commands can be asked about."""

from __future__ import annotations

import click

from steward.cli.output import output_option, printed, table


@click.command("list-contexts", short_help="List the contexts of the kubeconfig.")
@click.option("--kubeconfig", default="", metavar="FILE", help="Instead of KUBECONFIG, or ~/.kube/config.")
@output_option
def list_contexts(*, kubeconfig: str, output: str) -> None:
    """List the contexts of the kubeconfig: what --context and --contexts of other commands take. Asks no cluster."""
    from steward.runtime import auth

    found = auth.contexts(kubeconfig)
    if output == "text":
        rows = [("*" if one.is_current else "", one.name, one.cluster, one.user, one.namespace) for one in found]
        click.echo(table(("CURRENT", "NAME", "CLUSTER", "USER", "NAMESPACE"), rows))
    else:
        keys = ("name", "cluster", "user", "namespace", "current")
        click.echo(printed([dict(zip(keys, one, strict=True)) for one in found], output))
