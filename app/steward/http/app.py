"""The Flask application of a component: health checks, metrics, the last Events and a status page; anything else is 404.

Two ports, one application: the port of metrics serves everything, the port of health only the health checks, so that a
NetworkPolicy can open it to the kubelet without giving away the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial

from flask import Flask, Response, abort, request
from flask.typing import ResponseReturnValue
from prometheus_client import CollectorRegistry, make_wsgi_app
from werkzeug.datastructures import WWWAuthenticate
from werkzeug.exceptions import Forbidden, HTTPException, ServiceUnavailable, Unauthorized

from steward.http import status
from steward.telemetry.access import Access, Authorize
from steward.telemetry.logging import get_logger
from steward.telemetry.probes import LIVENESS, READINESS, STARTUP, Probe, Verdict

HEALTH_PATHS = {"/healthz": LIVENESS, "/livez": LIVENESS, "/readyz": READINESS, "/startupz": STARTUP}
"""Paths of the health checks and what each asks; ``/healthz`` is the old name of ``/livez``, as at kube-apiserver."""

METRICS_PATHS = ("/", "/metrics", "/events", *HEALTH_PATHS)
"""Paths on the port of metrics."""

_REFUSED: dict[Access, Callable[[], HTTPException]] = {
    # RFC 6750, 3: what to come back with.
    Access.UNKNOWN: lambda: Unauthorized(www_authenticate=WWWAuthenticate("bearer", {"realm": "steward"})),
    Access.DENIED: Forbidden,
    Access.UNDECIDED: ServiceUnavailable,
}

_log = get_logger(__name__)


def create_app(
    *,
    probes: Sequence[Probe],
    registry: CollectorRegistry,
    events: Callable[[], bytes],
    trouble: Callable[[], list[str]],
    metrics_port: int,
    health_port: int,
    authorize: Authorize | None = None,
) -> Flask:
    """Make the application.

    Args:
        probes: Health checks; each says by its ``paths`` who asks it.
        registry: What ``/metrics`` exports, as OpenMetrics or text, whichever the client prefers.
        events: The last recorded Events as JSON lines, oldest first.
        trouble: The last warnings and errors of the log, newest first.
        metrics_port: Port that serves every path.
        health_port: Port that serves the health checks only.
        authorize: Who may read all but the health checks; None lets everybody.
    """
    app = Flask("steward", static_folder=None)
    _refuse_other_paths(app, metrics_port=metrics_port, health_port=health_port)
    if authorize is not None:
        _ask_for_a_token(app, authorize)
    for path, asks in HEALTH_PATHS.items():
        _add(app, path, partial(_health, path[1:], [probe for probe in probes if asks in probe.paths]))
    metrics = make_wsgi_app(registry)
    _add(app, "/metrics", lambda: metrics)
    _add(app, "/events", lambda: Response(events(), content_type="application/x-ndjson"))
    judged = [(probe, partial(_judge, probe)) for probe in probes]
    _add(app, "/", lambda: status.page(registry=registry, probes=judged, paths=METRICS_PATHS[1:], events=events, trouble=trouble))

    @app.after_request
    def never_cached(response: Response) -> Response:
        response.headers["Cache-Control"] = "no-store"
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response

    @app.errorhandler(HTTPException)
    def plain(error: HTTPException) -> Response:
        response = Response(f"{error.code} {error.name}\n", status=error.code, content_type="text/plain; charset=utf-8")
        for name, value in error.get_headers():
            if name in ("Allow", "WWW-Authenticate"):
                response.headers[name] = value
        return response

    return app


def _refuse_other_paths(app: Flask, *, metrics_port: int, health_port: int) -> None:
    """404 for whatever the port does not serve. The port is the socket's own, which no header of the client can change."""
    served = {str(metrics_port): {*METRICS_PATHS}, str(health_port): {*HEALTH_PATHS}}

    @app.before_request
    def refuse() -> None:
        if request.path not in served.get(request.environ["SERVER_PORT"], ()):
            abort(404)


def _ask_for_a_token(app: Flask, authorize: Authorize) -> None:
    """401, 403 or 503 for whoever may not read. The health checks stay open: they say nothing but ok, and the kubelet has no token."""

    @app.before_request
    def refuse() -> None:
        if request.path in HEALTH_PATHS:
            return
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        bears = scheme.lower() == "bearer" and token.strip()
        access = authorize(token.strip(), request.path) if bears else Access.UNKNOWN
        if access is not Access.GRANTED:
            refusal = _REFUSED[access]()
            raise refusal


def _add(app: Flask, path: str, view: Callable[[], ResponseReturnValue]) -> None:
    app.add_url_rule(path, endpoint=path, view_func=view, methods=["GET"], provide_automatic_options=False)


def _health(name: str, probes: Iterable[Probe]) -> Response:
    """Answer as kube-apiserver does: ``ok``, or every check with a mark; with ``?verbose`` always the latter. 503 when one failed."""
    verdicts = [(probe.name, _judge(probe)) for probe in probes]
    passed = all(verdict.ok for _, verdict in verdicts)
    if passed and "verbose" not in request.args:
        return _text("ok\n", 200)
    lines = [_line(probe, verdict) for probe, verdict in verdicts]
    lines.append(f"{name} check {'passed' if passed else 'failed'}\n")
    return _text("".join(lines), 200 if passed else 503)


def _judge(probe: Probe) -> Verdict:
    try:
        return probe.check()
    except Exception as error:  # noqa: BLE001 - a check that cannot tell has not passed
        _log.error("health check could not be made", check=probe.name, exc=error)
        return Verdict(ok=False, reason=f"the check failed with {type(error).__name__}")


def _line(name: str, verdict: Verdict) -> str:
    said = f": {verdict.reason}" if verdict.reason else ""
    return f"[+]{name} ok{said}\n" if verdict.ok else f"[-]{name} failed{said}\n"


def _text(body: str, status: int) -> Response:
    return Response(body, status=status, content_type="text/plain; charset=utf-8")
