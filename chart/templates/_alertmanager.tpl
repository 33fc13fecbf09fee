{{/*
Where alerts go. One description in the values, alertmanagerConfig, and two forms of it: the AlertmanagerConfig of Prometheus
Operator, and Alertmanager's own configuration. They differ in the spelling of fields, and in how they get at Secrets:
by name, or as files.
*/}}

{{/* The message in Slack: the alerts of a group, each with its description and runbook. For Alertmanager's templates, not Helm's. */}}
{{- define "steward.alertmanager.text" -}}
{{ `{{ range .Alerts }}*{{ .Labels.alertname }}* ({{ .Labels.severity }}, {{ .Status }}): {{ .Annotations.description }} <{{ .Annotations.runbook_url }}|Runbook>
{{ end }}` }}
{{- end }}

{{/* One integration with the chart's own texts, in the fields of AlertmanagerConfig, as YAML. Call with "kind" and "settings". */}}
{{- define "steward.alertmanager.settings" -}}
{{- $own := dict "sendResolved" true }}
{{- if eq .kind "slack" }}
{{-   $_ := set $own "text" (include "steward.alertmanager.text" .) }}
{{- else if eq .kind "pagerduty" }}
{{-   $_ := set $own "severity" "{{ .CommonLabels.severity }}" }}
{{-   $_ := set $own "description" "{{ .CommonAnnotations.summary }}" }}
{{- end }}
{{- include "steward.merged" (list $own .settings) }}
{{- end }}

{{/* The receivers of an AlertmanagerConfig, as YAML. Call with the root context. */}}
{{- define "steward.alertmanagerconfig.receivers" -}}
- name: "null"
{{- range $name, $kinds := .Values.alertmanagerConfig.receivers }}
- name: {{ $name | quote }}
  {{- range $kind, $list := $kinds }}
  {{ $kind }}Configs:
    {{- range $settings := $list }}
    - {{ include "steward.alertmanager.settings" (dict "kind" $kind "settings" $settings) | nindent 6 | trim }}
    {{- end }}
  {{- end }}
{{- end }}
{{- end }}

{{/* The same in Alertmanager's own fields: a reference to a Secret becomes the path of a file. */}}
{{- define "steward.alertmanager.receivers" -}}
{{- $path := trimSuffix "/" .Values.alertmanagerConfig.plain.secretsPath -}}
- name: "null"
{{- range $name, $kinds := .Values.alertmanagerConfig.receivers }}
- name: {{ $name | quote }}
  {{- range $kind, $list := $kinds }}
  {{ $kind }}_configs:
    {{- range $settings := $list }}
    - {{ include "steward.alertmanager.plain" (dict "path" $path "settings" (include "steward.alertmanager.settings" (dict "kind" $kind "settings" $settings) | fromYaml)) | nindent 6 | trim }}
    {{- end }}
  {{- end }}
{{- end }}
{{- end }}

{{- define "steward.alertmanager.plain" -}}
{{- $plain := dict }}
{{- range $field, $value := .settings }}
{{-   $name := $field | replace "apiURL" "apiUrl" | replace "requireTLS" "requireTls" | snakecase | replace "url_secret" "url" }}
{{-   if kindIs "map" $value }}
{{-     $_ := set $plain (printf "%s_file" $name) (printf "%s/%s/%s" $.path $value.name $value.key) }}
{{-   else }}
{{-     $_ := set $plain $name $value }}
{{-   end }}
{{- end }}
{{- toYaml $plain }}
{{- end }}

{{/* What the routes of both forms have in common: severity, receiver and times. As a YAML list. Call with the root context. */}}
{{- define "steward.alertmanager.routes" -}}
{{- range $severity := list "critical" "warning" "info" }}
{{- $route := get $.Values.alertmanagerConfig.routes $severity }}
- severity: {{ $severity }}
  receiver: {{ $route.receiver | default "null" | quote }}
  groupWait: {{ $route.groupWait }}
  groupInterval: {{ $route.groupInterval }}
  repeatInterval: {{ $route.repeatInterval }}
{{- end }}
{{- end }}

{{/* Regular expression of the components whose alerts these are. Call with the root context. */}}
{{- define "steward.alertmanager.components" -}}
{{- join "|" (include "steward.components.enabled" . | fromYaml).names }}
{{- end }}

{{/* An AlertmanagerConfig. Call with the root context. */}}
{{- define "steward.alertmanagerconfig" -}}
{{- $values := .Values.alertmanagerConfig }}
{{- $labels := include "steward.monitoring.labels" $values | fromYaml -}}
apiVersion: monitoring.coreos.com/v1alpha1
kind: AlertmanagerConfig
metadata:
  {{- include "steward.metadata" (dict "context" . "name" (include "steward.fullname" .) "namespace" $values.namespace "labels" $labels "annotations" $values.annotations) | nindent 2 }}
spec:
  route:
    receiver: "null"
    groupBy:
      {{- toYaml $values.groupBy | nindent 6 }}
    matchers:
      - name: component
        matchType: =~
        value: {{ include "steward.alertmanager.components" . | quote }}
    routes:
      {{- range $route := include "steward.alertmanager.routes" . | fromYamlArray }}
      - matchers:
          - name: severity
            matchType: "="
            value: {{ $route.severity }}
        {{- toYaml (omit $route "severity") | nindent 8 }}
      {{- end }}
  receivers:
    {{- include "steward.alertmanagerconfig.receivers" . | nindent 4 }}
  {{- if $values.inhibition }}
  inhibitRules:
    - sourceMatch:
        - name: severity
          matchType: "="
          value: critical
      targetMatch:
        - name: severity
          matchType: =~
          value: warning|info
      equal:
        - cluster
        - namespace
        - component
  {{- end }}
{{- end }}

{{/* Alertmanager's own configuration, as YAML. Call with the root context. */}}
{{- define "steward.alertmanager" -}}
{{- $values := .Values.alertmanagerConfig }}
{{- $components := printf "component=~%q" (include "steward.alertmanager.components" .) -}}
route:
  receiver: {{ $values.plain.defaultReceiver | default "null" | quote }}
  routes:
    - matchers:
        - {{ $components | squote }}
      receiver: "null"
      group_by:
        {{- toYaml $values.groupBy | nindent 8 }}
      routes:
        {{- range $route := include "steward.alertmanager.routes" . | fromYamlArray }}
        - matchers:
            - severity={{ $route.severity | quote }}
          receiver: {{ $route.receiver | quote }}
          group_wait: {{ $route.groupWait }}
          group_interval: {{ $route.groupInterval }}
          repeat_interval: {{ $route.repeatInterval }}
        {{- end }}
receivers:
  {{- include "steward.alertmanager.receivers" . | nindent 2 }}
{{- if $values.inhibition }}
inhibit_rules:
  - source_matchers:
      - {{ $components | squote }}
      - severity="critical"
    target_matchers:
      - {{ $components | squote }}
      - severity=~"warning|info"
    equal:
      - cluster
      - namespace
      - component
{{- end }}
{{- end }}

{{/* Fails on a receiver that does not exist. Call with the root context. */}}
{{- define "steward.alertmanager.validate" -}}
{{- $values := .Values.alertmanagerConfig }}
{{- $receivers := keys $values.receivers | sortAlpha }}
{{- $named := dict "alertmanagerConfig.plain.defaultReceiver" $values.plain.defaultReceiver }}
{{- range $severity, $route := $values.routes }}
{{-   $_ := set $named (printf "alertmanagerConfig.routes.%s.receiver" $severity) $route.receiver }}
{{- end }}
{{- range $path, $receiver := $named }}
{{-   if and $receiver (not (has $receiver $receivers)) }}
{{-     fail (printf "%s: no receiver %s. alertmanagerConfig.receivers has: %s." $path $receiver (join ", " $receivers | default "none")) }}
{{-   end }}
{{- end }}
{{- end }}
