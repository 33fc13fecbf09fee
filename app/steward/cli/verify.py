"""``steward verify``: asks Prometheus whether it sees all of Steward, and says what is wrong and how to mend it."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import click
import msgspec

from steward import components
from steward.runtime.errors import ConfigError, StewardError

MARKS = {"ok": "ok", "warning": "warning", "failed": "FAILED"}


@click.command(short_help="Ask Prometheus whether it sees all of Steward.")
@click.argument("names", metavar="[COMPONENT]...", nargs=-1, type=click.Choice(components.NAMES))
@click.option("--prometheus", "url", required=True, metavar="URL", help="Prometheus, or what speaks its query API.")
@click.option("--dashboards", "files", multiple=True, metavar="FILE", help="Dashboards whose queries are to be tried; - is stdin. May be repeated.")
@click.option("--token-file", metavar="FILE", help="Bearer token for the server.")
@click.option("--ca-file", metavar="FILE", help="Certificates to trust, PEM.")
@click.option("-o", "--output", type=click.Choice(["text", "json"]), default="text", show_default=True, help="Form of the output.")
def verify(*, names: tuple[str, ...], url: str, files: tuple[str, ...], token_file: str | None, ca_file: str | None, output: str) -> None:
    """See whether Prometheus scrapes COMPONENT, has its rules loaded and its metrics, and answers its dashboards.

    Without COMPONENT those are looked at that Prometheus scrapes. For a Prometheus in the cluster:

    \b
      kubectl --namespace monitoring port-forward service/prometheus-operated 9090 &
      kubectl get configmaps --all-namespaces --selector app.kubernetes.io/part-of=steward,grafana_dashboard --output json |
        steward verify --prometheus http://localhost:9090 --dashboards -

    Exits with 0 when nothing has failed, and with 1 otherwise.
    """  # noqa: D301 - click wants the character itself
    from steward.cli import panels
    from steward.cli.prometheus import Prometheus

    queries = [query for file in files for query in panels.read(file, _text(file))]
    source = Prometheus(url, token_file=token_file, ca_file=ca_file)
    found = list(_findings(names, source, queries))
    if output == "json":
        click.echo(msgspec.json.format(msgspec.json.encode(found), indent=2).decode())
    else:
        click.echo("\n".join(_lines(found)))
    failures = sum(finding.status == "failed" for finding in found)
    if failures:
        raise StewardError(f"{failures} of {len(found)} checks failed")


def _findings(names: tuple[str, ...], source: Any, queries: list[Any]) -> Iterator[Any]:
    from steward.cli import checks
    from steward.cli.facts import facts_of

    found = source.targets()
    scraped = {target["labels"].get("job") for target in found}
    # Where nothing is scraped, all are looked for: none of them is seen, and that is the finding.
    chosen = names or tuple(name for name in components.NAMES if checks.job_of(name) in scraped) or components.NAMES
    declared = {name: [metric["name"] for metric in facts_of(components.load(name))["metrics"]] for name in chosen}
    for name in chosen:
        yield checks.targets(name, found)
    loaded = source.rules()
    every = [metric for metrics in declared.values() for metric in metrics if not metric.startswith(("process_", "python_"))]
    yield from checks.rules(every, loaded)
    for name, metrics in declared.items():
        if checks.job_of(name) in scraped:
            yield from checks.metrics(name, metrics, loaded, source)
    yield from checks.dashboards(queries, source)


def _lines(found: Iterable[Any]) -> Iterator[str]:
    counts: Counter[str] = Counter()
    for finding in found:
        counts[finding.status] += 1
        yield f"{MARKS[finding.status]:8} {finding.check:11} {finding.subject}: {finding.message}"
        if finding.fix:
            yield f"{'':8} {'':11} {finding.fix}"
    yield f"{counts['ok']} ok, {counts['warning']} to look at, {counts['failed']} failed"


def _text(file: str) -> str:
    try:
        return sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"--dashboards {file}: {getattr(error, 'strerror', None) or error}") from error
