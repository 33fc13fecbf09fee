"""Scores of namespaces and of the cluster follow their pods, on a fake API server and to the second."""

import asyncio
import datetime as dt

import pytest
from msgspec import convert

from steward.governance.model import Pod
from steward.governance.scores import Weights
from steward.governance.violations import CHECKS
from steward.runtime.store import Change
from steward.watch import metrics
from steward.watch.census import Census
from steward.watch.component import COMPONENT
from steward.watch.config import Config
from support.containers import GOOD
from support.fakeapi import FakeAPI
from support.managers import Running, running

NOW = dt.datetime(2026, 11, 21, 12, tzinfo=dt.UTC)
BAD = {"name": "web", "image": "app"}
"""10 points: tag 5, liveness 3, readiness 2."""


def pod(name="web-0", *, namespace="shop", container=BAD, phase="Running", restarts=0, age=0, **meta):
    """A pod of one container that was made so many seconds before NOW."""
    created = (NOW - dt.timedelta(seconds=age)).isoformat().replace("+00:00", "Z")
    status = {"phase": phase, "containerStatuses": [{"name": "web", "restartCount": restarts}]}
    metadata = {"name": name, "namespace": namespace, "creationTimestamp": created, **meta}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {"containers": [container]}, "status": status}


@pytest.fixture
def api():
    return FakeAPI()


def at_work(api, config=None, **options):
    return running(api, config or Config(), component=COMPONENT, **options)


def namespaces(steward: Running, name: str) -> dict[str, float]:
    """The series of a metric by namespace."""
    return {
        sample.labels["namespace"]: sample.value
        for family in steward.registry.collect()
        for sample in family.samples
        if sample.name == f"kube_devops_{name}"
    }


@pytest.mark.looptime
async def test_scores_follow_the_pods_of_each_namespace(api):
    """Two pods of 10 points among 20 cost one; a namespace of none of them costs nothing; one cluster score counts all pods."""
    for number in range(18):
        api.add(pod(f"good-{number}", container=GOOD))
    api.add(pod("bad-0"))
    api.add(pod("bad-1"))
    api.add(pod("mail-0", namespace="mail", container=GOOD))
    async with at_work(api) as steward:
        assert {"shop": 99, "mail": 100} == namespaces(steward, "namespace_health_score")
        assert (100, 99) == (steward.sample("kube_devops_cluster_health_score"), steward.sample("kube_devops_cluster_health_score_mean"))
        assert 21 == steward.sample("kube_devops_pods_tracked")

        api.merge("pods", "shop/bad-0", {"status": {"containerStatuses": [{"name": "web", "restartCount": 5}]}})
        await steward.until(lambda: namespaces(steward, "namespace_health_score")["shop"] == 98)
        assert 30 == steward.sample("kube_devops_namespace_score_points", namespace="shop", type="high_restarts")
        api.merge("pods", "shop/bad-0", {"status": {"phase": "Succeeded"}})
        await steward.until(lambda: steward.sample("kube_devops_pods_tracked") == 20)
        costs = {check: steward.sample("kube_devops_namespace_score_points", namespace="shop", type=check) for check in CHECKS}
        assert {"latest_tag": 5, "missing_liveness": 3, "missing_readiness": 2} == {check: points for check, points in costs.items() if points}


@pytest.mark.looptime
async def test_series_vanish_with_the_last_pod_of_their_namespace(api):
    api.add(pod())
    api.add(pod("mail-0", namespace="mail"))
    async with at_work(api) as steward:
        api.remove("pods", "shop/web-0")
        await steward.until(lambda: set(namespaces(steward, "namespace_health_score")) == {"mail"})

        assert {"mail"} == set(namespaces(steward, "namespace_score_points"))


@pytest.mark.looptime
async def test_no_score_before_every_pod_is_known(api):
    """Half a cluster's score would be an alert, or hide one."""
    api.add(pod())
    api.hang("list pods")
    api.hang("watch pods")
    steward = Running(api, Config(), component=COMPONENT)
    steward.start()
    await asyncio.sleep(5)

    assert not steward.manager.is_ready
    assert {None} == {steward.sample(f"kube_devops_{name}") for name in ("cluster_health_score", "cluster_health_score_mean", "pods_tracked")}
    await steward.kill()


@pytest.mark.looptime
async def test_every_replica_is_ready_and_says_the_same_without_a_leader(api):
    api.add(pod())
    async with at_work(api, identity="steward-0") as one, at_work(api, identity="steward-1") as other:
        assert 90 == one.sample("kube_devops_cluster_health_score") == other.sample("kube_devops_cluster_health_score")
        assert None is one.sample("steward_leader")

    assert [] == api.all("leases")


@pytest.mark.looptime
async def test_it_writes_nothing(api):
    """Nor does it ask for anything but pods and its own rights."""
    api.add(pod())
    async with at_work(api) as steward:
        api.merge("pods", "shop/web-0", {"status": {"phase": "Pending"}})
        await asyncio.sleep(1200)
        assert 2 == steward.sample("kube_devops_pod_events_total", event="added") + steward.sample("kube_devops_pod_events_total", event="updated")

    assert {"create selfsubjectaccessreviews", "list pods", "watch pods"} >= {f"{seen.target.verb} {seen.target.kind.plural}" for seen in api.journal}


def filed(*pods, config=None, clock=lambda: NOW):
    census = Census(config or Config(), clock)
    for one in pods:
        census.pod_changed(Change(None, convert(one, Pod)))
    return census


def test_a_pod_becomes_a_violation_at_its_second_without_a_change():
    """`standard` allows 300 s; what the pod costs besides stays."""
    now = NOW
    census = filed(pod(phase="Pending", age=300), clock=lambda: now)

    assert 0 == census.namespaces()["shop"].points["pending"]
    now = NOW + dt.timedelta(seconds=1)
    assert 4 == census.namespaces()["shop"].points["pending"]
    assert 10 + 4 == sum(census.namespaces()["shop"].points.values())
    census.pod_changed(Change(None, convert(pod(phase="Running", age=301), Pod)))
    assert 0 == census.namespaces()["shop"].points["pending"]


@pytest.mark.parametrize("namespace", ["kube-system", "kube-public", "gatekeeper-system", "cert-manager", "monitoring", "argocd"])
def test_system_namespaces_are_left_out_by_default(namespace):
    assert {} == filed(pod(namespace=namespace)).namespaces()


def test_which_namespaces_are_of_the_system_can_be_said():
    census = filed(pod(namespace="monitoring"), pod(namespace="infra"), config=Config(system_namespaces=("infra",)))

    assert {"monitoring"} == census.namespaces().keys()


@pytest.mark.parametrize(
    ("config", "score"),
    [
        (Config(), 90),
        (Config(bundle="baseline"), 93),
        (Config(severity_weighted=True), 85),
        (Config(weights=Weights(latest_tag=50)), 45),
        (Config(injected_containers=("web",)), 95),
        (Config(formula="float"), 90.0),
        (Config(formula="ratio"), 100 * 4 / 9),
    ],
)
def test_what_is_configured_decides_about_the_score(config, score):
    """Of a pod without tag, probes and resources. `ratio`: they weigh 2, 1, 1 and 1; restarts with 3 and pending with 1 passed."""
    scores = metrics.Scores(config, filed(pod(), config=config).namespaces())

    assert pytest.approx(score) == next(iter(scores.each())).value == next(iter(scores.cluster())).value


def test_before_all_pods_are_counted_there_is_no_series():
    """Half a cluster has no score, and nothing is no cluster of 100 points."""
    assert [] == [sample for gauge in metrics.STATES for sample in gauge.read(metrics.Scores(Config(), None))]


@pytest.mark.looptime
async def test_the_gauges_of_a_scrape_read_one_count(api, monkeypatch):
    """They agree, and pods that are pending are judged once."""
    counted, count = [], Census.namespaces
    monkeypatch.setattr(Census, "namespaces", lambda census: counted.append(1) or count(census))
    api.add(pod())
    async with at_work(api) as steward:
        counted.clear()
        scraped = {sample.name for family in steward.registry.collect() for sample in family.samples}

    assert {gauge.name for gauge in metrics.STATES} <= scraped
    assert 1 == len(counted)


def test_a_check_without_weight_has_no_series():
    scores = metrics.Scores(Config(), filed(pod()).namespaces())

    assert {"latest_tag", "missing_liveness", "missing_readiness", "high_restarts", "pending"} == {sample.labels[1] for sample in scores.points()}


def test_points_by_pod_are_what_is_missing_to_100():
    scores = metrics.Scores(Config(formula="float"), filed(pod(), pod("web-1", container=GOOD), pod("web-2", restarts=9)).namespaces())

    assert 100 - sum(sample.value for sample in scores.points()) / 3 == pytest.approx(next(iter(scores.each())).value)
