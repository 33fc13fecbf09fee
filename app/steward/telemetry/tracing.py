"""Traces in OpenTelemetry's form: from a change to its writes, each reconcile, each request to the API server made for it.

Off until :func:`configure` is called. Then nothing of OpenTelemetry is imported and a span costs a function call. Requests outside of
a reconcile (watches, leases, Events) are counted by the metrics and not traced: at one lease renewal every two seconds they would be
most of what a collector stores.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from steward.telemetry.logging import get_logger

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SpanExporter
    from opentelemetry.trace import Span as OTelSpan
    from opentelemetry.trace import Tracer

FLUSH_SECONDS = 2.0
"""What the last spans may take when the process stops."""

log = get_logger(__name__)


class Span:
    """Something that takes time. This one is not recorded: tracing is off, or the sampler said no.

    Attributes:
        ids: ``trace_id`` and ``span_id`` for log lines; empty when not recorded.
    """

    ids: Mapping[str, str] = {}

    def set(self, name: str, value: str | float) -> None:
        """Add an attribute."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Ends the span; an exception that leaves it makes it one that failed."""


NO_SPAN = Span()


class RecordedSpan(Span):
    """A span that is sent to the collector. Entering it makes it the parent of spans begun inside, in tasks started there too."""

    def __init__(self, span: OTelSpan) -> None:
        from opentelemetry.trace import format_span_id, format_trace_id, use_span

        self._span = span
        self._use = use_span(span, end_on_exit=True)
        context = span.get_span_context()
        if context.trace_flags.sampled:
            self.ids = {"trace_id": format_trace_id(context.trace_id), "span_id": format_span_id(context.span_id)}

    def set(self, name: str, value: str | float) -> None:
        """See :class:`Span`."""
        self._span.set_attribute(name, value)

    def __enter__(self) -> Self:
        self._use.__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """See :class:`Span`."""
        self._use.__exit__(kind, error, trace)


class Tracing:
    """The switch of a process: a tracer, or none."""

    def __init__(self) -> None:
        self._provider: TracerProvider | None = None
        self._tracer: Tracer | None = None

    def configure(self, attributes: Mapping[str, str], *, endpoint: str, ratio: float, exporter: SpanExporter | None = None) -> None:
        """Begin to trace.

        The SDK's environment variables hold what is not here: ``OTEL_EXPORTER_OTLP_HEADERS`` for authentication,
        ``OTEL_EXPORTER_OTLP_CERTIFICATE`` for a private CA, ``OTEL_RESOURCE_ATTRIBUTES`` for more attributes.

        Args:
            attributes: Of the process, by OpenTelemetry's semantic conventions, such as ``service.name``.
            endpoint: URL of the collector without a path, such as ``http://collector:4318``; OTLP over HTTP.
            ratio: Part of the reconciles that is traced, from 0 to 1.
            exporter: Where to send spans instead.
        """
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
        from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased

        provider = TracerProvider(resource=Resource.create(dict(attributes)), sampler=ParentBased(TraceIdRatioBased(ratio)), shutdown_on_exit=False)
        provider.add_span_processor(BatchSpanProcessor(exporter or OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces")))
        self._provider = provider
        self._tracer = provider.get_tracer("steward")

    def change(self, controller: str, namespace: str, name: str, *, waited: float) -> Span:
        """From the change that woke a key, ``waited`` seconds ago, to the end of its writes."""
        if self._tracer is None:
            return NO_SPAN
        about = {"steward.controller": controller, "k8s.namespace.name": namespace, "steward.object.name": name}
        start = time.time_ns() - int(waited * 1e9)
        return RecordedSpan(self._tracer.start_span(f"{controller} change", start_time=start, attributes=about))

    def reconcile(self, controller: str) -> Span:
        """One reconcile, its writes included."""
        return NO_SPAN if self._tracer is None else RecordedSpan(self._tracer.start_span(f"{controller} reconcile"))

    def request(self, verb: str, resource: str) -> Span:
        """One request to the API server, when it is made for a reconcile."""
        if self._tracer is None:
            return NO_SPAN
        from opentelemetry.trace import SpanKind, get_current_span

        if not get_current_span().get_span_context().is_valid:
            return NO_SPAN
        about = {"steward.kube_api.verb": verb, "steward.kube_api.resource": resource}
        return RecordedSpan(self._tracer.start_span(f"{verb} {resource}", kind=SpanKind.CLIENT, attributes=about))

    def exemplar(self) -> dict[str, str] | None:
        """Label of an exemplar that leads from a histogram to the trace of what goes on now; None when that is not traced."""
        if self._tracer is None:
            return None
        from opentelemetry.trace import format_trace_id, get_current_span

        context = get_current_span().get_span_context()
        return {"trace_id": format_trace_id(context.trace_id)} if context.trace_flags.sampled else None

    def shutdown(self) -> None:
        """Send what waits, as far as there is time, and end. A collector that does not answer must not keep the process."""
        provider, self._provider, self._tracer = self._provider, None, None
        if provider is None:
            return
        last = threading.Thread(target=provider.shutdown, name="traces", daemon=True)
        last.start()
        last.join(FLUSH_SECONDS)
        if last.is_alive():
            log.warning("last traces not sent in time", limit_seconds=FLUSH_SECONDS)


tracing = Tracing()
"""The one of this process; like the log it is set up once, where the process starts."""


def attributes_of(*, component: str, version: str, environment: Mapping[str, str]) -> dict[str, Any]:
    """What the process says of itself, by OpenTelemetry's semantic conventions for services and Kubernetes."""
    known = {
        "service.name": f"steward-{component}",
        "service.namespace": "steward",
        "service.version": version,
        "service.instance.id": environment.get("POD_NAME"),
        "k8s.pod.name": environment.get("POD_NAME"),
        "k8s.namespace.name": environment.get("POD_NAMESPACE"),
    }
    return {name: value for name, value in known.items() if value}
