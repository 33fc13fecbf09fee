"""What ``steward watch`` keeps of pods: each judged once, unless time alone makes it wrong."""

import datetime as dt

import msgspec
import pytest

from steward.cli.judging import Judging
from steward.cli.ledger import Ledger
from steward.governance.bundles import STANDARD
from steward.governance.model import Pod
from steward.governance.namespaces import SystemNamespaces
from steward.runtime.store import Change

NOW = dt.datetime(2026, 11, 21, 12, tzinfo=dt.UTC)
LATER = NOW + dt.timedelta(hours=1)


def pod(name="web", namespace="shop", phase="Running", image="app:1", **status):
    meta = {"name": name, "namespace": namespace, "creationTimestamp": "2026-11-21T11:59:00Z"}
    container = {"name": "app", "image": image, "livenessProbe": {}, "readinessProbe": {}, "resources": {"limits": {"cpu": "1"}}}
    return msgspec.convert({"metadata": meta, "spec": {"containers": [container]}, "status": {"phase": phase, **status}}, Pod)


@pytest.fixture
def ledger():
    return Ledger(STANDARD, Judging().counter(), SystemNamespaces(["kube-*"]))


def test_a_change_that_nobody_sees_is_no_event(ledger):
    first, beat = pod(), pod(podIP="10.0.0.1")

    assert "added" == ledger.change(Change(None, first), NOW).kind
    assert ledger.change(Change(first, beat), NOW) is None
    assert "updated" == ledger.change(Change(beat, pod(image="app")), NOW).kind
    assert "deleted" == ledger.change(Change(beat, None), NOW).kind
    assert {} == ledger.survey("", NOW).namespaces


def test_a_pod_that_has_ended_no_longer_counts(ledger):
    ledger.change(Change(None, pod()), NOW)
    event = ledger.change(Change(pod(), pod(phase="Succeeded")), NOW)

    assert ("updated", None) == (event.kind, event.verdict)
    assert {} == ledger.survey("", NOW).namespaces


def test_a_pod_that_is_pending_too_long_lowers_the_score_without_a_change(ledger):
    ledger.change(Change(None, pod(phase="Pending")), NOW)

    assert (100, 96) == tuple(ledger.survey("", at).namespaces["shop"].score("seed") for at in (NOW, LATER))


def test_system_namespaces_are_passed_over(ledger):
    assert ledger.change(Change(None, pod(namespace="kube-system")), NOW) is None
    assert {} == ledger.survey("", NOW).namespaces
