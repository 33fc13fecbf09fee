"""The webhooks that are measured, and how each is started."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness import cluster
from harness.governance import calls
from harness.peers import STEWARD_ENVIRONMENT, made, steward
from harness.process import Running
from harness.waiting import Failed, until
from support.certificates import Authority
from support.envtest import free_ports

Policies = Sequence[Mapping[str, Any]]


@contextmanager
def _fake(directory: Path, policies: Policies) -> Iterator[str]:
    """The fake API server, with these policies."""
    with cluster.fake(directory) as api:
        api.put(policies)
        yield api.kubeconfig


@dataclass(frozen=True)
class Site:
    """Where a webhook works.

    Attributes:
        directory: For its files.
        ports: Free ones, the first for reviews.
        root: What it is trusted by.
        certificate: Its certificate.
        key: The key of it.
        policies: File with a list of the policies.
        kubeconfig: Of a server that has the policies too.
    """

    directory: Path
    ports: Sequence[int]
    root: Path
    certificate: Path
    key: Path
    policies: Path
    kubeconfig: str


@dataclass(frozen=True)
class Webhook:
    """One program that answers reviews.

    Attributes:
        name: As in the tables.
        command: Its command line.
        judges: Whether it gives the verdicts of the policies; else it allows everything.
        environment: Further variables.
        path: Where it takes reviews.
        api: Starts the API server that it reads its policies from, and gives a kubeconfig.
        configure: Tells it its policies when it has been started.
    """

    name: str
    command: Callable[[Site], list[str]]
    judges: bool = True
    environment: Mapping[str, str] = field(default_factory=dict)
    path: str = "/validate"
    api: Callable[[Path, Policies], AbstractContextManager[str]] = _fake
    configure: Callable[[Site], None] = lambda _: None


def _handler(site: Site, *arguments: str) -> list[str]:
    return [
        str(made() / "bin" / "handler"), f"-address=127.0.0.1:{site.ports[0]}", f"-certificate={site.certificate}", f"-key={site.key}",
        f"-policies={site.policies}", *arguments,
    ]  # fmt: skip


def _steward(site: Site) -> list[str]:
    serving = {"port": site.ports[0], "tlsMode": "files", "tlsCertFile": str(site.certificate), "tlsPrivateKeyFile": str(site.key)}
    return steward("webhook", site.directory, json.dumps({"serving": serving}))


STEWARD = Webhook("Steward", _steward, environment=STEWARD_ENVIRONMENT, path="/validate/open")
GO = Webhook("Go handler", _handler)
FLOOR = Webhook("Go handler that allows all", lambda site: _handler(site, "-allow"), judges=False)


class Serving:
    """A webhook at work.

    Attributes:
        running: Its processes.
        client: Calls it.
        url: Where it takes reviews.
        root: What it is trusted by.
    """

    def __init__(self, running: Running, client: calls.Client, url: str, root: Path) -> None:
        self.running = running
        self.client = client
        self.url = url
        self.root = root


@contextmanager
def serving(webhook: Webhook, directory: Path, policies: Policies, *, server: Sequence[int] = (), client: Sequence[int] = ()) -> Iterator[Serving]:
    """Start a webhook on these cores, and wait until it gives the verdicts of these policies."""
    directory.mkdir(parents=True)
    authority = Authority(directory)
    authority.issue("server", "/CN=webhook", usage="server")
    (directory / "policies.json").write_text(json.dumps(policies))
    with ExitStack() as opened:
        api = opened.enter_context(webhook.api(directory, policies))
        site = Site(directory, free_ports(4), authority.ca, directory / "server.crt", directory / "server.key", directory / "policies.json", api)
        command = [*calls.pinned(server), *webhook.command(site)]
        running = Running(command, {"KUBECONFIG": api, **webhook.environment}, directory / "log")
        opened.callback(running.stop)
        webhook.configure(site)
        url = f"https://127.0.0.1:{site.ports[0]}{webhook.path}?timeout=10s"
        caller = calls.Client(url, authority.ca, cores=client)
        _prove(webhook, caller, running)
        yield Serving(running, caller, url, authority.ca)


def _prove(webhook: Webhook, caller: calls.Client, running: Running) -> None:
    """Wait until it answers, which is when it has its policies, and then it has to be right."""

    def answers() -> bool:
        try:
            caller.verdicts()
        except Failed:
            return False
        return True

    until(answers, running)
    if webhook.judges:
        caller.prove()
