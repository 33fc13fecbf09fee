{{/* The configuration file of a component's process, as YAML. */}}
{{- define "steward.config" -}}
{{- $component := include "steward.component" . | fromYaml -}}
log:
  level: {{ $component.logLevel }}
  format: {{ $component.logFormat }}
http:
  {{- include "steward.metrics.config" . | nindent 2 }}
tracing:
  {{- toYaml $component.tracing | nindent 2 }}
leaderElection:
  {{- toYaml $component.leaderElection | nindent 2 }}
  leaseName: {{ include "steward.component.name" . | quote }}
  leaseNamespace: {{ include "steward.namespace" .context | quote }}
namespaces:
  {{- include "steward.watchedNamespaces" .context | fromYamlArray | toYaml | nindent 2 }}
config:
  {{- include "steward.merged" (list $component.config (include "steward.admission.config" . | fromYaml)) | nindent 2 }}
{{- end }}

{{/* The only namespaces that components look at, as a YAML list; empty for all. Call with the root context. */}}
{{- define "steward.watchedNamespaces" -}}
{{- $namespaces := .Values.rbac.namespaces | default list }}
{{- if and (eq .Values.rbac.scope "namespace") (not $namespaces) }}
{{-   $namespaces = list (include "steward.namespace" .) }}
{{- end }}
{{- toYaml $namespaces }}
{{- end }}

{{/* Port of the probes. Nobody but the kubelet uses it, so it is not a value. */}}
{{- define "steward.healthPort" -}}
8081
{{- end }}

{{- define "steward.configmap" -}}
apiVersion: v1
kind: ConfigMap
metadata:
  {{- include "steward.metadata" . | nindent 2 }}
data:
  config.yaml: |
    {{- include "steward.config" . | nindent 4 }}
{{- end }}
