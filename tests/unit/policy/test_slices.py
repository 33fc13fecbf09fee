"""Many pods are gone through in slices, so that nothing else waits for long."""

import asyncio
import datetime as dt
from types import SimpleNamespace

import msgspec
from prometheus_client import CollectorRegistry

from steward.policy import metrics
from steward.policy.config import AuditResults, Config
from steward.policy.controller import Cluster
from steward.runtime.backoff import SLICE
from steward.runtime.resource import Key
from steward.runtime.store import Store, Writer
from steward.telemetry.metrics import bind
from support import governed

NOW = dt.datetime(2026, 11, 21, 12, tzinfo=dt.UTC)
PODS = 20 * SLICE


async def _cluster(config, manifests):
    """What the component looks at, with these pods and one policy."""
    writers = {}

    def store(resource, *indexes):
        writers[resource.plural] = Writer(Store(resource, indexes))
        return writers[resource.plural].store

    context = SimpleNamespace(
        config=config, store=store, own_namespace="steward", instruments=bind(metrics.ALL, CollectorRegistry(), component="policy")
    )
    cluster = Cluster(context)
    writers["devopspolicies"].upsert(msgspec.convert(governed.policy(), cluster.policies.resource.type))
    for one in manifests:
        writers["pods"].upsert(msgspec.convert(one, cluster.pods.resource.type))
    return cluster


async def _turns(cluster):
    """How often others have a turn while a policy that is known is looked at again."""
    key, turns = Key("shop", "rules"), 0
    await cluster.observe(key, NOW)
    looking = asyncio.create_task(cluster.observe(key, NOW))
    while not looking.done():
        await asyncio.sleep(0)
        turns += 1
    return turns, (await looking).findings


async def test_findings_are_looked_for_in_slices():
    cluster = await _cluster(Config(), (governed.pod(f"web-{number}", image="app:1") for number in range(PODS)))
    turns, findings = await _turns(cluster)

    assert turns > PODS / SLICE
    assert ((), 0) == (findings.violations, findings.truncated)


async def test_of_many_findings_the_first_are_listed_and_the_others_counted():
    config = Config(audit_results=AuditResults(max_violations=7))
    config = msgspec.structs.replace(config, open_reports=msgspec.structs.replace(config.open_reports, max_results=5))
    cluster = await _cluster(config, (governed.pod(f"web-{number:04}") for number in reversed(range(PODS))))
    _, findings = await _turns(cluster)

    assert [f"web-{number:04}" for number in range(7)] == [one.pod_name for one in findings.violations]
    assert PODS - 7 == findings.truncated
