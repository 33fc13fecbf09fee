"""Tiny runs of the benchmark of governance: with the peers in Go, which need nothing of ours."""

from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest

from harness.governance import apiserver, background, calls, course, kube, plan, scoring, webhooks, wire
from harness.governance.plan import NAMESPACE, QUICK, Step
from harness.governance.policies import policy
from harness.journal import Journal
from harness.waiting import Failed
from support.certificates import Authority

pytestmark = [pytest.mark.timeout(600), pytest.mark.usefixtures("prepared")]  # the first test builds Go programs, in minutes where nothing is cached

TINY = replace(QUICK, seconds=0.2, connections=(1, 3), pods=200, idle_seconds=0.5)


def measured(figures):
    return {figure.name: figure.value for figure in figures}


@pytest.fixture
def client(tmp_path):
    """A client of a server that answers every review with this."""
    servers = []

    def start(answer: bytes, status: int = 200) -> calls.Client:
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(status)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_):
                pass

        authority = Authority(tmp_path / "authority")
        server = HTTPServer(("127.0.0.1", 0), Handler)
        server.socket = authority.server().wrap_socket(server.socket, server_side=True)
        servers.append(server)
        Thread(target=server.serve_forever, daemon=True).start()
        return calls.Client(f"https://127.0.0.1:{server.server_port}/validate", authority.ca)

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def test_a_handler_gives_the_verdicts_that_all_have_to_give(tmp_path):
    with webhooks.serving(webhooks.GO, tmp_path / "site", [policy(NAMESPACE)]) as at:
        assert at.client.verdicts() == calls.EXPECTED


def test_who_gives_other_verdicts_is_not_measured(tmp_path):
    lenient = replace(webhooks.GO, command=webhooks.FLOOR.command)

    with pytest.raises(Failed, match="other verdicts than expected"), webhooks.serving(lenient, tmp_path / "site", [policy(NAMESPACE)]):
        pass


def test_an_answer_to_another_review_is_none(client):
    asked = client(b'{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","response":{"uid":"of-another","allowed":true}}')

    with pytest.raises(Failed, match="good: not an answer to this review"):
        asked.verdicts()


def test_a_call_that_fails_ends_the_load(client):
    with pytest.raises(Failed, match="500"):
        client(b"no", status=500).load(connections=1, seconds=5)


def test_a_load_takes_as_long_as_it_is_told_and_counts_every_call(tmp_path):
    with webhooks.serving(webhooks.FLOOR, tmp_path / "site", []) as at:
        free = at.client.load(connections=3, seconds=0.5)
        paced = at.client.load(connections=3, seconds=0.5, rate=40)

    assert 0 < free.p50 <= free.p99 <= free.max < 10_000
    assert free.calls == pytest.approx(free.perSecond * 0.5, rel=0.5)
    assert paced.calls == 20


def test_a_webhook_is_measured_over_each_number_of_connections(tmp_path):
    found = list(wire.closed(Step(plan.WIRE, 1, "Go handler"), webhooks.GO, TINY, tmp_path / "site"))

    assert {figure.at for figure in found if figure.name == "review_p99_milliseconds"} == {1, 3}
    assert all(figure.value > 0 for figure in found)


def test_the_background_tells_how_long_all_results_took_and_what_was_written(tmp_path):
    found = measured(background.measure(Step(plan.BACKGROUND, 1, "client-go"), background.GO, TINY, tmp_path))

    assert 0 < found["created_seconds"] < 60
    assert found["created_requests"] >= found["created_writes"] >= 2 * background.NAMESPACES
    assert 0 < found["pod_p50_milliseconds"] <= found["pod_p99_milliseconds"]
    assert found["background_peak_bytes"] >= found["background_bytes"] > 1e6


def test_a_controller_that_does_not_judge_is_not_measured(tmp_path, monkeypatch):
    monkeypatch.setattr(background.waiting, "START_SECONDS", 1)
    monkeypatch.setattr(background, "VIOLATIONS", 3)

    with pytest.raises(Failed, match="not ready"):
        list(background.measure(Step(plan.BACKGROUND, 1, "client-go"), background.GO, TINY, tmp_path))


def test_who_watches_lists_again_when_versions_are_forgotten(tmp_path, eventually):
    with background.among(background.GO, background.GO.command(tmp_path), 200, tmp_path) as (at, _):
        before = at.requests()

        at.expire()

        # client-go lists by a watch.
        assert eventually(lambda: at.requests()["watch pods"] >= before["watch pods"] + 2)


@pytest.mark.apiserver
def test_pods_are_created_with_a_webhook_and_with_the_same_policy_in_process(tmp_path):
    with kube.server(tmp_path / "api") as server:
        found = {
            peer: measured(apiserver.measure(Step(plan.SERVER, 1, peer), webhook, TINY, server, tmp_path / peer))
            for peer, webhook in ((apiserver.WITHOUT, None), (webhooks.GO.name, webhooks.GO), (apiserver.IN_PROCESS, None))
        }
        assert not server.denies()

    assert "admission_mean_milliseconds" not in found[apiserver.WITHOUT]
    assert 0 < found[webhooks.GO.name]["admission_mean_milliseconds"] < found[webhooks.GO.name]["create_p99_milliseconds"]
    assert found[apiserver.IN_PROCESS]["admission_mean_milliseconds"] > 0


def test_a_rate_is_half_of_what_the_slowest_answers(tmp_path, journal_of, monkeypatch):
    journal = journal_of({"Steward": 1_000.0, "Go handler": 3_000.0})
    asked = []
    monkeypatch.setattr(wire, "at_rate", lambda *arguments: iter(asked.append(arguments[-1]) or ()))

    course.run(journal, TINY, only=[plan.RATE], directory=tmp_path)

    assert asked == [500] * len(course.PEERS[plan.RATE])


def test_a_rate_that_nobody_knows_is_a_failure_in_one_line(tmp_path):
    journal = Journal(tmp_path / "kept.json", {})

    course.run(journal, TINY, only=[plan.RATE], directory=tmp_path)

    assert {"Failed: no peer was measured without a rate"} == {entry.failure for entry in journal.entries}


def test_scores_are_measured_in_process_and_of_the_component(tmp_path):
    """A piece is never more than the whole."""
    found = measured(scoring.measure(Step(plan.SCORES, 1, "Steward"), TINY, tmp_path / "scores"))

    assert 0 < found["score_slice_milliseconds"] <= found["score_milliseconds"]
    assert all(value >= 0 for value in found.values())
    assert {"score_alone_milliseconds", "watch_ready_seconds", "watch_memory_bytes", "scrape_milliseconds"} < found.keys()
