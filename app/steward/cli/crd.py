"""``steward crd``: the CustomResourceDefinitions, printed or installed."""

from __future__ import annotations

import asyncio
import functools
from typing import TYPE_CHECKING, Any, Literal

import click

from steward.cli.cluster import Cluster, ask, cluster_options
from steward.runtime import errors

if TYPE_CHECKING:
    from steward.runtime.client import Client

ESTABLISHED_SECONDS = 60.0
"""Time for the API server to serve a definition; it takes about one second."""

Done = Literal["created", "updated", "unchanged"]


@click.group(short_help="Print or install the CustomResourceDefinitions.")
def crd() -> None:
    """Print or install the CustomResourceDefinitions. The chart does so too, unless crds.install is false."""


@crd.command(short_help="Print the CustomResourceDefinitions.")
@click.option("-o", "--output", type=click.Choice(["yaml", "json"]), default="yaml", show_default=True, help="Form of the output.")
def generate(*, output: str) -> None:
    """Print the CustomResourceDefinitions, for kubectl or a repository.

    \b
      steward crd generate | kubectl apply --server-side -f -
    """  # noqa: D301 - click wants the character itself
    import msgspec
    import yaml

    if output == "yaml":
        click.echo(yaml.safe_dump_all(definitions(), sort_keys=False, width=120, allow_unicode=True), nl=False)
    else:
        items = {"apiVersion": "v1", "kind": "List", "items": definitions()}
        click.echo(msgspec.json.format(msgspec.json.encode(items), indent=2).decode())


@crd.command(short_help="Install or upgrade the CustomResourceDefinitions.")
@cluster_options
@click.option("--force", is_flag=True, help="Also those that a Helm release manages.")
def install(*, cluster: Cluster, force: bool) -> None:
    """Install the CustomResourceDefinitions, or upgrade those that are there, and wait until the API server serves them.

    Those that a Helm release manages are left to it, because its next upgrade would fail: upgrade the release instead. Where the release is gone
    and left them, say --force.
    """
    for definition in definitions():
        done = ask(cluster, functools.partial(_install, wanted=definition, force=force))
        click.echo(f"{definition['metadata']['name']} {done}")


def definitions() -> list[dict[str, Any]]:
    """The definitions, as manifests."""
    from steward.governance.policies import CUSTOM_RESOURCES
    from steward.runtime.crd import manifest

    return [manifest(custom) for custom in CUSTOM_RESOURCES]


async def _install(client: Client, *, wanted: dict[str, Any], force: bool) -> Done:
    """Server-side apply, so that what an older version had and this one has not goes (KEP-555)."""
    import msgspec

    from steward.runtime.crd import DEFINITIONS, Definition
    from steward.runtime.resource import Key

    desired = msgspec.convert({"metadata": wanted["metadata"], "spec": wanted["spec"]}, Definition)
    key = Key("", desired.metadata.name)
    try:
        found = await client.get(DEFINITIONS, key)
    except errors.NotFound:
        found = None
    release = found.release if found is not None else ""
    if release and not force:
        raise errors.StewardError(
            f"{key.name}: belongs to the Helm release {release}; left alone. Upgrade that release, or say --force if it is gone for good."
        )
    made = await client.apply(DEFINITIONS, desired, uid=found.metadata.uid if found is not None else "", force=True)
    await _established(client, key)
    if found is None:
        return "created"
    return "unchanged" if found.metadata.resource_version == made.metadata.resource_version else "updated"


async def _established(client: Client, key: Any) -> None:
    from steward.runtime.backoff import pause
    from steward.runtime.crd import DEFINITIONS

    deadline = asyncio.get_running_loop().time() + ESTABLISHED_SECONDS
    while True:
        conditions = {one.type: one for one in (await client.get(DEFINITIONS, key)).status.conditions or ()}
        if "Established" in conditions and conditions["Established"].status == "True":
            return
        accepted = conditions.get("NamesAccepted")
        if accepted is not None and accepted.status == "False":
            raise errors.StewardError(f"{key.name}: its names are taken: {accepted.message}. Remove the definition that has them.")
        if asyncio.get_running_loop().time() > deadline:
            raise errors.StewardError(f"{key.name}: not served after {ESTABLISHED_SECONDS:g} s. See: kubectl describe crd {key.name}")
        await pause(0.1)
