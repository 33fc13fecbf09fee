"""Admission, background and command line find the same in the same pod: each is asked by its own way in, with what it would be given."""

import datetime as dt
import json
import sys

import msgspec
import pytest

from steward.cli import main
from steward.cli.surveys import Survey
from steward.governance.bundles import STANDARD
from steward.governance.combining import finished
from steward.governance.model import PODS, Pod
from steward.governance.namespaces import SystemNamespaces
from steward.governance.policies import DevOpsPolicy
from steward.governance.scores import FORMULAS, contribution
from steward.policy.config import Config as Audit
from steward.policy.ledger import Ledger
from steward.runtime.resource import Key
from steward.runtime.sharing import Sharer
from steward.runtime.store import Change
from steward.watch.census import Census
from steward.watch.config import Config
from steward.watch.metrics import Scores
from steward.webhook import answers
from steward.webhook.review import reviewing
from steward.webhook.subject import subject
from support import admission
from support.containers import container

NOW = dt.datetime.now(dt.UTC)
OF_RUNNING_PODS = {"high_restarts", "pending"}
"""What admission cannot see yet."""

GOOD = container()
BARE = {"name": "web", "image": "app"}
OWNED = {"ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web-5d8f", "uid": "1", "controller": True}]}
DEPLOYED = OWNED | {"labels": {"app": "web", "pod-template-hash": "5d8f"}}
OF_A_JOB = {"ownerReferences": [{"apiVersion": "batch/v1", "kind": "Job", "name": "web", "uid": "1", "controller": True}]}

PODS_OF_ALL_KINDS = {
    "good": admission.pod(GOOD),
    "bare": admission.pod(BARE),
    "port without a tag": admission.pod(GOOD | {"image": "registry:5000/team/app"}),
    "latest with a digest": admission.pod(GOOD | {"image": f"app:latest@sha256:{'0' * 64}"}),
    "cannot be pulled": admission.pod(GOOD | {"image": "App:1"}),
    "init": admission.pod(GOOD, initContainers=[BARE | {"name": "init"}]),
    "sidecar": admission.pod(GOOD, initContainers=[BARE | {"name": "log", "restartPolicy": "Always"}]),
    "injected": admission.pod(GOOD, BARE | {"name": "istio-proxy"}),
    "resources of the pod": admission.pod(container(resources=None), resources={"requests": {"cpu": "1"}}),
    "of a Job": admission.pod(BARE, metadata=OF_A_JOB),
    "of an exempt Deployment": admission.pod(BARE, metadata=DEPLOYED),
    "of a ReplicaSet by hand": admission.pod(BARE, metadata=OWNED | {"labels": {"app": "web"}}),
    "with exempt labels": admission.pod(BARE, metadata={"labels": {"tier": "test"}}),
    "of an exempt container": admission.pod(GOOD, BARE | {"name": "helper"}),
    "whose exemption has ended": admission.pod(BARE, metadata={"labels": {"tier": "old"}}),
}

ASKED = {
    "forbidLatestTag": True,
    "requireLivenessProbe": True,
    "requireReadinessProbe": True,
    "requireResources": True,
    "maxRestartCount": 3,
    "forbidPendingDuration": 300,
    "severityOverrides": {"missingReadiness": "critical"},
    "exemptions": [
        {"checks": ["latest_tag"], "workload": {"kind": "Deployment", "name": "web"}, "reason": "a", "expires": "2099-01-01T00:00:00Z"},
        {"checks": ["missing_liveness"], "matchLabels": {"tier": "test"}, "reason": "b", "expires": "2099-01-01T00:00:00Z"},
        {"checks": ["missing_readiness", "missing_resources"], "containers": ["helper"], "reason": "c", "expires": "2099-01-01T00:00:00Z"},
        {"checks": ["latest_tag"], "matchLabels": {"tier": "old"}, "reason": "d", "expires": "2020-01-01T00:00:00Z"},
    ],
}
POLICY = {"apiVersion": "policy.steward.dev/v1alpha1", "kind": "DevOpsPolicy", "metadata": {"name": "strict", "namespace": "shop"}}

Found = set[tuple[str, str, str]]
"""Check, container and severity of each violation."""


@pytest.fixture
def ask(tmp_path, monkeypatch, capsys):
    """What the command line finds in a pod."""

    def ask(pod) -> Found:
        policy, file = tmp_path / "policy.json", tmp_path / "pod.json"
        policy.write_text(json.dumps(POLICY | {"spec": ASKED}))
        file.write_text(json.dumps(pod))
        monkeypatch.setattr(sys, "argv", ["steward", "check", "--policy", str(policy), "--fail-on", "never", "-o", "json", str(file)])
        with pytest.raises(SystemExit):
            main()
        (result,) = json.loads(capsys.readouterr().out)["results"]
        return {(one["check"], one["container"], one["severity"]) for one in result["violations"]}

    return ask


def at_admission(pod, asked) -> Found:
    """As the audit log has it, which names all that is found, denied or not."""
    policy = msgspec.convert({"metadata": POLICY["metadata"], "spec": asked}, DevOpsPolicy)
    found = subject(answers.read("application/json", admission.body(admission.asked(pod))))
    notes = finished(reviewing(found, [policy], now=NOW, injected=("istio-proxy",), is_ending=False)).notes.get("violations", "")
    parts = [one.replace(")=", "(").split("(") for one in notes.split(", ") if one]
    return {(check, container, severity) for check, container, severity in parts}


def in_the_background(pod, asked) -> Found:
    """From the cache of the component policy, among replicas with which it shares what can be shared."""
    share, ledger = (
        Sharer(PODS.shared, lambda: 3),
        Ledger(msgspec.convert({"metadata": POLICY["metadata"], "spec": asked}, DevOpsPolicy), Audit(), NOW),
    )
    for number in range(3):
        one = pod | {"metadata": pod["metadata"] | {"name": f"web-{number}"}}
        ledger.put(Key("shop", f"web-{number}"), share(msgspec.json.decode(json.dumps(one), type=PODS.type)), NOW)
    first, *others = [{(one.check, one.container, one.severity) for one in entry.found} for entry in ledger.entries.values()]
    assert [first, first] == others
    return first


@pytest.mark.parametrize("name", PODS_OF_ALL_KINDS)
def test_all_three_find_the_same(ask, name):
    pod = PODS_OF_ALL_KINDS[name]

    found = ask(pod)

    assert found == in_the_background(pod, ASKED)
    assert {one for one in found if one[0] not in OF_RUNNING_PODS} == at_admission(pod, ASKED)


def test_the_pods_differ_in_what_is_found(ask):
    """Else that all agree would say little."""
    found = {frozenset(ask(pod)) for pod in PODS_OF_ALL_KINDS.values()}

    assert len(found) >= 8
    assert {check for one in found for check, _, _ in one} >= {"latest_tag", "missing_liveness", "missing_readiness", "missing_resources"}


@pytest.mark.parametrize(
    ("status", "seconds", "found"),
    [
        ({"phase": "Running", "containerStatuses": [{"name": "web", "restartCount": 4}]}, 400, {("high_restarts", "web", "critical")}),
        ({"phase": "Running", "containerStatuses": [{"name": "web", "restartCount": 3}]}, 400, set()),
        ({"phase": "Pending"}, 400, {("pending", "", "medium")}),
        ({"phase": "Pending"}, 10, set()),
    ],
    ids=["restarts", "few restarts", "pending", "not for long"],
)
def test_command_line_and_background_agree_on_what_runs(ask, status, seconds, found):
    created = (NOW - dt.timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")
    pod = admission.pod(GOOD, metadata={"creationTimestamp": created} | DEPLOYED) | {"status": status}

    assert found == ask(pod) == in_the_background(pod, ASKED)


@pytest.mark.parametrize("formula", FORMULAS)
def test_watch_and_analyze_have_one_score_of_a_cluster(formula):
    """That of all its pods, whatever their namespaces; system namespaces do not count."""
    pods = [
        msgspec.convert(pod | {"metadata": pod["metadata"] | {"name": f"{namespace}-{number}", "namespace": namespace}}, Pod)
        for namespace, some in (("shop", 15), ("mail", 3), ("kube-system", 9))
        for number, pod in enumerate([*PODS_OF_ALL_KINDS.values()][:some])
    ]
    config = Config(formula=formula)
    census = Census(config, lambda: NOW)
    for pod in pods:
        census.pod_changed(Change(None, pod))

    survey = Survey.of("", pods, STANDARD, contribution, now=NOW, system=SystemNamespaces())

    scores = Scores(config, census.namespaces())
    assert [survey.total.score(formula)] == [sample.value for sample in scores.cluster()]
    assert {name: part.score(formula) for name, part in survey.namespaces.items()} == {sample.labels[0]: sample.value for sample in scores.each()}
    assert survey.namespaces.keys() == {"shop", "mail"}
