"""A real API server with a few pods, and the command line as a process of its own."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.envtest import ControlPlane
from support.terminal import BARE, Desk, namespace, pod


@pytest.fixture(scope="package")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A real etcd and kube-apiserver, for all tests of this directory."""
    plane = ControlPlane(tmp_path_factory.mktemp("cli"))
    plane.start()
    try:
        plane.authority.issue("guest", "/CN=guest", usage="client")
        yield Desk(_kubeconfig(plane))
    finally:
        plane.stop()


@pytest.fixture(scope="package")
def shop(desk: Desk) -> Desk:
    """Namespaces ``shop`` and ``bank`` with pods, good and bad, and a bad one in ``kube-system``; ``steward`` is empty."""
    desk.apply(*map(namespace, ("shop", "bank", "kube-system", "steward")))
    desk.apply(
        pod("web-1", "shop", labels={"app": "web"}),
        pod("web-2", "shop", BARE, labels={"app": "web"}),
        pod("worker", "shop", restarts=7),
        pod("done", "shop", BARE, phase="Succeeded"),
        pod("ledger", "bank", BARE),
        pod("dns", "kube-system", BARE),
    )
    return desk


@pytest.fixture(scope="module")
def defined(shop: Desk) -> Iterator[Desk]:
    """The same, with the definitions of our kinds for as long as a file needs them."""
    done = shop.steward("crd", "install")
    assert done.code == 0, done.err
    yield shop
    shop.kubectl("delete", "crd", "--all", "--wait=true")


def _kubeconfig(plane: ControlPlane) -> Path:
    at = plane.directory
    users = {"berlin": "admin", "dublin": "admin", "guest": "guest"}
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "berlin",
        "clusters": [{"name": "test", "cluster": {"server": plane.url, "certificate-authority": str(at / "ca.crt")}}],
        "users": [
            {"name": user, "user": {"client-certificate": str(at / f"{user}.crt"), "client-key": str(at / f"{user}.key")}}
            for user in sorted(set(users.values()))
        ],
        "contexts": [{"name": name, "context": {"cluster": "test", "user": user, "namespace": "shop"}} for name, user in users.items()],
    }
    path = at / "kubeconfig"
    path.write_text(json.dumps(content))
    return path


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--write-examples", action="store_true", help="write what the examples of docs/cli.md print now")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/cli/" in item.path.as_posix():
            item.add_marker(pytest.mark.apiserver)
            # Of one test; the API server, which a fixture starts, has a deadline of its own.
            item.add_marker(pytest.mark.timeout(120, func_only=True))
