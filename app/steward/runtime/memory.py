"""The collector of cycles, told what a cache is: many objects that stay."""

from __future__ import annotations

import gc

THRESHOLD = 50_000
"""New objects between two looks for cycles. The interpreter's 700 make the decoding of 10k pods take four times as long."""

SETTLED_THRESHOLD = 5_000
"""The same once the caches are filled. A look stops everything for about 2 us for each new object, and takes as much time in sum however often it is:
10 ms with 50,000 (measured with headless), 2 ms with this."""


def expect_many() -> None:
    """Look for cycles seldom."""
    gc.set_threshold(THRESHOLD, *gc.get_threshold()[1:])


def settle() -> None:
    """What is there now stays: never look through it again. What comes from now on comes piece by piece."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(SETTLED_THRESHOLD, *gc.get_threshold()[1:])
