{{- define "steward.deployment" -}}
{{- $component := include "steward.component" . | fromYaml }}
{{- $selector := include "steward.selectorLabels" . -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  {{- include "steward.metadata" . | nindent 2 }}
spec:
  replicas: {{ $component.replicas }}
  selector:
    matchLabels:
      {{- $selector | nindent 6 }}
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
      serviceAccountName: {{ include "steward.serviceAccountName" . | quote }}
      automountServiceAccountToken: true
      {{- include "steward.podSpec" (merge (dict "values" $component) .) | trim | nindent 6 }}
      terminationGracePeriodSeconds: {{ $component.terminationGracePeriodSeconds }}
      {{- with $component.topologySpreadConstraints }}
      topologySpreadConstraints:
        {{- range . }}
        {{- $filled := merge (dict) . (dict "labelSelector" (dict "matchLabels" (fromYaml $selector))) }}
        {{- toYaml (list $filled) | nindent 8 }}
        {{- end }}
      {{- end }}
      containers:
        - name: {{ .component }}
          image: {{ include "steward.image" (dict "context" .context "image" $component.image) | quote }}
          imagePullPolicy: {{ $component.image.pullPolicy }}
          args:
            {{- toYaml (concat (list "run" .component "--config" "/etc/steward/config.yaml") ($component.extraArgs | default list)) | nindent 12 }}
          env:
            {{- include "steward.env" . | trim | nindent 12 }}
            {{- with $component.extraEnv }}
            {{- toYaml . | nindent 12 }}
            {{- end }}
          ports:
            - name: metrics
              containerPort: {{ .context.Values.metrics.port }}
              protocol: TCP
            - name: health
              containerPort: {{ include "steward.healthPort" . }}
              protocol: TCP
          {{- range $block := list "startupProbe" "livenessProbe" "readinessProbe" "resources" "securityContext" }}
          {{- with index $component $block }}
          {{ $block }}:
            {{- toYaml . | nindent 12 }}
          {{- end }}
          {{- end }}
          volumeMounts:
            - name: config
              mountPath: /etc/steward
              readOnly: true
            - name: tmp
              mountPath: /tmp
      volumes:
        - name: config
          configMap:
            name: {{ include "steward.component.name" . | quote }}
        # In memory: the worker's heartbeat must not wait for a busy disk.
        - name: tmp
          emptyDir:
            medium: Memory
            sizeLimit: 16Mi
{{- end }}

{{/* Who and where the process is; the identity in its lease and in its Events comes from here. */}}
{{- define "steward.env" -}}
{{- range $name, $path := dict "POD_NAME" "metadata.name" "POD_NAMESPACE" "metadata.namespace" "POD_UID" "metadata.uid" }}
- name: {{ $name }}
  valueFrom:
    fieldRef:
      fieldPath: {{ $path }}
{{- end }}
{{- end }}

{{/* What all pods of a component have in common, those of its tests too. Call with "values", the merged values. */}}
{{- define "steward.podSpec" -}}
{{- include "steward.imagePullSecrets" (dict "context" .context "secrets" .values.imagePullSecrets) }}
{{- with .values.podSecurityContext }}
securityContext:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .values.priorityClassName }}
priorityClassName: {{ . | quote }}
{{- end }}
{{- range $key := list "nodeSelector" "tolerations" "affinity" }}
{{- with index $.values $key }}
{{ $key }}:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
{{- end }}
