"""Panels about the processes themselves, for the dashboard of what all components have in common."""

from dashboards.panels import Query, Step, graph
from dashboards.queries import WHERE_RELEASE, common, rate


def process(metric: str) -> str:
    """A metric of the process itself, which has no component."""
    return f"{metric}{{{WHERE_RELEASE}}}"


PROCESS = (
    graph(
        id=50,
        title="CPU",
        description=(
            "Processor time per second of each replica; 1 is a whole core. The leader works, a standby only keeps its caches. Near the "
            "container's limit the process is throttled and leases are renewed late: raise resources.limits.cpu, or set none."
        ),
        unit="short",
        queries=(Query(f"sum by (pod) (rate({process('process_cpu_seconds_total')}[$__rate_interval]))", "{{pod}}"),),
    ),
    graph(
        id=51,
        title="Memory",
        description=(
            "Memory of each replica that is in RAM. It follows the number of objects in the cache. Near the container's limit the kernel kills "
            "the process: raise resources.limits.memory."
        ),
        unit="bytes",
        queries=(Query(f"max by (pod) ({process('process_resident_memory_bytes')})", "{{pod}}"),),
    ),
    graph(
        id=52,
        title="Open files, of those allowed",
        description=(
            "Share of the allowed file descriptors that are open; connections count. It is flat. A slow rise that never falls is a leak: restart "
            "the replica and report it with a scrape of /metrics."
        ),
        unit="percentunit",
        queries=(Query(f"max by (pod) ({process('process_open_fds')} / {process('process_max_fds')})", "{{pod}}"),),
    ),
    graph(
        id=53,
        title="Garbage collections",
        description=(
            "Runs of Python's garbage collector per second, by generation. Generation 2 looks at all objects and stops the program for that "
            "long; more than one in some seconds means that too much is made and thrown away."
        ),
        unit="ops",
        queries=(Query(f"sum by (generation) (rate({process('python_gc_collections_total')}[$__rate_interval]))", "generation {{generation}}"),),
        legend="right",
    ),
    graph(
        id=54,
        title="Time since the start",
        description=(
            "How long each replica has been running. A fall to zero is a restart: with a rollout it is normal; without one, kubectl describe pod "
            "says how the last one ended, kubectl logs --previous what it said."
        ),
        unit="s",
        queries=(Query(f"max by (pod) (time() - {process('process_start_time_seconds')})", "{{pod}}"),),
    ),
    graph(
        id=55,
        title="Metrics that could not be read",
        description=(
            "Scrapes in which a metric is missing because its source failed, per second. It is zero; anything else is a bug of the program: its "
            "log has the error under the message metric could not be read."
        ),
        unit="ops",
        queries=(Query(rate(common("scrape_errors_total"), "component"), "{{component}}"),),
        steps=(Step(0.001),),
    ),
)
