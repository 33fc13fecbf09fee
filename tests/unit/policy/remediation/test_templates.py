"""Workloads whose template changes and comes back: what was tried for it is remembered."""

import datetime as dt

import msgspec
import pytest

from steward.policy.remediation import additions, history
from steward.policy.remediation.additions import Addition
from steward.policy.remediation.history import PAST_LIMIT, Past, Record
from steward.policy.remediation.model import Probe, TCPSocket
from steward.policy.remediation.undo import undo
from steward.runtime.resource import Key
from support.workloads import DIRECT, container, managed, policy, read, workload

pytestmark = pytest.mark.looptime

NOW = dt.datetime(2026, 11, 21, 12, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)
PATCH = (Addition("main", readiness=Probe(tcp_socket=TCPSocket(8080))),)
OURS = {"f:readinessProbe": {}}


@pytest.fixture
def key(town):
    made = msgspec.to_builtins(policy(requireLivenessProbe=False))
    town.api.add({"apiVersion": "policy.steward.dev/v1alpha1", "kind": "DevOpsPolicy", **made})
    return town.add(workload())


@pytest.fixture(params=[False, True], ids=["one leader", "a leader for each look"])
def look(town, key, request):
    """Some time later the controller looks, or another one does; how many patches there were by then."""

    async def look(after=dt.timedelta(minutes=1)):
        if request.param:
            town.restart()
        await town.step(key, after=after)
        return town.patches()

    return look


def _release(town, key, tag):
    """The workload is replaced by one of another image, and rolls out."""

    def change(whole):
        whole["spec"]["template"]["spec"]["containers"] = [container(image=f"app:{tag}")]
        _disown(whole)

    town.replace(key, change)
    town.roll(key)


def _disown(whole):
    """What a replacement does not hold is nobody's any more, and the rest its own."""
    whole["spec"]["template"]["metadata"].pop("annotations", None)
    whole["metadata"]["managedFields"] = [entry for entry in whole["metadata"]["managedFields"] if entry["manager"] == "test"]


def _retag(town, key, tag):
    """The workload is applied with another image, which leaves what is ours; it rolls out."""
    town.replace(key, lambda whole: whole["spec"]["template"]["spec"]["containers"][0].update(image=f"app:{tag}"))
    town.roll(key)


def _revert(town, key):
    def change(whole):
        whole["spec"]["template"]["spec"]["containers"][0].pop("readinessProbe", None)
        _disown(whole)

    town.replace(key, change)
    town.roll(key)


async def test_who_takes_each_patch_away_sees_one_for_each_template(town, key, look):
    for tag in (1, 2) * 5:
        _release(town, key, tag)
        await look(HOUR)
        _revert(town, key)
        await look()

    assert 2 == town.patches()


async def test_what_was_taken_back_rests_though_another_template_was_in_between(town, key, look):
    await look()
    taken_back = await look(11 * HOUR / 60)
    _release(town, key, 2)
    other = await look(HOUR)
    _release(town, key, 1)
    rested = await look(HOUR)
    again = await look(22 * HOUR)

    assert (2, 3, 3, 4) == (taken_back, other, rested, again)


async def test_failures_of_a_template_stay_counted_though_another_was_in_between(town, key, look):
    await look()
    await look(11 * HOUR / 60)
    _release(town, key, 2)
    await look(25 * HOUR)
    _release(town, key, 1)
    await look()
    before = await look(11 * HOUR / 60)
    town.roll(key)

    assert before == await look(47 * HOUR)
    assert before + 1 == await look(2 * HOUR)


async def test_what_was_undone_by_hand_stays_so_though_another_template_was_in_between(town, key, look):
    await look()
    town.roll(key)
    await undo(town.process.client, "Deployment", Key("shop", "web"), now=town.now)
    undone = town.patches()
    _release(town, key, 2)
    other = await look(HOUR)
    _release(town, key, 1)

    assert (undone + 1, undone + 1) == (other, await look(dt.timedelta(days=30)))


async def test_what_we_took_back_ourselves_is_nobodys_contest(town, key, look):
    """It came along to another template, where it did harm."""
    await look()
    town.roll(key)
    await look(11 * HOUR / 60)
    _retag(town, key, 2)
    town.api.merge("devopspolicies", "shop/shop", {"spec": {"requireLivenessProbe": True}})
    await look()
    both = town.main(key)
    await look(11 * HOUR / 60)
    _retag(town, key, 1)
    before = town.main(key)
    await look(HOUR)

    assert {"readinessProbe", "livenessProbe"} <= both.keys()
    assert "readinessProbe" not in before
    assert "readinessProbe" in town.main(key)


@pytest.mark.parametrize("tag", [1, 2])
async def test_what_fails_under_the_next_template_rests_for_both(town, key, look, tag):
    await look()
    _retag(town, key, 2)
    town.api.merge("deployments", "shop/web", {"status": {"updatedReplicas": 1}})
    taken_back = await look(11 * HOUR / 60)
    town.api.merge("deployments", "shop/web", {"status": {"updatedReplicas": 2}})
    _retag(town, key, tag)
    rested = await look(23 * HOUR)

    assert (2, 2, 3) == (taken_back, rested, await look(2 * HOUR))


# The record.


def _bare(number):
    return read(workload("Deployment", container(image=f"app:{number}")))


def _tried(number, result, *, ago=HOUR, tries=0):
    fields = ("main.readinessProbe",)
    return Past(template=additions.fingerprint(_bare(number)), patch="p", fields=fields, result=result, at=NOW - ago, tries=tries)


def _record(number, result, *past, tries=0):
    return Record(**msgspec.structs.asdict(_tried(number, result, tries=tries)), past=past)


@pytest.mark.parametrize(
    ("result", "tries", "remembered"),
    [
        ("applied", 0, ["contested"]),
        ("proved", 0, ["contested"]),
        ("contested", 0, ["contested"]),
        ("reverted", 1, ["reverted"]),
        ("undone", 0, ["undone"]),
        ("withdrawn", 0, []),
        ("withdrawn", 2, ["withdrawn"]),
    ],
)
def test_of_a_template_that_is_left_bare_is_remembered_what_holds_it_up(result, tries, remembered):
    record = history.attempt(_bare(2), PATCH, _record(1, result, tries=tries), NOW)

    assert remembered == [one.result for one in record.past]


@pytest.mark.parametrize(
    "manifest",
    [
        workload("Deployment", container(image="app:2", readinessProbe=DIRECT), meta=managed(**OURS)),
        workload("Deployment", container(image="app:2", readinessProbe=DIRECT)),
        workload("Deployment", container("renamed", image="app:2")),
    ],
    ids=["it came along", "it was taken over", "its container is gone"],
)
def test_what_nobody_took_away_is_not_contested(manifest):
    assert () == history.attempt(read(manifest), PATCH, _record(1, "proved"), NOW).past


def test_a_template_that_is_tried_again_is_in_the_past_no_more():
    record = history.attempt(_bare(1), PATCH, _record(2, "proved", _tried(1, "reverted", ago=25 * HOUR, tries=1)), NOW)

    assert 1 == record.tries
    assert [additions.fingerprint(_bare(2))] == [one.template for one in record.past]


def test_no_more_is_remembered_than_fits_and_what_was_undone_longest():
    record = None
    for number in range(3 * PAST_LIMIT):
        workload = _bare(number)
        made = history.attempt(workload, PATCH, record, NOW + number * HOUR)
        record = history.concluded(made, {0: "undone", 25: "contested"}.get(number, "reverted"), NOW + number * HOUR)

    assert ["undone", *["reverted"] * 5, "contested", *["reverted"] * 3] == [one.result for one in record.past]
    assert additions.fingerprint(_bare(0)) == record.past[0].template
    assert len(record.annotation()) < 3000


def test_what_rests_no_more_is_forgotten_first():
    past = [_tried(number, "reverted", ago=(number + 20) * HOUR, tries=1) for number in range(1, PAST_LIMIT + 1)]
    record = history.attempt(_bare(0), PATCH, _record(99, "contested", _tried(98, "contested", ago=99 * HOUR), *past), NOW)
    left = {one.template for one in record.past}

    assert PAST_LIMIT == len(left)
    assert additions.fingerprint(_bare(98)) in left
    assert additions.fingerprint(_bare(PAST_LIMIT)) not in left


def test_a_record_is_read_as_it_was_written():
    record = _record(1, "applied", _tried(2, "reverted", tries=3), _tried(3, "undone"))
    meta = {"annotations": {"policy.steward.dev/remediation": record.annotation()}}

    assert record == history.read(read(workload(meta=meta)))


def test_a_record_of_a_former_release_has_no_past():
    text = '{"template":"x","patch":"y","fields":["main.readinessProbe"],"result":"reverted","at":"2026-11-21T12:00:00Z","tries":1}'
    record = history.read(read(workload(meta={"annotations": {"policy.steward.dev/remediation": text}})))

    assert ("reverted", ()) == (record.result, record.past)


@pytest.mark.parametrize(("also", "result"), [((), "withdrawn"), (("main.livenessProbe",), "contested")])
def test_an_attempt_whose_template_is_left_is_contested_if_some_of_it_was_taken_away(also, result):
    moved = read(workload("Deployment", container(ports=(9090,), readinessProbe=DIRECT), meta=managed(**OURS)))

    assert result == history.left(moved, msgspec.structs.replace(_record(1, "proved"), fields=("main.readinessProbe", *also)))
