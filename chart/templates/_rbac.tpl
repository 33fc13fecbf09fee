{{- define "steward.serviceaccount" -}}
{{- $account := (include "steward.component" . | fromYaml).serviceAccount }}
{{- if $account.create -}}
apiVersion: v1
kind: ServiceAccount
metadata:
  {{- include "steward.metadata" (merge (dict "name" (include "steward.serviceAccountName" .) "annotations" $account.annotations) .) | nindent 2 }}
# Pods ask for the token themselves.
automountServiceAccountToken: false
{{- end }}
{{- end }}

{{/*
The roles of a component: what the define "steward.<component>.rules" says for the whole cluster, and its own lease.
Creation cannot be limited to a name, because the API server does not know it yet when it asks for the right.
*/}}
{{- define "steward.rbac" -}}
{{- if .context.Values.rbac.create }}
{{- $cluster := merge (dict "name" (include "steward.component.clusterName" .) "clusterScoped" true) . -}}
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  {{- include "steward.metadata" $cluster | nindent 2 }}
rules:
  {{- include (printf "steward.%s.rules" .component) . | nindent 2 }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  {{- include "steward.metadata" $cluster | nindent 2 }}
{{ include "steward.rbac.binding" (dict "kind" "ClusterRole" "name" $cluster.name "of" .) }}
{{- if (include "steward.component" . | fromYaml).leaderElection.enabled }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  {{- include "steward.metadata" . | nindent 2 }}
rules:
  - apiGroups: [coordination.k8s.io]
    resources: [leases]
    verbs: [create]
  - apiGroups: [coordination.k8s.io]
    resources: [leases]
    resourceNames: [{{ include "steward.component.name" . | quote }}]
    verbs: [get, patch]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  {{- include "steward.metadata" . | nindent 2 }}
{{ include "steward.rbac.binding" (dict "kind" "Role" "name" (include "steward.component.name" .) "of" .) }}
{{- end }}
{{- end }}
{{- end }}

{{- define "steward.rbac.binding" -}}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: {{ .kind }}
  name: {{ .name | quote }}
subjects:
  - kind: ServiceAccount
    name: {{ include "steward.serviceAccountName" .of | quote }}
    namespace: {{ include "steward.namespace" .of.context | quote }}
{{- end }}
