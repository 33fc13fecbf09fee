"""The command line of ci/demo: starts, installs, measures, shows. Calling it again shows it again, with new pods."""

import argparse
import sys
import time
from collections.abc import Sequence

from clusterlib import cli as cluster_cli
from clusterlib import cluster, paths, progress
from clusterlib.errors import ClusterError
from clusterlib.tools.build import Tools

from demolib import show
from demolib.stage import Stage


def main(argv: Sequence[str] | None = None) -> int:
    """Run the demo. Returns: 0 when all pods have their names and Prometheus has the figures, else 1."""
    arguments = _parser().parse_args(argv)
    began = time.monotonic()
    if code := cluster_cli.main(["up", "--monitoring", "--image", "--provider", arguments.provider]):
        return code
    try:
        stage = _stage(arguments.values)
        with progress.step("installing Steward", "Steward runs, and its pods are ready"):
            stage.install()
        with progress.step("starting pods that ask for names", "every pod has its name"):
            named = stage.start_pods()
        with progress.step("asking for more of pods", "the policy is judged"):
            status, denied = stage.judge(), stage.deny()
        with progress.step("waiting for Prometheus to see it", "Prometheus has the figures and the rules"):
            figures, alerts = stage.figures(), stage.alerts()
    except (ClusterError, TimeoutError) as error:
        print(f"ci/demo: {error}", file=sys.stderr)
        return 1
    show.names(named, stage.kinds())
    show.policy(status, denied)
    show.figures(figures)
    show.alerts(alerts)
    show.what_next(provider=stage.provider, seconds=time.monotonic() - began)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="ci/demo", description=__doc__)
    parser.add_argument("--provider", default="auto", help="as of `ci/cluster up`: auto, existing, kind or node (default: auto)")
    parser.add_argument("--values", default="", metavar="FILE", help="further values of the chart, such as where an existing cluster finds the image")
    return parser


def _stage(values: str) -> Stage:
    places = paths.find()
    found = cluster.load(places)
    if found is None:
        raise ClusterError("no cluster is up", "Run ci/cluster up")
    tools = Tools(places)
    return Stage.make(found, helm=tools.either("helm"), kubectl=tools.either("kubectl"), chart=places.repository / "chart", values=values)
