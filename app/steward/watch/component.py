"""The component ``watch`` in one place."""

from __future__ import annotations

from steward.runtime.component import Component, Right
from steward.watch import metrics
from steward.watch.census import follow
from steward.watch.config import Config
from steward.watch.model import PODS

COMPONENT = Component(
    name="watch",
    summary="A health score of every namespace and of the cluster, from their pods.",
    config=Config,
    rights=(Right(PODS, "list watch", why="are judged and counted"),),
    metrics=metrics.ALL,
    reasons=(),
    build=follow,
    elects_leader=False,
)
