{{/*
The roles of a component: what the define "steward.<component>.rules" says, for the whole cluster or for some namespaces, and its own lease.
*/}}
{{- define "steward.rbac" -}}
{{- if .context.Values.rbac.create }}
{{- $name := include "steward.component.clusterName" . }}
{{- if eq .context.Values.rbac.scope "cluster" }}
{{- include "steward.rbac.granted" (merge (dict "kind" "ClusterRole" "name" $name "clusterScoped" true "rules" (include "steward.rbac.rules" .)) .) }}
{{- else }}
{{- range include "steward.watchedNamespaces" .context | fromYamlArray }}
---
{{ include "steward.rbac.granted" (merge (dict "kind" "Role" "name" $name "namespace" . "rules" (include "steward.rbac.rules" $)) $) }}
{{- end }}
{{- end }}
{{- if (include "steward.component" . | fromYaml).leaderElection.enabled }}
---
{{ include "steward.rbac.granted" (merge (dict "kind" "Role" "name" (include "steward.component.name" .) "rules" (include "steward.rbac.leaseRules" .)) .) }}
{{- end }}
{{- end }}
{{- end }}

{{/* A role and its binding to a component's ServiceAccount. Call with "kind", "name", "rules" (text), and what steward.metadata takes. */}}
{{- define "steward.rbac.granted" -}}
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ .kind }}
metadata:
  {{- include "steward.metadata" . | nindent 2 }}
rules:
  {{- .rules | nindent 2 }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ .kind }}Binding
metadata:
  {{- include "steward.metadata" . | nindent 2 }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: {{ .kind }}
  name: {{ .name | quote }}
subjects:
  - kind: ServiceAccount
    name: {{ include "steward.serviceAccountName" . | quote }}
    namespace: {{ include "steward.namespace" .context | quote }}
{{- end }}

{{/* What a component does in the namespaces it looks at. */}}
{{- define "steward.rbac.rules" -}}
{{- include (printf "steward.%s.rules" .component) . }}
{{- if .context.Values.metrics.authorization.enabled }}
{{ include "steward.rbac.reviewRules" . }}
{{- end }}
{{- with .context.Values.rbac.extraRules }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* Creation cannot be limited to a name, because the API server does not know it yet when it asks for the right. */}}
{{- define "steward.rbac.leaseRules" -}}
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  verbs: [create]
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  resourceNames: [{{ include "steward.component.name" . | quote }}]
  verbs: [get, patch]
{{- end }}

{{/* Asking the API server whose a token is, and what they may. */}}
{{- define "steward.rbac.reviewRules" -}}
- apiGroups: [authentication.k8s.io]
  resources: [tokenreviews]
  verbs: [create]
- apiGroups: [authorization.k8s.io]
  resources: [subjectaccessreviews]
  verbs: [create]
{{- end }}

{{/* The role of those who may read protected metrics, and its binding. Call with the root context. */}}
{{- define "steward.rbac.metricsReader" -}}
{{- $authorization := .Values.metrics.authorization }}
{{- if and .Values.rbac.create $authorization.enabled (include "steward.components.enabled" . | fromYaml).names }}
{{- $name := include "steward.component.clusterName" (dict "context" . "component" "metrics-reader") }}
{{- $metadata := include "steward.metadata" (dict "context" . "name" $name "clusterScoped" true) -}}
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  {{- $metadata | nindent 2 }}
rules:
  - nonResourceURLs: [/, /metrics, /events]
    verbs: [get]
{{- with $authorization.subjects }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  {{- $metadata | nindent 2 }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: {{ $name | quote }}
subjects:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
{{- end }}

{{/* A role for people, which Kubernetes adds to its own roles of these names. Call with the root context. */}}
{{- define "steward.rbac.view" -}}
{{- $rbac := .Values.rbac }}
{{- $labels := dict }}
{{- range $role, $wanted := dict "view" $rbac.aggregateToView "edit" $rbac.aggregateToEdit "admin" $rbac.aggregateToAdmin }}
{{-   if $wanted }}
{{-     $_ := set $labels (printf "rbac.authorization.k8s.io/aggregate-to-%s" $role) "true" }}
{{-   end }}
{{- end }}
{{- $leases := list }}
{{- range $name := (include "steward.components.enabled" . | fromYaml).names }}
{{-   $component := dict "context" $ "component" $name }}
{{-   if (include "steward.component" $component | fromYaml).leaderElection.enabled }}
{{-     $leases = append $leases (include "steward.component.name" $component) }}
{{-   end }}
{{- end }}
{{- if and $rbac.create (eq $rbac.scope "cluster") $labels $leases -}}
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  {{- $name := include "steward.component.clusterName" (dict "context" . "component" "view") }}
  {{- include "steward.metadata" (dict "context" . "name" $name "clusterScoped" true "labels" $labels) | nindent 2 }}
rules:
  - apiGroups: [coordination.k8s.io]
    resources: [leases]
    resourceNames:
      {{- toYaml $leases | nindent 6 }}
    verbs: [get]
{{- end }}
{{- end }}
