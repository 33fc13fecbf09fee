"""The command line: which part to run, and where to write it."""

from __future__ import annotations

import argparse
import functools
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from harness import cluster, figures, machine, plan, quiet, report, scenarios, targets
from harness.peers import ALL, Peer, made
from harness.prepare import BENCH, REPOSITORY, cache


def main() -> int:
    """Run, write, and say whether the promises hold."""
    arguments = _arguments()
    if arguments.report is not None:
        found, about = figures.read(arguments.report)
    else:
        wanted = plan.QUICK if arguments.quick else plan.FULL
        began = time.monotonic()
        peers = tuple(peer for peer in ALL if not arguments.peers or peer.name in arguments.peers)
        found, about = _measured(wanted, peers, arguments.servers)
        about |= {"rounds": wanted.rounds, "minutes": round((time.monotonic() - began) / 60)}
    out = arguments.out or (cache() / "bench" / "quick" if arguments.quick else REPOSITORY / "docs")
    out.mkdir(parents=True, exist_ok=True)
    kept = cache() / "bench" / f"results-{'quick' if arguments.quick else 'full'}.json" if arguments.report is None else arguments.report
    if arguments.report is None:
        found.write(kept, about)
    page = report.write(out, found, about, command=f"bench/run{' --quick' if arguments.quick else ''}")
    subprocess.run([made() / "peers" / "bin" / "python", BENCH / "harness" / "plot.py", kept, out / "performance.svg"], check=True)
    print(page.read_text())
    missed = [verdict.promise for verdict in targets.judge(found) if not verdict.is_kept]
    print(f"Written to {page}; the values are in {kept}. {len(missed)} promises missed.", file=sys.stderr)
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench/run", description="Measure Steward and its peers side by side.")
    parser.add_argument("--quick", action="store_true", help="a rough look in minutes; does not touch docs/")
    parser.add_argument("--server", dest="servers", action="append", choices=["fake", "real"], help="only this server")
    parser.add_argument("--peer", dest="peers", action="append", choices=[peer.name for peer in ALL], help="only this peer; may be repeated")
    parser.add_argument("--out", type=Path, help="directory of performance.md and performance.svg")
    parser.add_argument("--report", type=Path, help="measure nothing; write the page from the values of a former run")
    return parser.parse_args()


def _measured(wanted: plan.Plan, peers: Sequence[Peer], servers: Sequence[str] | None) -> tuple[figures.Figures, dict[str, object]]:
    about = machine.describe()
    found = figures.Figures()
    servers = servers or ["fake", "real"]
    opened: dict[str, Callable[[Path], AbstractContextManager[cluster.Cluster]]] = {"fake": cluster.fake, "real": cluster.real}
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        directory = Path(name)
        for server in servers:
            (directory / server).mkdir()
            with opened[server](directory / server) as target:
                _at(scenarios.Bench(wanted, target, found, directory / server), peers)
        if "fake" in servers:
            for number in range(wanted.rounds):
                for measure in (quiet.idle_hour, quiet.outage):
                    _say(f"round {number + 1}: {measure.__name__.replace('_', ' ')}, all peers")
                    quiet.together(tuple(peers), functools.partial(measure, found, wanted), directory)
    return found, about


def _at(bench: scenarios.Bench, peers: Sequence[Peer]) -> None:
    """Everything that is timed at one server. Peers take turns, so that what the machine does besides meets all of them."""
    for size in bench.plan.sizes:
        _say(f"{bench.cluster.name}: filling up to {size:,} pods")
        bench.cluster.fill(size)
        for number, peer in _turns(bench.plan.rounds, peers):
            _say(f"{bench.cluster.name}, {size:,} pods, round {number + 1}: {peer.name}")
            scenarios.at_size(bench, peer, size)
        if size == bench.plan.sizes[0]:
            for number, peer in _turns(bench.plan.rounds, peers):
                _say(f"{bench.cluster.name}, storm, round {number + 1}: {peer.name}")
                scenarios.storm(bench, peer)


def _turns(rounds: int, peers: Sequence[Peer]) -> Iterator[tuple[int, Peer]]:
    """Round by round, each from another beginning."""
    for number in range(rounds):
        first = number % len(peers)
        yield from ((number, peer) for peer in (*peers[first:], *peers[:first]))


def _say(what: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {what}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
