"""The list of components. One is imported only when it is asked for, so that no process pays for the libraries of another."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from steward.runtime.component import Component

NAMES = ("headless", "watch", "policy", "webhook")
"""Every component, in the order of the documentation."""


def load(name: str) -> Component[Any]:
    """The declaration of a component of NAMES, with all that it runs on."""
    component: Component[Any] = import_module(f"steward.{name}.component").COMPONENT
    return component


def config_type(name: str) -> type[Any]:
    """The configuration struct of a component of NAMES, without what it runs on."""
    config: type[Any] = import_module(f"steward.{name}.config").Config
    return config
