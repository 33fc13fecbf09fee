{{/*
Whether a file of alerts or a dashboard is wanted: that of a component, if it is enabled; one of several, if one of them is; any other, if any is.
Call with "context" and "name", the file's name without prefix and extension.
*/}}
{{- define "steward.applies" -}}
{{- $enabled := (include "steward.components.enabled" .context | fromYaml).names }}
{{- if hasKey (include "steward.components" .context | fromYaml) .name }}
{{- has .name $enabled }}
{{- else if hasKey (include "steward.components.dashboards" .context | fromYaml) .name }}
{{- $wanted := false }}
{{- range index (include "steward.components.dashboards" .context | fromYaml) .name }}
{{-   $wanted = or $wanted (has . $enabled) }}
{{- end }}
{{- $wanted }}
{{- else }}
{{- gt (len $enabled) 0 }}
{{- end }}
{{- end }}

{{/* Names of the dashboards that are created, as a YAML list. Call with the root context. */}}
{{- define "steward.dashboards" -}}
{{- $names := list }}
{{- range $path, $_ := .Files.Glob "files/dashboards/steward-*.json" }}
{{-   $name := base $path | trimPrefix "steward-" | trimSuffix ".json" }}
{{-   if and (eq "true" (include "steward.applies" (dict "context" $ "name" $name))) (not (get $.Values.dashboards.disabled $name)) }}
{{-     $names = append $names $name }}
{{-   end }}
{{- end }}
{{- toYaml $names }}
{{- end }}

{{- define "steward.dashboard.name" -}}
{{- include "steward.cut" (printf "%s-dashboard-%s" (include "steward.fullname" .context) .dashboard) }}
{{- end }}

{{/*
The ConfigMap of one dashboard. Sidecars write all dashboards into one folder under the name of the key, so that name
is the dashboard's own. Call with "context" and "dashboard", its name.
*/}}
{{- define "steward.dashboard" -}}
{{- $values := .context.Values.dashboards }}
{{- $file := printf "steward-%s.json" .dashboard }}
{{- $folder := dict }}
{{- with $values.folder }}
{{-   $_ := set $folder $values.folderAnnotation . }}
{{- end -}}
apiVersion: v1
kind: ConfigMap
metadata:
  {{- include "steward.metadata" (dict
        "context" .context
        "name" (include "steward.dashboard.name" .)
        "namespace" $values.namespace
        "labels" (include "steward.merged" (list $values.additionalLabels (dict $values.label $values.labelValue)) | fromYaml)
        "annotations" (include "steward.merged" (list $values.annotations $folder) | fromYaml)) | nindent 2 }}
data:
  {{ $file }}: {{ .context.Files.Get (printf "files/dashboards/%s" $file) | fromJson | toJson | toJson }}
{{- end }}

{{/* The same for grafana-operator, which reads the ConfigMap in its own namespace. Call as above. */}}
{{- define "steward.grafanadashboard" -}}
{{- $values := .context.Values.dashboards }}
{{- $operator := $values.grafanaOperator -}}
apiVersion: grafana.integreatly.org/v1beta1
kind: GrafanaDashboard
metadata:
  {{- include "steward.metadata" (dict
        "context" .context
        "name" (include "steward.dashboard.name" .)
        "namespace" $values.namespace
        "labels" $values.additionalLabels) | nindent 2 }}
spec:
  allowCrossNamespaceImport: {{ $operator.allowCrossNamespaceImport }}
  instanceSelector:
    matchLabels:
      {{- toYaml $operator.matchLabels | nindent 6 }}
  configMapRef:
    name: {{ include "steward.dashboard.name" . | quote }}
    key: steward-{{ .dashboard }}.json
  {{- with $operator.resyncPeriod }}
  resyncPeriod: {{ . }}
  {{- end }}
  {{- if $operator.folderRef }}
  folderRef: {{ $operator.folderRef | quote }}
  {{- else if $operator.folderUID }}
  folderUID: {{ $operator.folderUID | quote }}
  {{- else if $values.folder }}
  folder: {{ $values.folder | quote }}
  {{- end }}
{{- end }}

{{/* Fails on what would silently change nothing. Call with the root context. */}}
{{- define "steward.dashboards.validate" -}}
{{- $dashboards := .Values.dashboards }}
{{- $known := list }}
{{- range $path, $_ := .Files.Glob "files/dashboards/steward-*.json" }}
{{-   $known = append $known (base $path | trimPrefix "steward-" | trimSuffix ".json") }}
{{- end }}
{{- range $name, $_ := $dashboards.disabled }}
{{-   if not (has $name $known) }}
{{-     fail (printf "dashboards.disabled.%s: no such dashboard. There are: %s." $name (join ", " $known)) }}
{{-   end }}
{{- end }}
{{- if and $dashboards.grafanaOperator.enabled (not $dashboards.enabled) }}
{{-   fail "dashboards.grafanaOperator.enabled: needs the ConfigMaps that dashboards.enabled=false leaves out. Set dashboards.enabled=true." }}
{{- end }}
{{- if and $dashboards.grafanaOperator.folderRef $dashboards.grafanaOperator.folderUID }}
{{-   fail "dashboards.grafanaOperator.folderRef: names a folder, and so does folderUID. grafana-operator takes one; set the other to \"\"." }}
{{- end }}
{{- end }}
