{{- define "steward.metrics.name" -}}
{{- include "steward.component.name" (dict "context" .context "component" .component "suffix" "metrics") }}
{{- end }}

{{/* The name that clients in the cluster ask for, and that a certificate is for. */}}
{{- define "steward.metrics.host" -}}
{{- include "steward.metrics.name" . }}.{{ include "steward.namespace" .context }}.svc
{{- end }}

{{/* `http` or `https`. Call with the root context. */}}
{{- define "steward.metrics.scheme" -}}
{{- .Values.metrics.tls.enabled | ternary "https" "http" }}
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
monitor takes over. Nothing where a token is wanted, which such servers do not have for one target. Call with the root context.
*/}}
{{- define "steward.metrics.annotations" -}}
{{- if and .Values.metrics.prometheusAnnotations (not .Values.metrics.authorization.enabled) (not (include "steward.monitor.kind" .)) -}}
prometheus.io/scrape: "true"
prometheus.io/scheme: {{ include "steward.metrics.scheme" . }}
prometheus.io/port: {{ .Values.metrics.port | quote }}
prometheus.io/path: /metrics
{{- end }}
{{- end }}

{{/* What the defines of certificates are called with, for the port of metrics. */}}
{{- define "steward.metrics.secret" -}}
{{- include "steward.certificate.secret" (merge (dict "tls" .context.Values.metrics.tls "suffix" "metrics-tls") .) }}
{{- end }}

{{- define "steward.metrics.certificate" -}}
{{- $tls := .context.Values.metrics.tls }}
{{- if and $tls.enabled (eq $tls.mode "certManager") }}
{{- include "steward.certificate" (merge (dict "tls" $tls "suffix" "metrics-tls" "service" (include "steward.metrics.name" .)) .) }}
{{- end }}
{{- end }}

{{/* Directory of the certificate in the container. */}}
{{- define "steward.metrics.tlsDirectory" -}}
/etc/steward-metrics-tls
{{- end }}

{{/* The block `http` of the configuration file. */}}
{{- define "steward.metrics.config" -}}
{{- $metrics := .context.Values.metrics }}
{{- $directory := "" }}
{{- if and $metrics.tls.enabled (include "steward.metrics.secret" .) }}
{{-   $directory = include "steward.metrics.tlsDirectory" . }}
{{- end -}}
metricsPort: {{ $metrics.port }}
healthPort: {{ include "steward.healthPort" . }}
tls: {{ $metrics.tls.enabled }}
tlsCertFile: {{ with $directory }}{{ . }}/tls.crt{{ else }}""{{ end }}
tlsPrivateKeyFile: {{ with $directory }}{{ . }}/tls.key{{ else }}""{{ end }}
authorization: {{ $metrics.authorization.enabled }}
{{- end }}

{{/*
How Prometheus gets at metrics that are protected, as fields of an endpoint in YAML; what the values say of a monitor wins.
Call with "context", "component" and "kind".
*/}}
{{- define "steward.metrics.access" -}}
{{- $metrics := .context.Values.metrics }}
{{- if $metrics.tls.enabled }}
scheme: https
tlsConfig:
  {{- with include "steward.metrics.secret" . }}
  ca:
    secret:
      name: {{ . | quote }}
      key: ca.crt
  serverName: {{ include "steward.metrics.host" $ | quote }}
  {{- else }}
  insecureSkipVerify: true
  {{- end }}
{{- end }}
{{- if and $metrics.authorization.enabled (eq .kind "ServiceMonitor") }}
bearerTokenFile: /var/run/secrets/kubernetes.io/serviceaccount/token
{{- end }}
{{- end }}

{{/* Fails on protection that protects nothing, or lets nobody in. Call with the root context. */}}
{{- define "steward.metrics.validate" -}}
{{- $metrics := .Values.metrics }}
{{- include "steward.certificate.validate" (dict "path" "metrics.tls" "tls" $metrics.tls) }}
{{- if and $metrics.authorization.enabled (not $metrics.tls.enabled) }}
{{-   fail "metrics.authorization.enabled: tokens would be sent in the clear. Set metrics.tls.enabled=true." }}
{{- end }}
{{- if and $metrics.authorization.enabled .Values.rbac.create (eq .Values.rbac.scope "namespace") }}
{{-   fail "metrics.authorization.enabled: whose a token is can only be asked with a right in the whole cluster. Set rbac.scope=cluster, or grant it and set rbac.create=false." }}
{{- end }}
{{- $kind := include "steward.monitor.kind" . }}
{{- if $kind }}
{{-   $monitor := index .Values (untitle $kind) }}
{{-   $elsewhere := and $monitor.namespace (ne $monitor.namespace (include "steward.namespace" .)) }}
{{-   if and $metrics.tls.enabled (eq $monitor.scheme "http") }}
{{-     fail (printf "%s.scheme: http, and metrics.tls.enabled is true. Leave it empty." (untitle $kind)) }}
{{-   end }}
{{-   if and $metrics.tls.enabled (ne $metrics.tls.mode "self") $elsewhere (not $monitor.tlsConfig) }}
{{-     fail (printf "%s.namespace: Prometheus Operator reads the certificate's authority from a Secret beside the monitor, and it is not in %s. Leave it empty, or set %s.tlsConfig." (untitle $kind) $monitor.namespace (untitle $kind)) }}
{{-   end }}
{{-   if and $metrics.authorization.enabled (eq $kind "PodMonitor") (not $monitor.authorization) (not $monitor.basicAuth) }}
{{-     fail "metrics.authorization.enabled: with a PodMonitor Prometheus cannot send its own token. Use serviceMonitor, or set podMonitor.authorization." }}
{{-   end }}
{{- end }}
{{- end }}
