"""Reasons of Events. A review records none: nothing is written per request."""

from __future__ import annotations

from steward.runtime.plan import Reason

ALL: tuple[Reason, ...] = ()
