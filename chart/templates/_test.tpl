{{/* A pod of `helm test`: the component answers through its Service, and says itself that it is ready. */}}
{{- define "steward.test" -}}
{{- $with := merge (dict "values" (include "steward.component" . | fromYaml)) . }}
{{- $test := dict "context" .context "component" (printf "%s-test" .component) }}
{{- $hook := dict "helm.sh/hook" "test" "helm.sh/hook-delete-policy" "before-hook-creation,hook-succeeded" -}}
apiVersion: v1
kind: Pod
metadata:
  {{- include "steward.metadata" (merge (dict "annotations" $hook) $test) | nindent 2 }}
spec:
  restartPolicy: Never
  automountServiceAccountToken: false
  {{- include "steward.pod.common" $with | trim | nindent 2 }}
  {{- /* Not the affinity to pods, which could keep the test away from the only node. */}}
  {{- with pick ($with.values.affinity | default dict) "nodeAffinity" }}
  affinity:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  containers:
    - name: probe
      {{- include "steward.container.common" $with | nindent 6 }}
      args:
        - probe
        - {{ include "steward.metrics.scheme" .context }}://{{ include "steward.metrics.host" . }}:{{ .context.Values.metrics.port }}/metrics
        {{- if .context.Values.metrics.tls.enabled }}
        - --insecure-skip-tls-verify
        {{- end }}
        {{- if .context.Values.metrics.authorization.enabled }}
        {{- /* The test has no token. Only pods that are ready are behind the Service, so their refusal says as much. */}}
        - --status
        - "401"
        {{- else }}
        - --expect
        - steward_component_ready{component="{{ .component }}"} 1.0
        {{- end }}
        - --timeout
        - "60"
{{- end }}
