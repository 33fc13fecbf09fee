"""What the chart renders for each file of chart/ci is what was looked at and committed."""

import subprocess
import sys

from support import helm

ROOT = helm.CHART.parent


def test_the_chart_renders_what_was_committed():
    """A change of an object is seen in the review of the snapshots, however far from it the changed line of a template is."""
    done = subprocess.run([sys.executable, str(ROOT / "ci" / "snapshots"), "--check"], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr


def test_every_scenario_has_a_snapshot():
    """And there is none without a scenario."""
    assert {path.stem for path in (ROOT / "tests" / "chart" / "snapshots").iterdir()} == helm.SCENARIOS.keys()
