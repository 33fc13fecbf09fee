"""From a rule to whoever is told: Prometheus fires, and a real Alertmanager routes, groups and inhibits as the chart's values say."""

import json
from collections import Counter

import pytest
from cluster.support.wait import until
from demolib import workloads

RECEIVER = """
import http.server, sys
class Receiver(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        print(self.rfile.read(int(self.headers["Content-Length"])).decode().strip(), flush=True)
        self.send_response(200); self.end_headers()
    def log_message(self, *_): pass
http.server.HTTPServer(("", 8000), Receiver).serve_forever()
"""
"""Prints each message it gets, one to a line: one after the other, for lines of two threads may meet."""


def alert(name, severity, **labels):
    """A rule that fires at once."""
    return {"alert": name, "expr": "vector(1)", "labels": {"severity": severity, "component": "headless"} | labels}


def values(url, namespace):
    """Rules that always fire, and the one receiver that hears of critical alerts and of warnings."""
    # Repeated soon: what was told in another run is not told again for so long.
    quick = {"groupWait": "5s", "groupInterval": "5s", "repeatInterval": "10s"}
    rules = [
        alert("First", "critical", namespace=namespace),
        alert("Second", "critical", namespace=namespace),
        alert("Implied", "warning", namespace=namespace),
        alert("Elsewhere", "warning", namespace=namespace, cluster="another"),
        alert("Told", "info", namespace=namespace),
        alert("Foreign", "critical", namespace=namespace, component="another"),
    ]
    return {
        "prometheusRule": {"enabled": True, "additionalGroups": {"routed": {"rules": rules}}},
        "alertmanagerConfig": {
            "enabled": True,
            "receivers": {"team": {"webhook": [{"url": url}]}},
            "routes": {"critical": {"receiver": "team", **quick}, "warning": {"receiver": "team", **quick}},
        },
    }


@pytest.fixture(scope="module")
def messages(releases, team, prometheus):
    """What the receiver was told until now."""
    team.apply(workloads.bare("receiver", workloads.spec(team.cluster.image, RECEIVER), annotations={}))
    address = team.address("receiver")
    team.kubectl("wait", "--for=condition=Ready", "pod/receiver", "--timeout=90s")
    release = releases("test-alertmanager-steward")
    release.install(values(f"http://{address}:{workloads.PORT}", release.namespace))

    def told():
        return [json.loads(line) for line in team.kubectl("logs", "receiver").splitlines()]

    return told


def named(messages):
    """The names of the alerts of each message."""
    return [sorted(alert["labels"]["alertname"] for alert in message["alerts"]) for message in messages]


def test_critical_alerts_of_a_component_come_in_one_message(messages):
    """Both of them, with the labels they are grouped by."""
    together = ["First", "Second"]
    until("the receiver is told of both critical alerts", lambda: together in named(messages()), timeout=180)

    (message, *_) = [message for message in messages() if together == sorted(alert["labels"]["alertname"] for alert in message["alerts"])]
    assert "firing" == message["status"]
    assert {"severity": "critical", "component": "headless"}.items() <= message["groupLabels"].items()


def test_a_warning_is_told_unless_something_critical_implies_it(messages):
    """The one of another cluster is; the one beside the critical alerts, the information and the alert of somebody else are not."""
    until("the receiver is told of the other cluster's warning", lambda: ["Elsewhere"] in named(messages()), timeout=120)

    told = Counter(name for names in named(messages()) for name in names)
    assert {"Implied", "Told", "Foreign"}.isdisjoint(told)
