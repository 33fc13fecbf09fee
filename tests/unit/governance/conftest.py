"""What the tests of rules and scores share."""

import datetime as dt

import msgspec
import pytest

from steward.governance.bundles import STANDARD
from steward.governance.model import Pod
from steward.governance.rules import evaluate

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
    """A container in which nothing is wrong."""

    def good(name="web", **changes):
        whole = {
            "name": name,
            "image": "app:1",
            "livenessProbe": {"tcpSocket": {"port": 80}},
            "readinessProbe": {"tcpSocket": {"port": 80}},
            "resources": {"requests": {"cpu": "1"}},
        }
        return {key: value for key, value in (whole | changes).items() if value is not None}

    return good
