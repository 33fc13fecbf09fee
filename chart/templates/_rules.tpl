{{/*
The groups of one file of alerts, with the changes of prometheusRule.rules. As YAML, under "groups".
The file is data: it never passes the template engine, so its own {{ $labels }} stay as they are.
Call with "context" and "path".
*/}}
{{- define "steward.rules" -}}
{{- $groups := list }}
{{- range $group := (.context.Files.Get .path | fromYaml).groups }}
{{-   $rules := list }}
{{-   range $rule := $group.rules }}
{{-     $change := dict }}
{{-     if $rule.alert }}
{{-       $change = get $.context.Values.prometheusRule.rules $rule.alert | default dict }}
{{-     end }}
{{-     if ne (toString (get $change "enabled")) "false" }}
{{-       $rules = append $rules (include "steward.rule" (dict "context" $.context "rule" $rule "change" $change) | fromYaml) }}
{{-     end }}
{{-   end }}
{{-   if $rules }}
{{-     $groups = append $groups (set $group "rules" $rules) }}
{{-   end }}
{{- end }}
{{- toYaml (dict "groups" $groups) }}
{{- end }}

{{/* One rule with its changes, as YAML. Call with "context", "rule" and "change", an entry of prometheusRule.rules. */}}
{{- define "steward.rule" -}}
{{- $rule := deepCopy .rule }}
{{- $change := .change }}
{{- $_ := set $rule "expr" (include "steward.rule.expr" . | trim) }}
{{- with $change.for }}{{ $_ := set $rule "for" . }}{{ end }}
{{- with $change.keepFiringFor }}{{ $_ := set $rule "keep_firing_for" . }}{{ end }}
{{- if $rule.alert }}
{{-   $severity := dict }}
{{-   with $change.severity }}{{ $_ := set $severity "severity" . }}{{ end }}
{{-   $_ := set $rule "labels" (include "steward.merged" (list $rule.labels ($change.labels | default dict) $severity) | fromYaml) }}
{{-   $links := include "steward.rule.links" . | fromYaml }}
{{-   $_ := set $rule "annotations" (include "steward.merged" (list (omit $rule.annotations "dashboard_url") $links ($change.annotations | default dict)) | fromYaml) }}
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

{{/* Fails on a change of an alert or of a threshold that does not exist: else a typo would leave the alert as it was. */}}
{{- define "steward.rules.validate" -}}
{{- $known := dict }}
{{- range $path, $_ := .Files.Glob "files/alerts/*.yaml" }}
{{-   range $group := ($.Files.Get $path | fromYaml).groups }}
{{-     range $rule := $group.rules }}
{{-       if $rule.alert }}
{{-         $_ := set $known $rule.alert $rule.expr }}
{{-       end }}
{{-     end }}
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
