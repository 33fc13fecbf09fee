{{/* A pod of `helm test`: the component answers through its Service, and says itself that it is ready. */}}
{{- define "steward.test" -}}
{{- $values := include "steward.component" . | fromYaml }}
{{- $test := dict "context" .context "component" (printf "%s-test" .component) }}
{{- $hook := dict "helm.sh/hook" "test" "helm.sh/hook-delete-policy" "before-hook-creation,hook-succeeded" -}}
apiVersion: v1
kind: Pod
metadata:
  {{- include "steward.metadata" (merge (dict "annotations" $hook) $test) | nindent 2 }}
spec:
  restartPolicy: Never
  automountServiceAccountToken: false
  {{- include "steward.podSpec" (merge (dict "values" $values) .) | trim | nindent 2 }}
  containers:
    - name: probe
      image: {{ include "steward.image" (dict "context" .context "image" $values.image) | quote }}
      imagePullPolicy: {{ $values.image.pullPolicy }}
      args:
        - probe
        - http://{{ include "steward.metrics.name" . }}.{{ include "steward.namespace" .context }}.svc:{{ .context.Values.metrics.port }}/metrics
        - --expect
        - steward_component_ready{component="{{ .component }}"} 1.0
        - --timeout
        - "60"
      {{- range $block := list "resources" "securityContext" }}
      {{- with index $values $block }}
      {{ $block }}:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- end }}
{{- end }}
