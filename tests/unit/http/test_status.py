"""The status page: everything a registry, the checks and the log say, readable without a script."""

import html.parser
import re
import time

import msgspec
import pytest
from prometheus_client import CollectorRegistry

from steward.http.app import create_app
from steward.runtime import metrics
from steward.telemetry.metrics import bind
from steward.telemetry.probes import LIVENESS, READINESS, Check, Verdict


class Cache:
    resource_name, is_synced, is_served, unreadable = "pods", True, True, 2

    @property
    def last_event(self):
        return time.time() - 90

    def __len__(self):
        return 12_345


class Queue:
    def __len__(self):
        return 7

    def unfinished(self):
        return [1.5, 2.25]


class Text(html.parser.HTMLParser):
    """The words of a page, the targets of its links, and the names of its elements."""

    def __init__(self, page):
        super().__init__()
        self.words, self.links, self.tags = [], [], set()
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.links += [value for name, value in attrs if name == "href"]

    def handle_data(self, data):
        self.words.append(data)

    @property
    def text(self):
        return re.sub(r"\s+", " ", " ".join(self.words))


@pytest.fixture
def page():
    """The page of a component in this state."""

    def page(*, leader=1, checks=(), events=b"", trouble=(), busy=True):
        registry = CollectorRegistry()
        instruments = bind(metrics.ALL, registry, component="headless")
        instruments[metrics.BUILD_INFO].labels("1.2.3", "0123456789abcdef", "3.13.0").set(1)
        instruments[metrics.LEADER].labels().set(leader)
        if busy:
            metrics.expose(instruments, queues={"headless": Queue()}, informers=[Cache()])
            instruments[metrics.RECONCILES].labels("headless", "success").inc(3)
            instruments[metrics.API_REQUESTS].labels("create", "services", "201").inc(2)
            instruments[metrics.API_REQUESTS].labels("create", "endpointslices", "201").inc(2)
        app = create_app(probes=checks, registry=registry, events=lambda: events, trouble=lambda: list(trouble), metrics_port=8080, health_port=8081)
        answer = app.test_client().get("/", base_url="http://steward:8080")
        assert 200 == answer.status_code
        return answer

    return page


def text(answer):
    return Text(answer.text).text


def test_it_says_who_it_is(page):
    seen = text(page())

    assert "steward headless" in seen
    assert "version 1.2.3, revision 0123456789ab, Python 3.13.0" in seen


@pytest.mark.parametrize(("leader", "word"), [(1, "leader"), (0, "standby")])
def test_it_says_who_leads(page, leader, word):
    assert f"{word} " in text(page(leader=leader))


def test_every_check_is_shown_with_its_reason(page):
    failing = Check("informer-sync", (READINESS,), lambda: Verdict(ok=False, reason="pods: listing"))
    seen = text(page(checks=[Check("progress", (LIVENESS,), lambda: Verdict(ok=True)), failing]))

    assert "progress ok" in seen
    assert "informer-sync failed : pods: listing" in seen


def test_a_check_that_raises_does_not_take_the_page_along(page):
    def broken():
        raise ValueError("a secret")

    seen = text(page(checks=[Check("progress", (LIVENESS,), broken)]))

    assert "progress failed : the check failed with ValueError" in seen
    assert "a secret" not in seen


def test_caches_queues_and_counts_are_those_of_the_metrics(page):
    seen = text(page())

    assert "Caches resource synced served objects unreadable last heard pods yes yes 12,345 2 1.5 min ago" in seen
    assert "Queues queue waiting added retried longest in work (s) headless 7 - - 2.2" in seen
    assert "success 3" in seen
    assert "201 4" in seen, "added up over resources"


def test_what_is_not_there_yet_has_no_empty_table(page):
    seen = text(page(busy=False))

    assert "Caches" not in seen
    assert 2 == seen.count("none since the start")


def test_events_and_trouble_are_shown_as_text_newest_first(page):
    """Notes hold names that users chose, and lines of the log hold answers of servers: none of it is markup."""
    events = b"\n".join(
        msgspec.json.encode(
            {"time": f"2026-01-0{day}T00:00:00.000000Z", "type": "Warning", "reason": "NameConflict", "object": "Pod a/b", "note": note}
        )
        for day, note in ((1, "older"), (2, "<script>alert(1)</script>"))
    )
    answer = page(events=events, trouble=["ERROR <b>bold</b>"])

    assert "script" not in Text(answer.text).tags
    seen = text(answer)
    assert seen.index("<script>alert(1)</script>") < seen.index("older")
    assert "ERROR <b>bold</b>" in seen


def test_it_links_to_what_the_port_serves_and_to_nothing_else(page):
    answer = page()

    assert ["/metrics", "/events", "/healthz", "/livez", "/readyz", "/startupz"] == Text(answer.text).links
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none';")
    assert "no-store" == answer.headers["Cache-Control"]
