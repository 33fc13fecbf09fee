{{/* What will not work as somebody may expect, one line each. Call with the root context. */}}
{{- define "steward.warnings" -}}
{{- $names := (include "steward.components.enabled" . | fromYaml).names }}
{{- $monitor := include "steward.monitor.kind" . }}
{{- if not $names }}
- No component is enabled, so nothing runs. Set components.<name>.enabled=true.
{{- end }}
{{- if and .Values.serviceMonitor.enabled .Values.podMonitor.enabled $monitor }}
- serviceMonitor and podMonitor are both enabled. Only the {{ $monitor }} was created, so that no pod is scraped twice.
{{- end }}
{{- range $key, $kind := include "steward.monitoring.kinds" . | fromYaml }}
{{-   $values := index $.Values $key }}
{{-   $created := and $values.enabled (has $key (list "prometheusRule" "alertmanagerConfig") | ternary (include "steward.renders" (dict "context" $ "key" $key)) (eq $monitor $kind)) }}
{{-   $present := include "steward.monitoring.present" (dict "context" $ "key" $key) }}
{{-   if and $created (ne "alertmanagerConfig" $key) (not (include "steward.monitoring.labels" $values | fromYaml)) }}
- {{ $key }}.additionalLabels is empty. kube-prometheus-stack picks up only what carries `release: <its release>`.
{{-   end }}
{{-   if and $created (not $present) }}
- {{ $key }} is enabled, and the cluster has no kind {{ $kind }}. Install Prometheus Operator.
{{-   end }}
{{-   if and $values.enabled (eq $values.renderMode "ifPresent") (not $present) }}
- {{ $key }} was left out: the cluster has no kind {{ $kind }}. Install Prometheus Operator and upgrade, or set {{ $key }}.renderMode=always.
{{-   end }}
{{- end }}
{{- $alertmanager := .Values.alertmanagerConfig }}
{{- if and (or $alertmanager.enabled $alertmanager.plain.enabled) (not (or $alertmanager.routes.critical.receiver $alertmanager.routes.warning.receiver $alertmanager.routes.info.receiver)) }}
- alertmanagerConfig.routes names no receiver for any severity: nobody is told of an alert.
{{- end }}
{{- if and .Values.prometheusRule.enabled (not $monitor) }}
- prometheusRule is enabled without a monitor. Unless something else scrapes the pods, the alerts on absence will fire.
{{- end }}
{{- $metrics := .Values.metrics }}
{{- if and $metrics.authorization.enabled (not $metrics.authorization.subjects) }}
- metrics.authorization.subjects is empty. Prometheus needs the right to get the nonResourceURL /metrics; kube-prometheus-stack's has it.
{{- end }}
{{- if and $metrics.authorization.enabled (eq $metrics.tls.mode "self") (eq $monitor "ServiceMonitor") (not .Values.serviceMonitor.tlsConfig) }}
- metrics.tls.mode=self: Prometheus cannot check whom it sends its token to. Set mode=certManager or existingSecret.
{{- end }}
{{- if and $metrics.tls.enabled (eq $metrics.tls.mode "certManager") (not (.Capabilities.APIVersions.Has "cert-manager.io/v1/Certificate")) }}
- metrics.tls.mode is certManager, and the cluster has no kind Certificate. Pods wait for its Secret. Install cert-manager.
{{- end }}
{{- $operator := .Values.dashboards.grafanaOperator }}
{{- if and $operator.enabled (not (.Capabilities.APIVersions.Has "grafana.integreatly.org/v1beta1/GrafanaDashboard")) }}
- dashboards.grafanaOperator is enabled, and the cluster has no kind GrafanaDashboard. Install grafana-operator.
{{- end }}
{{- if and $operator.enabled (not $operator.matchLabels) }}
- dashboards.grafanaOperator.matchLabels is empty, so every Grafana imports the dashboards. It cannot be changed later, only by disabling first.
{{- end }}
{{- range $name := $names }}
{{-   $component := include "steward.component" (dict "context" $ "component" $name) | fromYaml }}
{{-   $budget := $component.podDisruptionBudget }}
{{-   $scaling := $component.autoscaling }}
{{- /* What others decide counts as one, the least that does anything. */}}
{{-   $replicas := int ($scaling.enabled | ternary $scaling.minReplicas (hasKey $component "replicas" | ternary $component.replicas 1)) }}
{{-   if eq $replicas 0 }}
- {{ $name }} has no replicas, so it does nothing.
{{-   end }}
{{-   range $key := list "minAvailable" "maxUnavailable" }}
{{-     if and $budget.enabled $replicas (include "steward.budget.blocks" (dict "key" $key "value" (get $budget $key) "replicas" $replicas)) }}
- podDisruptionBudget.{{ $key }}={{ get $budget $key }} with {{ $replicas }} replicas of {{ $name }} blocks the drain of their nodes. Set replicas=2 and maxUnavailable=1.
{{-     end }}
{{-   end }}
{{-   if and $scaling.enabled $component.leaderElection.enabled }}
- autoscaling adds replicas of {{ $name }}, of which one works and the others stand by: it does not become faster.
{{-   end }}
{{-   if and $component.admission (ne $.Values.rbac.scope "cluster") }}
- {{ $name }} runs, and nobody calls it: a ValidatingWebhookConfiguration is an object of the whole cluster, and rbac.scope is {{ $.Values.rbac.scope }}. Set components.{{ $name }}.enabled=false.
{{-   end }}
{{-   if and $component.admission (lt (int $component.terminationGracePeriodSeconds) 20) }}
- terminationGracePeriodSeconds of {{ $name }} is {{ int $component.terminationGracePeriodSeconds }}: it serves on for 10 s when it ends, until every API server has learnt of it, and finishes what is under way in 5 s more. Below 20, calls are lost in a rollout.
{{-   end }}
{{-   if and $component.vpa.enabled (not ($.Capabilities.APIVersions.Has "autoscaling.k8s.io/v1/VerticalPodAutoscaler")) }}
- vpa is enabled for {{ $name }}, and the cluster has no kind VerticalPodAutoscaler. Install the Vertical Pod Autoscaler.
{{-   end }}
{{-   if and $component.vpa.enabled $scaling.enabled (ne $component.vpa.updateMode "Off") }}
- vpa and autoscaling of {{ $name }} both follow its use of CPU and memory, and work against each other. Set vpa.updateMode=Off.
{{-   end }}
{{- end }}
{{- if and .Values.rbac.namespaces (eq .Values.rbac.scope "cluster") }}
- rbac.namespaces limits what is looked at, not the rights, which are for the whole cluster. Set rbac.scope=namespace to limit both.
{{- end }}
{{- if not .Values.rbac.create }}
- rbac.create is false. Without the rights listed by `steward describe <component>` the components do not start.
{{- end }}
{{- end }}

{{/* Whether minAvailable or maxUnavailable of a budget lets no pod go: "true" or nothing. Kubernetes rounds percentages up. Call with "key", "value" and "replicas". */}}
{{- define "steward.budget.blocks" -}}
{{- $value := toString .value }}
{{- if ne $value "" }}
{{-   $pods := hasSuffix "%" $value | ternary (mulf (trimSuffix "%" $value) .replicas 0.01 | ceil) (float64 $value) }}
{{-   if eq .key "minAvailable" | ternary (ge $pods (float64 .replicas)) (le $pods 0.0) }}true{{ end }}
{{- end }}
{{- end }}
