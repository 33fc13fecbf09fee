"""Calls that are not handed on: all are counted, and the log is not filled with them."""

import asyncio

import pytest
from prometheus_client import CollectorRegistry

from steward.telemetry.metrics import bind
from steward.webhook import metrics
from steward.webhook.refusals import QUIET_SECONDS, Refusals

pytestmark = pytest.mark.looptime


async def test_the_log_is_told_once_a_minute_of_each_reason(caplog):
    registry = CollectorRegistry()
    refuse = Refusals(metrics.Counters(bind(metrics.ALL, registry, component="webhook")))

    def tell():
        for reason in ("overload", "overload", "oversize", "overload"):
            refuse(reason)
        return len(caplog.records)

    lines = [tell()]
    await asyncio.sleep(QUIET_SECONDS - 1)
    lines.append(tell())
    await asyncio.sleep(1)
    lines.append(tell())

    assert [2, 2, 4] == lines
    assert 9 == registry.get_sample_value("kube_devops_webhook_failures_total", {"reason": "overload"})
    assert ["call not taken"] * 4 == [record.getMessage() for record in caplog.records]
