{{- define "steward.poddisruptionbudget" -}}
{{- $budget := (include "steward.component" . | fromYaml).podDisruptionBudget }}
{{- if $budget.enabled -}}
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  {{- include "steward.metadata" . | nindent 2 }}
spec:
  {{- if ne (toString $budget.minAvailable) "" }}
  minAvailable: {{ $budget.minAvailable }}
  {{- else if ne (toString $budget.maxUnavailable) "" }}
  maxUnavailable: {{ $budget.maxUnavailable }}
  {{- else }}
  maxUnavailable: 1
  {{- end }}
  {{- with $budget.unhealthyPodEvictionPolicy }}
  unhealthyPodEvictionPolicy: {{ . }}
  {{- end }}
  selector:
    matchLabels:
      {{- include "steward.selectorLabels" . | nindent 6 }}
{{- end }}
{{- end }}
