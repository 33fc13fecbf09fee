"""Equal values are kept once, and no longer than there are objects that may have them."""

import pytest

from steward.runtime.sharing import MEMO_FACTOR, MEMO_SPARE, Sharer
from steward.runtime.store import Store, Writer
from support.things import THINGS, thing


def test_equal_values_become_one():
    share = Sharer(("metadata.labels", "data"), lambda: 2)
    first, second = (share(thing(name, labels={"app": "shop"}, key="value")) for name in ("a", "b"))

    assert first.metadata.labels is second.metadata.labels
    assert first.data is second.data


def test_a_value_that_differs_in_anything_stays_its_own():
    share = Sharer(("metadata.labels",), lambda: 2)
    labels = [share(thing("a", labels=labels)).metadata.labels for labels in ({"a": "1"}, {"a": "2"}, {"a": "1", "b": "1"}, {"1": "a"})]

    assert [{"a": "1"}, {"a": "2"}, {"a": "1", "b": "1"}, {"1": "a"}] == labels


def test_what_nobody_reads_is_not_kept():
    """The objects stay whole otherwise."""
    share = Sharer(("data",), lambda: 2, unread=("metadata.labels",))

    kept = share(thing("a", labels={"app": "shop"}, key="value"))

    assert ({}, "a") == (kept.metadata.labels, kept.metadata.name)
    assert kept.data == thing("b", key="value").data


@pytest.mark.parametrize("population", [0, 100])
def test_what_is_remembered_is_bound_by_what_is_there(population):
    """CI jobs have labels of their own: a hundred thousand came and went, and their labels must not stay."""
    share = Sharer(("metadata.labels",), lambda: population)
    most = 0
    for number in range(100_000):
        share(thing("a", labels={"job": str(number)}))
        most = max(most, len(share._memo))

    assert most <= MEMO_SPARE + MEMO_FACTOR * population + 1


def test_a_store_forgets_the_values_of_objects_that_are_gone():
    writer = Writer(Store(THINGS))
    for number in range(20 * MEMO_SPARE):
        item = thing(f"job-{number}", uid=str(number), version=number, labels={"job": str(number)})
        writer.upsert(item)
        writer.remove(item)

    assert len(writer.share._memo) <= MEMO_SPARE + MEMO_FACTOR + 1


def test_a_list_that_is_being_read_counts_as_there():
    """Its objects are in no store yet; without them the first list of a big cluster would start over and over."""
    writer = Writer(Store(THINGS))
    labels = {}
    for number in range(4 * MEMO_SPARE):
        writer.listed = number
        labels[number] = writer.share(thing("a", labels={"app": str(number)})).metadata.labels
    again = {number: writer.share(thing("b", labels={"app": str(number)})).metadata.labels for number in labels}

    assert all(labels[number] is again[number] for number in labels)
