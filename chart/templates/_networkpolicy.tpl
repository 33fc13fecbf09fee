{{/*
Admits scrapes, probes and the chart's own tests. Kubelets reach the pods of their node in any case, but not every
network plugin knows that; so the port of the probes, which says nothing but ok, is open.
*/}}
{{- define "steward.networkpolicy" -}}
{{- $policy := .context.Values.networkPolicy }}
{{- if $policy.enabled -}}
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  {{- include "steward.metadata" . | nindent 2 }}
spec:
  podSelector:
    matchLabels:
      {{- include "steward.selectorLabels" . | nindent 6 }}
  policyTypes:
    - Ingress
    {{- if $policy.egress.enabled }}
    - Egress
    {{- end }}
  ingress:
    - ports:
        - port: metrics
          protocol: TCP
      {{- with $policy.metricsFrom }}
      from:
        {{- toYaml . | nindent 8 }}
        {{- if $.context.Values.tests.enabled }}
        - podSelector:
            matchLabels:
              {{- include "steward.selectorLabels" (dict "context" $.context "component" (printf "%s-test" $.component)) | nindent 14 }}
        {{- end }}
      {{- end }}
    - ports:
        - port: health
          protocol: TCP
    {{- if (include "steward.component" . | fromYaml).admission }}
    # API servers have no pods that could be selected, and often no address that is known.
    - ports:
        - port: admission
          protocol: TCP
    {{- end }}
    {{- with $policy.extraIngress }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- if $policy.egress.enabled }}
  egress:
    - ports:
        - port: 53
          protocol: UDP
        - port: 53
          protocol: TCP
    - ports:
        {{- range $policy.egress.apiServerPorts }}
        - port: {{ . }}
          protocol: TCP
        {{- end }}
    {{- with $policy.egress.extra }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- end }}
{{- end }}
{{- end }}
