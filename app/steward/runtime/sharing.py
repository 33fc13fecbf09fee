"""Equal values of cached objects, stored once.

Replicas repeat their labels, annotations, owners and containers; among 10k pods a few thousand distinct values remain.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import msgspec

T = TypeVar("T")

MEMO_SPARE, MEMO_FACTOR = 1024, 4
"""Values remembered beyond those of the objects there are, before starting over: a few for each object, and some. Else the values of objects
long gone would stay."""


class Sharer:
    """Replaces the values at some attribute paths by equal ones seen before.

    Args:
        paths: Dotted attribute paths.
        population: How many objects there are now.
        unread: Paths of maps that nobody reads; they are left empty.
    """

    def __init__(self, paths: Sequence[str], population: Callable[[], int], *, unread: Sequence[str] = ()) -> None:
        self._population = population
        self._paths = tuple(path.split(".") for path in paths)
        self._unread = tuple(path.split(".") for path in unread)
        self._nothing: dict[str, Any] = {}
        self._memo: dict[bytes, Any] = {}
        self._encode = msgspec.msgpack.Encoder().encode

    def __call__(self, item: T) -> T:
        """Share in place, for nobody else holds the fresh object yet."""
        for *parents, field in self._unread:
            msgspec.structs.force_setattr(_at(item, parents), field, self._nothing)
        for *parents, field in self._paths:
            holder = _at(item, parents)
            value = getattr(holder, field)
            if value:
                msgspec.structs.force_setattr(holder, field, self._known(value))
        return item

    def _known(self, value: Any) -> Any:
        if len(self._memo) > MEMO_SPARE + MEMO_FACTOR * self._population():
            self._memo.clear()
        return self._memo.setdefault(self._encode(value), value)


def _at(item: Any, path: Sequence[str]) -> Any:
    for step in path:
        item = getattr(item, step)
    return item
