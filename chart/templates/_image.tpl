{{/* The image of a component: registry/repository:tag@digest. Call with "context" and "image", the merged values. */}}
{{- define "steward.image" -}}
{{- $registry := .context.Values.global.imageRegistry | default .image.registry }}
{{- with $registry }}{{ trimSuffix "/" . }}/{{ end }}
{{- .image.repository }}:{{ .image.tag | default .context.Chart.AppVersion }}
{{- with .image.digest }}@{{ . }}{{ end }}
{{- end }}

{{/* imagePullSecrets of a pod, names and maps alike. Call with "context" and "secrets". */}}
{{- define "steward.imagePullSecrets" -}}
{{- $names := list }}
{{- range concat (.context.Values.global.imagePullSecrets | default list) (.secrets | default list) }}
{{-   if kindIs "map" . }}
{{-     $names = append $names .name }}
{{-   else }}
{{-     $names = append $names . }}
{{-   end }}
{{- end }}
{{- with uniq $names }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . | quote }}
  {{- end }}
{{- end }}
{{- end }}
