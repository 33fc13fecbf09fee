"""A whole component, traced: what a collector is told about one pod's name."""

import io
import json
import logging as stdlib_logging

import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client.openmetrics.exposition import generate_latest

from steward.telemetry import logging
from steward.telemetry.tracing import tracing
from support.builders import pod
from support.fakeapi import FakeAPI
from support.managers import running

pytestmark = pytest.mark.looptime


@pytest.fixture
def exporter():
    """Gets the spans of this process once ``tracing.shutdown()`` was called."""
    exporter = InMemorySpanExporter()
    tracing.configure({}, endpoint="http://unused.example", ratio=1.0, exporter=exporter)
    yield exporter
    tracing.shutdown()


async def traced(api):
    """One pod gets its name; the manager it got it from."""
    async with running(api, lease=True) as steward:
        api.add(pod("web-0"))
        await steward.until(lambda: api.all("endpointslices") and api.all("services"))
    return steward


async def test_a_pod_that_got_a_name_is_one_trace_of_change_reconcile_and_writes(exporter):
    await traced(FakeAPI())
    tracing.shutdown()
    spans = exporter.get_finished_spans()
    (create,) = [span for span in spans if span.name == "create services"]
    trace = {span.context.span_id: span for span in spans if span.context.trace_id == create.context.trace_id}

    assert {"headless change", "headless reconcile", "create services", "create endpointslices"} == {span.name for span in trace.values()}
    reconcile = trace[create.parent.span_id]
    assert "headless reconcile" == reconcile.name
    assert "web-0" == trace[reconcile.parent.span_id].attributes["steward.object.name"]
    assert 201 == create.attributes["http.response.status_code"]


async def test_nothing_else_is_traced(exporter):
    """Neither leases nor Events nor watches: each would be a trace of one span."""
    await traced(FakeAPI())
    tracing.shutdown()

    assert {"headless change"} == {span.name for span in exporter.get_finished_spans() if span.parent is None}


async def test_histograms_lead_to_the_trace_by_their_exemplars(exporter):
    steward = await traced(FakeAPI())
    tracing.shutdown()
    traces = {f"{span.context.trace_id:032x}" for span in exporter.get_finished_spans()}
    lines = generate_latest(steward.registry).decode().splitlines()

    for metric in ("steward_reconcile_duration_seconds_bucket", "steward_kube_api_request_duration_seconds_bucket"):
        found = [line.split('trace_id="')[1].split('"')[0] for line in lines if line.startswith(metric) and "trace_id=" in line]
        assert found, metric
        assert set(found) <= traces


async def test_lines_of_a_reconcile_share_its_ids(exporter, monkeypatch):
    """A refused write is the line; its trace is the one of the reconcile."""
    api, stream = FakeAPI(), io.StringIO()
    handler = stdlib_logging.StreamHandler(stream)
    handler.setFormatter(logging.JSONFormatter("headless"))
    monkeypatch.setattr(stdlib_logging.getLogger(), "handlers", [handler])
    async with running(api) as steward:
        api.answer(500, match="create services", times=1)
        api.add(pod("web-0"))
        await steward.until(lambda: api.all("services"))
    tracing.shutdown()
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    (failed,) = [line for line in lines if line["msg"] == "reconcile failed, trying again"]

    assert "shop/web-0" == failed["object"]
    assert 16 == len(failed["reconcile_id"])
    assert failed["trace_id"] in {f"{span.context.trace_id:032x}" for span in exporter.get_finished_spans()}
