"""``steward policy diff``: what importing would change, and what would be denied."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from steward.cli.cluster import ALL, Cluster, ask, cluster_options, default_namespace, namespace_options, read_all
from steward.cli.output import Found, output_option, printed
from steward.cli.policy.options import BUNDLE, name_option

if TYPE_CHECKING:
    from steward.cli.policy.changes import Difference
    from steward.cli.policy.manifest import Manifest
    from steward.runtime.client import Client


@click.command(short_help="Say what importing policies would change, or deny.")
@click.argument("files", metavar="[FILE]...", nargs=-1)
@click.option("--bundle", type=BUNDLE, help="A bundle in place of files.")
@name_option
@click.option("--cluster", "judged", is_flag=True, help="Judge the pods that run: which of them would be denied if the policies were enforced.")
@cluster_options
@namespace_options
@output_option
def diff(
    *,
    files: tuple[str, ...],
    bundle: str | None,
    policy_name: str,
    judged: bool,
    cluster: Cluster,
    namespace: str | None,
    output: str,
) -> None:
    """Compare the policies in FILE, or of a bundle, with those of the cluster; - is stdin. Changes nothing.

    \b
      steward policy diff policies.yaml
      steward policy diff --bundle restricted --namespace shop --cluster

    \b
    Of each policy it is said:
      =  it is the same in the cluster,
      ~  it would change; its fields follow,
      +  it would be new,
      !  it is in the cluster alone; importing leaves it there.

    With --cluster it is said of what runs, were it made anew under these policies, enforced, beside those that the cluster has; without FILE
    under those of the cluster alone:

    \b
      =  it would be denied, as it is now already,
      +  it would be denied, and is not now,
      !  it is denied now, and would not be any more.

    Exits with 3 when something would change or be denied that is not now, else with 0.
    """  # noqa: D301 - click wants the character itself
    from steward.cli.policy import preview

    if bundle and files:
        raise click.UsageError("FILE and --bundle: expected one of them, got both")
    if not (bundle or files or judged):
        raise click.UsageError("expected FILE or --bundle, got neither")
    if bundle and namespace == ALL:
        raise click.UsageError("--bundle and --all-namespaces: a bundle is compared in one namespace. Name it")
    home = default_namespace(cluster) if namespace is None else namespace
    given = _given(files, bundle, policy_name, home=home, override=namespace or "")
    if judged:
        where = {one.key.namespace for one in given} or {home}
        rows = ask(cluster, lambda client: preview.denials(client, given, where))
        click.echo(preview.text(rows) if output == "text" else printed([row.report() for row in rows], output))
        _end(sum(row.marker == "+" for row in rows), "would be denied")
        return
    differences = _compared(ask(cluster, lambda client: _held(client, given)), given)
    text = "\n".join(line for one in differences for line in one.lines())
    click.echo(text if output == "text" else printed([one.report() for one in differences], output))
    _end(sum(one.marker in "~+" for one in differences), "would change")


def _given(files: tuple[str, ...], bundle: str | None, name: str, *, home: str, override: str) -> list[Manifest]:
    """The policies that the user names, each in its namespace."""
    from steward.cli.policy.manifest import of_policy, plain, read
    from steward.governance import bundles

    if bundle:
        return [of_policy(bundles.policy(bundle, name=name, namespace=home))]
    named = read(files, namespace=override) if files else []
    return [plain(one, namespace=one.key.namespace or home or "default") for one in named]


async def _held(client: Client, given: list[Manifest]) -> list[Manifest]:
    """All policies in the namespaces of these."""
    from steward.cli.policy.manifest import MANIFESTS

    found = [await read_all(client, MANIFESTS, namespace=where) for where in sorted({one.key.namespace for one in given})]
    return [one for several in found for one in several]


def _compared(there: list[Manifest], given: list[Manifest]) -> list[Difference]:
    from steward.cli.policy.changes import Difference, difference

    held = {one.key: one for one in there}
    wanted = {one.key: one for one in given}
    return [difference(held.get(key), wanted[key]) if key in wanted else Difference("!", key) for key in sorted(held.keys() | wanted.keys())]


def _end(count: int, said: str) -> None:
    if count:
        raise Found(f"{count} {said}")
