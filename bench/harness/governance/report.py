"""Writes the figures as the part of the page that is about governance."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from harness import report
from harness.figures import Figures
from harness.governance import background, nextdoor, plan, targets, webhooks
from harness.governance.course import PEERS
from harness.journal import Journal
from harness.prepare import BENCH
from harness.report import MEGABYTE, Row

LOAD = Row("Load average of the machine as it began", "load_average", digits=1, compared=False)

ROWS: dict[str, tuple[Row, ...]] = {
    plan.REVIEW: tuple(
        Row(f"{title}, {{at}} policies, µs of CPU", f"review_{name}_microseconds", compared=False)
        for name, title in (
            ("good", "Good pod"),
            ("bad", "Bad pod"),
            ("twenty_containers", "Twenty containers"),
            ("update", "Change of an image"),
            ("hundred_containers", "Hundred containers of fifty variables, bad before and after"),
        )
    ),
    plan.WIRE: (
        Row("Reviews/s over {at} connections", "reviews_per_second"),
        Row("p50 over {at} connections, ms", "review_p50_milliseconds", digits=2),
        Row("p99 over {at} connections, ms", "review_p99_milliseconds", digits=2),
        Row("CPU per review over {at} connections, µs", "review_cpu_microseconds"),
        Row("Memory after it, MB", "webhook_memory_bytes", MEGABYTE),
    ),
    plan.RATE: (Row("p50 at {at}/s, ms", "rate_p50_milliseconds", digits=2), Row("p99 at {at}/s, ms", "rate_p99_milliseconds", digits=2)),
    plan.NEXT_DOOR: (
        Row("p50, ms", "nextdoor_p50_milliseconds", digits=2),
        Row("p99, ms", "nextdoor_p99_milliseconds", digits=2),
        Row("Relists meanwhile", "nextdoor_relists", compared=False),
    ),
    plan.SERVER: (
        Row("Dry-run creates/s over {at} connections", "creates_per_second"),
        Row("p50 over {at} connections, ms", "create_p50_milliseconds", digits=1),
        Row("p99 over {at} connections, ms", "create_p99_milliseconds", digits=1),
        Row("Mean of the server's histogram of admission, ms", "admission_mean_milliseconds", digits=2),
    ),
    plan.BACKGROUND: (
        Row("Policies created to all results, {at} pods, s", "created_seconds", digits=2),
        Row("CPU of it, s", "created_cpu_seconds", digits=2),
        Row("Requests of it", "created_requests"),
        Row("Writes of it", "created_writes"),
        Row("Written by it, kB", "created_written_bytes", 1_000),
        Row("Policies changed to all results, s", "changed_seconds", digits=2),
        Row("CPU of it, s", "changed_cpu_seconds", digits=2),
        Row("Pod changed to status, p50, ms", "pod_p50_milliseconds", digits=1),
        Row("Pod changed to status, p99, ms", "pod_p99_milliseconds", digits=1),
        Row("CPU per changed pod, ms", "pod_cpu_milliseconds", digits=2),
        Row("Memory without policies, MB", "background_rest_bytes", MEGABYTE),
        Row("Memory after all, MB", "background_bytes", MEGABYTE),
        Row("Most memory of each process, added up, MB", "background_peak_bytes", MEGABYTE),
        Row("Ten idle minutes: writes", "idle_writes", compared=False),
        Row("Ten idle minutes: lists", "idle_lists", compared=False),
        Row("Ten idle minutes: evaluations of each policy", "idle_evaluations", digits=1, compared=False),
        Row("Ten idle minutes: CPU, % of a core", "idle_cpu_share", 0.01, digits=2, compared=False),
    ),
    plan.SCORES: (
        Row("{at} pods judged and counted, ms of CPU", "score_milliseconds", digits=1, compared=False),
        Row("Longest piece of it, ms", "score_slice_milliseconds", digits=1, compared=False),
        Row("Each pod by itself, ms of CPU", "score_alone_milliseconds", digits=1, compared=False),
        Row("`watch` started to its first score, s", "watch_ready_seconds", digits=2, compared=False),
        Row("Memory of `watch`, MB", "watch_memory_bytes", MEGABYTE, compared=False),
        Row("A scrape of `watch`, ms", "scrape_milliseconds", digits=1, compared=False),
        Row("CPU of it, ms", "scrape_cpu_milliseconds", digits=1, compared=False),
    ),
}
AGAINST = {plan.NEXT_DOOR: nextdoor.QUIET, plan.BACKGROUND: background.GO.name}
"""Whom ratios are to; the Go handler elsewhere."""

TITLES = {
    plan.REVIEW: "Review without a server",
    plan.WIRE: "Webhook",
    plan.RATE: "Webhook, at half the rate that the slowest can bear",
    plan.NEXT_DOOR: "Webhook beside `policy`",
    plan.SERVER: "At the kube-apiserver",
    plan.BACKGROUND: "Background",
    plan.SCORES: "Scores",
}


def write(directory: Path, journal: Journal) -> Path:
    """Write this part of performance.md, and return where it is."""
    path = directory / "performance.md"
    before, _, _ = (path.read_text() if path.exists() else "").partition(report.OTHER)
    path.write_text(before + section(journal))
    return path


def section(journal: Journal) -> str:
    """The whole part, with the mark that it begins with."""
    figures = journal.figures()
    text = (BENCH / "governance.md").read_text()
    said = {
        "promises": "\n".join(report.promises("Steward", targets.judge(figures))),
        "figures": "\n".join(_figures(figures)),
        "failures": "\n".join(report.failures(journal)),
    }
    mark = f"{report.OTHER}written by `bench/run --only governance` from bench/governance.md and what was measured. -->\n"
    return mark + text.format(**report.words(journal), **said).rstrip() + "\n"


def _figures(figures: Figures) -> Iterator[str]:
    for part in figures.servers():
        yield f"#### {TITLES[part]}\n"
        yield from report.table(figures, part, (*ROWS[part], LOAD), PEERS[part], to=AGAINST.get(part, webhooks.GO.name))
        yield ""
