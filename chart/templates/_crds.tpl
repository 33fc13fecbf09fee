{{/* Which components read which API group, as YAML: its definitions are installed with any of them. */}}
{{- define "steward.crds.readers" -}}
policy.steward.dev: [policy, webhook]
{{- end }}

{{/*
The CustomResourceDefinitions of the enabled components. Two releases would fight for them, and Helm refuses what another release has: who finds
them in other hands leaves them there. Call with the root context.
*/}}
{{- define "steward.crds" -}}
{{- if and .Values.crds.install (eq .Values.rbac.scope "cluster") }}
{{- $enabled := (include "steward.components.enabled" . | fromYaml).names }}
{{- $readers := include "steward.crds.readers" . | fromYaml }}
{{- range $path, $_ := .Files.Glob "files/crds/*.yaml" }}
{{- $definition := $.Files.Get $path | fromYaml }}
{{- $isRead := false }}
{{- range index $readers $definition.spec.group }}
{{-   $isRead = or $isRead (has . $enabled) }}
{{- end }}
{{- if and $isRead (not (include "steward.crds.holder" (dict "context" $ "name" $definition.metadata.name))) }}
---
{{ include "steward.crds.definition" (dict "context" $ "definition" $definition) }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{- define "steward.crds.definition" -}}
{{- $values := .context.Values.crds }}
{{- $annotations := include "steward.merged" (list $values.annotations (ternary (dict "helm.sh/resource-policy" "keep") dict $values.keep)) | fromYaml -}}
apiVersion: {{ .definition.apiVersion }}
kind: {{ .definition.kind }}
metadata:
  {{- include "steward.metadata" (dict "context" .context "name" .definition.metadata.name "clusterScoped" true "labels" $values.additionalLabels "annotations" $annotations) | nindent 2 }}
spec:
  {{- toYaml .definition.spec | nindent 2 }}
{{- end }}

{{/* Who has a definition that is in the cluster already, if that is not this release; else empty. Without a cluster, as in `helm template`, nobody. */}}
{{- define "steward.crds.holder" -}}
{{- $found := lookup "apiextensions.k8s.io/v1" "CustomResourceDefinition" "" .name }}
{{- if $found }}
{{- $notes := $found.metadata.annotations | default dict }}
{{- $release := printf "%s/%s" (get $notes "meta.helm.sh/release-namespace") (get $notes "meta.helm.sh/release-name") }}
{{- if ne $release (printf "%s/%s" .context.Release.Namespace .context.Release.Name) }}
{{- ternary "nobody's release" $release (eq $release "/") }}
{{- end }}
{{- end }}
{{- end }}
