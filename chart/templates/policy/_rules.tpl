{{/* Rights of the component `policy` in the whole cluster. The program declares the same; a test compares them. */}}
{{- define "steward.policy.rules" -}}
{{- $config := .context.Values.components.policy.config -}}
- apiGroups: [""]
  resources: [pods]
  verbs: [list, watch]
- apiGroups: [policy.steward.dev]
  resources: [devopspolicies]
  verbs: [list, watch]
- apiGroups: [policy.steward.dev]
  resources: [devopspolicies/status]
  verbs: [patch]
{{- if $config.auditResults.enabled }}
- apiGroups: [policy.steward.dev]
  resources: [policyauditresults]
  verbs: [list, watch, create, delete]
{{- end }}
{{- if $config.openReports.enabled }}
- apiGroups: [openreports.io]
  resources: [reports]
  verbs: [list, watch, create, patch]
{{- end }}
{{- if $config.remediation.enabled }}
{{ include "steward.policy.remediationRules" . }}
{{- end }}
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create, patch]
{{- end }}

{{/* What patches workloads, and what has to be known before. RBAC has no right to dry runs alone, so pods may be created. */}}
{{- define "steward.policy.remediationRules" -}}
- apiGroups: [apps]
  resources: [deployments, statefulsets, daemonsets]
  verbs: [list, watch, patch]
- apiGroups: [apps]
  resources: [replicasets]
  verbs: [list, watch]
- apiGroups: [policy]
  resources: [poddisruptionbudgets]
  verbs: [list, watch]
- apiGroups: [autoscaling]
  resources: [horizontalpodautoscalers]
  verbs: [list, watch]
- apiGroups: [autoscaling.k8s.io]
  resources: [verticalpodautoscalers]
  verbs: [list, watch]
- apiGroups: [keda.sh]
  resources: [scaledobjects]
  verbs: [list, watch]
- apiGroups: [""]
  resources: [pods]
  verbs: [create]
- apiGroups: [metrics.k8s.io]
  resources: [pods]
  verbs: [list]
{{- end }}
