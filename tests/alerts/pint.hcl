# What pint checks without a Prometheus: https://cloudflare.github.io/pint/
parser {
  relaxed = []
}

checks {
  disabled = [
    # They need a Prometheus.
    "alerts/count", "alerts/absent", "alerts/external_labels", "labels/conflict", "promql/counter", "promql/features", "promql/range_query",
    "promql/rate", "promql/series", "promql/vector_matching", "query/cost",
    # It looks at names only: two objectives record series of the same name, each group its own.
    "rule/dependency",
  ]
}

rule {
  match {
    kind = "alerting"
  }
  annotation "summary" {
    severity = "bug"
    value    = "[A-Z].+\\."
    required = true
  }
  annotation "description" {
    severity = "bug"
    required = true
  }
  annotation "runbook_url" {
    severity = "bug"
    value    = "https://github.com/steward-dev/steward/blob/main/docs/runbooks/{{ $alert }}.md"
    required = true
  }
  annotation "dashboard_url" {
    severity = "bug"
    value    = "/d/steward-.+"
    required = true
  }
  label "severity" {
    severity = "bug"
    required = true
    value    = "critical|warning|info"
  }
  for {
    severity = "bug"
    max      = "1h"
  }
  keep_firing_for {
    severity = "bug"
    max      = "1h"
  }
}

rule {
  reject ".+\\$value.+" {
    label_values = true
    severity     = "bug"
  }
}

rule {
  aggregate ".+" {
    severity = "bug"
    keep     = ["cluster"]
  }
}
