{{/* The container of a component, as a list of one. Call with "values", the merged values. */}}
{{- define "steward.container" -}}
- name: {{ .component }}
  {{- include "steward.container.common" . | nindent 2 }}
  args:
    {{- toYaml (concat (list "run" .component "--config" "/etc/steward/config.yaml") (.values.extraArgs | default list)) | nindent 4 }}
  env:
    {{- include "steward.container.env" . | trim | nindent 4 }}
    {{- with .values.extraEnv }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- with .values.extraEnvFrom }}
  envFrom:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  ports:
    - name: metrics
      containerPort: {{ .context.Values.metrics.port }}
      protocol: TCP
    - name: health
      containerPort: {{ include "steward.healthPort" . }}
      protocol: TCP
    {{- with .values.admission }}
    - name: admission
      containerPort: {{ .port }}
      protocol: TCP
    {{- end }}
  {{- range $block := list "startupProbe" "livenessProbe" "readinessProbe" "lifecycle" }}
  {{- with index $.values $block }}
  {{ $block }}:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- end }}
  volumeMounts:
    - name: config
      mountPath: /etc/steward
      readOnly: true
    - name: tmp
      mountPath: /tmp
    {{- if and .context.Values.metrics.tls.enabled (include "steward.metrics.secret" .) }}
    - name: metrics-tls
      mountPath: {{ include "steward.metrics.tlsDirectory" . }}
      readOnly: true
    {{- end }}
    {{- if and .values.admission (include "steward.admission.secret" .) }}
    - name: admission-tls
      mountPath: {{ include "steward.admission.tlsDirectory" . }}
      readOnly: true
    {{- end }}
    {{- if not .values.serviceAccount.automountServiceAccountToken }}
    - name: token
      mountPath: /var/run/secrets/kubernetes.io/serviceaccount
      readOnly: true
    {{- end }}
    {{- with .values.extraVolumeMounts }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
{{- end }}

{{/* What our container is in every pod, those of the tests too. Call with "values", the merged values. */}}
{{- define "steward.container.common" -}}
image: {{ include "steward.image" (dict "context" .context "image" .values.image) | quote }}
imagePullPolicy: {{ .values.image.pullPolicy }}
{{- with .values.resources }}
resources:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with include "steward.securityContext" (dict "context" .context "given" .values.securityContext) | fromYaml }}
securityContext:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* Who and where the process is; the identity in its lease and in its Events comes from here. */}}
{{- define "steward.container.env" -}}
{{- range $name, $path := dict "POD_NAME" "metadata.name" "POD_NAMESPACE" "metadata.namespace" "POD_UID" "metadata.uid" }}
- name: {{ $name }}
  valueFrom:
    fieldRef:
      fieldPath: {{ $path }}
{{- end }}
{{- end }}
