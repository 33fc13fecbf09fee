"""``steward check``: judges manifests by the rules that the operators use."""

from __future__ import annotations

import datetime as dt

import click

from steward.cli.judging import SEVERITIES, Judging, below_option, check_score, judging_options
from steward.cli.output import Found

FAILING: dict[str, tuple[str, ...]] = {severity: SEVERITIES[:number] for number, severity in enumerate(SEVERITIES, 1)} | {"never": ()}
"""Severities that fail, by the least one."""


@click.command(short_help="Look for violations in manifests.")
@click.argument("files", metavar="FILE...", nargs=-1, required=True)
@click.option("--fail-on", type=click.Choice(list(FAILING)), default="low", show_default=True, help="Least severity that fails.")
@below_option
@judging_options
@click.option(
    "-o", "--output", type=click.Choice(["text", "json", "yaml", "sarif", "junit"]), default="text", show_default=True, help="Form of the output."
)
def check(*, files: tuple[str, ...], fail_on: str, fail_below: int | None, judging: Judging, output: str) -> None:
    """Look for violations in the pods and workloads of FILE, as JSON or YAML; - is stdin. Asks no cluster.

    \b
      helm template chart | steward check -
      kubectl get pods --namespace shop --output json | steward check --fail-on high -
      steward check --output sarif manifests/*.yaml > steward.sarif

    Restarts and pending pods are seen in pods that have a status, as kubectl prints them.

    \b
    Exits with
      0  when there is no violation of the severity of --fail-on or worse,
      2  when used wrongly: unknown options, unreadable files, nothing to judge,
      3  when there is such a violation,
      4  when there is none, and the score is below --fail-below.
    """  # noqa: D301 - click wants the character itself
    from steward.cli import verdicts
    from steward.cli.reports import REPORTS, Result

    if (*files, judging.policy).count("-") > 1:
        raise click.UsageError("-: given twice, and stdin can be read once. Name it once")
    judged = list(verdicts.judged(files, judging.rules(), dt.datetime.now(dt.UTC)))
    counted = judging.tally(one.verdict for one in judged)
    score = counted.score(judging.formula)
    click.echo(REPORTS[output](Result(judged, counted, score)))
    found = [violation for one in judged for violation in one.verdict.violations]
    failing = sum(violation.severity in FAILING[fail_on] for violation in found)
    if failing:
        raise Found(f"{failing} of {len(found)} violations of severity {fail_on}{'' if fail_on == 'critical' else ' or worse'}")
    check_score(score, fail_below)
