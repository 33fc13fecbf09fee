"""``steward policy undo``: takes back what remediation added to workloads."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import click

from steward.cli.cluster import Cluster, ask, cluster_options, default_namespace, namespace_options, read_all
from steward.runtime.errors import NotFound, StewardError

if TYPE_CHECKING:
    from steward.runtime.client import Client
    from steward.runtime.resource import Key

KINDS = {
    "deployment": "Deployment",
    "deploy": "Deployment",
    "statefulset": "StatefulSet",
    "sts": "StatefulSet",
    "daemonset": "DaemonSet",
    "ds": "DaemonSet",
}
"""As kubectl calls them."""


@click.command(short_help="Take back what remediation added to workloads.")
@click.argument("workloads", metavar="[KIND/NAME]...", nargs=-1)
@click.option("--all", "every", is_flag=True, help="Every workload of the namespace, or with --all-namespaces of the cluster, that was patched.")
@cluster_options
@namespace_options
def undo(*, workloads: tuple[str, ...], every: bool, cluster: Cluster, namespace: str | None) -> None:
    """Take back the probes and resources that remediation added to KIND/NAME, such as deployment/web. That rolls the workload out.

    \b
      steward policy undo deployment/web --namespace shop
      steward policy undo --all --namespace shop

    The same template is not patched again. To keep remediation away from a workload for good, annotate it with
    policy.steward.dev/remediate: "false"; to end it, set remediationMode: audit in the policy.
    """  # noqa: D301 - click wants the character itself
    from steward.runtime.resource import Key

    if every == bool(workloads):
        raise click.UsageError(f"expected KIND/NAME or --all, got {'both' if every else 'neither'}")
    where = default_namespace(cluster) if namespace is None else namespace
    if workloads and not where:
        raise click.UsageError("KIND/NAME and --all-namespaces: a workload is in one namespace. Name it")
    named = [(kind, Key(where, name)) for kind, name in map(_parsed, workloads)]

    async def question(client: Client) -> list[tuple[str, tuple[str, ...]]]:
        from steward.policy.remediation.undo import undo as taken_back

        found = await _patched(client, where) if every else named
        now = dt.datetime.now(dt.UTC)
        return [(f"{kind.lower()}/{key.name} in {key.namespace}", await taken_back(client, kind, key, now=now)) for kind, key in found]

    try:
        done = ask(cluster, question)
    except StewardError as error:
        if isinstance(error.__cause__, NotFound) and error.__cause__.call.name:
            call = error.__cause__.call
            raise StewardError(f"{call.resource} {call.namespace}/{call.name}: no such workload.") from error
        raise
    for workload, fields in done:
        said = f"took back {', '.join(fields)}" if fields else "nothing of remediation is there"
        click.echo(f"{workload}: {said}")
    if not done:
        click.echo("no workload was patched", err=True)


def _parsed(given: str) -> tuple[str, str]:
    kind, _, name = given.partition("/")
    found = KINDS.get(kind.lower()) or KINDS.get(kind.lower().removesuffix("s"))
    if found is None or not name:
        raise click.UsageError(f'"{given}": expected KIND/NAME; KIND is deployment, statefulset or daemonset')
    return found, name


async def _patched(client: Client, namespace: str) -> list[tuple[str, Key]]:
    from steward.policy.remediation import additions
    from steward.policy.remediation.model import WORKLOADS

    found = []
    for kind, resource in WORKLOADS.items():
        found += [(kind, one.metadata.key) for one in await read_all(client, resource, namespace=namespace) if additions.owned(one)]
    return found
