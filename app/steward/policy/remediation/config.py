"""What a user can configure about remediation."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from steward.governance.namespaces import Pattern, check_patterns
from steward.runtime.errors import ConfigError

Day = Literal["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
DAYS: tuple[Day, ...] = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")

Time = Annotated[str, Meta(pattern="^([01][0-9]|2[0-3]):[0-5][0-9]$")]

DAY = dt.timedelta(days=1)


class Window(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True, kw_only=True):
    """A time in which workloads may be patched, in UTC."""

    days: Annotated[tuple[Day, ...], Meta(description="Days on which it begins; every day when empty.")] = ()
    start: Annotated[Time, Meta(description="When it begins, such as 22:00.")]
    end: Annotated[Time, Meta(description="When it ends, such as 04:00; on the next day where that is not after the start.")]

    def opens(self, now: dt.datetime) -> dt.datetime | None:
        """None while it is open, else when it opens next."""
        begins, lasts = _since_midnight(self.start), (_since_midnight(self.end) - _since_midnight(self.start)) % DAY or DAY
        midnight = now.astimezone(dt.UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        for offset in range(-1, 8):
            start = midnight + offset * DAY + begins
            if not self.days or DAYS[start.weekday()] in self.days:
                if start <= now < start + lasts:
                    return None
                if start > now:
                    return start
        raise AssertionError("a week has all days")


def _since_midnight(text: str) -> dt.timedelta:
    hours, minutes = text.split(":")
    return dt.timedelta(hours=int(hours), minutes=int(minutes))


class RemediationConfig(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True, kw_only=True):
    """Configuration of remediation."""

    enabled: Annotated[
        bool, Meta(description="Whether workloads are patched where a policy enforces it. A patch restarts pods, one workload after the other.")
    ] = False
    max_per_namespace: Annotated[int, Meta(ge=1, le=100, description="Workloads of one namespace that are patched and watched at a time.")] = 1
    max_per_hour: Annotated[int, Meta(ge=1, le=1000, description="Workloads that are patched within one hour, in all namespaces.")] = 10
    observation_seconds: Annotated[
        int,
        Meta(
            ge=60,
            le=86400,
            description="How long a patched workload is watched, or its progressDeadlineSeconds if that is longer. It is undone when the workload "
            "is not available then, or when containers were restarted meanwhile.",
        ),
    ] = 600
    windows: Annotated[
        tuple[Window, ...], Meta(description="Only in these times workloads are patched; always when empty. Undone is at any time.")
    ] = ()
    protected_namespaces: Annotated[
        tuple[Pattern, ...],
        Meta(description="Names of namespaces, or patterns with *, whose workloads are never patched, besides those in systemNamespaces."),
    ] = ()
    other_managers: Annotated[
        tuple[str, ...],
        Meta(
            description="Beginnings of the names of field managers whose workloads are left to them, as kubectl get --show-managed-fields shows them."
        ),
    ] = ("terraform", "pulumi", "rancher", "fleet-agent", "kapp")
    argocd_instance_label: Annotated[
        str,
        Meta(min_length=1, description="The label by which Argo CD knows its workloads, if it is not the default (application.instanceLabelKey)."),
    ] = "argocd.argoproj.io/instance"

    def __post_init__(self) -> None:
        """Refuse what would silently never match. Raises: ConfigError."""
        check_patterns("config.remediation.protectedNamespaces", self.protected_namespaces)
        for index, name in enumerate(self.other_managers):
            if not name:
                raise ConfigError(f"config.remediation.otherManagers[{index}]: empty, so every workload would be somebody else's. Write a name.")
