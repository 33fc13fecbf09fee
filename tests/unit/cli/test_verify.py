"""``steward verify`` against a server that answers as Prometheus does; tests/cluster asks a real one."""

import http.server
import json
import threading
import urllib.parse

import pytest

from steward.cli.panels import read

JOB = "steward-headless"
UP = {"labels": {"job": JOB}, "health": "up", "lastError": "", "scrapeUrl": "http://10.0.0.7:8080/metrics"}
RULE = {"name": "OperatorDown", "type": "alerting", "health": "ok", "query": "sum(rate(steward_reconcile_duration_seconds_bucket[5m]))"}
SERIES = ["steward_build_info", "steward_leader", "steward_component_ready", "steward_reconcile_duration_seconds_bucket"]
DASHBOARD = {
    "title": "Headless services",
    "panels": [
        {"title": "Rate", "targets": [{"expr": 'sum(rate(x_total{namespace=~"$namespace", job=~"${job:regex}"}[$__rate_interval]))'}]},
        {"title": "Folded", "panels": [{"title": "Inside", "targets": [{"expr": "increase(y_total[${__range}])"}, {"expr": ""}]}]},
    ],
}


class Server:
    """Answers from tables that a test can change."""

    def __init__(self):
        self.targets, self.rules, self.series, self.answers = [UP], [RULE], list(SERIES), {}
        self.whole = None
        self.asked, self.headers = [], []

    def answer(self, path, parameters):
        if self.whole:
            return self.whole
        match path:
            case "/api/v1/targets":
                return 200, success({"activeTargets": self.targets})
            case "/api/v1/rules":
                return 200, success({"groups": [{"name": "steward", "rules": self.rules}]})
            case "/api/v1/query":
                return self.query(parameters["query"])
        return 404, "404 page not found"

    def query(self, expression):
        self.asked.append(expression)
        if expression.startswith("count by (__name__)"):
            result = [{"metric": {"__name__": name}, "value": [0, "1"]} for name in self.series]
        else:
            result = self.answers.get(expression, [{"metric": {}, "value": [0, "1"]}])
        if isinstance(result, str):
            return 400, json.dumps({"status": "error", "error": result})
        return 200, success({"resultType": "vector", "result": result})


def success(data):
    return json.dumps({"status": "success", "data": data})


@pytest.fixture
def prometheus():
    """A server, with its ``url``."""
    state = Server()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            url = urllib.parse.urlsplit(self.path)
            state.headers.append(dict(self.headers))
            status, body = state.answer(url.path, dict(urllib.parse.parse_qsl(url.query)))
            self.send_response(status)
            if status == 302:
                self.send_header("Location", body)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    state.url = f"http://127.0.0.1:{server.server_port}"
    yield state
    server.shutdown()
    server.server_close()


@pytest.fixture
def verify(steward, prometheus):
    """Run the command against the server; gives exit code, stdout, stderr."""
    return lambda *arguments: steward("verify", "--prometheus", prometheus.url, *arguments)


def test_all_well_is_0_and_says_what_was_seen(verify):
    code, out, err = verify()

    assert (0, "") == (code, err)
    assert out.splitlines() == [
        "ok       targets     steward-headless: 1 of 1 up",
        "ok       rules       rules: 1 alerts and 0 recording rules are evaluated",
        "ok       metrics     steward-headless: all 4 that rules need have series",
        "3 ok, 0 to look at, 0 failed",
    ]


def test_json_holds_the_same_for_machines(verify):
    findings = json.loads(verify("-o", "json")[1])

    assert ["targets", "rules", "metrics"] == [finding["check"] for finding in findings]
    assert {"ok"} == {finding["status"] for finding in findings}


BREAKS = {
    "not scraped": (
        lambda state: state.targets.clear(),
        "FAILED   targets     steward-headless: Prometheus has no such target",
        "release: <its release>",
    ),
    "down": (
        lambda state: state.targets.append({**UP, "health": "down", "lastError": "connection refused"}),
        "FAILED   targets     steward-headless: 1 of 2 not up: http://10.0.0.7:8080/metrics: connection refused",
        "NetworkPolicy",
    ),
    "no rules": (lambda state: state.rules.clear(), "FAILED   rules       rules: Prometheus has loaded none", "spec.ruleSelector"),
    "rules of others only": (
        lambda state: state.rules.__setitem__(0, {**RULE, "query": "up == 0"}),
        "FAILED   rules       rules: Prometheus has loaded none",
        "prometheusRule",
    ),
    "rule cannot be evaluated": (
        lambda state: state.rules.append({**RULE, "name": "Bad", "health": "err", "lastError": "many-to-many matching"}),
        "FAILED   rules       Bad: cannot be evaluated: many-to-many matching",
        "mend its expression",
    ),
    "metric dropped": (
        lambda state: state.series.remove("steward_reconcile_duration_seconds_bucket"),
        "FAILED   metrics     steward_reconcile_duration_seconds: no series of job steward-headless",
        "metricRelabelings",
    ),
}


@pytest.mark.parametrize(("broken", "line", "fix"), BREAKS.values(), ids=BREAKS)
def test_what_is_wrong_is_said_with_its_mend_and_is_1(verify, prometheus, broken, line, fix):
    broken(prometheus)

    code, out, err = verify("headless")

    assert 1 == code
    assert line in out
    assert fix in out
    assert err.startswith("steward: 1 of ")


def test_what_only_needs_time_is_no_failure(verify, prometheus):
    prometheus.targets = [{**UP, "health": "unknown"}]
    prometheus.rules.append({**RULE, "name": "New", "health": "unknown"})

    code, out, _ = verify()

    assert 0 == code
    assert 2 == out.count("ask again")


def test_queries_of_dashboards_are_asked_as_grafana_would(verify, prometheus, tmp_path):
    file = tmp_path / "dashboard.json"
    file.write_text(json.dumps(DASHBOARD))

    code, out, _ = verify("--dashboards", file)

    assert 0 == code
    assert prometheus.asked[-2:] == ['sum(rate(x_total{namespace=~".*", job=~".*"}[5m]))', "increase(y_total[1h])"]
    assert "ok       dashboards  Headless services: every query has an answer" in out


def test_a_query_that_is_refused_fails_and_an_empty_answer_is_to_look_at(verify, prometheus, tmp_path):
    file = tmp_path / "dashboard.json"
    file.write_text(json.dumps(DASHBOARD))
    prometheus.answers = {"increase(y_total[1h])": "parse error", 'sum(rate(x_total{namespace=~".*", job=~".*"}[5m]))': []}

    code, out, _ = verify("--dashboards", file)

    assert 1 == code
    assert "FAILED   dashboards  Headless services / Inside: " in out
    assert "parse error" in out
    assert "warning  dashboards  Headless services: no data for: Rate" in out


@pytest.mark.parametrize("wrap", [lambda maps: maps[0], lambda maps: {"kind": "List", "items": maps}], ids=["one", "list"])
def test_dashboards_come_from_the_configmaps_of_the_cluster_too(wrap):
    maps = [{"kind": "ConfigMap", "data": {"a.json": json.dumps(DASHBOARD), "readme.txt": "no dashboard"}}]

    assert ["Rate", "Inside"] == [query.panel for query in read("-", json.dumps(wrap(maps)))]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "-: neither JSON nor YAML"),
        ("{}", "-: no dashboard in it. "),
        (json.dumps({"kind": "ConfigMap", "data": {"a.json": "{"}}), "-: a.json is not JSON"),
    ],
)
def test_what_holds_no_dashboard_is_refused(steward, monkeypatch, text, message):
    monkeypatch.setattr("sys.stdin.read", lambda: text)
    code, _, err = steward("verify", "--prometheus", "http://127.0.0.1:1", "--dashboards", "-")

    assert 2 == code
    assert err.startswith(f"steward: {message}")


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ((200, "<html>"), "the answer is not that of Prometheus' API. Is the path prefix missing from --prometheus?"),
        ((401, "no"), "status 401. It wants a token: --token-file"),
        ((404, "no"), "status 404. Is the path prefix missing from --prometheus?"),
        ((302, "https://login.example/"), "status 302 to https://login.example/. Give that address"),
        ((503, "starting"), "status 503"),
    ],
)
def test_a_server_that_does_not_answer_as_prometheus_is_one_line(verify, prometheus, answer, message):
    prometheus.whole = answer

    assert (1, "", f"steward: {prometheus.url}/api/v1/targets: {message}\n") == verify()


def test_nobody_there_and_no_url_are_one_line(steward, free_ports):
    assert "Connection refused" in steward("verify", "--prometheus", f"http://127.0.0.1:{free_ports[0]}")[2]
    assert (
        'steward: --prometheus: expected http://HOST or https://HOST, got "localhost:9090"\n'
        == steward("verify", "--prometheus", "localhost:9090")[2]
    )


def test_the_token_is_sent_and_a_missing_file_is_named(verify, prometheus, tmp_path):
    (tmp_path / "token").write_text("abc\n")

    assert 0 == verify("--token-file", tmp_path / "token")[0]
    assert {"Bearer abc"} == {headers["Authorization"] for headers in prometheus.headers}
    assert f"steward: --token-file {tmp_path}/none: No such file or directory\n" == verify("--token-file", tmp_path / "none")[2]
    assert "no certificates in PEM form" in verify("--ca-file", tmp_path / "token")[2]
