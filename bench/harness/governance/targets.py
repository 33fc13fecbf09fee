"""What Steward promises about admission and policies, and whether it holds. Times are those of the machine; two promises are ratios."""

from __future__ import annotations

from collections.abc import Iterator

from harness.figures import Figures
from harness.governance import background, nextdoor, webhooks
from harness.governance.plan import BACKGROUND, NEXT_DOOR, REVIEW, SCORES, WIRE
from harness.governance.reviewing import POLICIES
from harness.targets import MEGABYTE, Verdict, ratio, value


def judge(figures: Figures) -> Iterator[Verdict]:
    """Every promise that this run can judge."""
    for promise, limit, name in (
        ("CPU of a review of a pod of 10 kB, six checks by three policies", 150, "review_good_microseconds"),
        ("The same of a pod that breaks them all", 150, "review_bad_microseconds"),
        ("The same of a hundred containers of fifty variables, before and after", 5_000, "review_hundred_containers_microseconds"),
    ):
        yield value(figures, REVIEW, promise, limit, peer=webhooks.STEWARD.name, name=name, at=POLICIES, unit=" µs")
    promise = "99th percentile of a review, 8 connections"
    yield value(figures, WIRE, promise, 5, peer=webhooks.STEWARD.name, name="review_p99_milliseconds", at=8, unit=" ms")
    for name in ("p50", "p99"):
        promise = f"{name} of a review while `policy` relists next door, against without it"
        yield ratio(figures, NEXT_DOOR, promise, 1.2, peer=nextdoor.BUSY, to=nextdoor.QUIET, name=f"nextdoor_{name}_milliseconds", at=0)
    for pods in figures.places(BACKGROUND, "created_seconds"):
        for promise, limit, name, unit, size in (
            ("Policies created to all results", 2, "created_seconds", " s", 1),
            ("Policies changed to all results", 2, "changed_seconds", " s", 1),
            ("One pod changed to the status of its policy, median", 50, "pod_p50_milliseconds", " ms", 1),
            ("Writes in ten idle minutes", 0, "idle_writes", "", 1),
            ("Memory", 60, "background_bytes", " MB", MEGABYTE),
        ):
            told = f"{promise}, {pods:,} pods"
            yield value(figures, BACKGROUND, told, limit, peer=background.STEWARD.name, name=name, at=pods, unit=unit, size=size)
    for pods in figures.places(SCORES, "score_milliseconds"):
        for promise, limit, name in (("Judged and counted", 30, "score_milliseconds"), ("Longest piece of it", 5, "score_slice_milliseconds")):
            yield value(figures, SCORES, f"{promise}, {pods:,} pods", limit, peer=background.STEWARD.name, name=name, at=pods, unit=" ms")
