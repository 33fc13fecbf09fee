"""Reasons of the Events on pods."""

from __future__ import annotations

from steward.runtime.plan import Reason

CREATED = Reason("HeadlessServiceCreated", "Normal", "The pod got its name.")
UPDATED = Reason("HeadlessServiceUpdated", "Normal", "The pod's name was brought up to date.")
DELETED = Reason("HeadlessServiceDeleted", "Normal", "The pod's name was withdrawn.")
NAME_TOO_LONG = Reason("HeadlessServiceNameTooLong", "Warning", "The pod's name is longer than the 63 characters of a Service's.")
INVALID_NAME = Reason("HeadlessServiceInvalidName", "Warning", "The pod's name cannot be that of a Service.")
NAME_CONFLICT = Reason(
    "HeadlessServiceNameConflict", "Warning", "A Service or an EndpointSlice of that name belongs to somebody else and was left alone."
)
INVALID_ADDRESS = Reason("HeadlessServiceInvalidAddress", "Warning", "No EndpointSlice takes the pod's address.")
CONTESTED = Reason("HeadlessServiceContested", "Warning", "Something else changes what is written for the pod's name; it was left so.")
INVALID_ANNOTATION = Reason("HeadlessServiceInvalidAnnotation", "Warning", "An annotation of the pod is not understood and counts as absent.")

ALL = (CREATED, UPDATED, DELETED, NAME_TOO_LONG, INVALID_NAME, NAME_CONFLICT, INVALID_ADDRESS, CONTESTED, INVALID_ANNOTATION)
