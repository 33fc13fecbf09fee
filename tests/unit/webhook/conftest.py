"""What the tests of admission share."""

import datetime as dt

import pytest

from steward.webhook import answers
from steward.webhook.review import ALLOWED, review
from steward.webhook.subject import subject
from support import admission

NOW = dt.datetime(2026, 11, 21, 12, tzinfo=dt.UTC)


@pytest.fixture
def decide():
    """Judge an AdmissionReview by these policies, as the endpoint does."""

    def decide(asked, *policies, injected=(), is_ending=False, now=NOW):
        found = subject(answers.read("application/json", admission.body(asked)))
        return ALLOWED if found is None else review(found, policies, now=now, injected=injected, is_ending=is_ending)

    return decide
