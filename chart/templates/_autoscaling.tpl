{{- define "steward.horizontalpodautoscaler" -}}
{{- $scaling := (include "steward.component" . | fromYaml).autoscaling }}
{{- if $scaling.enabled -}}
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  {{- include "steward.metadata" . | nindent 2 }}
spec:
  scaleTargetRef:
    {{- include "steward.scaled" . | nindent 4 }}
  minReplicas: {{ $scaling.minReplicas }}
  maxReplicas: {{ $scaling.maxReplicas }}
  metrics:
    {{- range $resource, $target := dict "cpu" $scaling.targetCPUUtilizationPercentage "memory" $scaling.targetMemoryUtilizationPercentage }}
    {{- if $target }}
    - type: Resource
      resource:
        name: {{ $resource }}
        target:
          type: Utilization
          averageUtilization: {{ $target }}
    {{- end }}
    {{- end }}
    {{- with $scaling.metrics }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- with $scaling.behavior }}
  behavior:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}
{{- end }}

{{- define "steward.verticalpodautoscaler" -}}
{{- $vpa := (include "steward.component" . | fromYaml).vpa }}
{{- if $vpa.enabled -}}
apiVersion: autoscaling.k8s.io/v1
kind: VerticalPodAutoscaler
metadata:
  {{- include "steward.metadata" . | nindent 2 }}
spec:
  targetRef:
    {{- include "steward.scaled" . | nindent 4 }}
  updatePolicy:
    updateMode: {{ $vpa.updateMode | quote }}
  {{- with $vpa.containerPolicy }}
  resourcePolicy:
    containerPolicies:
      - containerName: {{ $.component }}
        {{- toYaml . | nindent 8 }}
  {{- end }}
{{- end }}
{{- end }}

{{/* The Deployment, as both autoscalers refer to it. */}}
{{- define "steward.scaled" -}}
apiVersion: apps/v1
kind: Deployment
name: {{ include "steward.component.name" . | quote }}
{{- end }}
