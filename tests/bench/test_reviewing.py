"""The reviews that the benchmark asks for are what their names say."""

import datetime as dt
import json

from harness.governance import reviewing
from steward.governance.combining import finished
from steward.webhook import answers
from steward.webhook import review as webhook
from steward.webhook.subject import subject
from support.admission import asked, pod, policy
from support.containers import container


def test_the_large_one_is_bad_in_all_before_and_after():
    bad = container(livenessProbe=None, readinessProbe=None, resources=None)
    made = reviewing.large({"name": "bad", "uid": "u", "body": asked(pod(bad))})
    found = subject(answers.read("application/json", json.dumps(made["body"]).encode()))
    now = dt.datetime(2026, 11, 21, tzinfo=dt.UTC)
    decision = finished(webhook.reviewing(found, [policy()], now=now, injected=(), is_ending=False))

    assert (reviewing.CONTAINERS, reviewing.CONTAINERS) == (len(found.pod.spec.containers), len(found.before.spec.containers))
    assert decision.allowed
    assert 4 * reviewing.CONTAINERS == len(decision.warned)
