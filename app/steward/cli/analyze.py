"""``steward analyze``: the score of each namespace, of the cluster and of several clusters, and what moves it."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from steward.cli.cluster import Cluster, cluster_options, connected, namespace_option, read_all
from steward.cli.judging import Judging, below_option, check_score, judging_options
from steward.cli.output import COLORS, colored, output_option, printed, table
from steward.runtime.errors import ConfigError, StewardError

if TYPE_CHECKING:
    from steward.cli.surveys import Part, Survey
    from steward.governance.scores import Formula

MOVERS = 3
"""Checks named in a line: what costs most."""


@click.command(short_help="Score the namespaces of one or more clusters.")
@cluster_options
@click.option("--contexts", metavar="NAME,NAME", help="Several clusters, by their contexts; their score is that of all their pods.")
@click.option("--per-cluster", is_flag=True, help="With --contexts: the namespaces of each cluster, too.")
@namespace_option
@click.option("--include-system", is_flag=True, help="Count the namespaces of the cluster itself, such as kube-system, too.")
@judging_options
@below_option
@output_option
def analyze(
    *,
    cluster: Cluster,
    contexts: str | None,
    per_cluster: bool,
    namespace: str,
    include_system: bool,
    judging: Judging,
    fail_below: int | None,
    output: str,
) -> None:
    """Judge all pods that run, and say what each namespace scores, and the cluster.

    \b
      steward analyze
      steward analyze --namespace shop --bundle restricted
      steward analyze --contexts berlin,dublin --per-cluster -o json

    A score is that of the pods: a cluster's is that of all its pods, and the score of several clusters that of all of theirs; it is no mean.

    \b
    Exits with
      0  when it has the scores,
      1  when a cluster cannot be asked; what the others say is printed,
      2  when used wrongly,
      4  when the score is below --fail-below.
    """  # noqa: D301 - click wants the character itself
    from steward.cli.surveys import merged_clusters

    clusters = _clusters(cluster, contexts)
    answers = asyncio.run(_surveys(clusters, judging, namespace, include_system=include_system or bool(namespace)))
    failures = [one for one in answers if isinstance(one, StewardError)]
    found = [one for one in answers if not isinstance(one, StewardError)]
    if not found:
        raise _failure(failures)
    total = merged_clusters(found)
    if output == "text":
        click.echo("\n".join(_lines(found, total, judging, several=len(clusters) > 1, in_full=per_cluster or len(clusters) == 1)))
    else:
        click.echo(printed(_report(found, total, judging), output))
    if failures:
        raise _failure(failures)
    check_score(total.score(judging.formula), fail_below)


def _clusters(cluster: Cluster, contexts: str | None) -> list[Cluster]:
    if contexts is None:
        return [cluster]
    if cluster.context:
        raise click.UsageError("--context and --contexts: expected one of them, got both")
    clusters = [cluster._replace(context=name.strip()) for name in contexts.split(",") if name.strip()]
    if not clusters:
        raise click.UsageError(f'--contexts: expected names of contexts, got "{contexts}". Leave the option out for the current one')
    if len(set(clusters)) < len(clusters):
        raise click.UsageError(f"--contexts {contexts}: the same context twice; its pods would count twice. Name it once")
    return clusters


def _failure(failures: list[StewardError]) -> StewardError:
    """All as one; wrong use when nothing else went wrong."""
    kind = ConfigError if all(isinstance(one, ConfigError) for one in failures) else StewardError
    return kind("; ".join(map(str, failures)))


async def _surveys(clusters: list[Cluster], judging: Judging, namespace: str, *, include_system: bool) -> list[Survey | StewardError]:
    """All clusters at once; one that cannot be asked does not keep the others from answering."""
    from steward.cli.surveys import Survey
    from steward.governance.model import PODS
    from steward.governance.namespaces import SYSTEM_NAMESPACES, SystemNamespaces

    rules, counter, now = judging.rules(), judging.counter(), dt.datetime.now(dt.UTC)
    system = None if include_system else SystemNamespaces(SYSTEM_NAMESPACES)

    async def survey(cluster: Cluster) -> Survey | StewardError:
        try:
            async with connected(cluster) as client:
                pods = await read_all(client, PODS, namespace=namespace)
        except StewardError as error:
            return error
        return Survey.of(cluster.context, pods, rules, counter, now=now, system=system)

    return await asyncio.gather(*map(survey, clusters))


def _lines(found: list[Survey], total: Part, judging: Judging, *, several: bool, in_full: bool) -> Iterator[str]:
    first = ("CLUSTER",) if several else ()
    rows: list[tuple[str, ...]] = []
    for survey in found:
        about = (survey.context,) if several else ()
        if in_full:
            rows += [(*about, name, *score_cells(part, judging.formula)) for name, part in survey.namespaces.items()]
        if several:
            rows.append((*about, "(all)", *score_cells(survey.total, judging.formula)))
    rows.append((*(("(all)",) if several else ()), "(all)", *score_cells(total, judging.formula)))
    yield table((*first, "NAMESPACE", "PODS", "SCORE", "CLASS", "VIOLATIONS", "COSTS MOST"), rows)


def score_cells(part: Part, formula: Formula) -> tuple[str, ...]:
    """Pods, score, class, violations and what costs most, as cells of a table."""
    from steward.governance.scores import classify, shown

    score = part.score(formula)
    ranked = sorted(part.tally.points.items(), key=lambda one: -one[1])
    movers = ", ".join(f"{check} {points}" for check, points in ranked[:MOVERS] if points)
    worth = ("-", "-") if score is None else (shown(score), colored(classify(score), COLORS))
    return str(part.tally.pods), *worth, str(part.severities.total()), movers or "-"


def _report(found: list[Survey], total: Part, judging: Judging) -> dict[str, Any]:
    return {
        "formula": judging.formula,
        **total.report(judging.formula),
        "clusters": [
            {
                "context": survey.context,
                **survey.total.report(judging.formula),
                "namespaces": [{"namespace": name, **part.report(judging.formula)} for name, part in survey.namespaces.items()],
            }
            for survey in found
        ],
    }
