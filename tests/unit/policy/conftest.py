"""What the tests of the component share: manifests, and the component at work on a fake API server."""

import asyncio
import datetime as dt
from types import SimpleNamespace

import pytest

from steward.policy.component import COMPONENT
from steward.policy.config import Config
from support.fakeapi import FakeAPI
from support.governed import POLICY
from support.managers import Running


class Desk(Running):
    """The component at work, and what it has written."""

    def status(self, key=POLICY):
        """The status of a policy, or an empty one."""
        return (self.api.get("devopspolicies", key) or {}).get("status") or {}

    def results(self):
        """The audit results, oldest first."""
        return sorted(self.api.all("policyauditresults"), key=lambda one: one["metadata"]["name"])

    def writes(self):
        """How many requests wrote something, Events and the lease aside."""
        return sum(self.api.requests(f"write {plural}") for plural in ("devopspolicies", "policyauditresults", "reports"))

    def reasons(self):
        """The reasons of the Events so far."""
        return [one["reason"] for one in self.events()]


@pytest.fixture
def api():
    return FakeAPI()


@pytest.fixture
async def start(api):
    """Start the component with a configuration; it ends with the test."""
    started = []

    async def start(config=None, **options):
        one = Desk(api, config or Config(), component=COMPONENT, **options)
        started.append(one)
        one.start()
        await one.ready()
        return one

    yield start
    for one in started:
        if not one.task.done():
            await one.stop()


@pytest.fixture
def clock(monkeypatch):
    """The wall clock goes with the loop's, from noon on."""
    noon = dt.datetime(2026, 11, 21, 12, tzinfo=dt.UTC)

    class Clock(dt.datetime):
        @classmethod
        def now(cls, tz=None):
            return noon + dt.timedelta(seconds=asyncio.get_running_loop().time())

    monkeypatch.setattr("steward.runtime.controller.dt", SimpleNamespace(datetime=Clock, UTC=dt.UTC))
    return noon
