"""What is up: the record that `up` leaves for the other commands."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from clusterlib.paths import Paths


@dataclass(frozen=True)
class Cluster:
    """A cluster that can be used."""

    provider: str
    kubeconfig: str
    """As in $KUBECONFIG."""
    audit_log: str | None = None
    """The API server's audit log, one JSON object per line; None where we cannot read it."""


def save(paths: Paths, cluster: Cluster) -> None:
    """Remember it."""
    half_made = paths.record.with_suffix(".new")
    half_made.write_text(json.dumps(asdict(cluster), indent=1) + "\n")
    half_made.rename(paths.record)


def load(paths: Paths) -> Cluster | None:
    """What the last `up` left; None when there is nothing."""
    try:
        return Cluster(**json.loads(paths.record.read_text()))
    except FileNotFoundError:
        return None


def kubeconfigs(value: str) -> list[Path]:
    """The files named by a $KUBECONFIG."""
    return [Path(part) for part in value.split(":") if part]
