{{- define "steward.deployment" -}}
{{- $component := include "steward.component" . | fromYaml -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  {{- include "steward.metadata" (merge (dict "labels" $component.deploymentLabels "annotations" $component.deploymentAnnotations) .) | nindent 2 }}
spec:
  {{- if and (not $component.autoscaling.enabled) (hasKey $component "replicas") }}
  replicas: {{ $component.replicas }}
  {{- end }}
  {{- if hasKey $component "revisionHistoryLimit" }}
  revisionHistoryLimit: {{ $component.revisionHistoryLimit }}
  {{- end }}
  {{- with $component.strategy }}
  strategy:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  selector:
    matchLabels:
      {{- include "steward.selectorLabels" . | nindent 6 }}
  template:
    metadata:
      labels:
        {{- $labels := include "steward.merged" (list $component.podLabels (dict "steward.dev/job" (include "steward.job" .))) | fromYaml }}
        {{- include "steward.podLabels" (merge (dict "labels" $labels) .) | nindent 8 }}
      annotations:
        # A changed configuration starts new pods.
        {{- $checksum := dict "checksum/config" (include "steward.config" . | sha256sum) }}
        {{- include "steward.merged" (list .context.Values.commonAnnotations $component.podAnnotations $checksum) | nindent 8 }}
    spec:
      {{- $own := include "steward.pod" (merge (dict "values" $component) .) | fromYaml }}
      {{- include "steward.merged" (list $own $component.podSpecExtra) | nindent 6 }}
{{- end }}
