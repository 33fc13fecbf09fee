"""Connections on which nothing is asked for a while: Go's client ends one after 90 s; a call on one that the webhook ended first would be lost."""

import contextlib
import time

import pytest

from admission.balancer import balancing
from admission.stage import eventually
from support.containers import container

PAUSES = (60, *range(74, 92), 119, 120, 121, 300)
"""Seconds: before and after the client's 90 and the webhook's 120, and about the 75 that servers are often set to."""

KEPT, GONE = 88, 92
"""Pauses up to the first keep their connection, those from the second on do not; in between it depends on the clock."""

CONFIGURATION = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/steward-steward-webhook"


class Way:
    """One way of the API server to the webhook, for one namespace, so that its connection has no other calls."""

    def __init__(self, api, namespace, balancer):
        self._api, self.namespace, self._balancer = api, namespace, balancer
        self._asked = 0.0

    @property
    def opened(self):
        """Connections there were."""
        return sum(self._balancer.opened.values())

    def entry(self, like):
        """Of the configuration, like the chart's."""
        path = like["clientConfig"]["url"].partition("/validate")[2]
        return like | {
            "name": f"{self.namespace.name}.webhook.steward.dev",
            "clientConfig": like["clientConfig"] | {"url": f"https://127.0.0.1:{self._balancer.port}/validate{path}"},
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": self.namespace.name}},
        }

    def ask(self):
        """The statuses of a good pod and a bad one."""
        made = (self.namespace.pod(), self.namespace.pod(container(image="app:latest")))
        answers = [self._api.call("POST", f"{self.namespace.pods}?dryRun=All", one).status for one in made]
        self._asked = time.monotonic()
        return answers

    def ask_after(self, seconds):
        """The same, so long after the last time, and whether it was on a new connection."""
        before = self.opened
        time.sleep(max(0.0, self._asked + seconds - time.monotonic()))
        return self.ask(), self.opened > before


@pytest.fixture
def ways(api, webhook, configure, new_namespace):
    """One for each pause, each with a connection."""
    configure(webhook.port, failurePolicy="Fail")
    with contextlib.ExitStack() as stack:
        ways = {seconds: Way(api, new_namespace(), stack.enter_context(balancing(webhook.port))) for seconds in PAUSES}
        configuration = api.must("GET", CONFIGURATION)
        configuration["webhooks"] = [way.entry(configuration["webhooks"][0]) for way in ways.values()]
        api.must("PUT", CONFIGURATION, configuration)
        for way in ways.values():
            way.namespace.policy(forbidLatestTag=True)
            eventually(lambda way=way: way.namespace.is_reviewed() and way.opened)
        yield ways


@pytest.mark.long
@pytest.mark.slow
def test_a_call_after_any_pause_is_answered_and_it_is_the_api_server_that_ends_connections(ways, note):
    for way in ways.values():
        way.ask()
    answers = {seconds: ways[seconds].ask_after(seconds) for seconds in PAUSES}

    wrong = {seconds: said for seconds, (said, _) in answers.items() if said != [201, 403]}
    scenario = "webhook: nothing asked for 60 to 300 s"
    note(scenario, "pauses", len(PAUSES))
    note(scenario, "calls that failed after one", len(wrong), target=0)
    assert {} == wrong
    assert [] == [seconds for seconds, (_, is_new) in answers.items() if seconds <= KEPT and is_new]
    assert [] == [seconds for seconds, (_, is_new) in answers.items() if seconds >= GONE and not is_new]
