"""What the runs consist of."""

import itertools
from collections import Counter

import pytest

from harness import plan
from harness.peers import STEWARD, USUAL


@pytest.mark.parametrize("one", plan.ALL_PLANS, ids=lambda one: one.name)
def test_every_step_has_a_name_of_its_own(one):
    assert [] == [name for name, count in Counter(plan.names(one)).items() if count > 1]


@pytest.mark.parametrize("one", plan.ALL_PLANS, ids=lambda one: one.name)
def test_a_real_server_is_only_filled(one):
    sizes = [stage.pods for stage in one.stages if stage.server == plan.REAL]

    assert sizes == sorted(sizes)


@pytest.mark.parametrize("one", plan.ALL_PLANS, ids=lambda one: one.name)
def test_what_is_measured_is_measured_of_client_go_too(one):
    assert all(USUAL in stage.peers for stage in one.stages if STEWARD in stage.peers)


def test_every_peer_begins_a_round():
    for stage in plan.STANDARD.stages:
        taken = [step for step in plan.steps(plan.STANDARD, stage.server) if step.stage is stage]
        first = [next(group).peer.name for _, group in itertools.groupby(taken, key=lambda step: step.round)]

        assert len(set(first)) == min(plan.STANDARD.rounds, len(stage.peers))


def test_a_page_that_is_published_rests_on_three_rounds():
    assert plan.STANDARD.rounds >= 3
