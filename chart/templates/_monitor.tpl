{{/*
A ServiceMonitor or a PodMonitor of a component; they differ in the names of three fields only.
Call with "context", "component", "kind" and "monitor", the values of that kind.
*/}}
{{- define "steward.monitor" -}}
{{- $endpoint := dict "port" "metrics" "path" "/metrics" "honorLabels" .monitor.honorLabels }}
{{- range $key := list "interval" "scrapeTimeout" "relabelings" "metricRelabelings" }}
{{-   with index $.monitor $key }}
{{-     $_ := set $endpoint $key . }}
{{-   end }}
{{- end }}
{{- include "steward.overlay" (dict "onto" $endpoint "from" .monitor.endpointAdditionalProperties "whole" list) -}}
apiVersion: monitoring.coreos.com/v1
kind: {{ .kind }}
metadata:
  {{- include "steward.metadata" (merge (dict "namespace" .monitor.namespace "labels" .monitor.additionalLabels "annotations" .monitor.annotations) .) | nindent 2 }}
spec:
  jobLabel: steward.dev/job
  namespaceSelector:
    matchNames:
      - {{ include "steward.namespace" .context | quote }}
  selector:
    matchLabels:
      {{- include "steward.selectorLabels" . | nindent 6 }}
      steward.dev/job: {{ include "steward.job" . }}
  {{ eq .kind "ServiceMonitor" | ternary "endpoints" "podMetricsEndpoints" }}:
    {{- toYaml (list $endpoint) | nindent 4 }}
{{- end }}
