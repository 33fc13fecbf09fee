"""Medians, ratios and the verdicts that rest on them."""

import pytest

from harness.figures import Figure, Figures
from harness.peers import STEWARD, TUNED, USUAL
from harness.plan import FAKE
from harness.targets import judge


def figures(**values: list[float | None]) -> Figures:
    """One figure at one place; None is a round without a value."""
    found = ((peer, number, value) for peer, rounds in values.items() for number, value in enumerate(rounds, 1))
    return Figures(Figure(FAKE, peer, "ready_seconds", 10, number, value) for peer, number, value in found if value is not None)


@pytest.mark.parametrize(("values", "median"), [([3, 1, 2], 2), ([1, 9], 5), ([7], 7), ([None, 4, None], 4)])
def test_a_median_is_that_of_the_rounds_that_have_a_value(values, median):
    assert median == figures(a=values).median(FAKE, "a", "ready_seconds", 10)


def test_what_was_not_measured_has_no_median_and_no_ratio():
    found = figures(a=[1, 2, 3])

    assert found.median(FAKE, "b", "ready_seconds", 10) is None
    assert found.ratio(FAKE, "a", "b", "ready_seconds", 10) is None
    assert found.ratios(FAKE, "a", "b", "ready_seconds", 10) == []


def test_a_ratio_is_one_of_medians_and_not_a_median_of_ratios():
    found = figures(a=[1, 10, 4], b=[2, 2, 8])

    assert found.ratio(FAKE, "a", "b", "ready_seconds", 10) == 4 / 2
    assert found.ratios(FAKE, "a", "b", "ready_seconds", 10) == [0.5, 0.5, 5]


def test_rounds_are_paired_by_their_number_when_one_of_them_failed():
    found = figures(a=[None, 10, 4], b=[2, 5, None])

    assert found.ratios(FAKE, "a", "b", "ready_seconds", 10) == [2]


def test_a_ratio_to_nothing_is_none():
    assert figures(a=[1], b=[0]).ratio(FAKE, "a", "b", "ready_seconds", 10) is None


def test_every_promise_is_judged_by_its_ratio(journal):
    verdicts = {verdict.promise: verdict for verdict in judge(journal.figures())}

    assert {
        f"Ready among 10,000 pods, against {USUAL.name}": True,
        f"Memory at 10,000 pods, against {USUAL.name}": True,
        f"99th percentile at 500 pods/s, against {USUAL.name}": True,
        f"99th percentile at 500 pods/s, against {TUNED.name}": True,
        f"CPU time per pod at 500 pods/s, against {USUAL.name}": False,
        "Writes in an idle hour": True,
        "Lists in an idle hour": False,
    } == {promise: verdict.is_kept for promise, verdict in verdicts.items()}


def test_a_verdict_shows_the_least_and_the_greatest_round(journal):
    verdict = next(one for one in judge(journal.figures()) if one.promise.startswith("99th percentile at 500 pods/s, against client-go, tuned"))

    assert verdict.found == pytest.approx(8 / 9)
    assert verdict.rounds == (0.7, 10)


def test_a_value_at_its_limit_keeps_the_promise():
    at_limit = Figures(Figure(FAKE, peer, "memory_bytes", 10_000, 1, value) for peer, value in ((STEWARD.name, 55), (USUAL.name, 100)))

    assert [verdict.is_kept for verdict in judge(at_limit) if "Memory" in verdict.promise] == [True]


def test_a_promise_that_was_not_measured_is_not_kept():
    assert {False} == {verdict.is_kept for verdict in judge(Figures())}
