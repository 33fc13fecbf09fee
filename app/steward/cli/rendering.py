"""The chart as objects: helm renders it, and what is asked for is picked out of that."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from steward import __version__
from steward.cli import manifests
from steward.runtime.errors import ConfigError, StewardError

RELEASED = "oci://ghcr.io/steward-dev/charts/steward"
"""Where releases of the chart are; docs/releasing.md."""


class Release(NamedTuple):
    """What helm is told: the chart, its values, and what the release is called."""

    chart: str
    version: str
    name: str
    namespace: str
    values: tuple[str, ...]
    settings: tuple[str, ...]


def rendered(release: Release, *switches: str, picked: Callable[[manifests.Document], bool]) -> str:
    """The objects of the chart that are picked, as helm wrote them, for ``kubectl apply -f -``.

    Args:
        release: What helm is told.
        switches: Values that are on, whatever the release says.
        picked: Chooses objects. Tests of the release and other hooks are left out.

    Raises:
        ConfigError: There is no such chart.
        StewardError: There is no helm, it refuses, or nothing is picked.
    """
    text = _template(release, switches)
    found = [part for document, part in manifests.parts(release.chart, text) if picked(document)]
    if not found:
        raise StewardError("the chart makes nothing of this kind with these values. See --set and --values.")
    return "".join(found).strip("\n")


def _template(release: Release, switches: Sequence[str]) -> str:
    program = shutil.which("helm")
    if program is None:
        raise StewardError("helm: not on PATH. Install it: https://helm.sh/docs/intro/install.")
    if "://" not in release.chart and not Path(release.chart, "Chart.yaml").is_file() and not Path(release.chart).is_file():
        raise ConfigError(f"--chart {release.chart}: no chart there. Name a directory with Chart.yaml, a package, or oci://…")
    command = [program, "template", release.name, release.chart, "--namespace", release.namespace, "--no-hooks", "--skip-tests", "--include-crds"]
    if "://" in release.chart:
        command += ["--version", release.version or __version__]
    for file in release.values:
        command += ["--values", file]
    for setting in (*release.settings, *(f"{switch}=true" for switch in switches)):
        command += ["--set", setting]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - no shell; what the user names is passed as it is
    if done.returncode:
        said = " ".join(line for line in done.stderr.splitlines() if line and not line.startswith("level="))
        raise StewardError(f"helm template {release.chart}: {said.removeprefix('Error: ') or f'exit code {done.returncode}'}")
    return done.stdout
