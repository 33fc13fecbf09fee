"""What Steward costs Prometheus in a large cluster."""

import json
import sys

import pytest
from cluster.support.wait import until
from prometheus_client.parser import text_string_to_metric_families

from observability.stage.operator import Operator
from observability.stage.process import Process
from support import boards
from support.envtest import free_ports

PODS = 10_000
NAMESPACES = 40
"""Of the fake API server."""

FIXED = 400
"""Series of a replica that do not depend on the cluster: counters by result and reason, buckets, requests by verb, resource and code."""

SERVICES = "k8s_headless_service_operator_services"


@pytest.fixture
def leader(tmp_path):
    """A replica that has given a name to each of the pods, which the fake API server has from the start."""
    (port,) = free_ports(1)
    tests = boards.DIRECTORY.parent / "tests"
    fake = [sys.executable, "-m", "support.fakeapi", "--port", port, "--pods", PODS, "--annotated"]
    server = Process(fake, tmp_path / "fakeapi.log", {"PYTHONPATH": str(tests), "PATH": "/usr/bin:/bin"})
    access = tmp_path / "kubeconfig"
    cluster = {"name": "fake", "cluster": {"server": f"http://127.0.0.1:{port}"}}
    context = {"name": "fake", "context": {"cluster": "fake", "user": "nobody"}}
    users = [{"name": "nobody", "user": {}}]
    access.write_text(json.dumps({"clusters": [cluster], "contexts": [context], "users": users, "current-context": "fake"}))
    until("the fake API server listens", lambda: "http://" in server.last_words(), last=server.last_words)
    operator = Operator("steward-headless-large", access, tmp_path, {"leaderElection": {"enabled": False}})
    operator.start()
    yield operator
    operator.stop()
    server.stop()


@pytest.mark.slow
def test_the_number_of_series_does_not_follow_the_number_of_pods(leader, capsys):
    """One series for each namespace with names, and a fixed number of others; no label has a pod's name."""

    def named():
        lines = [line for line in leader.scrape().splitlines() if line.startswith(f"{SERVICES}{{")]
        return sum(float(line.rpartition(" ")[2]) for line in lines)

    until(f"{PODS} pods have names", lambda: leader.is_ready and named() == PODS, timeout=240, last=named)
    samples = [sample for family in text_string_to_metric_families(leader.scrape()) for sample in family.samples]

    with capsys.disabled():
        print(f"\nseries of a leader with {PODS} named pods in {NAMESPACES} namespaces: {len(samples)}")
    assert len([sample for sample in samples if sample.name == SERVICES]) == NAMESPACES
    assert len(samples) <= FIXED + NAMESPACES
    assert [sample for sample in samples if any("pod-0" in value for value in sample.labels.values())] == []
