"""The command line: how much, and where to write it."""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from harness import course, machine, plan, report, targets
from harness.governance import course as governance_course
from harness.governance import plan as governance_plan
from harness.governance import report as governance_report
from harness.governance import targets as governance_targets
from harness.journal import Journal
from harness.peers import ALL, made
from harness.prepare import BENCH, REPOSITORY, cache

SERVERS = {"fake": plan.FAKE, "real": plan.REAL}


def main() -> int:
    """Measure what is missing, write the page, and say whether the promises hold."""
    arguments = _arguments()
    out = arguments.out or (REPOSITORY / "docs" if arguments.plan == plan.STANDARD.name else cache() / "bench" / arguments.plan)
    out.mkdir(parents=True, exist_ok=True)
    missed: list[targets.Verdict] = []
    failed = 0
    for part, measure in {"headless": _headless, "governance": _governance}.items():
        if arguments.only in (None, part):
            journal, verdicts = measure(arguments, out)
            missed += [verdict for verdict in verdicts if not verdict.is_kept]
            failed += len(journal.failures())
    page = out / "performance.md"
    print(page.read_text())
    print(f"Written to {page}; the values are in {cache() / 'bench'}. {len(missed)} promises missed, {failed} steps failed.", file=sys.stderr)
    return 0


Measured = tuple[Journal, Iterable[targets.Verdict]]


def _headless(arguments: argparse.Namespace, out: Path) -> Measured:
    wanted = next(one for one in plan.ALL_PLANS if one.name == arguments.plan)
    journal = _journal(arguments, wanted.name, rounds=wanted.rounds, parts=list(plan.parts(wanted)), steps=list(plan.names(wanted)))
    if not arguments.report:
        peers = [peer for peer in ALL if not arguments.peers or peer.name in arguments.peers]
        servers = [name for short, name in SERVERS.items() if not arguments.servers or short in arguments.servers]
        with tempfile.TemporaryDirectory(prefix="bench-") as directory:
            course.run(journal, wanted, servers=servers, peers=peers, directory=Path(directory))
    report.write(out, journal)
    subprocess.run([made() / "peers" / "bin" / "python", BENCH / "harness" / "plot.py", journal.path, out / "performance.svg"], check=True)
    return journal, targets.judge(journal.figures())


def _governance(arguments: argparse.Namespace, out: Path) -> Measured:
    size = next(one for one in governance_plan.SIZES if one.name == arguments.plan)
    steps = [step.name for step in governance_course.steps(size)]
    journal = _journal(arguments, f"governance-{size.name}", rounds=size.rounds, parts=[*governance_plan.sizes(size), *steps], steps=steps)
    if not arguments.report:
        with tempfile.TemporaryDirectory(prefix="bench-") as directory:
            governance_course.run(journal, size, only=arguments.parts or governance_plan.PARTS, directory=Path(directory))
    governance_report.write(out, journal)
    return journal, governance_targets.judge(journal.figures())


def _journal(arguments: argparse.Namespace, name: str, *, rounds: int, parts: Sequence[str], steps: Sequence[str]) -> Journal:
    """That of a run of the same which was broken off, else a new one."""
    path = cache() / "bench" / f"{name}.json"
    if arguments.report:
        return Journal.read(path)
    about = machine.describe(arguments.plan, rounds=rounds, parts=parts)
    if not arguments.fresh:
        try:
            found = Journal.read(path)
        except (FileNotFoundError, ValueError, KeyError):
            pass
        else:
            if found.about["measured"] == about["measured"] and not all(map(found.has, steps)):
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
    size.add_argument("--quick", dest="plan", action="store_const", const="quick", help="a rough look in minutes; does not touch docs/")
    size.add_argument("--long", dest="plan", action="store_const", const="long", help="all peers at all sizes, for hours; does not touch docs/")
    parser.add_argument("--only", choices=["headless", "governance"], help="only this half of the page; the other stays as it is")
    parser.add_argument("--server", dest="servers", action="append", choices=list(SERVERS), help="headless: only this server")
    parser.add_argument(
        "--peer", dest="peers", action="append", choices=[peer.name for peer in ALL], help="headless: only this peer; may be repeated"
    )
    parser.add_argument("--part", dest="parts", action="append", choices=governance_plan.PARTS, help="governance: only this part; may be repeated")
    parser.add_argument("--fresh", action="store_true", help="measure everything again")
    parser.add_argument("--out", type=Path, help="directory of performance.md and performance.svg")
    parser.add_argument("--report", action="store_true", help="measure nothing; write the page from the values of the last run")
    parser.set_defaults(plan="standard")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
