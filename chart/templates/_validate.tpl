{{/* Combinations of values that the schema cannot see. Call with the root context. */}}
{{- define "steward.validate" -}}
{{- if and .Values.serviceMonitor.enabled (not .Values.metrics.enabled) (not .Values.podMonitor.enabled) }}
{{-   fail "serviceMonitor.enabled: needs the Service that metrics.enabled=false leaves out. Set metrics.enabled=true, or use podMonitor." }}
{{- end }}
{{- range $key, $kind := include "steward.monitoring.kinds" . | fromYaml }}
{{-   $values := index $.Values $key }}
{{-   if and $values.enabled (eq $values.renderMode "failIfMissing") (not (include "steward.monitoring.present" (dict "context" $ "key" $key))) }}
{{-     fail (printf "%s.renderMode: the cluster has no kind %s/%s. Install Prometheus Operator, or set renderMode=always." $key (include "steward.monitoring.version" $kind) $kind) }}
{{-   end }}
{{- end }}
{{- range $key, $files := dict "prometheusRule" "files/alerts/*.yaml" "dashboards" "files/dashboards/steward-*.json" }}
{{-   if and (index $.Values $key).enabled (not ($.Files.Glob $files)) }}
{{-     fail (printf "%s.enabled: this copy of the chart has no %s. They are symbolic links in the repository, and something left them out. Install the packaged chart." $key $files) }}
{{-   end }}
{{- end }}
{{- if eq (int .Values.metrics.port) (include "steward.healthPort" . | int) }}
{{-   fail (printf "metrics.port: %d is the port of the probes. Choose another one." (int .Values.metrics.port)) }}
{{- end }}
{{- include "steward.metrics.validate" . }}
{{- range $name := (include "steward.components.enabled" . | fromYaml).names }}
{{-   include "steward.validate.component" (dict "context" $ "component" $name) }}
{{-   include "steward.monitor.validate" (dict "context" $ "component" $name) }}
{{- end }}
{{- end }}

{{- define "steward.validate.component" -}}
{{- include "steward.admission.validate" . }}
{{- $component := include "steward.component" . | fromYaml }}
{{- $path := printf "components.%s" .component }}
{{- $lease := $component.leaderElection }}
{{- $scaling := $component.autoscaling }}
{{- if not (or $lease.enabled (has .component (include "steward.components.leaderless" . | fromYamlArray))) }}
{{-   if and $scaling.enabled (gt (int $scaling.maxReplicas) 1) }}
{{-     fail (printf "%s.autoscaling.maxReplicas: %d replicas without leader election would write against each other. Set leaderElection.enabled=true, or maxReplicas=1." $path (int $scaling.maxReplicas)) }}
{{-   else if and (not $scaling.enabled) (not (hasKey $component "replicas")) }}
{{-     fail (printf "%s.replicas: null leaves the number to others, and two replicas without leader election would write against each other. Set leaderElection.enabled=true, or replicas=1." $path) }}
{{-   else if and (not $scaling.enabled) (gt (int $component.replicas) 1) }}
{{-     fail (printf "%s.replicas: %d replicas without leader election would write against each other. Set leaderElection.enabled=true, or replicas=1." $path (int $component.replicas)) }}
{{-   end }}
{{- end }}
{{- if $scaling.enabled }}
{{-   if lt (int $scaling.maxReplicas) (int $scaling.minReplicas) }}
{{-     fail (printf "%s.autoscaling.maxReplicas: %d is less than minReplicas, %d. Raise it, or lower minReplicas." $path (int $scaling.maxReplicas) (int $scaling.minReplicas)) }}
{{-   end }}
{{-   if not (or $scaling.targetCPUUtilizationPercentage $scaling.targetMemoryUtilizationPercentage $scaling.metrics) }}
{{-     fail (printf "%s.autoscaling: has nothing to scale by. Set targetCPUUtilizationPercentage, targetMemoryUtilizationPercentage or metrics." $path) }}
{{-   end }}
{{- end }}
{{- if le $lease.leaseDurationSeconds $lease.renewDeadlineSeconds }}
{{-   fail (printf "%s.leaderElection.leaseDurationSeconds: %v must be more than renewDeadlineSeconds, %v: else a standby takes over before the leader has stepped down." $path $lease.leaseDurationSeconds $lease.renewDeadlineSeconds) }}
{{- end }}
{{- /* 1.2: attempts are jittered by that factor, as in client-go. */}}
{{- if le $lease.renewDeadlineSeconds (mulf 1.2 $lease.retryPeriodSeconds) }}
{{-   fail (printf "%s.leaderElection.renewDeadlineSeconds: %v must be more than 1.2 times retryPeriodSeconds, %v: else a leader may step down before it tried to renew." $path $lease.renewDeadlineSeconds $lease.retryPeriodSeconds) }}
{{- end }}
{{- range $field, $key := dict "containers" "extraContainers" "initContainers" "extraInitContainers" "volumes" "extraVolumes" }}
{{-   if hasKey $component.podSpecExtra $field }}
{{-     fail (printf "%s.podSpecExtra.%s: would replace the chart's own. Use %s, which adds to them." $path $field $key) }}
{{-   end }}
{{- end }}
{{- $budget := $component.podDisruptionBudget }}
{{- if and (ne (toString $budget.minAvailable) "") (ne (toString $budget.maxUnavailable) "") }}
{{-   fail (printf "%s.podDisruptionBudget: has minAvailable and maxUnavailable. Kubernetes takes one; set the other to \"\"." $path) }}
{{- end }}
{{- end }}
