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
  {{- include "steward.metadata" (merge (dict "name" (include "steward.metrics.name" .) "labels" $labels "annotations" $metrics.service.annotations) .) | nindent 2 }}
spec:
  type: ClusterIP
  selector:
    {{- include "steward.selectorLabels" . | nindent 4 }}
  ports:
    - name: metrics
      port: {{ $metrics.port }}
      targetPort: metrics
      protocol: TCP
{{- end }}
{{- end }}
