{{/*
The monitors, ServiceMonitor and PodMonitor. They differ in the names of a few fields only; what one of them lacks
is not among its values.
*/}}

{{/* The kind of monitor that is created, or nothing. One at most: each pod is scraped once. Call with the root context. */}}
{{- define "steward.monitor.kind" -}}
{{- if and .Values.serviceMonitor.enabled .Values.metrics.enabled (include "steward.renders" (dict "context" . "key" "serviceMonitor")) -}}
ServiceMonitor
{{- else if and .Values.podMonitor.enabled (include "steward.renders" (dict "context" . "key" "podMonitor")) -}}
PodMonitor
{{- end }}
{{- end }}

{{/* Kinds of Prometheus Operator by the key of their values, as YAML. */}}
{{- define "steward.monitoring.kinds" -}}
serviceMonitor: ServiceMonitor
podMonitor: PodMonitor
prometheusRule: PrometheusRule
alertmanagerConfig: AlertmanagerConfig
{{- end }}

{{/* The API version of one of them. Call with the kind. */}}
{{- define "steward.monitoring.version" -}}
monitoring.coreos.com/{{ eq . "AlertmanagerConfig" | ternary "v1alpha1" "v1" }}
{{- end }}

{{/* Whether the cluster has a kind of Prometheus Operator: "true" or nothing. Call with "context" and "key". */}}
{{- define "steward.monitoring.present" -}}
{{- $kind := get (include "steward.monitoring.kinds" . | fromYaml) .key }}
{{- if .context.Capabilities.APIVersions.Has (printf "%s/%s" (include "steward.monitoring.version" $kind) $kind) }}true{{ end }}
{{- end }}

{{/* Whether renderMode lets the objects of a key be rendered: "true" or nothing. Call with "context" and "key". */}}
{{- define "steward.renders" -}}
{{- if or (ne (index .context.Values .key).renderMode "ifPresent") (include "steward.monitoring.present" .) }}true{{ end }}
{{- end }}

{{/* Labels of an object of Prometheus Operator, under both names. As YAML. Call with the values of its kind. */}}
{{- define "steward.monitoring.labels" -}}
{{- include "steward.merged" (list .additionalLabels .labels) }}
{{- end }}

{{/* A monitor of a component. Call with "context", "component", "kind" and "monitor", the values of that kind. */}}
{{- define "steward.monitor" -}}
{{- $labels := include "steward.monitoring.labels" .monitor | fromYaml -}}
apiVersion: monitoring.coreos.com/v1
kind: {{ .kind }}
metadata:
  {{- include "steward.metadata" (merge (dict "namespace" .monitor.namespace "labels" $labels "annotations" .monitor.annotations) .) | nindent 2 }}
spec:
  {{- $own := include "steward.monitor.spec" . | fromYaml }}
  {{- include "steward.merged" (list $own .monitor.specAdditionalProperties) | nindent 2 }}
{{- end }}

{{- define "steward.monitor.spec" -}}
{{- range $key := list "jobLabel" "targetLabels" "podTargetLabels" "sampleLimit" "targetLimit" "labelLimit" "labelNameLengthLimit" "labelValueLengthLimit" "bodySizeLimit" "keepDroppedTargets" }}
{{- with get $.monitor $key }}
{{ dict $key . | toYaml }}
{{- end }}
{{- end }}
namespaceSelector:
  matchNames:
    - {{ include "steward.namespace" .context | quote }}
selector:
  matchLabels:
    {{- include "steward.selectorLabels" . | nindent 4 }}
    steward.dev/job: {{ include "steward.job" . }}
{{ eq .kind "ServiceMonitor" | ternary "endpoints" "podMetricsEndpoints" }}:
  {{- toYaml (list (include "steward.monitor.endpoint" . | fromYaml)) | nindent 2 }}
{{- end }}

{{- define "steward.monitor.endpoint" -}}
{{- $endpoint := dict "port" "metrics" "path" "/metrics" "honorLabels" .monitor.honorLabels }}
{{- $access := include "steward.metrics.access" . | fromYaml }}
{{- if or .monitor.authorization .monitor.basicAuth }}
{{-   $access = omit $access "bearerTokenFile" }}
{{- end }}
{{- $_ := mergeOverwrite $endpoint $access }}
{{- range $key := list "interval" "scrapeTimeout" "scheme" "tlsConfig" "authorization" "basicAuth" "bearerTokenFile" "params" "relabelings" "metricRelabelings" }}
{{-   with get $.monitor $key }}
{{-     $_ := set $endpoint $key . }}
{{-   end }}
{{- end }}
{{- include "steward.merged" (list $endpoint .monitor.endpointAdditionalProperties) }}
{{- end }}

{{/* Fails on what Prometheus Operator would refuse, or would turn into something else than was meant. Call with "context" and "component". */}}
{{- define "steward.monitor.validate" -}}
{{- $kind := include "steward.monitor.kind" .context }}
{{- if $kind }}
{{-   $key := untitle $kind }}
{{-   $monitor := index .context.Values $key }}
{{-   if and $monitor.jobLabel (ne $monitor.jobLabel "steward.dev/job") }}
{{-     $carrier := eq $kind "ServiceMonitor" | ternary (include "steward.metrics.service" . | fromYaml) ((include "steward.deployment" . | fromYaml).spec | default dict).template }}
{{-     if not (hasKey $carrier.metadata.labels $monitor.jobLabel) }}
{{-       fail (printf "%s.jobLabel: what is scraped has no label %q. It has: %s." $key $monitor.jobLabel (keys $carrier.metadata.labels | sortAlpha | join ", ")) }}
{{-     end }}
{{-   end }}
{{-   if and $monitor.interval $monitor.scrapeTimeout (gt (include "steward.milliseconds" $monitor.scrapeTimeout | int) (include "steward.milliseconds" $monitor.interval | int)) }}
{{-     fail (printf "%s.scrapeTimeout: %s is longer than interval, %s. Prometheus refuses that; lower it, or leave it empty." $key $monitor.scrapeTimeout $monitor.interval) }}
{{-   end }}
{{- end }}
{{- end }}

{{/* A duration of Prometheus, such as 1m30s, in milliseconds. */}}
{{- define "steward.milliseconds" -}}
{{- $units := dict "ms" 1 "s" 1000 "m" 60000 "h" 3600000 "d" 86400000 "w" 604800000 "y" 31536000000 }}
{{- $sum := 0 }}
{{- range regexFindAll "[0-9]+[a-z]+" . -1 }}
{{-   $sum = add $sum (mul (regexFind "[0-9]+" . | int64) (get $units (regexFind "[a-z]+" .))) }}
{{- end }}
{{- $sum }}
{{- end }}
