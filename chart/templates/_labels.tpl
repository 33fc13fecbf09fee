{{/*
What selects a component's pods. It is frozen: a Deployment's selector cannot be changed by an upgrade.
Call with (dict "context" $ "component" "headless").
*/}}
{{- define "steward.selectorLabels" -}}
app.kubernetes.io/name: {{ include "steward.name" .context | quote }}
app.kubernetes.io/instance: {{ .context.Release.Name | quote }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{/* Labels of pods: without the chart's version, which would restart them for a change of a comment. */}}
{{- define "steward.podLabels" -}}
{{- $own := include "steward.selectorLabels" . | fromYaml }}
{{- $_ := set $own "app.kubernetes.io/part-of" "steward" }}
{{- $_ := set $own "app.kubernetes.io/version" .context.Chart.AppVersion }}
{{- include "steward.merged" (list .context.Values.commonLabels .labels $own) }}
{{- end }}

{{/*
Metadata of an object. Call with "context"; further, all optional: "component", "name" (else the component's),
"namespace" (else the release's), "clusterScoped", "labels" and "annotations" (maps).
*/}}
{{- define "steward.metadata" -}}
{{- $own := dict
      "helm.sh/chart" (printf "%s-%s" .context.Chart.Name .context.Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-")
      "app.kubernetes.io/name" (include "steward.name" .context)
      "app.kubernetes.io/instance" .context.Release.Name
      "app.kubernetes.io/part-of" "steward"
      "app.kubernetes.io/version" .context.Chart.AppVersion
      "app.kubernetes.io/managed-by" .context.Release.Service }}
{{- with .component }}
{{-   $_ := set $own "app.kubernetes.io/component" . }}
{{- end }}
{{- $annotations := include "steward.merged" (list .context.Values.commonAnnotations (.annotations | default dict)) | fromYaml -}}
name: {{ .name | default (include "steward.component.name" .) | quote }}
{{- if not .clusterScoped }}
namespace: {{ .namespace | default (include "steward.namespace" .context) | quote }}
{{- end }}
labels:
  {{- include "steward.merged" (list .context.Values.commonLabels (.labels | default dict) $own) | nindent 2 }}
{{- with $annotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
