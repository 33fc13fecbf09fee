{{/* Rights of the component `webhook` in the whole cluster. The program declares the same; a test compares them. */}}
{{- define "steward.webhook.rules" -}}
- apiGroups: [policy.steward.dev]
  resources: [devopspolicies]
  verbs: [list, watch]
- apiGroups: [""]
  resources: [namespaces]
  verbs: [list, watch]
{{- if not (include "steward.admission.secret" .) }}
{{- if eq .context.Values.rbac.scope "cluster" }}
- apiGroups: [admissionregistration.k8s.io]
  resources: [validatingwebhookconfigurations]
  resourceNames: [{{ include "steward.admission.configurationName" . | quote }}]
  verbs: [list, watch, patch]
{{- end }}
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create, patch]
{{- end }}
{{- end }}

{{/* Its rights in its own namespace: what it takes to rotate certificates, where it makes them. Creation cannot be limited to a name, but by apply it can. */}}
{{- define "steward.webhook.ownRules" -}}
{{- $name := include "steward.component.name" (merge (dict "suffix" "certificates") .) | quote -}}
- apiGroups: [""]
  resources: [secrets]
  resourceNames: [{{ $name }}]
  verbs: [list, watch, create, patch]
- apiGroups: [discovery.k8s.io]
  resources: [endpointslices]
  verbs: [list, watch]
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  verbs: [create]
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  resourceNames: [{{ $name }}]
  verbs: [get, patch]
{{- end }}
