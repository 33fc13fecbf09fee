"""``steward list``: objects of the cluster as Steward sees them."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import click

from steward.cli.cluster import Cluster, ask, cluster_options, default_namespace, namespace_options, read_all
from steward.cli.judging import SEVERITIES, Judging, judging_options
from steward.cli.output import SEVERE, colored, output_option, printed, table

if TYPE_CHECKING:
    from steward.governance.model import Pod
    from steward.governance.rules import Verdict


@click.group("list", short_help="List objects of the cluster.")
def list_() -> None:
    """List objects of the cluster as Steward sees them."""


@list_.command(short_help="List pods with what is wrong with them.")
@cluster_options
@namespace_options
@click.option("-l", "--selector", default="", metavar="SELECTOR", help="Only pods with these labels, such as app=web.")
@judging_options
@output_option
def pods(*, cluster: Cluster, namespace: str | None, selector: str, judging: Judging, output: str) -> None:
    """List pods, what they belong to, what is wrong with them, and the points that costs.

    \b
      steward list pods --namespace shop
      steward list pods --all-namespaces --bundle restricted -o json

    Pods that have ended or are being deleted are neither judged nor counted; their VIOLATIONS are -.
    """  # noqa: D301 - click wants the character itself
    from steward.governance.model import PODS
    from steward.governance.rules import evaluate

    rules, counter, now = judging.rules(), judging.counter(), dt.datetime.now(dt.UTC)
    where = default_namespace(cluster) if namespace is None else namespace
    found = ask(cluster, lambda client: read_all(client, PODS, namespace=where, selector=selector))
    judged = [(pod, evaluate(pod, rules, now=now)) for pod in sorted(found, key=lambda pod: pod.metadata.key)]
    if output != "text":
        reports = [_report(pod, verdict, sum(counter(verdict).points) if verdict else 0) for pod, verdict in judged]
        click.echo(printed(reports, output))
        return
    if not judged:
        click.echo(f"no pods in {f'namespace {where}' if where else 'any namespace'}", err=True)
        return
    rows = [_row(pod, verdict, str(sum(counter(verdict).points)) if verdict else "-") for pod, verdict in judged]
    click.echo(table(("NAMESPACE", "NAME", "PHASE", "RESTARTS", "BELONGS TO", "VIOLATIONS", "POINTS"), rows))


def _row(pod: Pod, verdict: Verdict | None, points: str) -> tuple[str, ...]:
    owner = _owner(pod)
    return (
        pod.metadata.namespace,
        pod.metadata.name,
        pod.status.phase or "-",
        str(_restarts(pod)),
        "-" if owner["kind"] == "Pod" else f"{owner['kind']}/{owner['name']}",
        "-" if verdict is None else violation_counts(verdict),
        points,
    )


def violation_counts(verdict: Verdict) -> str:
    """How many of each severity, the worst first."""
    counts = {severity: sum(one.severity == severity for one in verdict.violations) for severity in SEVERITIES}
    said = [f"{count} {colored(severity, SEVERE)}" for severity, count in counts.items() if count]
    if verdict.exempted:
        said.append(f"{len(verdict.exempted)} exempt")
    return ", ".join(said) or "none"


def _report(pod: Pod, verdict: Verdict | None, points: int) -> dict[str, Any]:
    return {
        "namespace": pod.metadata.namespace,
        "name": pod.metadata.name,
        "phase": pod.status.phase,
        "restarts": _restarts(pod),
        "belongsTo": _owner(pod),
        "judged": verdict is not None,
        "points": points,
        "violations": verdict.violations if verdict else (),
        "exempted": verdict.exempted if verdict else (),
    }


def _owner(pod: Pod) -> dict[str, str]:
    from steward.governance.model import owner_of

    owner = owner_of(pod)
    return {"kind": owner.kind, "name": owner.name}


def _restarts(pod: Pod) -> int:
    return sum(status.restart_count for status in (*pod.status.init_container_statuses, *pod.status.container_statuses))
