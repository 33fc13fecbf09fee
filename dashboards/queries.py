"""Expressions that several dashboards share."""

from dashboards.panels import Query

WHERE = 'cluster=~"$cluster", job=~"$job"'
"""Selects the scraped processes by what all of them have. The label ``namespace`` is left to the metrics: some have one of their own."""

WHERE_RELEASE = 'cluster=~"$cluster", namespace=~"$namespace", job=~"$job"'
"""The same, where ``namespace`` is the one in which the processes run."""

WHERE_COMPONENT = f'{WHERE_RELEASE}, component=~"$component"'
"""The same, of the chosen components."""


def rate(series: str, by: str = "") -> str:
    """Rate of a counter, per second, summed by labels."""
    return f"sum{f' by ({by})' if by else ''} (rate({series}[$__rate_interval]))"


def share(part: str, whole: str) -> str:
    """One rate of another. The floor keeps it at 0, not undefined, while nothing happens."""
    return f"{part} / clamp_min({whole}, 1e-9)"


def quantile(q: float, buckets: str, by: str = "") -> str:
    """A quantile of a histogram, of all or by labels."""
    return f"histogram_quantile({q}, {rate(buckets, f'{by}, le' if by else 'le')})"


def quantiles(buckets: str, *qs: float) -> tuple[Query, ...]:
    """Several quantiles of a histogram, each a line."""
    return tuple(Query(quantile(q, buckets), f"p{q * 100:g}") for q in qs)


def or_zero(expr: str) -> str:
    """0 where nothing is found: a count of nothing is no series."""
    return f"({expr}) or vector(0)"


def common(metric: str, extra: str = "") -> str:
    """One of the metrics that all components have, of the chosen components."""
    return f"steward_{metric}{{{WHERE_COMPONENT}{extra}}}"
