"""The collector of cycles, told what a cache is: many objects that stay."""

from __future__ import annotations

import gc

THRESHOLD = 50_000
"""New objects between two looks for cycles. The interpreter's 700 make the decoding of 10k pods take four times as long."""


def expect_many() -> None:
    """Look for cycles seldom."""
    gc.set_threshold(THRESHOLD, *gc.get_threshold()[1:])


def settle() -> None:
    """What is there now stays: never look through it again."""
    gc.collect()
    gc.freeze()
