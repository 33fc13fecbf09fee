"""Policies into the cluster: by server-side apply, all or none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from steward.cli.output import printed
from steward.cli.policy.changes import Difference, difference
from steward.cli.policy.manifest import MANIFESTS, Manifest
from steward.runtime import errors

if TYPE_CHECKING:
    from steward.runtime.client import Client


async def apply_all(client: Client, policies: Sequence[Manifest], *, dry_run: bool, force: bool) -> list[Difference]:
    """Apply policies; what became of each.

    All are tried in a dry run first, so that a policy which the API server refuses leaves the others as they are, too.

    Args:
        client: Where to.
        policies: What to apply.
        dry_run: Only try.
        force: Take over fields that somebody else set.

    Raises:
        StewardError: A policy is refused.
        APIError, TransportError: Anything else.
    """
    found = [await client.find(MANIFESTS, one.key) for one in policies]
    tried = [await _apply(client, one, dry_run=True, force=force) for one in policies]
    if not dry_run:
        for one in policies:
            await _apply(client, one, dry_run=False, force=force)
    return [difference(old, new) for old, new in zip(found, tried, strict=True)]


def said(done: Sequence[Difference], output: str) -> str:
    """What became of policies, as ``-o`` wants it."""
    if output == "text":
        return "\n".join(line for one in done for line in one.lines())
    return printed([one.report() for one in done], output)


async def _apply(client: Client, policy: Manifest, *, dry_run: bool, force: bool) -> Manifest:
    try:
        return await client.apply(MANIFESTS, policy, dry_run=dry_run, force=force)
    except errors.Conflict as error:
        raise errors.StewardError(f"policy {policy.key}: {error.message}. --force-conflicts takes the fields over.") from error
    except errors.Invalid as error:
        raise errors.StewardError(f"policy {policy.key}: {error.message}") from error
    except errors.NotFound as error:
        if "namespaces" in error.message:
            name = policy.key.namespace
            raise errors.StewardError(f"policy {policy.key}: no such namespace. Create it: kubectl create namespace {name}.") from error
        raise errors.NotFound(errors.Call("list", MANIFESTS.plural), error.status) from error
