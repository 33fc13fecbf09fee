"""What the demo prints. On stdout, and readable without colour."""

import statistics
from collections.abc import Mapping, Sequence

from demolib.stage import NAMESPACE, PODS_NAMESPACE, RELEASE
from demolib.timing import Named
from demolib.workloads import Object


def names(named: Sequence[Named], kinds: Mapping[str, str]) -> None:
    """Each pod, its name, what the DNS answered to another pod, and how long that took."""
    print(f"\nEvery pod annotated with steward.dev/headless-service has a name. What CoreDNS answered inside the pod {PODS_NAMESPACE}/resolver:\n")
    rows = [
        (kinds.get(one.pod, ""), one.pod, one.address, f"{one.pod}.{PODS_NAMESPACE}.svc", ", ".join(one.answers), f"{one.seconds * 1000:.0f} ms")
        for one in sorted(named, key=lambda one: (kinds.get(one.pod, ""), one.pod))
    ]
    _table(("FROM", "POD", "ADDRESS", "NAME", "ANSWER", "AFTER"), rows)
    print(f"\nAFTER is from the pod's address to the answer; the median is {statistics.median(one.seconds for one in named) * 1000:.0f} ms.")


def policy(status: Object, denied: str) -> None:
    """What a policy found, and what it denies."""
    print(f"\nWhat the DevOpsPolicy {PODS_NAMESPACE}/demo, which wants image tags and readiness probes, found in these pods:\n")
    print(f"  {status['message']}")
    print("\nWhat kubectl says to whoever wants a pod of an image without a tag:\n")
    print(f"  {denied}")


def figures(found: Mapping[str, float]) -> None:
    """What Prometheus scraped."""
    print("\nWhat Prometheus knows of it, by the chart's ServiceMonitor:\n")
    _table(("FIGURE", "NOW"), [(name, f"{number:.3g}") for name, number in found.items()])


def alerts(rules: Sequence[Object]) -> None:
    """The rules and their states."""
    print("\nThe alerts of the chart's PrometheusRules:\n")
    _table(("ALERT", "SEVERITY", "STATE"), [(rule["name"], rule["labels"]["severity"], rule["state"]) for rule in rules])


def what_next(*, provider: str, seconds: float) -> None:
    """How to look around, and how to stop."""
    away = f"helm uninstall {RELEASE} -n {NAMESPACE}; kubectl delete namespace {NAMESPACE} {PODS_NAMESPACE}; "
    print(f"""
Look around:
  ci/cluster shell            # kubectl and helm on this cluster
  ci/cluster logs headless    # what Steward says
  kubectl -n {PODS_NAMESPACE} get pods,services,endpointslices
  kubectl -n {PODS_NAMESPACE} get events --field-selector reportingComponent=steward.dev/headless
  kubectl -n {PODS_NAMESPACE} get devopspolicies,policyauditresults
  kubectl -n {PODS_NAMESPACE} annotate pod db-0 steward.dev/headless-service-    # takes its name away; =true gives it back
  kubectl -n {NAMESPACE} port-forward service/{RELEASE}-headless-metrics 8080    # http://localhost:8080/metrics and /events
  kubectl -n monitoring port-forward service/prometheus 9090    # http://localhost:9090/alerts
Stop:
  {away if provider == "existing" else ""}make cluster-down

It took {seconds:.0f} s.""")


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    for row in (head, *rows):
        print("  " + "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip())
