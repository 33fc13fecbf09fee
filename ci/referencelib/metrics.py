"""docs/metrics.md: every metric, what it means, and who reads it."""

from collections.abc import Iterator

from dashboards.not_shown import NOT_SHOWN
from referencelib.sources import Facts, declared, head, panels, read_by, rules, table

UNITS = {"seconds": "seconds", "bytes": "bytes", "ratio": "ratio, 0 to 1"}
SERIES = ("_bucket", "_sum", "_count")


def page() -> str:
    """The page."""
    return "\n".join(_lines())


def _lines() -> Iterator[str]:
    yield from head(
        "Metrics",
        "What `/metrics` of a component exports. A counter exists at 0 for the label values that are known before, so that `increase()` sees "
        "its first increment; a gauge about an object is gone with the object. Prometheus adds `job`, `namespace` and `pod` of what it scrapes; "
        "where a metric has a `namespace` of its own, it is that of the object. [promql.md](promql.md) has questions and their answers.",
    )
    common, libraries = _shared()
    yield from _section("Of every component", "They have the label `component`.", common)
    for name, facts in declared().items():
        own = [metric for metric in facts["metrics"] if metric["name"] not in {one["name"] for one in (*common, *libraries)}]
        yield from _section(f"Of the component {name}", facts["summary"], own)
    yield from _section("Of the process", "Exported by the client library of Prometheus for Python.", libraries)


def _shared() -> tuple[list[Facts], list[Facts]]:
    """Metrics that all components have: ours, and those of the library."""
    first = next(iter(declared().values()))["metrics"]
    ours = [metric for metric in first if metric["name"].startswith("steward_")]
    libraries = [metric for metric in first if metric["name"].startswith(("process_", "python_"))]
    return ours, libraries


def _section(title: str, text: str, metrics: list[Facts]) -> Iterator[str]:
    yield f"## {title}"
    yield ""
    yield text
    yield ""
    rows = [
        (f"`{one['name']}`", _kind(one), ", ".join(f"`{label}`" for label in one["labels"]) or "-", one["help"], _readers(one)) for one in metrics
    ]
    yield from table(("metric", "type, unit", "labels", "meaning", "read by"), rows)
    bounds = [one for one in metrics if "buckets" in one]
    if bounds:
        yield "Upper bounds of buckets:"
        yield ""
        yield from (f"- `{one['name']}`: {', '.join(f'{bound:g}' for bound in one['buckets'])}" for one in bounds)
        yield ""


def _kind(metric: Facts) -> str:
    words = metric["name"].removesuffix("_total").split("_")
    return ", ".join(filter(None, (metric["type"], UNITS.get(words[-1], ""))))


def _readers(metric: Facts) -> str:
    names = {metric["name"], *(metric["name"] + ending for ending in SERIES)}
    alerts = [f"[{rule['alert']}](runbooks/{rule['alert']}.md)" for rule in rules() if "alert" in rule and names & read_by(rule["expr"])]
    recorded = sorted({f"`{rule['record']}`" for rule in rules() if "record" in rule and names & read_by(rule["expr"])})
    shown = [f"{board}: {panel['title']}" for board, panel in panels() if any(names & read_by(target["expr"]) for target in panel["targets"])]
    reason = [f"no panel: {NOT_SHOWN[metric['name']]}"] if metric["name"] in NOT_SHOWN else []
    return "; ".join([*dict.fromkeys(alerts), *dict.fromkeys(shown), *recorded, *reason])
