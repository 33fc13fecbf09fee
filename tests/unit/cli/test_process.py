"""A real process of a real component, as the kubelet starts it, without an API server behind it."""

import http.client
import json
import signal
import ssl

import pytest

KUBECONFIG = """
apiVersion: v1
kind: Config
current-context: test
contexts: [{name: test, context: {cluster: test, user: test}}]
clusters: [{name: test, cluster: {server: "http://127.0.0.1:1"}}]
users: [{name: test, user: {token: "of-a-test"}}]
"""


@pytest.fixture
def run(start, free_ports, tmp_path):
    """Start ``steward run headless``; more lines for its configuration, the kubeconfig, and more settings of http may be given."""

    def run(more="", kubeconfig=KUBECONFIG, http=""):
        (tmp_path / "kubeconfig").write_text(kubeconfig)
        config = tmp_path / "config.yaml"
        config.write_text(f"http: {{metricsPort: {free_ports[0]}, healthPort: {free_ports[1]}{http}}}\n{more}")
        environment = {"KUBECONFIG": str(tmp_path / "kubeconfig"), "POD_NAME": "steward-0", "POD_NAMESPACE": "steward"}
        return start("-c", "from steward.cli import main; main()", "run", "headless", "--config", config, environment=environment)

    return run


def test_it_lives_but_is_not_ready_without_an_api_server_and_stops_with_0(run):
    running = run()
    running.until("/livez", 200)

    status, body = running.get("/readyz", port=running.health_port)
    assert 503 == status
    assert "pods not synced" in body
    assert 'steward_build_info{component="headless",' in running.get("/metrics")[1]

    running.signal(signal.SIGTERM)

    assert 0 == running.wait()
    lines = [json.loads(line) for line in running.log().splitlines()]
    assert {"headless"} == {line["component"] for line in lines}
    assert ["process started", "process stops"] == [line["msg"] for line in lines if line["logger"] == "steward.cli.process"]
    assert "of-a-test" not in running.log()


def test_protected_metrics_are_encrypted_and_want_a_token_that_the_api_server_knows(run):
    """Without files the process makes its certificate; without an API server nobody can be let in; the probes stay plain and open."""
    running = run(http=", tls: true, authorization: true")
    metrics_port, running.metrics_port = running.metrics_port, running.health_port
    running.until("/livez", 200)
    trust = ssl.create_default_context()
    trust.check_hostname, trust.verify_mode = False, ssl.CERT_NONE
    connection = http.client.HTTPSConnection("127.0.0.1", metrics_port, timeout=20, context=trust)

    def status(path, **headers):
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        answer.read()
        return answer.status

    assert [401, 401, 401, 200] == [status(path) for path in ("/", "/metrics", "/events", "/livez")]
    assert 503 == status("/metrics", Authorization="Bearer made-up")
    connection.close()


def test_its_master_stays_small(run):
    """Both processes count against the pod's memory, and the master does nothing but wait."""
    running = run()
    running.until("/livez", 200)
    resident = {pid: _proportional_megabytes(pid) for pid in (running.process.pid, *running.children())}
    print(f"proportional set sizes: {resident}")

    assert resident[running.process.pid] < 30


@pytest.mark.parametrize(
    ("kubeconfig", "more", "said"),
    [
        ("", "", "no way to reach a Kubernetes API server"),
        (KUBECONFIG, "leaderElection: {leaseDurationSeconds: 5}", "leaderElection.leaseDurationSeconds: 5 must be greater than"),
    ],
    ids=["kubeconfig", "lease"],
)
def test_what_cannot_start_says_why_in_one_line_and_ends_with_1(run, kubeconfig, more, said):
    running = run(more, kubeconfig)

    assert 1 == running.wait()
    (line,) = running.log().splitlines()
    assert line.startswith("steward: ")
    assert said in line


def test_a_taken_port_is_one_line_and_1(run, free_ports):
    first = run()
    first.until("/livez", 200)
    second = run()

    assert 1 == second.wait()
    assert f"steward: http.metricsPort: port {free_ports[0]} is taken by another process. Stop that one, or choose another port.\n" == second.log()


def _proportional_megabytes(pid):
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("Pss:")) / 1024
