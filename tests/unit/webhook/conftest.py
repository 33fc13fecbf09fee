"""What the tests of admission share."""

import datetime as dt

import pytest

from steward.governance.combining import finished
from steward.webhook import answers
from steward.webhook.review import ALLOWED, reviewing
from steward.webhook.subject import subject
from support import admission

NOW = dt.datetime(2026, 11, 21, 12, tzinfo=dt.UTC)


@pytest.fixture
def decide():
    """Judge an AdmissionReview by these policies, as the endpoint does."""

    def decide(asked, *policies, injected=(), is_ending=False, now=NOW):
        found = subject(answers.read("application/json", admission.body(asked)))
        if found is None:
            return ALLOWED
        return finished(reviewing(found, policies, now=now, injected=injected, is_ending=is_ending))

    return decide
