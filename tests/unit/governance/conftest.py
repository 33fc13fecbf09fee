"""What the tests of rules and scores share."""

import datetime as dt

import msgspec
import pytest

from steward.governance.bundles import STANDARD
from steward.governance.model import Pod
from steward.governance.rules import evaluate
from support.containers import container

NOW = dt.datetime(2026, 11, 21, 12, tzinfo=dt.UTC)


@pytest.fixture
def now():
    """The time at which pods are judged."""
    return NOW


@pytest.fixture
def pod():
    """Make a pod of what matters: containers and the like as the API writes them."""

    def pod(*containers, status=None, metadata=None, **spec):
        return msgspec.convert(
            {
                "metadata": {"name": "web-0", "namespace": "shop"} | (metadata or {}),
                "spec": {"containers": containers, **spec},
                "status": status or {},
            },
            Pod,
        )

    return pod


@pytest.fixture
def judge(pod):
    """Evaluate a pod made of these; without more by the standard rules."""

    def judge(*containers, rules=STANDARD, workload=None, now=NOW, **more):
        return evaluate(pod(*containers, **more), rules, now=now, workload=workload)

    return judge


@pytest.fixture
def good():
    """Make a container in which nothing is wrong, but for what is changed."""
    return container
