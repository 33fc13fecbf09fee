"""``steward policy export`` and ``import``: policies from clusters into files, and back."""

from __future__ import annotations

import datetime as dt

import click

from steward.cli.cluster import Cluster, ask, cluster_options, default_namespace, namespace_options, read_all
from steward.cli.output import output_option, printed
from steward.cli.policy.options import dry_run_option, force_option


@click.command(short_help="Print the policies of a cluster as manifests.")
@cluster_options
@namespace_options
@click.option("-o", "--output", type=click.Choice(["yaml", "json"]), default="yaml", show_default=True, help="Form of the output.")
def export(*, cluster: Cluster, namespace: str | None, output: str) -> None:
    """Print the policies of a namespace, or of all, as manifests to keep or to import elsewhere.

    They have no status, and nothing that belongs to the cluster; annotations say when and where they were exported.

    \b
      steward policy export --all-namespaces > policies.yaml
    """  # noqa: D301 - click wants the character itself
    from steward.cli.policy.manifest import EXPORTED_AT, EXPORTED_FROM, MANIFESTS, plain, written

    where = default_namespace(cluster) if namespace is None else namespace
    found = ask(cluster, lambda client: read_all(client, MANIFESTS, namespace=where))
    now = dt.datetime.now(dt.UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    source = _source(cluster)
    exported = [
        plain(one, annotations={EXPORTED_AT: now, EXPORTED_FROM: f"{source}/{one.key.namespace}"}) for one in sorted(found, key=lambda one: one.key)
    ]
    if output == "json":
        click.echo(printed({"apiVersion": "v1", "kind": "List", "items": [MANIFESTS.manifest(one) for one in exported]}, "json"))
    elif exported:
        click.echo(written(exported))
    else:
        click.echo("no policies", err=True)


def _source(cluster: Cluster) -> str:
    """Name of the context, also of the current one."""
    from steward.runtime import auth

    name = cluster.context
    if not name and not auth.is_in_cluster(kubeconfig=cluster.kubeconfig):
        name = next((context.name for context in auth.contexts(cluster.kubeconfig) if context.is_current), "")
    return name or "in-cluster"


@click.command("import", short_help="Apply policies from files.")
@click.argument("files", metavar="FILE...", nargs=-1, required=True)
@cluster_options
@click.option("-n", "--namespace", default="", metavar="NAMESPACE", help="For all of them, whatever the files say.")
@dry_run_option
@force_option
@output_option
def import_(*, files: tuple[str, ...], cluster: Cluster, namespace: str, dry_run: bool, force: bool, output: str) -> None:
    """Apply the policies in FILE; - is stdin. All of them, or none: each is tried in a dry run first.

    \b
      steward policy export --context berlin | steward policy import --context dublin --dry-run -

    What becomes of each is printed: = stays as it is, ~ changes, + is new.
    """  # noqa: D301 - click wants the character itself
    from steward.cli.policy.manifest import plain, read
    from steward.cli.policy.writing import apply_all, said
    from steward.runtime.resource import check_namespace

    if namespace:
        check_namespace("--namespace", namespace)
    policies = read(files, namespace=namespace)
    if not all(one.key.namespace for one in policies):
        home = default_namespace(cluster)
        policies = [plain(one, namespace=one.key.namespace or home) for one in policies]
    done = ask(cluster, lambda client: apply_all(client, policies, dry_run=dry_run, force=force))
    click.echo(said(done, output))
    if dry_run:
        click.echo("dry run: nothing was changed", err=True)
