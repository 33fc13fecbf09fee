"""``steward policy undo`` on a real API server: what remediation's manager added goes, what others wrote stays."""

import json

import pytest
import yaml

from support.terminal import BARE, PROBE

MANAGER = "kube-devops-operator"


def deployment(name, container, **meta):
    labels = {"app": name}
    spec = {"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}}}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "namespace": "bank", **meta}, "spec": spec}


@pytest.fixture
def patched(shop):
    """Deployments ``front`` and ``back``, each with a readiness probe of remediation's and a liveness probe of its owner's."""
    for name in ("front", "back"):
        # Not by kubectl apply: after that, kubectl apply --server-side takes over all fields (csaupgrade).
        shop.kubectl("create", "--filename", "-", stdin=yaml.safe_dump(deployment(name, BARE | {"livenessProbe": PROBE})))
        addition = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "namespace": "bank"}}
        addition["spec"] = {"template": {"spec": {"containers": [{"name": "app", "readinessProbe": PROBE}]}}}
        shop.kubectl("apply", "--server-side", "--field-manager", MANAGER, "--filename", "-", stdin=yaml.safe_dump(addition))
    yield shop
    shop.kubectl("delete", "deployments", "--all", "--namespace", "bank")


def container(desk, name):
    found = json.loads(desk.kubectl("get", "deployment", name, "--namespace", "bank", "--output", "json"))
    return found["spec"]["template"]["spec"]["containers"][0]


def test_a_workload_that_is_named_loses_what_remediation_added_and_nothing_else(patched):
    done = patched.steward("policy", "undo", "deploy/front", "--namespace", "bank")

    assert (0, "deployment/front in bank: took back app.readinessProbe\n", "") == done
    assert "readinessProbe" not in container(patched, "front")
    assert "livenessProbe" in container(patched, "front")
    assert "readinessProbe" in container(patched, "back")


def test_all_is_all_of_the_namespace_and_twice_is_nothing(patched):
    first = patched.steward("policy", "undo", "--all", "--namespace", "bank")
    second = patched.steward("policy", "undo", "--all", "--namespace", "bank")
    named = patched.steward("policy", "undo", "deployment/back", "-n", "bank")

    assert ["deployment/back in bank", "deployment/front in bank"] == [line.split(":")[0] for line in first.out.splitlines()]
    assert (0, "", "no workload was patched\n") == second
    assert "deployment/back in bank: nothing of remediation is there\n" == named.out


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("deployment/nobody", "-n", "bank"), 1, "steward: deployments bank/nobody: no such workload.\n"),
        (("pod/web", "-n", "bank"), 2, 'steward: "pod/web": expected KIND/NAME; KIND is deployment, statefulset or daemonset. Try'),
        ((), 2, "steward: expected KIND/NAME or --all, got neither. Try"),
        (("--all", "sts/x"), 2, "steward: expected KIND/NAME or --all, got both. Try"),
    ],
    ids=["absent", "kind", "nothing", "both"],
)
def test_what_cannot_be_undone_is_one_line(shop, arguments, code, said):
    done = shop.steward("policy", "undo", *arguments)

    assert (code, "", 1) == (done.code, done.out, done.err.count("\n"))
    assert done.err.startswith(said)
