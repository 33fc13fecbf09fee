"""The command line: how much, and where to write it."""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from harness import course, machine, plan, report, targets
from harness.journal import Journal
from harness.peers import ALL, made
from harness.prepare import BENCH, REPOSITORY, cache

SERVERS = {"fake": plan.FAKE, "real": plan.REAL}


def main() -> int:
    """Measure what is missing, write the page, and say whether the promises hold."""
    arguments = _arguments()
    wanted = next(one for one in plan.ALL_PLANS if one.name == arguments.plan)
    kept = cache() / "bench" / f"{wanted.name}.json"
    journal = Journal.read(kept) if arguments.report else _journal(kept, wanted, fresh=arguments.fresh)
    if not arguments.report:
        peers = [peer for peer in ALL if not arguments.peers or peer.name in arguments.peers]
        servers = [name for short, name in SERVERS.items() if not arguments.servers or short in arguments.servers]
        with tempfile.TemporaryDirectory(prefix="bench-") as directory:
            course.run(journal, wanted, servers=servers, peers=peers, directory=Path(directory))
    out = arguments.out or (REPOSITORY / "docs" if wanted is plan.STANDARD else kept.parent / wanted.name)
    out.mkdir(parents=True, exist_ok=True)
    page = report.write(out, journal)
    subprocess.run([made() / "peers" / "bin" / "python", BENCH / "harness" / "plot.py", kept, out / "performance.svg"], check=True)
    print(page.read_text())
    missed = [verdict.promise for verdict in targets.judge(journal.figures()) if not verdict.is_kept]
    print(f"Written to {page}; the values are in {kept}. {len(missed)} promises missed, {len(journal.failures())} steps failed.", file=sys.stderr)
    return 0


def _journal(path: Path, wanted: plan.Plan, *, fresh: bool) -> Journal:
    """That of a run of the same which was broken off, else a new one."""
    about = machine.describe(wanted)
    if not fresh:
        try:
            found = Journal.read(path)
        except (FileNotFoundError, ValueError, KeyError):
            pass
        else:
            if found.about["measured"] == about["measured"] and not all(map(found.has, plan.names(wanted))):
                print(f"bench/run: going on after {len(found.entries)} steps of a former run. --fresh begins anew.", file=sys.stderr)
                return found
    journal = Journal(path, about)
    journal.write()
    return journal


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="bench/run",
        description="Measure Steward and its peers side by side. A run that was broken off goes on where it was, if what it measures is the same.",
    )
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--quick", dest="plan", action="store_const", const="quick", help="a rough look in five minutes; does not touch docs/")
    size.add_argument("--long", dest="plan", action="store_const", const="long", help="all peers at all sizes, for hours; does not touch docs/")
    parser.add_argument("--server", dest="servers", action="append", choices=list(SERVERS), help="only this server")
    parser.add_argument("--peer", dest="peers", action="append", choices=[peer.name for peer in ALL], help="only this peer; may be repeated")
    parser.add_argument("--fresh", action="store_true", help="measure everything again")
    parser.add_argument("--out", type=Path, help="directory of performance.md and performance.svg")
    parser.add_argument("--report", action="store_true", help="measure nothing; write the page from the values of the last run")
    parser.set_defaults(plan="standard")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
