"""A real API server that asks the component as the chart configures it; both as processes of their own, without a node."""

from __future__ import annotations

import base64
import itertools
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml
from faults.harness.report import REPORT, Report

from admission.stage import Api, Webhook, eventually, stop_all
from support import helm
from support.admission import ALL, pod
from support.certificates import Authority
from support.containers import container
from support.envtest import ControlPlane

AUDIT = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "rules": [
        {"level": "Metadata", "verbs": ["create", "update", "patch", "delete"]},
        {"level": "Metadata", "verbs": ["list", "watch"], "resources": [{"group": "policy.steward.dev"}]},
    ],
}
_numbers = itertools.count(1)


LONG_SECONDS = 900
"""Of one test in ``make faults``."""


class Extent(msgspec.Struct, frozen=True):
    """How often a test that repeats something does so.

    Attributes:
        replacements: Replicas that are replaced, one after the other.
        namespaces: How many are made, each with a pod at once.
    """

    replacements: int = 4
    namespaces: int = 100


def _is_long(config: pytest.Config) -> bool:
    return bool(config.getoption("--faults-long", default=False))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    ours = [item for item in items if "tests/admission/" in item.path.as_posix()]
    for item in ours:
        item.add_marker(pytest.mark.apiserver)
        if _is_long(config):
            # First, so that it counts more than what a test says of its short form.
            item.add_marker(pytest.mark.timeout(LONG_SECONDS, func_only=True), append=False)
    if not _is_long(config):
        left_out = [item for item in ours if item.get_closest_marker("long")]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


@pytest.fixture
def extent(request: pytest.FixtureRequest) -> Extent:
    return Extent(replacements=20, namespaces=1000) if _is_long(request.config) else Extent()


@pytest.fixture
def note(request: pytest.FixtureRequest) -> Callable[..., None]:
    """Takes a figure for the page on reliability, if there is to be one."""
    return request.config.stash.get(REPORT, Report()).note


@pytest.fixture(scope="package")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """The API server, with an audit log."""
    directory = tmp_path_factory.mktemp("plane")
    (directory / "audit.yaml").write_text(yaml.safe_dump(AUDIT))
    plane = ControlPlane(directory, apiserver=[f"--audit-policy-file={directory / 'audit.yaml'}", f"--audit-log-path={directory / 'audit.log'}"])
    plane.start()
    yield plane
    plane.stop()


@pytest.fixture(scope="package")
def api(plane: ControlPlane) -> Api:
    """An administrator, with the CustomResourceDefinitions applied."""
    api = Api(plane)
    for path in sorted((helm.CHART / "files" / "crds").glob("*.yaml")):
        api.must("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", yaml.safe_load(path.read_text()))
    eventually(lambda: api.call("GET", "/apis/policy.steward.dev/v1alpha1/devopspolicies").status == 200)
    return api


@pytest.fixture(scope="package")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    authority = Authority(tmp_path_factory.mktemp("authority"))
    authority.issue("webhook", "/CN=webhook", usage="server")
    return authority


@pytest.fixture(scope="package")
def start(plane: ControlPlane, authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Webhook]]:
    """Start a replica, which finds the API server at another address if one is given; all that still run are ended at the end."""
    started: list[Webhook] = []

    def start(*, server: str = "", **options: Any) -> Webhook:
        directory = tmp_path_factory.mktemp("webhook")
        plane.kubeconfig(directory / "kubeconfig", server=server)
        one = Webhook(f"webhook-{len(started)}", directory / "kubeconfig", directory, authority, **options)
        started.append(one)
        one.start()
        return one

    yield start
    stop_all(started)


@pytest.fixture(scope="package")
def webhook(start: Callable[..., Webhook], api: Api) -> Webhook:
    """The one replica that most tests need."""
    one = start()
    one.wait_until_ready()
    return one


@pytest.fixture
def configure(api: Api, authority: Authority) -> Iterator[Callable[..., None]]:
    """Apply the chart's ValidatingWebhookConfiguration, with an address for its Service; and take it away again."""
    path = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations"
    made: list[str] = []

    def configure(port: int, **admission: Any) -> None:
        (configuration,) = helm.of_kind(
            helm.render({"components": {"webhook": {"admission": admission}}}, component="webhook"), "ValidatingWebhookConfiguration"
        )
        bundle = base64.b64encode(Path(authority.ca).read_bytes()).decode()
        for one in configuration["webhooks"]:
            one["clientConfig"] = {"url": f"https://127.0.0.1:{port}{one['clientConfig']['service']['path']}", "caBundle": bundle}
        name = configuration["metadata"]["name"]
        if made:
            api.must("DELETE", f"{path}/{name}")
        api.must("POST", path, configuration)
        made[:] = [name]

    yield configure
    for name in made:
        api.call("DELETE", f"{path}/{name}")


@pytest.fixture
def new_namespace(api: Api) -> Callable[[], Namespace]:
    """Makes namespaces of the test's own."""

    def new() -> Namespace:
        name = f"case-{next(_numbers)}"
        api.must("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
        return Namespace(api, name)

    return new


@pytest.fixture
def namespace(new_namespace: Callable[[], Namespace]) -> Namespace:
    """The one that most tests need."""
    return new_namespace()


@pytest.fixture
def reviewed(webhook: Webhook, configure: Callable[..., None], namespace: Namespace) -> Namespace:
    """A namespace whose pods are reviewed by a policy that denies."""
    configure(webhook.port)
    namespace.policy()
    eventually(namespace.is_reviewed)
    return namespace


class Namespace:
    """What a test does in its namespace."""

    def __init__(self, api: Api, name: str) -> None:
        self.api, self.name = api, name
        self.pods = f"/api/v1/namespaces/{name}/pods"

    def policy(self, name: str = "strict", *, mode: str = "enforce", **spec: Any) -> None:
        """Make a policy; by default it asks for everything, and denies."""
        body = {
            "apiVersion": "policy.steward.dev/v1alpha1",
            "kind": "DevOpsPolicy",
            "metadata": {"name": name},
            "spec": {**(spec or ALL), "enforcementMode": mode},
        }
        self.api.must("POST", f"/apis/policy.steward.dev/v1alpha1/namespaces/{self.name}/devopspolicies", body)

    def pod(self, *containers: dict[str, Any], name: str = "web", metadata: dict[str, Any] | None = None, **spec: Any) -> dict[str, Any]:
        """A pod of this namespace, as somebody writes it."""
        made = pod(*(containers or (container(),)), **spec)
        del made["status"]
        return made | {"metadata": {"name": name, "namespace": self.name} | (metadata or {})}

    def is_reviewed(self) -> bool:
        """Whether a bad pod is denied by now: configurations and policies take a moment to reach all who act on them."""
        return self.api.call("POST", f"{self.pods}?dryRun=All", self.pod(container(image="canary:latest"))).status == 403

    def is_warned(self) -> bool:
        """Whether a bad pod is warned about by now."""
        return bool(self.api.call("POST", f"{self.pods}?dryRun=All", self.pod(container(image="canary:latest"))).warnings)


def audited(plane: ControlPlane) -> list[dict[str, Any]]:
    """The entries of the audit log."""
    return [json.loads(line) for line in (plane.directory / "audit.log").read_text().splitlines()]


@pytest.fixture
def audit_log(plane: ControlPlane) -> Callable[[], list[dict[str, Any]]]:
    return lambda: audited(plane)
