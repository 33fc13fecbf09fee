"""A cluster as commands ask it: which one, by whose rights, in which namespace, and one clear line when it says no."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import click

from steward import __version__
from steward.runtime import errors

if TYPE_CHECKING:
    from steward.runtime.client import Client
    from steward.runtime.resource import HasMeta, Resource

R = TypeVar("R")
T = TypeVar("T", bound="HasMeta")
Command = Callable[..., None]

ALL = ""
"""In place of a namespace: all of them."""


class Cluster(NamedTuple):
    """What a user says about a cluster, as with kubectl; empty is the current context of KUBECONFIG, or, in a pod, the cluster around it."""

    kubeconfig: str = ""
    context: str = ""

    def __str__(self) -> str:
        return f"context {self.context}" if self.context else "the cluster"


def cluster_options(command: Command) -> Command:
    """Decorator: ``--kubeconfig`` and ``--context``, handed over as ``cluster``."""

    @click.option("--kubeconfig", default="", metavar="FILE", help="Instead of KUBECONFIG, or ~/.kube/config.")
    @click.option("--context", default="", metavar="NAME", help="Context of the kubeconfig instead of its current one.")
    @functools.wraps(command)
    def packed(*, kubeconfig: str, context: str, **rest: Any) -> None:
        command(cluster=Cluster(kubeconfig, context), **rest)

    return packed


def namespace_option(command: Command) -> Command:
    """Decorator: ``--namespace`` of commands that otherwise look into all of them, handed over as ``namespace``."""

    @click.option("-n", "--namespace", default=ALL, metavar="NAMESPACE", help="Only this namespace; else all of them.")
    @functools.wraps(command)
    def packed(*, namespace: str, **rest: Any) -> None:
        from steward.runtime.resource import check_namespace

        if namespace:
            check_namespace("--namespace", namespace)
        command(namespace=namespace, **rest)

    return packed


def namespace_options(command: Command) -> Command:
    """Decorator: ``--namespace`` and ``--all-namespaces``, handed over as ``namespace``; None when neither is given."""

    @click.option("-n", "--namespace", metavar="NAMESPACE", help="Look into this namespace; else into that of the context.")
    @click.option("-A", "--all-namespaces", is_flag=True, help="Look into all namespaces.")
    @functools.wraps(command)
    def packed(*, namespace: str | None, all_namespaces: bool, **rest: Any) -> None:
        from steward.runtime.resource import check_namespace

        if namespace is not None and all_namespaces:
            raise click.UsageError("--namespace and --all-namespaces: expected one of them, got both")
        if namespace is not None:
            check_namespace("--namespace", namespace)
        command(namespace=ALL if all_namespaces else namespace, **rest)

    return packed


def default_namespace(cluster: Cluster) -> str:
    """The namespace of the context, or of the pod we are in. Raises: ConfigError."""
    from steward.runtime import auth

    if auth.is_in_cluster(context=cluster.context, kubeconfig=cluster.kubeconfig):
        return auth.namespace()
    for context in auth.contexts(cluster.kubeconfig):
        if context.name == cluster.context or (context.is_current and not cluster.context):
            return context.namespace or "default"
    return "default"


def ask(cluster: Cluster, question: Callable[[Client], Awaitable[R]]) -> R:
    """Ask the cluster. Raises: StewardError in words that tell the user what to do."""

    async def asked() -> R:
        async with connected(cluster) as client:
            return await question(client)

    return asyncio.run(asked())


@asynccontextmanager
async def connected(cluster: Cluster) -> AsyncIterator[Client]:
    """A client of the cluster. Raises: StewardError, also for what the block raises, in words that tell the user what to do."""
    from prometheus_client import CollectorRegistry

    from steward.governance.bundles import FIELD_MANAGER
    from steward.runtime import auth, metrics
    from steward.runtime.client import Client
    from steward.runtime.transport import HTTPTransport
    from steward.telemetry import logging
    from steward.telemetry.metrics import bind

    logging.configure(level="error", format="text", component="cli")
    _check_context(cluster)
    credentials = auth.load(user_agent=f"steward-cli/{__version__}", context=cluster.context, kubeconfig=cluster.kubeconfig)
    transport = HTTPTransport(credentials)
    try:
        yield Client(transport, field_manager=FIELD_MANAGER, instruments=bind(metrics.ALL, CollectorRegistry(), component="cli"))
    except (errors.APIError, errors.TransportError) as error:
        raise errors.StewardError(explained(error, cluster, credentials.host)) from error
    finally:
        await transport.close()


async def read_all(client: Client, resource: Resource[T], *, namespace: str = ALL, selector: str = "") -> list[T]:
    """Every object, read in pages; once more from the start when the list grew too old in between. Raises: APIError, TransportError."""
    try:
        return await _read_pages(client, resource, namespace, selector)
    except errors.Gone:
        return await _read_pages(client, resource, namespace, selector)


async def _read_pages(client: Client, resource: Resource[T], namespace: str, selector: str) -> list[T]:
    found: list[T] = []
    token = ""
    while True:
        page = await client.page(resource, namespace=namespace, selector=selector, token=token)
        found += page.items
        token = page.token
        if not token:
            return found


def explained(error: errors.APIError | errors.TransportError, cluster: Cluster, host: str) -> str:
    """One line: what was asked, what came back, what to do."""
    call = error.call
    where = f" in namespace {call.namespace}" if call.namespace else ""
    match error:
        case errors.Forbidden():
            return f"{cluster}: you may not {call.verb} {call.resource}{where}: {error.message or 'forbidden'}. Ask for a role that allows it."
        case errors.Unauthorized():
            return f"{cluster}: {host} does not take these credentials (401). Log in again, or choose another --context."
        case errors.NotFound() if not call.name:
            return f"{cluster}: {host} has no {call.resource}: the CRD is not installed. Install it: steward crd install."
        case errors.TransportError():
            return f"{cluster}: {host} does not answer: {error}. See that it runs, and that --context is the right one: steward list-contexts."
    return f"{cluster}: {error}"


def _check_context(cluster: Cluster) -> None:
    from steward.runtime import auth

    if not cluster.context:
        return
    known = [context.name for context in auth.contexts(cluster.kubeconfig)]
    if cluster.context not in known:
        raise errors.ConfigError(f'--context: no context "{cluster.context}" in the kubeconfig. Known: {", ".join(known) or "none"}.')
