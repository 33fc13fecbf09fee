"""The Flask application, without a server."""

import json

import pytest
from prometheus_client import CollectorRegistry, Gauge

from steward.http.app import create_app
from steward.telemetry.access import Access
from steward.telemetry.probes import LIVENESS, READINESS, STARTUP, Verdict

METRICS, HEALTH = "http://steward:8080", "http://steward:8081"
OK = Verdict(ok=True)


class Fixed:
    """A probe with an answer; an exception is raised."""

    def __init__(self, name, paths, answer=OK):
        self.name, self.paths, self.answer = name, paths, answer

    def check(self):
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.fixture
def client():
    """Make a client of an application with these probes."""

    def client(*probes, authorize=None):
        registry = CollectorRegistry()
        Gauge("steward_tested", "Whether this is a test.", registry=registry).set(1)
        app = create_app(
            probes=probes,
            registry=registry,
            events=lambda: b'{"reason":"Tested"}\n',
            trouble=list,
            metrics_port=8080,
            health_port=8081,
            authorize=authorize,
        )
        return app.test_client()

    return client


@pytest.mark.parametrize("path", ["/healthz", "/livez", "/readyz", "/startupz"])
@pytest.mark.parametrize("base", [METRICS, HEALTH], ids=["metrics-port", "health-port"])
def test_health_is_ok_on_both_ports_when_all_is_well(client, base, path):
    answer = client(Fixed("fine", (STARTUP, LIVENESS, READINESS))).get(path, base_url=base)

    assert (200, "ok\n") == (answer.status_code, answer.text)
    assert "no-store" == answer.headers["Cache-Control"]


@pytest.mark.parametrize(
    ("base", "path"),
    [(HEALTH, "/metrics"), (HEALTH, "/events"), (HEALTH, "/"), (METRICS, "/livez/"), (METRICS, "/static/x"), ("http://steward:9999", "/livez")],
)
def test_anything_else_is_404(client, base, path):
    answer = client().get(path, base_url=base)

    assert (404, "404 Not Found\n") == (answer.status_code, answer.text)


def test_only_get_is_answered(client):
    answer = client().post("/metrics", base_url=METRICS)

    assert 405 == answer.status_code
    assert {"GET", "HEAD"} == set(answer.headers["Allow"].split(", "))


@pytest.mark.parametrize(
    ("path", "status"), [("/startupz", 200), ("/livez", 200), ("/healthz", 200), ("/readyz", 503)], ids=["startup", "live", "health", "ready"]
)
def test_a_probe_is_asked_only_on_its_paths(client, path, status):
    answer = client(Fixed("sync", (READINESS,), Verdict(ok=False, reason="pods not synced"))).get(path, base_url=HEALTH)

    assert status == answer.status_code


def test_a_failure_lists_every_check_with_its_reason(client):
    """In the form of kube-apiserver, so that people can read it and tools that know it too."""
    probes = Fixed("rights", (READINESS,)), Fixed("caches", (READINESS,), Verdict(ok=False, reason="pods not synced"))
    answer = client(*probes).get("/readyz", base_url=HEALTH)

    assert 503 == answer.status_code
    assert "[+]rights ok\n[-]caches failed: pods not synced\nreadyz check failed\n" == answer.text


def test_verbose_lists_checks_that_passed(client):
    answer = client(Fixed("loop", (LIVENESS,))).get("/livez?verbose", base_url=HEALTH)

    assert "[+]loop ok\nlivez check passed\n" == answer.text


def test_a_check_that_raises_has_failed_and_its_message_stays_inside(client):
    answer = client(Fixed("loop", (LIVENESS,), ValueError("a secret"))).get("/livez", base_url=HEALTH)

    assert 503 == answer.status_code
    assert "[-]loop failed: the check failed with ValueError\nlivez check failed\n" == answer.text


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [("application/openmetrics-text;version=1.0.0", "application/openmetrics-text; version=1.0.0"), ("*/*", "text/plain; version=")],
    ids=["openmetrics", "text"],
)
def test_metrics_come_in_the_form_that_is_asked_for(client, accept, content_type):
    answer = client().get("/metrics", base_url=METRICS, headers={"Accept": accept})

    assert answer.content_type.startswith(content_type)
    assert "steward_tested 1.0\n" in answer.text
    assert answer.text.endswith("# EOF\n") == accept.startswith("application")


def test_events_are_json_lines(client):
    answer = client().get("/events", base_url=METRICS)

    assert "application/x-ndjson" == answer.content_type
    assert [{"reason": "Tested"}] == [json.loads(line) for line in answer.text.splitlines()]


@pytest.mark.parametrize("path", ["/", "/metrics", "/events"])
@pytest.mark.parametrize(
    ("header", "access", "status"),
    [
        ({"Authorization": "Bearer good"}, Access.GRANTED, 200),
        ({"Authorization": "bearer  good "}, Access.GRANTED, 200),
        ({"Authorization": "Bearer good"}, Access.DENIED, 403),
        ({"Authorization": "Bearer good"}, Access.UNKNOWN, 401),
        ({"Authorization": "Bearer good"}, Access.UNDECIDED, 503),
        ({"Authorization": "Bearer"}, Access.GRANTED, 401),
        ({"Authorization": "Basic good"}, Access.GRANTED, 401),
        ({}, Access.GRANTED, 401),
    ],
    ids=["granted", "granted-in-other-words", "denied", "unknown", "undecided", "no-token", "other-scheme", "anonymous"],
)
def test_what_is_guarded_is_given_to_whoever_may(client, path, header, access, status):
    asked = []
    answer = client(authorize=lambda *question: asked.append(question) or access).get(path, base_url=METRICS, headers=header)

    assert status == answer.status_code
    assert asked in ([("good", path)], [])
    assert ("Bearer realm=" in answer.headers.get("WWW-Authenticate", "").replace("bearer", "Bearer")) is (status == 401)


@pytest.mark.parametrize("path", ["/healthz", "/livez", "/readyz", "/startupz"])
def test_health_is_asked_without_a_token_also_where_metrics_are_guarded(client, path):
    assert 200 == client(authorize=lambda *_: Access.DENIED).get(path, base_url=METRICS).status_code
