"""How long a name is waited for, and how many are missing or left over: what the objective and the alerts on names rest on."""

import pytest

from steward.headless import waiting
from steward.headless.config import Config
from steward.headless.model import PODS
from steward.runtime.plan import Outcome
from steward.runtime.resource import Key
from steward.runtime.store import Change
from support.builders import endpoint_slice, model, pod, service
from support.desk import Desk, children

PREFIX = "k8s_headless_service_operator"
WEB = pod("web-0")
KEY = Key("shop", "web-0")
NAMELESS = pod("web-0", ips=())


class Clock:
    """A monotonic clock that is set by hand."""

    now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    """The clock of every Waiting made from now on."""
    ours = Clock()
    monkeypatch.setattr(waiting.Waiting.__init__, "__defaults__", (ours,))
    return ours


@pytest.fixture
def desk(clock):
    return Desk()


def change(old, new):
    """A change of a pod."""
    return Change(*(None if manifest is None else model(PODS, manifest) for manifest in (old, new)))


def carry_out(desk, *, failed=()):
    """Do what the controller asks for, but for the kinds that fail, and let it count."""
    seen = desk.observe(KEY)
    plan = desk.controller.reconcile(seen)
    results = tuple((action, RuntimeError("refused") if action.resource.kind in failed else None) for action in plan.actions)
    desk.file(*(action.resource.manifest(action.desired) for action, error in results if error is None))
    desk.controller.concluded(seen, plan, Outcome(results), 0.0)


def delays(desk):
    """Number and sum of the delays that were counted."""
    return desk.sample(f"{PREFIX}_name_delay_seconds_count"), desk.sample(f"{PREFIX}_name_delay_seconds_sum")


def test_the_delay_runs_from_the_address_to_the_answer(desk, clock):
    """Not from the pod's creation: before it has an address there is nothing to answer with."""
    desk.file(NAMELESS)
    clock.now += 60
    desk.file(WEB)
    clock.now += 3
    carry_out(desk)

    assert (1, 3.0) == delays(desk)


def test_the_delay_ends_when_all_of_the_name_is_there(desk, clock):
    """A Service without its EndpointSlice answers with nothing; the time of the attempts that failed counts."""
    desk.file(WEB)
    clock.now += 2
    carry_out(desk, failed=("EndpointSlice",))

    assert (0, 0) == delays(desk)

    clock.now += 7
    carry_out(desk)

    assert (1, 9.0) == delays(desk)


def test_a_new_address_is_waited_for_anew(desk, clock):
    desk.file(WEB)
    carry_out(desk)
    clock.now += 3600
    desk.file(pod("web-0", ips=("10.0.0.9",)))
    clock.now += 4
    carry_out(desk)

    assert (2, 4.0) == delays(desk)


def test_a_look_at_a_name_that_is_right_counts_nothing(desk, clock):
    """At start everything is there already: counting it would make any outage look small."""
    desk.file(WEB, *children(WEB))
    clock.now += 5
    carry_out(desk)

    assert (0, 0) == delays(desk)


def test_a_change_without_a_new_address_does_not_start_the_time_again(desk, clock):
    desk.file(pod("web-0", ready=False))
    clock.now += 6
    desk.file(WEB)
    carry_out(desk)

    assert (1, 6.0) == delays(desk)


@pytest.mark.parametrize(
    "after",
    [None, pod(annotated=False), pod(phase="Succeeded"), pod(deleting=True), NAMELESS],
    ids=["gone", "asks no more", "over", "ending", "no ip"],
)
def test_who_needs_no_name_any_more_is_forgotten(after, clock):
    """The list is not longer than there are pods that wait."""
    waited = waiting.Waiting(Config(), clock)
    waited.pod_changed(change(None, WEB))
    waited.pod_changed(change(WEB, after))

    assert waited.answered(KEY) is None


def test_the_buckets_tell_the_objective_and_what_is_far_beyond_it(desk, clock):
    """A name after 5 s is in time, one after 6 s is not."""
    for delay in (5, 6):
        desk.file(pod("web-0", ips=(f"10.0.1.{delay}",)))
        clock.now += delay
        carry_out(desk)
    buckets = {le: desk.sample(f"{PREFIX}_name_delay_seconds_bucket", le=le) for le in ("2.5", "5.0", "10.0", "300.0")}

    assert {"2.5": 0, "5.0": 1, "10.0": 2, "300.0": 2} == buckets


@pytest.mark.parametrize(
    ("there", "missing"),
    [
        ((WEB,), 1),
        ((WEB, service("web-0", owner=WEB)), 1),
        ((WEB, endpoint_slice("web-0-ipv4", owner=WEB)), 1),
        ((WEB, *children(WEB)), 0),
        ((pod("web-0", ips=("10.9.9.9",)), *children(WEB)), 1),
        ((pod("web-0", ips=("10.0.0.1", "fd00::1")), *children(WEB)), 1),
        ((pod("web-0", uid="new"), *children(WEB)), 1),
        ((NAMELESS,), 0),
        ((pod("x" * 64),), 0),
        ((WEB, service("web-0")), 0),
        ((pod("web-0", annotated=False),), 0),
    ],
    ids=[
        "nothing",
        "no slice",
        "no service",
        "all",
        "old address",
        "one of two addresses",
        "of a former pod",
        "no ip yet",
        "long name",
        "taken",
        "not asked",
    ],
)
def test_a_name_is_missing_when_only_our_work_stands_between(desk, there, missing):
    """What the owner of the pod has to mend is counted as skipped."""
    desk.file(*there)

    assert missing == desk.sample(f"{PREFIX}_missing_services")


OTHERS = children(WEB)[0]
OTHERS = {**OTHERS, "metadata": {**OTHERS["metadata"], "labels": {**OTHERS["metadata"]["labels"], "steward.dev/instance": "other"}}}


@pytest.mark.parametrize(
    ("there", "orphaned"),
    [
        ((WEB, *children(WEB)), 0),
        (tuple(children(WEB)), 1),
        ((pod("web-0", uid="new"), *children(WEB)), 1),
        ((pod("web-0", phase="Failed"), *children(WEB)), 1),
        ((pod("web-0", annotated=False), *children(WEB)), 1),
        ((OTHERS,), 0),
        ((service("by-hand"),), 0),
    ],
    ids=["of a pod", "pod gone", "of a former pod", "pod over", "asks no more", "of another installation", "of somebody else"],
)
def test_a_service_is_orphaned_when_no_pod_should_have_it(desk, there, orphaned):
    desk.file(*there)

    assert orphaned == desk.sample(f"{PREFIX}_orphaned_services")
