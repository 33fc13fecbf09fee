"""Paths into nested maps, as users write them: ``components.headless.enabled``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from typing import Any

Path = tuple[str, ...]


def leaves(tree: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every value that is no map, or an empty one, with its path."""
    if isinstance(tree, Mapping) and tree:
        for key, value in tree.items():
            yield from leaves(value, (*path, key))
    else:
        yield path, tree


def nest(path: Sequence[str], value: Any) -> Any:
    """The map that has ``value`` at ``path``, and nothing else. A part ``[]`` is the first item of a list."""
    for key in reversed(path):
        value = [value] if key == "[]" else {key: value}
    return value


def merge(*trees: Mapping[str, Any]) -> dict[str, Any]:
    """Maps laid over each other as helm lays values files, the last on top."""
    merged: dict[str, Any] = {}
    for tree in trees:
        for key, value in tree.items():
            below = merged.get(key)
            merged[key] = merge(below, value) if isinstance(below, Mapping) and isinstance(value, Mapping) else deepcopy(value)
    return merged


def dotted(path: Sequence[str]) -> str:
    """The path as users write it."""
    return ".".join(path)
