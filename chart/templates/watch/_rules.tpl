{{/* Rights of the component `watch` in the whole cluster. The program declares the same; a test compares them. */}}
{{- define "steward.watch.rules" -}}
- apiGroups: [""]
  resources: [pods]
  verbs: [list, watch]
{{- end }}
