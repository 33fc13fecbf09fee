{{/*
The groups of one file of alerts, with the changes of the values. As YAML, under "groups".
The file is data: it never passes the template engine, so its own {{ $labels }} stay as they are.
Call with "context" and "path".
*/}}
{{- define "steward.rules" -}}
{{- $groups := list }}
{{- range $group := (.context.Files.Get .path | fromYaml).groups }}
{{-   $ofGroup := get $.context.Values.prometheusRule.groups $group.name | default dict }}
{{-   $objective := get $.context.Values.prometheusRule.objectives ($group.name | trimSuffix "-slo") }}
{{-   $rules := list }}
{{-   range $rule := $group.rules }}
{{-     $change := dict }}
{{-     if $rule.alert }}
{{-       $change = get $.context.Values.prometheusRule.rules $rule.alert | default dict }}
{{-     else if and $objective (eq $rule.record "slo:objective:ratio") }}
{{-       $change = dict "thresholds" (dict "objective" (divf $objective 100)) }}
{{-     end }}
{{-     if ne (toString (get $change "enabled")) "false" }}
{{-       $rules = append $rules (include "steward.rule" (dict "context" $.context "rule" $rule "change" $change "ofGroup" $ofGroup) | fromYaml) }}
{{-     end }}
{{-   end }}
{{-   with $ofGroup.interval }}
{{-     $_ := set $group "interval" . }}
{{-   end }}
{{-   if and $rules (ne (toString (get $ofGroup "enabled")) "false") }}
{{-     $groups = append $groups (set $group "rules" $rules) }}
{{-   end }}
{{- end }}
{{- toYaml (dict "groups" $groups) }}
{{- end }}

{{/* The groups of a component, or of "common": its alerts, its objectives, and what it recorded under other names before. As YAML, under "groups". */}}
{{- define "steward.rules.of" -}}
{{- $groups := (include "steward.rules" (dict "context" .context "path" (printf "files/alerts/%s.yaml" .name)) | fromYaml).groups }}
{{- range $path, $_ := .context.Files.Glob (printf "files/alerts/slo/%s.yaml" .name) }}
{{-   $groups = concat $groups (include "steward.rules" (dict "context" $.context "path" $path) | fromYaml).groups }}
{{- end }}
{{- if .context.Values.prometheusRule.compatibilityRules }}
{{-   range $path, $_ := .context.Files.Glob (printf "files/alerts/compatibility/%s.yaml" .name) }}
{{-     $groups = concat $groups (include "steward.rules" (dict "context" $.context "path" $path) | fromYaml).groups }}
{{-   end }}
{{- end }}
{{- toYaml (dict "groups" $groups) }}
{{- end }}

{{/*
One rule with its changes, as YAML. Labels and annotations come from the file, from the values for every alert, for the
group and for the alert; the last wins. Call with "context", "rule", and "change" and "ofGroup", entries of
prometheusRule.rules and prometheusRule.groups.
*/}}
{{- define "steward.rule" -}}
{{- $rule := deepCopy .rule }}
{{- $change := .change }}
{{- $forAll := .context.Values.prometheusRule }}
{{- $_ := set $rule "expr" (include "steward.rule.expr" . | trim) }}
{{- with $change.for }}{{ $_ := set $rule "for" . }}{{ end }}
{{- with $change.keepFiringFor }}{{ $_ := set $rule "keep_firing_for" . }}{{ end }}
{{- if $rule.alert }}
{{-   $severity := dict }}
{{-   with $change.severity }}{{ $_ := set $severity "severity" . }}{{ end }}
{{- /* absent() has no labels of what is gone; AlertmanagerConfigs choose alerts by the namespace. */}}
{{-   $where := hasPrefix "absent(" $rule.expr | ternary (dict "namespace" (include "steward.namespace" .context)) dict }}
{{-   $labels := list $where $rule.labels $forAll.additionalRuleLabels .ofGroup.labels $change.labels $severity }}
{{-   $_ := set $rule "labels" (include "steward.merged" $labels | fromYaml) }}
{{-   $links := include "steward.rule.links" . | fromYaml }}
{{-   $annotations := list (omit $rule.annotations "dashboard_url") $links $forAll.additionalRuleAnnotations .ofGroup.annotations $change.annotations }}
{{-   $_ := set $rule "annotations" (include "steward.merged" $annotations | fromYaml) }}
{{- end }}
{{- toYaml $rule }}
{{- end }}

{{/*
The expression: the common alerts are narrowed to the enabled components, and a threshold is the number before its
marker, `> 0.1 # $ratio`.
*/}}
{{- define "steward.rule.expr" -}}
{{- $enabled := (include "steward.components.enabled" .context | fromYaml).names }}
{{- $expr := .change.expr | default .rule.expr | replace `component=~".+"` (printf "component=~%q" (join "|" $enabled)) }}
{{- range $name, $value := .change.thresholds | default dict }}
{{-   $expr = regexReplaceAll (include "steward.rule.marker" $name) $expr (printf "%v${2}" $value) }}
{{- end }}
{{- $expr }}
{{- end }}

{{/* Matches a threshold: its number, and what stands between that and the end of its marker. Call with its name. */}}
{{- define "steward.rule.marker" -}}
(-?[0-9][0-9.eE+-]*)([)\s]*# \${{ . }}\b)
{{- end }}

{{/* Links of an alert: to its runbook, and to its dashboard if it is known where Grafana is. As YAML. */}}
{{- define "steward.rule.links" -}}
{{- $base := .context.Values.prometheusRule.runbookUrl }}
{{- if not (contains "{alert}" $base) }}
{{-   $base = printf "%s/{alert}" (trimSuffix "/" $base) }}
{{- end -}}
runbook_url: {{ $base | replace "{alert}" .rule.alert | quote }}
{{- with .context.Values.prometheusRule.dashboardUrl }}
dashboard_url: {{ printf "%s%s" (trimSuffix "/" .) $.rule.annotations.dashboard_url | quote }}
{{- end }}
{{- end }}

{{/* Fails on a change of a group, an alert, a threshold or an objective that does not exist: else a typo would leave it as it was. */}}
{{- define "steward.rules.validate" -}}
{{- $groups := list }}
{{- $known := dict }}
{{- range $path, $_ := .Files.Glob "files/alerts/**.yaml" }}
{{-   range $group := ($.Files.Get $path | fromYaml).groups }}
{{-     $groups = append $groups $group.name }}
{{-     range $rule := $group.rules }}
{{-       if $rule.alert }}
{{-         $_ := set $known $rule.alert $rule.expr }}
{{-       end }}
{{-     end }}
{{-   end }}
{{- end }}
{{- range $group, $_ := .Values.prometheusRule.groups }}
{{-   if not (has $group $groups) }}
{{-     fail (printf "prometheusRule.groups.%s: no such group. There are: %s." $group (sortAlpha $groups | join ", ")) }}
{{-   end }}
{{- end }}
{{- $objectives := list }}
{{- range $groups }}
{{-   if hasSuffix "-slo" . }}
{{-     $objectives = append $objectives (trimSuffix "-slo" .) }}
{{-   end }}
{{- end }}
{{- range $name, $_ := .Values.prometheusRule.objectives }}
{{-   if not (has $name $objectives) }}
{{-     fail (printf "prometheusRule.objectives.%s: no such objective. There are: %s." $name (sortAlpha $objectives | join ", ")) }}
{{-   end }}
{{- end }}
{{- range $alert, $change := .Values.prometheusRule.rules }}
{{-   if not (hasKey $known $alert) }}
{{-     fail (printf "prometheusRule.rules.%s: no such alert. There are: %s." $alert (keys $known | sortAlpha | join ", ")) }}
{{-   end }}
{{-   $expr := ($change | default dict).expr | default (get $known $alert) }}
{{-   range $name, $_ := ($change | default dict).thresholds | default dict }}
{{-     if not (regexMatch (include "steward.rule.marker" $name) $expr) }}
{{-       $names := list }}
{{-       range regexFindAll `# \$\w+` $expr -1 }}
{{-         $names = append $names (trimPrefix "# $" .) }}
{{-       end }}
{{-       fail (printf "prometheusRule.rules.%s.thresholds.%s: no such threshold. %s has: %s." $alert $name $alert (join ", " $names | default "none")) }}
{{-     end }}
{{-   end }}
{{- end }}
{{- end }}

{{/* A PrometheusRule. Call with "context", "component" (which its name says), and "groups". */}}
{{- define "steward.prometheusrule" -}}
{{- $values := .context.Values.prometheusRule }}
{{- $labels := include "steward.monitoring.labels" $values | fromYaml -}}
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  {{- include "steward.metadata" (merge (dict "namespace" $values.namespace "labels" $labels "annotations" $values.annotations) .) | nindent 2 }}
spec:
  groups:
    {{- toYaml .groups | nindent 4 }}
{{- end }}
