"""Admission as its users feel it: pods are created at a real kube-apiserver, as a dry run, so that neither etcd nor a kubelet is measured."""

from __future__ import annotations

import base64
import time
import urllib.error
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any

from harness.figures import Figure
from harness.governance import calls, kube, policies, webhooks
from harness.governance.plan import NAMESPACE, SERVER, Size, Step
from harness.waiting import LOOK_SECONDS, START_SECONDS, Failed

WITHOUT, IN_PROCESS = "no admission", "ValidatingAdmissionPolicy"
CONNECTIONS = 8

_NAME = "bench.steward.dev"
_HOOKS, _POLICIES, _BINDINGS = (
    f"/apis/admissionregistration.k8s.io/v1/{plural}"
    for plural in ("validatingwebhookconfigurations", "validatingadmissionpolicies", "validatingadmissionpolicybindings")
)
_HISTOGRAM = r'apiserver_admission_controller_admission_duration_seconds_%s{{name="{}",operation="CREATE",rejected="false",type="validate"}} (\S+)'
_HISTOGRAMS = {WITHOUT: "", IN_PROCESS: _HISTOGRAM.format("ValidatingAdmissionPolicy")}
_HOOK_HISTOGRAM = _HISTOGRAM.format("ValidatingAdmissionWebhook")
_PODS = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"], "resources": ["pods"], "scope": "Namespaced"}
_ALL = "(object.spec.containers + object.spec.?initContainers.orValue([]))"
EXPRESSIONS = {
    "an image has no tag but latest": f"{_ALL}.all(c, c.image.contains('@') || c.image.matches(':[^/]+$') && !c.image.endsWith(':latest'))",
    "no livenessProbe": "object.spec.containers.all(c, has(c.livenessProbe))",
    "no readinessProbe": "object.spec.containers.all(c, has(c.readinessProbe))",
    "no resources": "object.spec.containers.all(c, has(c.resources) && (has(c.resources.requests) || has(c.resources.limits)))",
}
"""The same policy in CEL, evaluated by the API server itself: as little as admission can cost."""


def measure(step: Step, webhook: webhooks.Webhook | None, size: Size, at: kube.Server, directory: Path) -> Iterator[Figure]:
    """Create pods while this webhook is asked; without one, while the policy of ``step.peer`` is in force."""
    if webhook is None:
        with _in_process(at) if step.peer == IN_PROCESS else nullcontext():
            yield from _create(step, size, at, _HISTOGRAMS[step.peer], denies=step.peer == IN_PROCESS)
        return
    with webhooks.serving(webhook, directory, [policies.policy(NAMESPACE)]) as serving, _configured(at, serving):
        yield from _create(step, size, at, _HOOK_HISTOGRAM, denies=webhook.judges)


def _create(step: Step, size: Size, at: kube.Server, histogram: str, *, denies: bool) -> Iterator[Figure]:
    _await(lambda: at.denies() is denies)
    client = calls.Client(at.pods, at.root, identity=at.identity)
    client.load(connections=CONNECTIONS, seconds=1)
    before = at.spent(histogram) if histogram else (0.0, 0.0)
    found = client.load(connections=CONNECTIONS, seconds=2 * size.seconds)
    after = at.spent(histogram) if histogram else (0.0, 0.0)
    values = {"create_p50_milliseconds": found.p50, "create_p99_milliseconds": found.p99, "creates_per_second": found.perSecond}
    if after[1] > before[1]:
        values["admission_mean_milliseconds"] = (after[0] - before[0]) / (after[1] - before[1]) * 1e3
    for name, value in values.items():
        yield Figure(SERVER, step.peer, name, CONNECTIONS, step.round, value)


@contextmanager
def _configured(at: kube.Server, serving: webhooks.Serving) -> Iterator[None]:
    hook = {
        "name": _NAME, "rules": [_PODS], "failurePolicy": "Fail", "sideEffects": "None", "admissionReviewVersions": ["v1"], "timeoutSeconds": 10,
        "clientConfig": {"url": serving.url.partition("?")[0], "caBundle": base64.b64encode(serving.root.read_bytes()).decode()},
    }  # fmt: skip
    with _there(at, {_HOOKS: {"webhooks": [hook]}}):
        yield


@contextmanager
def _in_process(at: kube.Server) -> Iterator[None]:
    validations = [{"expression": expression, "message": message} for message, expression in EXPRESSIONS.items()]
    rules = {"resourceRules": [_PODS]}
    with _there(
        at,
        {
            _POLICIES: {"spec": {"failurePolicy": "Fail", "matchConstraints": rules, "validations": validations}},
            _BINDINGS: {"spec": {"policyName": _NAME, "validationActions": ["Deny"]}},
        },
    ):
        yield


@contextmanager
def _there(at: kube.Server, objects: Mapping[str, Mapping[str, Any]]) -> Iterator[None]:
    """Objects of our name, for a while, and at the end without effect."""
    try:
        for path, spec in objects.items():
            at.ask("POST", path, {"metadata": {"name": _NAME}, **spec})
        yield
    finally:
        for path in objects:
            at.ask("DELETE", f"{path}/{_NAME}")
        _await(lambda: not at.denies())


def _await(condition: Callable[[], bool]) -> None:
    """An API server learns of its own configuration by a watch."""
    deadline = time.monotonic() + START_SECONDS
    while True:
        with suppress(urllib.error.HTTPError):  # the webhook has gone, its configuration is still in force
            if condition():
                return
        if time.monotonic() > deadline:
            raise Failed("the API server does not take its admission over")
        time.sleep(LOOK_SECONDS)
