"""Draws growth against pods and latency against the rate: ``plot.py RESULTS.json OUT.svg``, run where matplotlib is."""

from __future__ import annotations

import json
import statistics
import sys
from collections import defaultdict
from pathlib import Path

import matplotlib as mpl

mpl.use("svg")
from matplotlib import pyplot as plt
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

PANELS = (
    ("memory_bytes", 1e-6, "Memory, MB", "pods in the cluster"),
    ("ready_seconds", 1, "Ready, s", "pods in the cluster"),
    ("p99_milliseconds", 1, "Event to both writes, p99, ms", "pods/s"),
)
COLOURS = ("#1b6ca8", "#c0392b", "#e08e79", "#7f8c8d", "#b7950b")
SERVER = "fake server"


def main(source: Path, target: Path) -> None:
    """Draw the figures of one run."""
    # Text stays text, and the same figures make the same file.
    mpl.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "steward", "font.size": 9, "font.family": "sans-serif"})
    lines = _lines([figure for step in json.loads(source.read_text())["steps"] for figure in step["figures"]])
    peers = list(dict.fromkeys(peer for _, peer in lines))
    figure, axes = plt.subplots(1, len(PANELS), figsize=(12, 3.8))
    for axis, (name, unit, title, below) in zip(axes, PANELS, strict=True):
        for peer, colour in zip(peers, COLOURS, strict=False):
            points = sorted(lines[name, peer].items())
            if points:
                axis.plot([at for at, _ in points], [value * unit for _, value in points], marker="o", color=colour, label=peer)
        axis.set(title=title, xlabel=below, xscale="log", yscale="log")
        places = sorted({at for peer in peers for at in lines[name, peer]})
        axis.set_xticks(places, [f"{at:,}" for at in places])
        axis.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
        for which in (axis.xaxis, axis.yaxis):
            which.set_minor_locator(NullLocator())
        axis.grid(visible=True, alpha=0.3)
        axis.spines[["top", "right"]].set_visible(False)
    shown = {label: handle for axis in axes for handle, label in zip(*axis.get_legend_handles_labels(), strict=True)}
    figure.legend(shown.values(), shown.keys(), loc="lower center", ncols=len(peers), frameon=False)
    figure.tight_layout(rect=(0, 0.08, 1, 1))
    figure.savefig(target, facecolor="white", metadata={"Date": None})


def _lines(figures: list[dict[str, object]]) -> dict[tuple[object, object], dict[int, float]]:
    """Medians by place, for each figure and peer."""
    values: dict[tuple[object, object], dict[int, list[float]]] = defaultdict(lambda: defaultdict(list))
    for one in figures:
        if one["server"] == SERVER:
            values[one["name"], one["peer"]][int(str(one["at"]))].append(float(str(one["value"])))
    found = {key: {at: statistics.median(measured) for at, measured in places.items()} for key, places in values.items()}
    return defaultdict(dict, found)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
