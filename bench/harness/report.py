"""Writes the figures as a page."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness import targets
from harness.figures import Figures
from harness.journal import Journal
from harness.peers import USUAL
from harness.plan import FAKE, STANDARD
from harness.prepare import BENCH

MEGABYTE = 1_000_000


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes:
        title: What was measured; ``{at}`` is where.
        name: The figure.
        unit: What its values are divided by to be shown.
        digits: Digits after the point.
        compared: Whether ratios mean something.
    """

    title: str
    name: str
    unit: float = 1
    digits: int = 0
    compared: bool = True


ROWS = (
    Row("Ready among {at} pods, s", "ready_seconds", digits=2),
    Row("Memory at {at} pods, MB", "memory_bytes", MEGABYTE),
    Row("Memory at {at} pods after all rates, MB", "memory_after_load_bytes", MEGABYTE),
    Row("Event to both writes at {at} pods/s, p50, ms", "p50_milliseconds", digits=1),
    Row("Event to both writes at {at} pods/s, p99, ms", "p99_milliseconds", digits=1),
    Row("CPU per pod at {at} pods/s, µs", "cpu_microseconds_per_pod"),
    Row("Sent at {at} pods/s, pods/s", "sent_per_second", compared=False),
    Row("Storm of {at} annotated pods at start, s", "storm_seconds", digits=1),
    Row("Idle hour: reconciles of each key", "idle_resyncs", digits=1, compared=False),
    Row("Idle hour: writes", "idle_writes", compared=False),
    Row("Idle hour: lists", "idle_lists", compared=False),
    Row("Idle hour: watches begun again", "idle_watches", compared=False),
    Row("Outage: requests", "outage_requests", compared=False),
    Row("Outage: of these lists and watches", "outage_informer_requests", compared=False),
    Row("Outage: CPU, % of a core", "outage_cpu_share", 0.01, digits=1, compared=False),
    Row("Outage: restarts of the process", "outage_restarts", compared=False),
    Row("Outage: seconds to serve what was missed", "outage_recovery_seconds", digits=1, compared=False),
)


OTHER = "\n<!-- governance: "
"""Where the part begins that :mod:`harness.governance.report` writes."""


def write(directory: Path, journal: Journal) -> Path:
    """Write this part of performance.md, and return where it is."""
    path = directory / "performance.md"
    _, mark, other = (path.read_text() if path.exists() else "").partition(OTHER)
    path.write_text(page(journal) + mark + other)
    return path


def page(journal: Journal) -> str:
    """The whole page."""
    figures, plan = journal.figures(), journal.about["plan"]
    command = "bench/run" if plan == STANDARD.name else f"bench/run --{plan}"
    parts = [
        f"<!-- Written by `{command}` from bench/method.md, bench/notes.md and what was measured. -->\n# Performance\n",
        (BENCH / "method.md").read_text().format(**words(journal)),
        "## Promises\n",
        f"As ratios in one run, judged at the {FAKE}.\n",
        "\n".join(promises("Steward", targets.judge(figures))),
        f"\n{(BENCH / 'notes.md').read_text()}",
        "## Figures\n",
        f"Medians of {journal.about['rounds']} rounds; in brackets the ratio to *{USUAL.name}* in the same run. A dash: not measured.\n",
        "![Memory and time to be ready against the number of pods, and latency against the rate](performance.svg)\n",
        *("\n".join(_tables(figures, server)) + "\n" for server in figures.servers()),
        *failures(journal),
    ]
    return "\n".join(parts)


def words(journal: Journal) -> dict[str, Any]:
    """What a page says about its run."""
    about: dict[str, Any] = journal.about
    packages = {f"{name}_packages": ", ".join(f"{one} {version}" for one, version in found.items()) for name, found in about["packages"].items()}
    beside = f"work of lower priority (nice) had {journal.niced():.0%} of the processors' time" if journal.niced() >= 0.01 else "nothing else ran"
    return about | packages | {"minutes": str(journal.minutes()), "beside": beside}


def promises(title: str, verdicts: Iterable[targets.Verdict]) -> Iterator[str]:
    """What was promised, and what was found."""
    yield f"| {title} | promised at most | found | least and greatest of a round | |"
    yield "| --- | ---: | ---: | ---: | --- |"
    for verdict in verdicts:
        found = "not measured" if verdict.found is None else f"{_rounded(verdict.found)}{verdict.unit}"
        rounds = " to ".join(map(_rounded, verdict.rounds))
        outcome = "-" if verdict.found is None else "kept" if verdict.is_kept else "**missed**"
        yield f"| {verdict.promise} | {verdict.limit:g}{verdict.unit} | {found} | {rounds} | {outcome} |"


def _tables(figures: Figures, server: str) -> Iterator[str]:
    yield f"### At the {server}\n"
    yield from table(figures, server, ROWS, figures.peers(), to=USUAL.name)


def table(figures: Figures, server: str, rows: Iterable[Row], peers: Sequence[str], *, to: str) -> Iterator[str]:
    """Medians by peer, with their ratios to one of them."""
    yield f"| | {' | '.join(peers)} |"
    yield f"| --- |{' ---: |' * len(peers)}"
    for row in rows:
        for at in figures.places(server, row.name):
            cells = [_cell(figures, server, peer, row, at, to=to) for peer in peers]
            yield f"| {row.title.format(at=f'{at:,}')} | {' | '.join(cells)} |"


def _cell(figures: Figures, server: str, peer: str, row: Row, at: int, *, to: str) -> str:
    value = figures.median(server, peer, row.name, at)
    if value is None:
        return "-"
    shown = f"{value / row.unit:,.{row.digits}f}"
    ratio = figures.ratio(server, peer, to, row.name, at)
    return f"{shown} ({ratio:.2f})" if row.compared and ratio is not None and peer != to else shown


def failures(journal: Journal) -> Iterator[str]:
    """What failed, if something did."""
    if journal.failures():
        yield "### What failed\n"
        yield "\n".join(f"- {line}" for line in journal.failures()) + "\n"


def _rounded(value: float) -> str:
    """Three digits, and no exponent for a large number."""
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"
