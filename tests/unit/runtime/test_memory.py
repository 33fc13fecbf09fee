"""How seldom the collector of cycles looks, and what it leaves alone."""

import gc

import pytest

from steward.runtime import memory


@pytest.fixture(autouse=True)
def as_before():
    thresholds = gc.get_threshold()
    yield
    gc.set_threshold(*thresholds)
    gc.unfreeze()


def test_full_caches_are_left_alone_and_looks_become_short():
    memory.expect_many()
    while_filling = gc.get_threshold()[0]
    cache = [[] for _ in range(1000)]
    memory.settle()

    assert gc.get_freeze_count() >= len(cache)
    assert gc.get_threshold()[0] * 5 <= while_filling
