"""Containers of pods, as the API writes them."""

from __future__ import annotations

from typing import Any

GOOD = {
    "name": "web",
    "image": "app:1",
    "livenessProbe": {"tcpSocket": {"port": 80}},
    "readinessProbe": {"tcpSocket": {"port": 80}},
    "resources": {"requests": {"cpu": "1"}},
}
"""Nothing is wrong in it."""


def container(name: str = "web", **changes: Any) -> dict[str, Any]:
    """A good container, changed; None takes a field away."""
    whole = GOOD | {"name": name} | changes
    return {key: value for key, value in whole.items() if value is not None}
