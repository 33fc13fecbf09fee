"""Gatekeeper as a peer: built from its module when it is first asked for, in minutes, and told the policy as four constraints in CEL."""

from __future__ import annotations

import json
import os
import subprocess
import time
import urllib.error
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml

from harness.governance import kube
from harness.governance.apiserver import EXPRESSIONS
from harness.governance.webhooks import Policies, Site, Webhook
from harness.peers import made
from harness.prepare import BENCH
from harness.waiting import LOOK_SECONDS, START_SECONDS, Failed

MODULE = "github.com/open-policy-agent/gatekeeper/v3"
NAMESPACE = "gatekeeper-system"

_SOURCE = BENCH / "peers" / "gatekeeper"
_TEMPLATES = "/apis/templates.gatekeeper.sh/v1/constrainttemplates"
_CONSTRAINTS = "/apis/constraints.gatekeeper.sh/v1beta1"
_FLAGS = (
    # It makes the kinds of the constraints too, which is no work while it reviews.
    "--operation=webhook", "--operation=generate", "--disable-cert-rotation", "--debug-use-fake-pod", "--log-level=ERROR",
    "--disable-opa-builtin={http.send}",
)  # fmt: skip


def _command(site: Site) -> list[str]:
    # It asks for these names.
    for name, path in {"tls.crt": site.certificate, "tls.key": site.key}.items():
        (site.directory / name).symlink_to(path)
    ports = {"port": site.ports[0], "prometheus-port": site.ports[1]}
    places = [f"--{name}={port}" for name, port in ports.items()]
    return [str(_program()), *_FLAGS, *places, f"--health-addr=127.0.0.1:{site.ports[2]}", f"--cert-dir={site.directory}"]


def _program() -> Path:
    """Build it, once."""
    path = made() / "bin" / "gatekeeper"
    if not path.exists():
        _go("build", "-trimpath", "-buildvcs=false", "-mod=readonly", "-o", str(path), MODULE)
    return path


def _go(*arguments: str) -> str:
    done = subprocess.run(["go", *arguments], cwd=_SOURCE, env=os.environ | {"CGO_ENABLED": "0"}, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Failed(f"go {arguments[0]}: {done.stderr.strip()[-200:]}")
    return done.stdout.strip()


@contextmanager
def _api(directory: Path, _: Policies) -> Iterator[str]:
    """A real API server with gatekeeper's own kinds and a template for each rule."""
    kinds = Path(_go("list", "-m", "-f", "{{.Dir}}", MODULE)) / "charts" / "gatekeeper" / "crds"
    with kube.server(directory / "api") as server:
        for path in sorted(kinds.glob("*.yaml")):
            server.ask("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", yaml.safe_load(path.read_text()))
        server.ask("POST", "/api/v1/namespaces", {"metadata": {"name": NAMESPACE}})
        for number, (message, expression) in enumerate(EXPRESSIONS.items()):
            _eventually(server, _TEMPLATES, _template(number, message, expression))
        yield str(server.kubeconfig)


def _template(number: int, message: str, expression: str) -> dict[str, object]:
    former = expression.replace("object.", "oldObject.")
    # What was wrong before a change is no reason to refuse it.
    validation = {"expression": f"({expression}) || (oldObject != null && !({former}))", "message": message}
    code = {"engine": "K8sNativeValidation", "source": {"validations": [validation]}}
    return {
        "apiVersion": "templates.gatekeeper.sh/v1",
        "kind": "ConstraintTemplate",
        "metadata": {"name": f"rule{number}"},
        "spec": {"crd": {"spec": {"names": {"kind": f"Rule{number}"}}}, "targets": [{"target": "admission.k8s.gatekeeper.sh", "code": [code]}]},
    }


def _configure(site: Site) -> None:
    """A constraint for each template, as soon as gatekeeper has made its kind."""
    at = Path(site.kubeconfig)
    server = kube.Server(json.loads(at.read_text())["clusters"][0]["cluster"]["server"], at.parent)
    for number in range(len(EXPRESSIONS)):
        match = {"kinds": [{"apiGroups": [""], "kinds": ["Pod"]}]}
        kind = f"Rule{number}"
        body = {"apiVersion": "constraints.gatekeeper.sh/v1beta1", "kind": kind, "metadata": {"name": "bench"}, "spec": {"match": match}}
        _eventually(server, f"{_CONSTRAINTS}/{kind.lower()}", body)


def _eventually(server: kube.Server, path: str, body: dict[str, object]) -> None:
    """Create an object whose kind may not be served yet."""
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            server.ask("POST", path, body)
        except urllib.error.HTTPError as refused:
            refused.close()
            if refused.code != 404 or time.monotonic() > deadline:
                raise
            time.sleep(LOOK_SECONDS)
        else:
            return


GATEKEEPER = Webhook(
    "gatekeeper",
    _command,
    environment={"POD_NAME": "bench", "POD_NAMESPACE": NAMESPACE, "NAMESPACE": NAMESPACE, "CONTAINER_NAME": "manager"},
    path="/v1/admit",
    api=_api,
    configure=_configure,
)
