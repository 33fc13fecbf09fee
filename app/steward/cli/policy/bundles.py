"""``steward policy bundle-list``, ``bundle-show`` and ``bundle-apply``: policies that are ready to use."""

from __future__ import annotations

import click

from steward.cli.cluster import Cluster, ask, cluster_options, default_namespace
from steward.cli.output import output_option, printed, table
from steward.cli.policy.options import bundle_argument, dry_run_option, force_option, name_option


@click.command("bundle-list", short_help="List the bundles.")
@output_option
def bundle_list(*, output: str) -> None:
    """List the bundles: what each asks, how often a container may restart, how long a pod may be pending, and whether it denies."""
    from steward.governance import bundles

    if output != "text":
        click.echo(printed([{"name": name, "version": bundles.VERSION, "spec": spec} for name, spec in bundles.BUNDLES.items()], output))
        return
    rows = [
        (
            name,
            bundles.VERSION,
            spec.enforcement_mode,
            "yes" if spec.forbid_latest_tag else "-",
            _both(spec.require_liveness_probe, spec.require_readiness_probe),
            "yes" if spec.require_resources else "-",
            "-" if spec.max_restart_count is None else spec.max_restart_count,
            "-" if spec.forbid_pending_duration is None else f"{spec.forbid_pending_duration}s",
        )
        for name, spec in bundles.BUNDLES.items()
    ]
    click.echo(table(("NAME", "VERSION", "MODE", "TAGS", "PROBES", "RESOURCES", "RESTARTS", "PENDING"), rows))


def _both(liveness: bool, readiness: bool) -> str:  # noqa: FBT001 - two facts of one cell
    return ", ".join(name for name, asked in (("liveness", liveness), ("readiness", readiness)) if asked) or "-"


@click.command("bundle-show", short_help="Print a bundle as a policy.")
@bundle_argument
@name_option
@click.option("-n", "--namespace", default="", metavar="NAMESPACE", help="Namespace to write into the policy.")
@click.option("-o", "--output", type=click.Choice(["yaml", "json"]), default="yaml", show_default=True, help="Form of the output.")
def bundle_show(*, bundle: str, policy_name: str, namespace: str, output: str) -> None:
    """Print BUNDLE as a DevOpsPolicy, to keep in Git, to change, or to apply. Asks no cluster."""
    from steward.cli.policy.manifest import MANIFESTS, of_policy, written
    from steward.governance import bundles

    manifest = of_policy(bundles.policy(bundle, name=policy_name, namespace=namespace))
    click.echo(written([manifest]) if output == "yaml" else printed(MANIFESTS.manifest(manifest), "json"))


@click.command("bundle-apply", short_help="Apply a bundle to a namespace.")
@bundle_argument
@cluster_options
@click.option("-n", "--namespace", metavar="NAMESPACE", help="Apply it to this namespace; else to that of the context.")
@name_option
@dry_run_option
@force_option
@output_option
def bundle_apply(*, bundle: str, cluster: Cluster, namespace: str | None, policy_name: str, dry_run: bool, force: bool, output: str) -> None:
    """Apply BUNDLE to a namespace as a DevOpsPolicy; also to bring a policy of an older version up to date.

    \b
      steward policy bundle-apply baseline --namespace shop --dry-run
    """  # noqa: D301 - click wants the character itself
    from steward.cli.policy.manifest import of_policy
    from steward.cli.policy.writing import apply_all, said
    from steward.governance import bundles
    from steward.runtime.resource import check_namespace

    where = namespace or default_namespace(cluster)
    check_namespace("--namespace", where)
    manifest = of_policy(bundles.policy(bundle, name=policy_name, namespace=where))
    done = ask(cluster, lambda client: apply_all(client, [manifest], dry_run=dry_run, force=force))
    click.echo(said(done, output))
    if dry_run:
        click.echo("dry run: nothing was changed", err=True)
