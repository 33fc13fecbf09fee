"""What to do about a lease: the whole table, and what a configuration may say."""

import pytest

from steward.runtime import errors
from steward.runtime.lease import LeaseConfig, LeaseSpec, Renew, Take, Wait, decide
from steward.runtime.resource import Key

CONFIG = LeaseConfig(Key("default", "steward"), identity="me")


def _held(by: str | None, *, seconds: int | None = 15, transitions: int | None = 3) -> LeaseSpec:
    return LeaseSpec(holder_identity=by, lease_duration_seconds=seconds, lease_transitions=transitions)


TABLE = {
    "there is none": (None, 0.0, Take(0)),
    "it is ours": (_held("me"), 0.0, Renew()),
    "it is ours, seen long ago": (_held("me"), 1000.0, Renew()),
    "another's, just seen": (_held("other"), 0.0, Wait("other")),
    "another's, not over yet": (_held("other"), 14.9, Wait("other")),
    "another's, over": (_held("other"), 15.0, Take(4)),
    "given back": (_held(None, seconds=1), 0.0, Take(4)),
    "given back by an empty name, as client-go does": (_held("", seconds=1), 0.0, Take(4)),
    "another's, which says a longer time": (_held("other", seconds=60), 59.0, Wait("other")),
    "another's, which says a shorter time than ours": (_held("other", seconds=1), 14.9, Wait("other")),
    "another's, which says no time": (_held("other", seconds=None), 15.0, Take(4)),
    "another's, never handed over": (_held("other", transitions=None), 15.0, Take(1)),
}


@pytest.mark.parametrize("case", TABLE)
def test_a_lease_as_seen_for_some_time_leads_to_one_decision(case):
    seen, seconds, expected = TABLE[case]

    assert expected == decide(seen, me="me", seen_for=seconds, config=CONFIG)


@pytest.mark.parametrize("renewed", ["2006-01-02T15:04:05.000000Z", "2099-01-02T15:04:05.000000Z", "nonsense", None])
def test_the_times_in_a_lease_are_for_people(renewed):
    """They come from another clock; an hour of difference must not make two leaders, or none."""
    seen = LeaseSpec(holder_identity="other", lease_duration_seconds=15, lease_transitions=0, renew_time=renewed, acquire_time=renewed)

    assert Wait("other") == decide(seen, me="me", seen_for=14.9, config=CONFIG)
    assert Take(1) == decide(seen, me="me", seen_for=15.0, config=CONFIG)


@pytest.mark.parametrize(
    ("durations", "field"),
    [
        ({"lease_duration": 10.0, "renew_deadline": 10.0}, "leaderElection.leaseDurationSeconds: 10 must be greater than renewDeadlineSeconds"),
        ({"renew_deadline": 2.4, "retry_period": 2.0}, "leaderElection.renewDeadlineSeconds: 2.4 must be greater than 1.2 times retryPeriodSeconds"),
    ],
    ids=["a leader would write after its lease", "a leader would have one attempt"],
)
def test_durations_that_cannot_work_are_refused(durations, field):
    with pytest.raises(errors.ConfigError, match=field):
        LeaseConfig(Key("default", "steward"), identity="me", **durations)
