"""Differences between policies: which fields, from what to what, and the mark of each policy."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

import click
import msgspec

from steward.cli.policy.manifest import Manifest, to_policy
from steward.governance import bundles
from steward.runtime.errors import ConfigError
from steward.runtime.resource import Key

Marker = Literal["=", "~", "+", "!"]

COLORS = {"=": "", "~": "yellow", "+": "green", "!": "red"}


class Change(NamedTuple):
    """One field; what is unset is None."""

    field: str
    old: Any
    new: Any


class Difference(NamedTuple):
    """What becomes of one policy.

    Attributes:
        marker: ``=`` stays as it is, ``~`` changes, ``+`` is new, ``!`` is in the cluster alone, and stays.
        key: Which policy.
        changes: Of ``~``.
    """

    marker: Marker
    key: Key
    changes: tuple[Change, ...] = ()

    def lines(self) -> Iterator[str]:
        """For people."""
        yield f"{click.style(self.marker, fg=COLORS[self.marker] or None)} {self.key}"
        for field, old, new in self.changes:
            yield f"    {field}: {_shown(old)} -> {_shown(new)}"

    def report(self) -> dict[str, Any]:
        """For machines."""
        return {
            "marker": self.marker,
            "namespace": self.key.namespace,
            "name": self.key.name,
            "changes": [{"field": field, "from": old, "to": new} for field, old, new in self.changes],
        }


def difference(old: Manifest | None, new: Manifest) -> Difference:
    """What becomes of a policy, or of none."""
    if old is None:
        return Difference("+", new.key)
    before, after = _leaves(old), _leaves(new)
    changes = tuple(
        Change(field, before.get(field), after.get(field)) for field in dict.fromkeys((*before, *after)) if before.get(field) != after.get(field)
    )
    return Difference("~" if changes else "=", new.key, changes)


def _leaves(manifest: Manifest) -> dict[str, Any]:
    """What a policy says: its fields without those that repeat a default, and its bundle."""
    try:
        spec = msgspec.to_builtins(to_policy(manifest, "").spec)
    except ConfigError:
        # Written for a newer program.
        spec = manifest.spec
    labels = manifest.metadata.labels
    bundle = {label: labels[label] for label in (bundles.LABEL, bundles.VERSION_LABEL) if label in labels}
    return dict(_flat(spec)) | bundle


def _flat(value: dict[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    for name, one in value.items():
        if isinstance(one, dict):
            yield from _flat(one, f"{path}{name}.")
        else:
            yield f"{path}{name}", one


def _shown(value: Any) -> str:
    return "unset" if value is None else msgspec.json.encode(value).decode()
