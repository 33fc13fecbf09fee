"""Conditions: what is so about an object, since when, and why (``metav1.Condition``)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Annotated, Literal

from msgspec import Meta

from steward.runtime.resource import Struct

Truth = Literal["True", "False", "Unknown"]


class Condition(Struct, frozen=True):
    """``metav1.Condition``; lengths and patterns are those of its generated schema."""

    type: Annotated[str, Meta(max_length=316, pattern=r"^([a-z0-9.-]+/)?[A-Za-z0-9][-A-Za-z0-9_.]*$", description="What the condition is about.")]
    status: Annotated[Truth, Meta(description="Whether it is so.")]
    last_transition_time: Annotated[str, Meta(description="When status changed last.", extra_json_schema={"format": "date-time"})]
    reason: Annotated[str, Meta(min_length=1, max_length=1024, pattern=r"^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$", description="Why, in one word.")]
    message: Annotated[str, Meta(max_length=32768, description="Why, for people.")] = ""
    observed_generation: Annotated[int, Meta(ge=0, description="The generation of the object that it speaks of.")] = 0


def condition(
    type_: str, status: Truth, *, reason: str, message: str = "", generation: int = 0, now: dt.datetime, before: Iterable[Condition] = ()
) -> Condition:
    """A condition that keeps the time of its last transition (apimachinery, ``meta.SetStatusCondition``).

    Args:
        type_: What it is about.
        status: Whether it is so.
        reason: Why, in one UpperCamelCase word.
        message: Why, for people.
        generation: Of the object that it speaks of.
        now: The time of a transition.
        before: The conditions the object has.
    """
    last = next((one for one in before if one.type == type_), None)
    since = last.last_transition_time if last is not None and last.status == status else rfc3339(now)
    return Condition(type=type_, status=status, last_transition_time=since, reason=reason, message=message, observed_generation=generation)


def rfc3339(when: dt.datetime) -> str:
    """A time in whole seconds, as ``metav1.Time`` writes it."""
    return when.astimezone(dt.UTC).isoformat(timespec="seconds").removesuffix("+00:00") + "Z"
