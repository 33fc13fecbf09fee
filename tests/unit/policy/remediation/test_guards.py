"""What holds a patch back: the state of the workload, budgets, autoscalers, windows and rates."""

import datetime as dt

import msgspec
import pytest

from steward.policy.remediation import guards, pace, rollout
from steward.policy.remediation.config import RemediationConfig, Window
from steward.policy.remediation.model import Selector
from steward.policy.remediation.surroundings import Autoscaler, Budget, ScaledObject, VerticalAutoscaler
from steward.runtime.errors import ConfigError
from support.workloads import read, workload

ONE = {"replicas": 1, "updatedReplicas": 1, "availableReplicas": 1}
SATURDAY = dt.datetime(2026, 11, 21, 12, tzinfo=dt.UTC)


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet", "DaemonSet"])
def test_nothing_holds_back_a_workload_at_rest(kind):
    assert guards.held(read(workload(kind)), ()) is None


@pytest.mark.parametrize(
    ("manifest", "label"),
    [
        (workload(paused=True), "paused"),
        (workload("StatefulSet", updateStrategy={"type": "OnDelete"}), "on_delete"),
        (workload("DaemonSet", updateStrategy={"type": "OnDelete"}), "on_delete"),
        (workload("StatefulSet", updateStrategy={"type": "RollingUpdate", "rollingUpdate": {"partition": 1}}), "partition"),
        (workload(replicas=0), "scaled_to_zero"),
        (workload("DaemonSet", status={"desiredNumberScheduled": 0, "updatedNumberScheduled": 0, "numberAvailable": 0}), "scaled_to_zero"),
        (workload(meta={"generation": 2}), "rolling_out"),
        (workload(status={"updatedReplicas": 1}), "rolling_out"),
        (workload(status={"replicas": 3}), "rolling_out"),
        (workload("StatefulSet", status={"currentRevision": "web-1", "updateRevision": "web-2"}), "rolling_out"),
        (workload("DaemonSet", status={"updatedNumberScheduled": 1}), "rolling_out"),
        (workload(status={"availableReplicas": 1}), "unavailable"),
        (workload("DaemonSet", status={"numberAvailable": 1}), "unavailable"),
        (workload(strategy={"type": "Recreate"}), "no_surge"),
        (
            workload(replicas=1, strategy={"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0}}, status=ONE),
            "no_surge",
        ),
        (workload("StatefulSet", replicas=1, status=ONE), "no_surge"),
    ],
)
def test_a_rollout_that_would_not_run_or_hurt_is_not_begun(manifest, label):
    found = guards.held(read(manifest), ())

    assert found is not None
    assert label == found.label
    assert label in guards.LABELS


def test_a_single_replica_that_surges_is_patched():
    manifest = workload(replicas=1, strategy={"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%"}}, status=ONE)

    assert guards.held(read(manifest), ()) is None


def _away(kind, pods, **step):
    """A workload at rest whose rollout goes on by this step."""
    field = "strategy" if kind == "Deployment" else "updateStrategy"
    counts = dict.fromkeys(("replicas", "updatedReplicas", "availableReplicas"), pods)
    nodes = dict.fromkeys(("desiredNumberScheduled", "updatedNumberScheduled", "numberAvailable"), pods)
    replicas = {} if kind == "DaemonSet" else {"replicas": pods}
    return workload(kind, status=counts | nodes, **replicas, **{field: {"type": "RollingUpdate", "rollingUpdate": step}})


@pytest.mark.parametrize(
    ("manifest", "away", "holds"),
    [
        (_away("Deployment", 2, maxUnavailable="100%", maxSurge=0), 2, True),
        (_away("Deployment", 1, maxUnavailable=1, maxSurge=1), 1, True),
        (_away("Deployment", 1, maxUnavailable="25%", maxSurge=0), 1, True),
        (_away("Deployment", 1, maxUnavailable="99%", maxSurge="1%"), 0, False),
        (_away("Deployment", 2, maxUnavailable=5, maxSurge=1), 2, True),
        (_away("Deployment", 3, maxUnavailable="67%", maxSurge=0), 2, False),
        (_away("Deployment", 10), 2, False),
        (_away("StatefulSet", 3, maxUnavailable="67%"), 3, True),
        (_away("StatefulSet", 3, maxUnavailable=2), 2, False),
        (_away("StatefulSet", 2), 1, False),
        (_away("DaemonSet", 3, maxUnavailable="100%"), 3, True),
        (_away("DaemonSet", 3, maxUnavailable="34%"), 2, True),
        (_away("DaemonSet", 4, maxUnavailable="50%"), 2, False),
        (_away("DaemonSet", 1), 1, True),
        (_away("DaemonSet", 1, maxUnavailable=0, maxSurge="10%"), 0, False),
    ],
)
def test_a_rollout_that_may_take_all_pods_away_at_once_is_not_begun(manifest, away, holds):
    """Of a DaemonSet more than half is too many."""
    found = guards.held(read(manifest), ())

    assert away == rollout.most_away(read(manifest))
    assert holds == (found is not None and found.label == "no_surge")


def test_how_many_a_daemonset_shall_have_comes_from_the_nodes():
    assert 3 == rollout.desired(read(workload("DaemonSet", status={"desiredNumberScheduled": 3})))


def _budget(allowed, **selector):
    return msgspec.convert({"metadata": {"name": "pdb"}, "spec": {"selector": selector}, "status": {"disruptionsAllowed": allowed}}, Budget)


@pytest.mark.parametrize(
    ("budget", "holds"),
    [
        (_budget(0, matchLabels={"app": "web"}), True),
        (_budget(1, matchLabels={"app": "web"}), False),
        (_budget(0, matchLabels={"app": "other"}), False),
        (_budget(0), True),
        (msgspec.convert({"metadata": {"name": "pdb"}}, Budget), False),
    ],
    ids=["none allowed", "one allowed", "of others", "of all pods", "without a selector"],
)
def test_a_budget_without_room_holds_back(budget, holds):
    found = guards.held(read(workload()), [budget])

    assert holds == (found is not None and found.label == "disruption_budget")


@pytest.mark.parametrize(
    ("requirement", "fits"),
    [
        ({"key": "app", "operator": "In", "values": ["web", "api"]}, True),
        ({"key": "app", "operator": "NotIn", "values": ["web"]}, False),
        ({"key": "tier", "operator": "NotIn", "values": ["web"]}, True),
        ({"key": "app", "operator": "Exists"}, True),
        ({"key": "app", "operator": "DoesNotExist"}, False),
        ({"key": "tier", "operator": "DoesNotExist"}, True),
    ],
)
def test_a_selector_selects_as_kubernetes_does(requirement, fits):
    assert fits == guards.matches(msgspec.convert({"matchExpressions": [requirement]}, Selector), {"app": "web"})


@pytest.mark.parametrize(("value", "opted_out"), [("false", True), ("true", False), ("no", False), (None, False)])
def test_an_annotation_keeps_remediation_away(value, opted_out):
    meta = {"annotations": {"policy.steward.dev/remediate": value}} if value is not None else {}

    assert opted_out == guards.is_opted_out(read(workload(meta=meta)))


# Autoscalers.


def _hpa(*metrics, name="web", kind="Deployment"):
    return msgspec.convert({"spec": {"scaleTargetRef": {"kind": kind, "name": name}, "metrics": list(metrics)}}, Autoscaler)


def _reckoned(*, hpas=(), vpas=(), scaled=()):
    return guards.reckoned_with("Deployment", "web", hpas=hpas, vpas=vpas, scaled=scaled)


CPU = {"type": "Resource", "resource": {"name": "cpu", "target": {}}}
MEMORY = {"type": "ContainerResource", "containerResource": {"name": "memory", "container": "main"}}


def test_a_resource_that_an_hpa_divides_by_is_not_for_us():
    assert {"cpu"} == _reckoned(hpas=[_hpa(CPU)])
    assert {"cpu", "memory"} == _reckoned(hpas=[_hpa(CPU), _hpa(MEMORY)])
    assert set() == _reckoned(hpas=[_hpa(CPU, name="other"), _hpa(CPU, kind="StatefulSet"), _hpa({"type": "External"})])


def test_what_a_vpa_writes_is_not_for_us():
    vpa = msgspec.convert({"spec": {"targetRef": {"kind": "Deployment", "name": "web"}}}, VerticalAutoscaler)

    assert {"cpu", "memory"} == _reckoned(vpas=[vpa])


@pytest.mark.parametrize("kind", [{}, {"kind": "Deployment"}])
def test_a_scaled_object_of_keda_is_an_hpa_to_come(kind):
    keda = {"spec": {"scaleTargetRef": {"name": "web", **kind}, "triggers": [{"type": "cpu"}, {"type": "kafka"}]}}

    assert {"cpu"} == _reckoned(scaled=[msgspec.convert(keda, ScaledObject)])


# Windows and rates.


@pytest.mark.parametrize(
    ("window", "opens"),
    [
        (Window(start="08:00", end="18:00"), None),
        (Window(start="13:00", end="18:00"), SATURDAY.replace(hour=13)),
        (Window(start="22:00", end="04:00"), SATURDAY.replace(hour=22)),
        (Window(start="18:00", end="13:00"), None),
        (Window(days=("Sat",), start="00:00", end="00:00"), None),
        (Window(days=("Fri",), start="18:00", end="13:00"), None),
        (Window(days=("Mon",), start="01:00", end="02:00"), dt.datetime(2026, 11, 23, 1, tzinfo=dt.UTC)),
        (Window(days=("Sat",), start="01:00", end="02:00"), dt.datetime(2026, 11, 28, 1, tzinfo=dt.UTC)),
    ],
)
def test_a_window_is_open_or_says_when(window, opens):
    assert opens == window.opens(SATURDAY)


def _paced(*, busy=0, recent=(), **config):
    return pace.held(RemediationConfig(**config), busy=busy, recent=recent, now=SATURDAY)


def test_patches_wait_for_a_window():
    held, wait = _paced(windows=(Window(start="13:00", end="18:00"), Window(start="20:00", end="21:00")))

    assert ("window", 3600) == (held.label, wait)


def test_patches_go_on_while_one_of_the_windows_is_open():
    assert _paced(windows=(Window(start="13:00", end="18:00"), Window(start="11:00", end="13:00"))) is None


def test_one_workload_of_a_namespace_at_a_time():
    assert "namespace_busy" == _paced(busy=1)[0].label
    assert _paced(busy=1, max_per_namespace=2) is None


def test_ten_within_an_hour_in_all_namespaces():
    recent = [SATURDAY - dt.timedelta(minutes=5 * number) for number in range(20)]
    held, wait = _paced(recent=recent)

    assert "rate" == held.label
    assert wait == (recent[9] + dt.timedelta(hours=1) - SATURDAY).total_seconds()
    assert _paced(recent=recent[:9]) is None


def test_a_manager_without_a_name_is_refused():
    with pytest.raises(ConfigError, match=r"otherManagers\[1\]"):
        RemediationConfig(other_managers=("terraform", ""))
