{{/*
The components of this chart and what each is, as YAML. A new component is a line here, a folder
templates/<name>/, alerts/<name>.yaml and dashboards/steward-<name>.json, or a name in a shared one; nothing else knows its name.
*/}}
{{- define "steward.components" -}}
headless: a headless Service and EndpointSlice for every annotated pod
watch: a health score of every namespace and of the cluster
policy: what each DevOpsPolicy finds in the pods of its namespace
webhook: admission review of pods against the policies of their namespace
{{- end }}

{{/* Those of them that elect no leader, as a YAML list: they write nothing, and all replicas do the same. The schema knows no leaderElection of theirs. */}}
{{- define "steward.components.leaderless" -}}
[watch, webhook]
{{- end }}

{{/* Those whose configuration begins with the root's block "governance", as a YAML list. */}}
{{- define "steward.components.governing" -}}
[watch, policy, webhook]
{{- end }}

{{/* Dashboards that several components share, as YAML: each is wanted if one of its components is enabled. */}}
{{- define "steward.components.dashboards" -}}
governance: [watch, policy, webhook]
{{- end }}

{{/* Names of the enabled components, as a YAML list under "names". Call with the root context. */}}
{{- define "steward.components.enabled" -}}
{{- $names := list }}
{{- range $name, $_ := include "steward.components" . | fromYaml }}
{{-   if (index $.Values.components $name).enabled }}
{{-     $names = append $names $name }}
{{-   end }}
{{- end }}
{{- toYaml (dict "names" $names) }}
{{- end }}

{{/* Root keys that are defaults of every component. */}}
{{- define "steward.component.defaults" -}}
keys:
  - image
  - imagePullSecrets
  - replicas
  - revisionHistoryLimit
  - strategy
  - deploymentLabels
  - deploymentAnnotations
  - resources
  - nodeSelector
  - tolerations
  - affinity
  - podAntiAffinityPreset
  - topologySpreadConstraints
  - priorityClassName
  - runtimeClassName
  - schedulerName
  - hostAliases
  - dnsPolicy
  - dnsConfig
  - hostUsers
  - podLabels
  - podAnnotations
  - podSecurityContext
  - securityContext
  - startupProbe
  - livenessProbe
  - readinessProbe
  - terminationGracePeriodSeconds
  - lifecycle
  - extraArgs
  - extraEnv
  - extraEnvFrom
  - extraVolumes
  - extraVolumeMounts
  - extraContainers
  - extraInitContainers
  - podSpecExtra
  - logLevel
  - logFormat
  - tracing
  - leaderElection
  - serviceAccount
  - podDisruptionBudget
  - autoscaling
  - vpa
# Replaced as a whole: Kubernetes accepts one of their alternatives, so a merge could only break them.
whole:
  - strategy
  - affinity
  - startupProbe
  - livenessProbe
  - readinessProbe
  - lifecycle
{{- end }}

{{/*
The values of one component: the root's defaults, overlaid with components.<name>. As YAML.
Call with (dict "context" $ "component" "headless"); callers pipe it to fromYaml.
*/}}
{{- define "steward.component" -}}
{{- $defaults := include "steward.component.defaults" . | fromYaml }}
{{- $merged := dict }}
{{- range $key := $defaults.keys }}
{{-   $default := index $.context.Values $key }}
{{-   if not (kindIs "invalid" $default) }}
{{-     $_ := set $merged $key (deepCopy $default) }}
{{-   end }}
{{- end }}
{{- if has .component (include "steward.components.governing" . | fromYamlArray) }}
{{-   $_ := set $merged "config" (deepCopy .context.Values.governance) }}
{{- end }}
{{- include "steward.overlay" (dict "onto" $merged "from" (index .context.Values.components .component) "whole" $defaults.whole) }}
{{- if has .component (include "steward.components.leaderless" . | fromYamlArray) }}
{{-   $_ := set $merged.leaderElection "enabled" false }}
{{- end }}
{{- toYaml $merged }}
{{- end }}

{{/*
Lays the map "from" over the map "onto", in place. Maps are merged, all else is replaced, null changes nothing;
keys of the list "whole" are replaced even if they are maps. Not sprig's merge: that takes false, 0 and "" for absent.
*/}}
{{- define "steward.overlay" -}}
{{- range $key, $value := .from }}
{{-   $old := get $.onto $key }}
{{-   if and (kindIs "map" $value) (kindIs "map" $old) (not (has $key $.whole)) }}
{{-     include "steward.overlay" (dict "onto" $old "from" $value "whole" list) }}
{{-   else if not (kindIs "invalid" $value) }}
{{-     $_ := set $.onto $key (deepCopy $value) }}
{{-   end }}
{{- end }}
{{- end }}

{{/* Maps laid over each other, the last on top. As YAML. Call with a list of maps. */}}
{{- define "steward.merged" -}}
{{- $merged := dict }}
{{- range . }}
{{-   include "steward.overlay" (dict "onto" $merged "from" . "whole" list) }}
{{- end }}
{{- toYaml $merged }}
{{- end }}
