{{/* The specification of a component's pods. Call with "values", the merged values. */}}
{{- define "steward.pod" -}}
serviceAccountName: {{ include "steward.serviceAccountName" . | quote }}
automountServiceAccountToken: {{ .values.serviceAccount.automountServiceAccountToken }}
terminationGracePeriodSeconds: {{ .values.terminationGracePeriodSeconds }}
{{ include "steward.pod.common" . | trim }}
{{- with include "steward.pod.affinity" . | fromYaml }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .values.topologySpreadConstraints }}
topologySpreadConstraints:
  {{- range . }}
  {{- toYaml (list (include "steward.pod.selecting" (dict "term" . "of" $) | fromYaml)) | nindent 2 }}
  {{- end }}
{{- end }}
{{- with .values.extraInitContainers }}
initContainers:
  {{- toYaml . | nindent 2 }}
{{- end }}
containers:
  {{- include "steward.container" . | nindent 2 }}
  {{- with .values.extraContainers }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
volumes:
  - name: config
    configMap:
      name: {{ include "steward.component.name" . | quote }}
  {{- /* In memory: the worker's heartbeat must not wait for a busy disk. */}}
  - name: tmp
    emptyDir:
      medium: Memory
      sizeLimit: 16Mi
  {{- if .context.Values.metrics.tls.enabled }}
  {{- with include "steward.metrics.secret" . }}
  - name: metrics-tls
    secret:
      secretName: {{ . | quote }}
  {{- end }}
  {{- end }}
  {{- if .values.admission }}
  {{- with include "steward.admission.secret" . }}
  - name: admission-tls
    secret:
      secretName: {{ . | quote }}
  {{- end }}
  {{- end }}
  {{- if not .values.serviceAccount.automountServiceAccountToken }}
  {{- include "steward.pod.token" .values | nindent 2 }}
  {{- end }}
  {{- with .values.extraVolumes }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}

{{/* What all pods of a component have in common, those of its tests too. Call with "values", the merged values. */}}
{{- define "steward.pod.common" -}}
{{- include "steward.imagePullSecrets" (dict "context" .context "secrets" .values.imagePullSecrets) }}
{{- with include "steward.securityContext" (dict "context" .context "given" .values.podSecurityContext) | fromYaml }}
securityContext:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- range $key := list "priorityClassName" "runtimeClassName" "schedulerName" "dnsPolicy" }}
{{- with index $.values $key }}
{{ $key }}: {{ . | quote }}
{{- end }}
{{- end }}
{{- if hasKey .values "hostUsers" }}
hostUsers: {{ .values.hostUsers }}
{{- end }}
{{- range $key := list "nodeSelector" "tolerations" "hostAliases" "dnsConfig" }}
{{- with index $.values $key }}
{{ $key }}:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
{{- end }}

{{/*
The affinity as YAML: that of the values, with the preset where it says nothing on other pods, and with the component's
label selector in terms that have none. Call with "values", the merged values.
*/}}
{{- define "steward.pod.affinity" -}}
{{- $affinity := deepCopy (.values.affinity | default dict) }}
{{- $term := dict "topologyKey" "kubernetes.io/hostname" }}
{{- if not (hasKey $affinity "podAntiAffinity") }}
{{-   if eq .values.podAntiAffinityPreset "hard" }}
{{-     $_ := set $affinity "podAntiAffinity" (dict "requiredDuringSchedulingIgnoredDuringExecution" (list $term)) }}
{{-   else if eq .values.podAntiAffinityPreset "soft" }}
{{-     $_ := set $affinity "podAntiAffinity" (dict "preferredDuringSchedulingIgnoredDuringExecution" (list (dict "weight" 100 "podAffinityTerm" $term))) }}
{{-   end }}
{{- end }}
{{- range $key := list "podAffinity" "podAntiAffinity" }}
{{-   $terms := get $affinity $key | default dict }}
{{-   range $when, $list := $terms }}
{{-     $filled := list }}
{{-     range $list }}
{{-       if hasKey . "podAffinityTerm" }}
{{-         $filled = append $filled (set . "podAffinityTerm" (include "steward.pod.selecting" (dict "term" .podAffinityTerm "of" $) | fromYaml)) }}
{{-       else }}
{{-         $filled = append $filled (include "steward.pod.selecting" (dict "term" . "of" $) | fromYaml) }}
{{-       end }}
{{-     end }}
{{-     $_ := set $terms $when $filled }}
{{-   end }}
{{- end }}
{{- toYaml $affinity }}
{{- end }}

{{/* A term of an affinity or of a spread, with the component's label selector if it has none. Call with "term" and "of". */}}
{{- define "steward.pod.selecting" -}}
{{- $term := deepCopy .term }}
{{- if not (hasKey $term "labelSelector") }}
{{-   $_ := set $term "labelSelector" (dict "matchLabels" (include "steward.selectorLabels" .of | fromYaml)) }}
{{- end }}
{{- toYaml $term }}
{{- end }}

{{/*
A security context as YAML. OpenShift refuses ids that are not from the namespace's range, and gives pods their own;
"given" is what the values say.
*/}}
{{- define "steward.securityContext" -}}
{{- $adapt := .context.Values.global.compatibility.openshift.adaptSecurityContext }}
{{- $openshift := .context.Capabilities.APIVersions.Has "security.openshift.io/v1" }}
{{- if or (eq $adapt "force") (and (eq $adapt "auto") $openshift) }}
{{- toYaml (omit (.given | default dict) "runAsUser" "runAsGroup" "fsGroup" "supplementalGroups") }}
{{- else }}
{{- toYaml (.given | default dict) }}
{{- end }}
{{- end }}

{{/* The volume with what clients of the API server look for, as a list of one. Kubernetes mounts the same by itself, but into every container. */}}
{{- define "steward.pod.token" -}}
- name: token
  projected:
    sources:
      - serviceAccountToken:
          path: token
          expirationSeconds: {{ .serviceAccount.tokenExpirationSeconds }}
      - configMap:
          name: kube-root-ca.crt
          items:
            - key: ca.crt
              path: ca.crt
      - downwardAPI:
          items:
            - path: namespace
              fieldRef:
                fieldPath: metadata.namespace
{{- end }}
