"""``steward watch``: scores and pods as they change, in a terminal as a page, elsewhere as lines."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import sys
from typing import TYPE_CHECKING

import click

from steward.cli.cluster import Cluster, cluster_options, connected, namespace_option
from steward.cli.judging import Judging, judging_options

if TYPE_CHECKING:
    from steward.cli.views import View
    from steward.runtime.client import Client
    from steward.runtime.store import Change

LOOK_SECONDS = 1.0
"""Between two looks at all pods: as often as a person can read, and 10k pods take 3 % of a core."""


@click.command(short_help="Follow pods and scores as they change.")
@cluster_options
@namespace_option
@click.option("--include-system", is_flag=True, help="Count the namespaces of the cluster itself, such as kube-system, too.")
@judging_options
@click.option("-o", "--output", type=click.Choice(["text", "json"]), default="text", show_default=True, help="json: an object a line.")
def watch(*, cluster: Cluster, namespace: str, include_system: bool, judging: Judging, output: str) -> None:
    """Follow pods and scores as they change, until Ctrl-C. In a terminal as a page, worst namespaces first; in a pipe as lines.

    \b
      steward watch
      steward watch --namespace shop -o json | jq 'select(.event == "score")'

    This is a view. The component watch, which has the same scores as metrics, is run by: steward run watch.
    """  # noqa: D301 - click wants the character itself
    from steward.cli import views

    view: View
    if output == "json":
        view = views.Objects(judging.formula)
    elif sys.stdout.isatty():
        view = views.Page(judging.formula)
    else:
        view = views.Lines(judging.formula)
    with contextlib.suppress(KeyboardInterrupt), view:
        asyncio.run(_follow(cluster, namespace, judging, view, include_system=include_system or bool(namespace)))


async def _follow(cluster: Cluster, namespace: str, judging: Judging, view: View, *, include_system: bool) -> None:
    from steward.cli.ledger import Ledger
    from steward.governance.model import PODS, Pod
    from steward.governance.namespaces import SystemNamespaces
    from steward.runtime.backoff import pause
    from steward.runtime.informer import Informer
    from steward.runtime.store import Store, Writer

    ledger = Ledger(judging.rules(), judging.counter(), None if include_system else SystemNamespaces())

    def changed(change: Change[Pod]) -> None:
        event = ledger.change(change, dt.datetime.now(dt.UTC))
        if event is not None and informer.is_synced:
            view.happened(event)

    async with connected(cluster) as client:
        await _may_read(client, namespace)
        writer = Writer(Store(PODS))
        writer.subscribe(changed)
        informer = Informer(client, PODS, writer=writer, namespace=namespace)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(informer.run())
            await informer.synced()
            while True:
                view.look(ledger.survey(str(cluster), dt.datetime.now(dt.UTC)), informer.failure)
                await pause(LOOK_SECONDS)


async def _may_read(client: Client, namespace: str) -> None:
    """An informer tries again for ever. What is wrong from the start shall be said, and end the command."""
    from steward.governance.model import PODS

    await client.page(PODS, namespace=namespace)
