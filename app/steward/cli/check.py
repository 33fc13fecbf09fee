"""``steward check``: judges manifests by the rules that the operators use."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import click
import msgspec
import yaml

from steward.runtime.errors import ConfigError, StewardError

if TYPE_CHECKING:
    from steward.governance.scores import Formula

SEVERITIES = ("critical", "high", "medium", "low")
"""As in :mod:`steward.governance`, which commands that judge nothing need not load; so are the other two."""
FORMULAS = ("seed", "float", "ratio")
BUNDLES = ("standard", "baseline", "restricted", "permissive")

FAILING: dict[str, tuple[str, ...]] = {severity: SEVERITIES[:number] for number, severity in enumerate(SEVERITIES, 1)} | {"never": ()}
"""Severities that fail, by the least one."""


class Unusable(click.ClickException):
    """Input that cannot be judged; told apart from violations by the exit code."""

    exit_code = 2


@click.command(short_help="Look for violations in manifests.")
@click.argument("files", metavar="FILE...", nargs=-1, required=True)
@click.option("--bundle", type=click.Choice(BUNDLES), help="Rules to judge by; standard, if no policy is given.")
@click.option("--policy", metavar="FILE", help="A DevOpsPolicy to judge by, with its exemptions.")
@click.option("--fail-on", type=click.Choice(list(FAILING)), default="low", show_default=True, help="Least severity that fails.")
@click.option("--formula", type=click.Choice(FORMULAS), default="seed", show_default=True, help="How the score is computed.")
@click.option("--severity-weighted", is_flag=True, help="Let severe violations cost more: 3 critical, 2 high, 1 medium and low.")
@click.option("-o", "--output", type=click.Choice(["text", "json", "yaml"]), default="text", show_default=True, help="Form of the output.")
def check(
    *,
    files: tuple[str, ...],
    bundle: str | None,
    policy: str | None,
    fail_on: str,
    formula: Formula,
    severity_weighted: bool,
    output: str,
) -> None:
    """Look for violations in the pods and workloads of FILE, as JSON or YAML; - is stdin. Asks no cluster.

    \b
      helm template chart | steward check -
      kubectl get pods --namespace shop --output json | steward check --fail-on high -

    Restarts and pending pods are seen in pods that have a status, as kubectl prints them.

    \b
    Exits with
      0  when there is no violation of the severity of --fail-on or worse,
      1  when there is one,
      2  when used wrongly: unknown options, unreadable files, nothing to judge.
    """  # noqa: D301 - click wants the character itself
    from steward.cli import verdicts
    from steward.governance import bundles
    from steward.governance.scores import contribution, summary, tally

    if bundle and policy:
        raise click.UsageError("--bundle and --policy: expected one of them, got both")
    if (*files, policy).count("-") > 1:
        raise click.UsageError("-: given twice, and stdin can be read once. Name it once")
    try:
        rules = verdicts.policy(policy) if policy else bundles.BUNDLES[bundle or "standard"]
        judged = list(verdicts.judged(files, rules, dt.datetime.now(dt.UTC)))
    except ConfigError as error:
        raise Unusable(str(error)) from error
    counted = tally(contribution(verdict, severity_weighted=severity_weighted) for _, verdict in judged)
    found = [violation for _, verdict in judged for violation in verdict.violations]
    last = summary(len(found), counted.pods, counted.score(formula))
    match output:
        case "text":
            click.echo("\n".join((*verdicts.lines(judged), last)))
        case _:
            report = {
                "summary": last,
                "pods": counted.pods,
                "violations": len(found),
                "score": counted.score(formula),
                "points": counted.points,
                "results": [verdicts.result(where, verdict) for where, verdict in judged],
            }
            click.echo(_printed(report, output))
    failing = sum(violation.severity in FAILING[fail_on] for violation in found)
    if failing:
        raise StewardError(f"{failing} of {len(found)} violations of severity {fail_on}{'' if fail_on == 'critical' else ' or worse'}")


def _printed(report: dict[str, Any], form: str) -> str:
    plain = msgspec.to_builtins(report)
    if form == "json":
        return msgspec.json.format(msgspec.json.encode(plain), indent=2).decode()
    return str(yaml.safe_dump(plain, sort_keys=False, width=120, allow_unicode=True)).rstrip()
