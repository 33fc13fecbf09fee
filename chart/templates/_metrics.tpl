{{- define "steward.metrics.name" -}}
{{- include "steward.component.name" (dict "context" .context "component" .component "suffix" "metrics") }}
{{- end }}

{{/* The Service that carries a component's metrics. Its label steward.dev/job is what the ServiceMonitor selects by. */}}
{{- define "steward.metrics.service" -}}
{{- $metrics := .context.Values.metrics }}
{{- if $metrics.enabled -}}
apiVersion: v1
kind: Service
metadata:
  {{- $labels := include "steward.merged" (list $metrics.service.labels (dict "steward.dev/job" (include "steward.job" .))) | fromYaml }}
  {{- $annotations := include "steward.merged" (list (include "steward.metrics.annotations" .context | fromYaml) $metrics.service.annotations) | fromYaml }}
  {{- include "steward.metadata" (merge (dict "name" (include "steward.metrics.name" .) "labels" $labels "annotations" $annotations) .) | nindent 2 }}
spec:
  type: ClusterIP
  {{- range $key := list "ipFamilyPolicy" "ipFamilies" }}
  {{- with get $metrics.service $key }}
  {{- dict $key . | toYaml | nindent 2 }}
  {{- end }}
  {{- end }}
  selector:
    {{- include "steward.selectorLabels" . | nindent 4 }}
  ports:
    - name: metrics
      port: {{ $metrics.port }}
      targetPort: metrics
      protocol: TCP
{{- end }}
{{- end }}

{{/*
What servers without Prometheus Operator look for, as YAML. On the Service, not on the pods: they need not restart when a
monitor takes over. Call with the root context.
*/}}
{{- define "steward.metrics.annotations" -}}
{{- if and .Values.metrics.prometheusAnnotations (not (include "steward.monitor.kind" .)) -}}
prometheus.io/scrape: "true"
prometheus.io/scheme: http
prometheus.io/port: {{ .Values.metrics.port | quote }}
prometheus.io/path: /metrics
{{- end }}
{{- end }}
