"""Panels about work queues and reconciles, for the dashboard of what all components have in common."""

from dashboards import colors
from dashboards.alerts import threshold
from dashboards.panels import Query, Step, graph
from dashboards.queries import common, quantile, rate

QUEUES = (
    graph(
        id=10,
        title="Waiting keys by queue",
        description=(
            "Keys that wait to be handled. It rises with a burst of changes and falls within seconds. If it only rises, the workers do not keep "
            "up: compare the rate of additions with the time of work."
        ),
        unit="short",
        queries=(Query(f"sum by (component, queue) ({common('workqueue_depth')})", "{{queue}}"),),
        stepped=True,
        alerts=("StewardWorkqueueBacklog",),
        steps=(Step(threshold("StewardWorkqueueBacklog", "depth")),),
    ),
    graph(
        id=11,
        title="Additions and retries",
        description=(
            "Keys added to a queue and keys added again after a failure, per second. Retries near the rate of additions mean that almost every "
            "reconcile fails: the component's log has the errors."
        ),
        unit="ops",
        queries=(
            Query(rate(common("workqueue_adds_total"), "component"), "{{component}} additions"),
            Query(rate(common("workqueue_retries_total"), "component"), "{{component}} retries"),
        ),
        colors={"retries$": "orange"},
    ),
    graph(
        id=12,
        title="Time in the queue and at work",
        description=(
            "99th percentiles of the time a key waited and of the time it was handled. Long waits with short work mean bursts; long work means a "
            "slow API server, or a process without CPU."
        ),
        unit="s",
        queries=(
            Query(quantile(0.99, common("workqueue_queue_duration_seconds_bucket"), "component"), "{{component}} waiting"),
            Query(quantile(0.99, common("workqueue_work_duration_seconds_bucket"), "component"), "{{component}} at work"),
        ),
    ),
    graph(
        id=13,
        title="Unfinished work",
        description=(
            "Time the keys at work have been at work, added up, and the longest one. Both are near zero; a straight line upwards is a reconcile "
            "that hangs. The log at level debug says in which request."
        ),
        unit="s",
        queries=(
            Query(f"max by (component) ({common('workqueue_unfinished_work_seconds')})", "{{component}} all"),
            Query(f"max by (component) ({common('workqueue_longest_running_processor_seconds')})", "{{component}} longest"),
        ),
        alerts=("StewardReconcileStuck",),
    ),
    graph(
        id=14,
        title="Reconciles by controller and result",
        description=(
            "Reconciles per second and how they ended. Steady state is near zero. Errors are retried with growing pauses; the component's log "
            "has each with its object and the API server's answer."
        ),
        unit="ops",
        queries=(Query(rate(common("reconcile_total"), "component, controller, result"), "{{controller}} {{result}}"),),
        colors=colors.RESULTS,
        stacked=True,
        legend="right",
        alerts=("StewardReconcileStalled", "StewardReconcileErrors"),
    ),
    graph(
        id=15,
        title="Reconcile duration",
        description=(
            "Quantiles of the time of a reconcile, its writes included, by controller. If it grows, compare it with the duration of API requests "
            "below: when those are fast, the process lacks CPU."
        ),
        unit="s",
        queries=tuple(
            Query(quantile(q, common("reconcile_duration_seconds_bucket"), "controller"), f"{{{{controller}}}} p{q * 100:g}")
            for q in (0.5, 0.9, 0.99)
        ),
        legend="right",
    ),
)
