"""Figures of a run: a line for each scenario, and a page of all."""

import datetime as dt
import os
import platform
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest


class Figure(msgspec.Struct, frozen=True):
    """One measured number.

    Attributes:
        name: What was measured.
        value: The number.
        unit: Of what; empty for a count.
        target: What it must not exceed, if anything was promised.
        least: What it must not fall below, if that was.
    """

    name: str
    value: float
    unit: str = ""
    target: float | None = None
    least: float | None = None

    def __str__(self) -> str:
        return f"{self.name} {self.shown}" + (f" ({self.bound}{', MISSED' if self.is_missed else ''})" if self.bound else "")

    @property
    def bound(self) -> str:
        """What was promised, in words; empty if nothing was."""
        if self.target is not None:
            return f"at most {self.target:g}"
        return f"at least {self.least:g}" if self.least is not None else ""

    @property
    def is_missed(self) -> bool:
        """Whether it is not what was promised. Tests allow a busy machine a little more than that; the page says so all the same."""
        return (self.target is not None and self.value > self.target) or (self.least is not None and self.value < self.least)

    @property
    def shown(self) -> str:
        """The number with as many digits as mean something, and its unit."""
        value = self.value
        digits = 0 if value == int(value) or value >= 100 else 1 if value >= 1 else 2
        return f"{value:.{digits}f}{' ' if self.unit else ''}{self.unit}"


class Report:
    """All figures of a run by scenario, in the order they were taken."""

    def __init__(self) -> None:
        self.versions: dict[str, str] = {}
        self._scenarios: dict[str, list[Figure]] = {}

    def note(self, scenario: str, name: str, value: float, unit: str = "", **bounds: float) -> None:
        """Take a figure, with its ``target`` or ``least``."""
        self._scenarios.setdefault(scenario, []).append(Figure(name, value, unit, **bounds))

    def lines(self) -> list[str]:
        """One line for each scenario."""
        return [f"{scenario}: {', '.join(map(str, figures))}" for scenario, figures in self._scenarios.items()]

    def page(self, failed: Sequence[str] = (), *, whole: bool) -> str:
        """The page of the documentation.

        Args:
            failed: Tests that failed; they are told.
            whole: Whether all scenarios ran, as often as ``make faults`` repeats them, or those of ``make test``.
        """
        rows = "\n".join(_row(scenario, figure) for scenario, figures in self._scenarios.items() for figure in figures)
        versions = ", ".join(f"{name} {version}" for name, version in self.versions.items())
        run, today = WHOLE if whole else PART, dt.datetime.now(dt.UTC).date()
        return PAGE.format(date=today, machine=_machine(), versions=versions, rows=rows, run=run, outcome=_outcome(failed))


WHOLE = "All scenarios ran, with their repetitions."
PART = "The scenarios of `make test` ran; `make faults` has more of them, and repeats them."


def _outcome(failed: Sequence[str]) -> str:
    if not failed:
        return "Every scenario held."
    return "**Not every scenario held in this run.** Failed:\n\n" + "\n".join(f"- `{name}`" for name in failed)


def _row(scenario: str, figure: Figure) -> str:
    bound = figure.bound.removeprefix("at most ")
    return f"| {scenario} | {figure.name} | {figure.shown} | {bound}{', **missed**' if figure.is_missed else ''} |"


def _machine() -> str:
    cpu = next((line.partition(":")[2].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")), "")
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{os.cpu_count()} cores ({cpu or platform.machine()}), {memory:.0f} GiB"


REPORT = pytest.StashKey[Report]()
"""Where a run keeps its report."""

PAGE = """<!-- Written by `make faults`. To change the words, change tests/faults/harness/report.py. -->
# Reliability

What becomes of pods' names while something breaks. A real etcd, kube-apiserver and kube-controller-manager are killed, stopped and frozen; pods are
carried by kwok; Steward runs as the processes of one or two replicas, which are restarted as the kubelet restarts containers. The figures are not
Steward's own: a client that shares no code with it makes the pods, follows them by its own watches and takes the times, the API server's audit log
says who wrote what and when, and a door before the API server counts connections.

After every scenario this must hold, or the run fails:

- each pod that asks for a name and can have one has exactly one Service and one EndpointSlice, both right in every field;
- nothing else by Steward is left in the namespace;
- every object of somebody else, also under the name of a pod, is the same byte for byte, `resourceVersion` and `managedFields` included.

Names that are there when the API server goes away go on being answered: DNS and kube-proxy have what they need. What waits is the name of a pod that
comes, moves or goes in the meantime. *Recovery* is the time from the moment the API server says `/readyz` until all of the above holds, with twenty
pods replaced right at the start of it; *failover* the time from the loss of the leader to the first write of the next.

How to read it: what is promised stands in the last column, and a figure above it is marked, also where the test allows a busy machine a second more.
The rows of the *installed chart* are from a real node with kubelet and containers, the others from processes. Those of the *webhook* are of an API
server that must ask it (`failurePolicy: Fail`); replicas that are replaced stand behind a balancer which, as kube-proxy, leaves open connections
alone. So do the two whose certificates, with lives of seconds, are replaced while dry runs come at a rate; a wrong answer is a good pod refused, or a
bad one let through. The API server that *hears late* is a second one, with a proxy before etcd that holds back what it is told of configurations.
Times hold for this machine; numbers of requests follow from arithmetic and hold anywhere: while the API server cannot be reached
one task of a process asks for it and everybody else waits
([why](design/2026-11-21-one-asks-in-an-outage.md)), and a leader renews its lease to the end. A single replica that lost its lease in an outage
waits for that lease to run out, 15 s, before it leads again.

Measured {date} on {machine}: {versions}. {run} {outcome}

| scenario | figure | measured | at most |
| --- | --- | ---: | ---: |
{rows}

A leader that cannot renew its lease for 10 seconds ends with exit code 3 and is restarted; this is meant. Another one may write 5 seconds later, and
nothing but its end is proof that the first does not.
"""
