"""Dashboard of the component ``headless``."""

from dashboards.builder import Panel, Query, Step, dashboard, variable
from dashboards.thresholds import threshold

PREFIX = "k8s_headless_service_operator"
SCRAPE = 'cluster=~"$cluster", job=~"$job"'
"""Selects the scraped processes. The label ``namespace`` is left to the metrics: where they have one, it is that of the pods."""

ERROR_RATIO = threshold("HighServiceCreationErrorRate", "ratio")


def rate(metric: str, by: str, extra: str = "") -> str:
    """Rate of one of the component's counters or histograms, per second, summed by labels."""
    return f"sum by ({by}) (rate({PREFIX}_{metric}{{{SCRAPE}{extra}}}[$__rate_interval]))"


def state(metric: str, by: str, extra: str = "") -> str:
    """A gauge summed over clusters. Within one, all replicas read the same from their caches, so the highest counts."""
    return f"sum by ({by}) (max by (cluster, {by}) ({PREFIX}_{metric}{{{SCRAPE}{extra}}}))"


def quantile(q: float) -> Query:
    """A quantile of the time that a reconcile takes."""
    return Query(f"histogram_quantile({q}, {rate('reconcile_duration_seconds_bucket', 'le')})", f"p{q * 100:.0f}")


FAILED = rate("operations_total", "operation", ', status="error"')

PANELS = (
    Panel(
        id=1,
        kind="timeseries",
        title="Services managed",
        description=(
            "Headless Services that Steward holds, by the namespace of their pods. It follows the number of annotated pods. "
            "If it falls without a deployment behind it, look for removed annotations and for failing operations."
        ),
        unit="short",
        queries=(Query(state("services", "namespace", ', namespace=~"$namespace"'), "{{namespace}}"),),
        minimum=0,
        stacked=True,
    ),
    Panel(
        id=2,
        kind="timeseries",
        title="Operations by kind and status",
        description=(
            "Services and EndpointSlices written, per second. Steady state is zero. Errors say what the API server refused: "
            "read the operator's log, and the runbook of HighServiceCreationErrorRate."
        ),
        unit="ops",
        queries=(Query(rate("operations_total", "operation, status"), "{{operation}} {{status}}"),),
        minimum=0,
        stacked=True,
    ),
    Panel(
        id=3,
        kind="timeseries",
        title="Pod events",
        description=(
            "Changes of pods that the watch delivered, per second. If it is flat while pods come and go, the watch is dead: "
            "read the operator's log, and look whether the API server answers."
        ),
        unit="ops",
        queries=(Query(rate("pod_events_total", "event_type"), "{{event_type}}"),),
        minimum=0,
        stacked=True,
    ),
    Panel(
        id=4,
        kind="timeseries",
        title="Reconcile duration",
        description=(
            "How long it takes to bring the Service and the EndpointSlice of a pod up to date. It is mostly the API server's "
            "time: if it grows, look at the latency of the API server before the operator's CPU."
        ),
        unit="s",
        queries=(quantile(0.5), quantile(0.9), quantile(0.99)),
        minimum=0,
    ),
    Panel(
        id=5,
        kind="timeseries",
        title="Share of failed operations",
        description=(
            "Failed operations of all, by kind. Above the line, HighServiceCreationErrorRate is near: pods have no DNS name. "
            "Its runbook goes from the API server's answer to the cause."
        ),
        unit="percentunit",
        # The floor keeps the share at 0, not undefined, while nothing is written.
        queries=(Query(f"{FAILED} / clamp_min({rate('operations_total', 'operation')}, 1e-9)", "{{operation}}"),),
        steps=(Step(ERROR_RATIO, "red"),),
        minimum=0,
        maximum=1,
    ),
    Panel(
        id=6,
        kind="bargauge",
        title="Skipped pods by reason",
        description=(
            "Annotated pods that have no Service now. Waiting for an address and having ended are normal and pass. A name that is too "
            "long, not valid or taken does not: the Events of the pod say what to change."
        ),
        unit="short",
        queries=(Query(state("skipped_pods", "reason"), "{{reason}}", instant=True),),
        minimum=0,
    ),
)

DASHBOARD = dashboard(
    component="headless",
    title="Steward / Headless services",
    description="DNS names for annotated pods: how many there are, whether they are written, how fast, and who has none.",
    variables=(
        variable("cluster", 'label_values(steward_build_info{component="headless"}, cluster)', label="Cluster", all_value=".*"),
        variable("namespace", f'label_values({PREFIX}_services{{cluster=~"$cluster"}}, namespace)', label="Namespace of the pods"),
        variable("job", 'label_values(steward_build_info{component="headless", cluster=~"$cluster"}, job)', label="Job"),
    ),
    panels=PANELS,
)
