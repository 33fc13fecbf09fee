"""Traces, as a collector gets them over HTTP."""

import http.server
import subprocess
import sys
import threading

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from steward.telemetry.tracing import NO_SPAN, Tracing, attributes_of


class Collector:
    """What an OTLP collector received: spans by name, and the last resource and headers."""

    def __init__(self):
        self.spans, self.resource, self.headers = {}, {}, {}

    def receive(self, headers, body):
        self.headers = dict(headers)
        for of_resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            self.resource = {one.key: one.value.string_value for one in of_resource.resource.attributes}
            for of_scope in of_resource.scope_spans:
                self.spans |= {span.name: span for span in of_scope.spans}


@pytest.fixture
def collector():
    """A collector of this process, with its ``url``."""
    state = Collector()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            assert "/v1/traces" == self.path
            state.receive(self.headers, self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    state.url = f"http://127.0.0.1:{server.server_port}/"
    yield state
    server.shutdown()
    server.server_close()


def text(span):
    return {one.key: one.value.string_value or one.value.int_value for one in span.attributes}


def test_a_change_holds_its_reconcile_which_holds_its_requests(collector):
    tracing = Tracing()
    tracing.configure({"service.name": "steward-headless"}, endpoint=collector.url, ratio=1.0)
    with tracing.change("headless", "shop", "web-0", waited=1.5), tracing.reconcile("headless"), tracing.request("create", "services") as request:
        request.set("http.response.status_code", 201)
    tracing.shutdown()

    change, reconcile, create = (collector.spans[name] for name in ("headless change", "headless reconcile", "create services"))
    assert (b"", change.span_id, reconcile.span_id) == (change.parent_span_id, reconcile.parent_span_id, create.parent_span_id)
    assert 1.5e9 <= reconcile.start_time_unix_nano - change.start_time_unix_nano
    assert {"steward.controller": "headless", "k8s.namespace.name": "shop", "steward.object.name": "web-0"} == text(change)
    assert {"steward.kube_api.verb": "create", "steward.kube_api.resource": "services", "http.response.status_code": 201} == text(create)
    assert "steward-headless" == collector.resource["service.name"]


def test_what_fails_is_marked(collector):
    tracing = Tracing()
    tracing.configure({}, endpoint=collector.url, ratio=1.0)
    with pytest.raises(ValueError, match="broken"), tracing.reconcile("headless"):
        raise ValueError("broken")
    tracing.shutdown()

    span = collector.spans["headless reconcile"]
    assert span.status.STATUS_CODE_ERROR == span.status.code


def test_ids_lead_from_log_lines_and_histograms_to_the_trace(collector):
    tracing = Tracing()
    tracing.configure({}, endpoint=collector.url, ratio=1.0)
    with tracing.reconcile("headless") as span:
        exemplar = tracing.exemplar()
    tracing.shutdown()

    sent = collector.spans["headless reconcile"]
    assert {"trace_id": sent.trace_id.hex(), "span_id": sent.span_id.hex()} == span.ids
    assert {"trace_id": sent.trace_id.hex()} == exemplar


def test_what_the_sampler_leaves_out_has_no_ids_and_is_not_sent(collector):
    tracing = Tracing()
    tracing.configure({}, endpoint=collector.url, ratio=0.0)
    with tracing.reconcile("headless") as span, tracing.request("create", "services"):
        assert ({}, None) == (span.ids, tracing.exemplar())
    tracing.shutdown()

    assert {} == collector.spans


def test_requests_outside_of_a_reconcile_are_not_traced(collector):
    """Renewals of the lease would be most of what the collector stores."""
    tracing = Tracing()
    tracing.configure({}, endpoint=collector.url, ratio=1.0)

    assert tracing.request("patch", "leases") is NO_SPAN
    tracing.shutdown()


def test_headers_for_the_collector_come_from_the_environment(collector, monkeypatch):
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Basic%20abc")
    tracing = Tracing()
    tracing.configure({}, endpoint=collector.url, ratio=1.0)
    with tracing.reconcile("headless"):
        pass
    tracing.shutdown()

    assert "Basic abc" == collector.headers["authorization"]


def test_a_collector_that_is_away_does_not_keep_the_process(free_ports):
    """It runs in one of its own: the exporter's thread goes on trying for a while, with pauses of random length."""
    program = """if True:
        import sys
        from steward.telemetry import tracing as of_process
        of_process.FLUSH_SECONDS = 0.1
        tracing = of_process.Tracing()
        tracing.configure({}, endpoint=sys.argv[1], ratio=1.0)
        with tracing.reconcile("headless"):
            pass
        tracing.shutdown()
        assert tracing.reconcile("headless") is of_process.NO_SPAN"""
    run = [sys.executable, "-c", program, f"http://127.0.0.1:{free_ports[0]}"]
    ended = subprocess.run(run, check=True, capture_output=True, text=True, timeout=20)

    assert "last traces not sent in time" in ended.stderr


def test_nothing_of_opentelemetry_is_imported_while_it_is_off():
    program = """if True:
        import sys
        import steward.cli.assembly
        from steward.telemetry.tracing import tracing
        with tracing.change("headless", "a", "b", waited=0.0), tracing.reconcile("headless"), tracing.request("get", "pods"):
            assert tracing.exemplar() is None
        print([name for name in sys.modules if name.startswith(("opentelemetry", "google.protobuf"))])"""

    assert "[]" == subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout.strip()


def test_a_process_says_who_it_is_by_the_semantic_conventions():
    about = attributes_of(component="headless", version="1.2.3", environment={"POD_NAME": "steward-0", "POD_NAMESPACE": "steward"})

    assert ("steward-headless", "1.2.3", "steward-0", "steward") == tuple(
        about[name] for name in ("service.name", "service.version", "service.instance.id", "k8s.namespace.name")
    )
    assert "k8s.pod.name" not in attributes_of(component="headless", version="1.2.3", environment={})
