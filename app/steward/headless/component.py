"""The component ``headless`` in one place."""

from __future__ import annotations

from steward.headless import metrics, reasons
from steward.headless.config import Config
from steward.headless.controller import controllers
from steward.headless.model import PODS, SERVICES, SLICES
from steward.runtime.component import Component, Right

COMPONENT = Component(
    name="headless",
    summary="A headless Service and EndpointSlice for every annotated pod.",
    config=Config,
    rights=(
        Right(PODS, "list watch", why="annotated pods are the input"),
        Right(SERVICES, "list watch create patch delete", why="one for each annotated pod"),
        Right(SLICES, "list watch create patch delete", why="carry the address of the pod"),
    ),
    metrics=metrics.ALL,
    reasons=reasons.ALL,
    build=controllers,
)
