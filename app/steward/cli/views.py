"""How ``steward watch`` shows what it sees: as a page, as lines, as JSON objects."""

from __future__ import annotations

import datetime as dt
import json
import logging
import shutil
import sys
from abc import ABC, abstractmethod
from collections import deque
from types import TracebackType
from typing import Any, Self

import click

from steward.cli.analyze import score_cells
from steward.cli.ledger import PodEvent
from steward.cli.listing import violation_counts
from steward.cli.output import COLORS, colored, table
from steward.cli.surveys import Part, Survey
from steward.governance.scores import Formula, classify, shown
from steward.runtime.errors import StewardError

INFORMER = logging.getLogger("steward.runtime.informer")

EVENTS = 12
"""Changes that a page shows."""

BEGIN, END = "\x1b[?1049h\x1b[?25l\x1b[?7l", "\x1b[?7h\x1b[?25h\x1b[?1049l"
"""A screen of its own, no cursor, and long lines cut; and back (xterm, Control Sequences)."""

HOME, CLEAR_LINE, CLEAR_REST = "\x1b[H", "\x1b[K", "\x1b[J"


class View(ABC):
    """What is told: each pod that changed, and about once a second what all of them score."""

    def __init__(self, formula: Formula) -> None:
        self._formula = formula

    def __enter__(self) -> Self:
        # What the informer logs about failures is told here.
        self._level = INFORMER.level
        INFORMER.setLevel(logging.CRITICAL)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """The log is as it was."""
        INFORMER.setLevel(self._level)

    @abstractmethod
    def happened(self, event: PodEvent) -> None:
        """A pod changed."""

    @abstractmethod
    def look(self, survey: Survey, failure: StewardError | None) -> None:
        """A second has passed; failure says why the cluster does not answer."""


class Stream(View):
    """One thing after the other: a change of a pod, a score that moved, and when the cluster stops and begins to answer."""

    def __init__(self, formula: Formula) -> None:
        super().__init__(formula)
        self._scores: dict[str, float | None] = {}
        self._failed = False

    def look(self, survey: Survey, failure: StewardError | None) -> None:
        """See :class:`View`."""
        if (failure is not None) != self._failed:
            self._failed = failure is not None
            click.echo(f"steward: {failure or 'the cluster answers again'}", err=True)
        now = {name: part.score(self._formula) for name, part in survey.namespaces.items()}
        for name in sorted(now.keys() | self._scores.keys()):
            if name not in now or name not in self._scores or now[name] != self._scores[name]:
                self._moved(name, survey.namespaces.get(name), self._scores.get(name))
        self._scores = now

    @abstractmethod
    def _moved(self, namespace: str, part: Part | None, before: float | None) -> None:
        """Tell the score of a namespace; without a part its last pod went."""


class Lines(Stream):
    """A line for each change."""

    def happened(self, event: PodEvent) -> None:
        """See :class:`View`."""
        click.echo(_line(event))

    def _moved(self, namespace: str, part: Part | None, before: float | None) -> None:
        if part is None:
            said = "no pods"
        else:
            score, was = part.score(self._formula), "" if before is None else f"{shown(before)} -> "
            said = (
                "-"
                if score is None
                else f"{was}{shown(score)} {colored(classify(score), COLORS)}, {part.tally.pods} pod{'' if part.tally.pods == 1 else 's'}"
            )
        click.echo(f"{_clock(dt.datetime.now(dt.UTC))} {'score':8} {namespace}: {said}")


class Objects(Stream):
    """A JSON object for each change."""

    def happened(self, event: PodEvent) -> None:
        """See :class:`View`."""
        violations = None if event.verdict is None else len(event.verdict.violations)
        self._print(event.at, event=event.kind, namespace=event.pod.namespace, pod=event.pod.name, violations=violations)

    def _moved(self, namespace: str, part: Part | None, before: float | None) -> None:
        report = (part or Part()).report(self._formula) | ({"score": None, "class": None} if part is None else {})
        self._print(dt.datetime.now(dt.UTC), event="score", namespace=namespace, **report)

    def _print(self, at: dt.datetime, **fields: Any) -> None:
        click.echo(json.dumps({"time": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"), **fields}))


class Page(View):
    """The whole screen of a terminal, drawn anew with every look."""

    def __init__(self, formula: Formula) -> None:
        super().__init__(formula)
        self._events: deque[PodEvent] = deque(maxlen=EVENTS)

    def __enter__(self) -> Self:
        sys.stdout.write(BEGIN)
        return super().__enter__()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """The screen is as it was, and the log."""
        sys.stdout.write(END)
        sys.stdout.flush()
        super().__exit__(kind, error, trace)

    def happened(self, event: PodEvent) -> None:
        """See :class:`View`."""
        self._events.append(event)

    def look(self, survey: Survey, failure: StewardError | None) -> None:
        """See :class:`View`."""
        height = shutil.get_terminal_size().lines
        lines = list(self._drawn(survey, failure))[: height - 1]
        # click decides about colours; what moves the cursor is none.
        sys.stdout.write(HOME)
        sys.stdout.flush()
        for line in lines:
            click.echo(line, nl=False)
            sys.stdout.write(f"{CLEAR_LINE}\n")
        sys.stdout.write(CLEAR_REST)
        sys.stdout.flush()

    def _drawn(self, survey: Survey, failure: StewardError | None) -> list[str]:
        total, parts = survey.total, survey.namespaces
        ranked = sorted(parts.items(), key=lambda one: (_worth(one[1], self._formula), one[0]))
        rows = [(name, *score_cells(part, self._formula)) for name, part in ranked]
        rows.append(("(all)", *score_cells(total, self._formula)))
        now = _clock(dt.datetime.now(dt.UTC))
        head = f"{survey.context}   {total.tally.pods} pods in {len(parts)} namespaces   {now}   Ctrl-C ends"
        lines = [click.style(head, bold=True), click.style(str(failure), fg="red") if failure else ""]
        lines += table(("NAMESPACE", "PODS", "SCORE", "CLASS", "VIOLATIONS", "COSTS MOST"), rows).splitlines()
        return [*lines, "", *(_line(event) for event in reversed(self._events))]


def _worth(part: Part, formula: Formula) -> float:
    score = part.score(formula)
    return 100 if score is None else score


def _line(event: PodEvent) -> str:
    said = "" if event.kind == "deleted" else ": over" if event.verdict is None else f": {violation_counts(event.verdict)}"
    return f"{_clock(event.at)} {event.kind:8} {event.pod}{said}"


def _clock(at: dt.datetime) -> str:
    return at.astimezone().strftime("%H:%M:%S")
