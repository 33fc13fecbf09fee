{{/*
Whether a file of alerts or a dashboard is wanted: that of a component, if it is enabled; any other, if any is.
Call with "context" and "name", the file's name without prefix and extension.
*/}}
{{- define "steward.applies" -}}
{{- $enabled := (include "steward.components.enabled" .context | fromYaml).names }}
{{- if hasKey (include "steward.components" .context | fromYaml) .name }}
{{- has .name $enabled }}
{{- else }}
{{- gt (len $enabled) 0 }}
{{- end }}
{{- end }}

{{/*
The ConfigMap of one dashboard. Sidecars write all dashboards into one folder under the name of the key, so that name
is the dashboard's own. Call with "context", "name" and "json", the text.
*/}}
{{- define "steward.dashboard" -}}
{{- $values := .context.Values.dashboards }}
{{- $folder := dict }}
{{- with $values.folder }}
{{-   $_ := set $folder $values.folderAnnotation . }}
{{- end -}}
apiVersion: v1
kind: ConfigMap
metadata:
  {{- include "steward.metadata" (dict
        "context" .context
        "name" (include "steward.cut" (printf "%s-dashboard-%s" (include "steward.fullname" .context) (trimPrefix "steward-" .name)))
        "namespace" $values.namespace
        "labels" (dict $values.label $values.labelValue)
        "annotations" (include "steward.merged" (list $values.annotations $folder) | fromYaml)) | nindent 2 }}
data:
  {{ .name }}.json: {{ .json | fromJson | toJson | toJson }}
{{- end }}
