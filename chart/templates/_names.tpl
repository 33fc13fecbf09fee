{{/*
A name that fits into 63 characters, the limit of labels and Services: what is longer is cut and ends in a hash
of the whole, so that two long names stay two. Call with the full name.
*/}}
{{- define "steward.cut" -}}
{{- if gt (len .) 63 }}
{{- printf "%s-%s" (trunc 54 . | trimSuffix "-") (sha256sum . | trunc 8) }}
{{- else }}
{{- . }}
{{- end }}
{{- end }}

{{- define "steward.name" -}}
{{- .Values.nameOverride | default .Chart.Name }}
{{- end }}

{{/* First part of every name: the release, and the chart's name unless the release's name has it already. */}}
{{- define "steward.fullname" -}}
{{- $name := include "steward.name" . }}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride }}
{{- else if contains $name .Release.Name }}
{{- .Release.Name }}
{{- else }}
{{- printf "%s-%s" .Release.Name $name }}
{{- end }}
{{- end }}

{{- define "steward.namespace" -}}
{{- .Values.namespaceOverride | default .Release.Namespace }}
{{- end }}

{{/* Name of an object of a component; "suffix" tells several of one kind apart. */}}
{{- define "steward.component.name" -}}
{{- $parts := list (include "steward.fullname" .context) .component }}
{{- with .suffix }}
{{-   $parts = append $parts . }}
{{- end }}
{{- include "steward.cut" (join "-" $parts) }}
{{- end }}

{{/* Name of a cluster-scoped object of a component. The namespace is in it, so that two releases never share one. */}}
{{- define "steward.component.clusterName" -}}
{{- include "steward.cut" (printf "%s-%s-%s" (include "steward.namespace" .context) (include "steward.fullname" .context) .component) }}
{{- end }}

{{- define "steward.serviceAccountName" -}}
{{- (include "steward.component" . | fromYaml).serviceAccount.name | default (include "steward.component.name" .) }}
{{- end }}

{{/* The job that Prometheus gives a component's targets, whatever the release is called. */}}
{{- define "steward.job" -}}
steward-{{ .component }}
{{- end }}
