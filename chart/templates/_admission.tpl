{{/*
Admission: a component whose values have a block "admission" is called by the API server, on a port of its own with TLS.
All defines are called with (dict "context" $ "component" "webhook"), and some with "values", the merged values.
*/}}

{{/* Name of the ValidatingWebhookConfiguration. */}}
{{- define "steward.admission.configurationName" -}}
{{- include "steward.component.clusterName" . }}
{{- end }}

{{/* What the defines of certificates are called with, for this port. */}}
{{- define "steward.admission.secret" -}}
{{- $values := include "steward.component" . | fromYaml }}
{{- include "steward.certificate.secret" (merge (dict "tls" $values.tls "suffix" "tls") .) }}
{{- end }}

{{- define "steward.admission.certificate" -}}
{{- $tls := (include "steward.component" . | fromYaml).tls }}
{{- if eq $tls.mode "certManager" }}
{{- if not $tls.certManager.issuerRef.name }}
{{-   $issuer := include "steward.component.name" (merge (dict "suffix" "tls-ca") .) }}
{{-   $_ := set $tls.certManager "issuerRef" (dict "name" $issuer "kind" "Issuer" "group" "cert-manager.io") }}
{{-   include "steward.certificate.authority" (merge (dict "name" $issuer) .) }}
---
{{ end }}
{{- include "steward.certificate" (merge (dict "tls" $tls "suffix" "tls" "service" (include "steward.component.name" .)) .) }}
{{- end }}
{{- end }}

{{/* Directory of the certificate in the container. */}}
{{- define "steward.admission.tlsDirectory" -}}
/etc/steward-admission-tls
{{- end }}

{{/* What the process cannot know of its installation, as fields of its configuration. */}}
{{- define "steward.admission.config" -}}
{{- $values := include "steward.component" . | fromYaml }}
{{- if $values.admission }}
{{- $directory := "" }}
{{- if include "steward.admission.secret" . }}
{{-   $directory = include "steward.admission.tlsDirectory" . }}
{{- end -}}
serving:
  port: {{ $values.admission.port }}
  tlsMode: {{ $directory | empty | ternary "self" "files" }}
  tlsCertFile: {{ with $directory }}{{ . }}/tls.crt{{ else }}""{{ end }}
  tlsPrivateKeyFile: {{ with $directory }}{{ . }}/tls.key{{ else }}""{{ end }}
  serviceName: {{ include "steward.component.name" . | quote }}
  secretName: {{ include "steward.component.name" (merge (dict "suffix" "certificates") .) | quote }}
  configurationName: {{ eq .context.Values.rbac.scope "cluster" | ternary (include "steward.admission.configurationName" .) "" | quote }}
{{- end }}
{{- end }}

{{/* The Service that the API server calls. */}}
{{- define "steward.admission.service" -}}
apiVersion: v1
kind: Service
metadata:
  {{- include "steward.metadata" . | nindent 2 }}
spec:
  type: ClusterIP
  selector:
    {{- include "steward.selectorLabels" . | nindent 4 }}
  ports:
    - name: https
      port: 443
      targetPort: admission
      protocol: TCP
{{- end }}

{{/*
What the API server calls it for. It belongs to the release, so that an uninstall removes it. The component writes the caBundle itself where it makes
its certificates: what the chart rendered there, an upgrade would empty.
*/}}
{{- define "steward.admission.configuration" -}}
{{- $values := include "steward.component" . | fromYaml }}
{{- if eq .context.Values.rbac.scope "cluster" }}
{{- $admission := $values.admission }}
{{- $annotations := deepCopy $admission.annotations }}
{{- if eq $values.tls.mode "certManager" }}
{{-   $_ := set $annotations "cert-manager.io/inject-ca-from" (printf "%s/%s" (include "steward.namespace" .context) (include "steward.admission.secret" .)) }}
{{- end -}}
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata:
  {{- include "steward.metadata" (merge (dict "name" (include "steward.admission.configurationName" .) "clusterScoped" true "annotations" $annotations) .) | nindent 2 }}
webhooks:
  - name: pods.webhook.steward.dev
    {{- include "steward.admission.call" (merge (dict "values" $values "failurePolicy" $admission.failurePolicy) .) | nindent 4 }}
    rules:
      - apiGroups: [""]
        apiVersions: [v1]
        operations: [CREATE, UPDATE]
        resources: [pods]
        scope: Namespaced
      # Of subresources "pods" says nothing: without these, kubectl debug and a resize would pass.
      - apiGroups: [""]
        apiVersions: [v1]
        operations: [UPDATE]
        resources: [pods/ephemeralcontainers, pods/resize]
        scope: Namespaced
    matchConditions:
      {{- with include "steward.admission.outsideOfSystem" (merge (dict "values" $values) .) }}
      {{- . | nindent 6 }}
      {{- end }}
      {{- include "steward.admission.matchConditions" . | nindent 6 }}
      {{- with $admission.matchConditions }}
      {{- toYaml . | nindent 6 }}
      {{- end }}
  {{- if $admission.workloads }}
  # Only warned about, so whatever goes wrong, it passes.
  - name: workloads.webhook.steward.dev
    {{- include "steward.admission.call" (merge (dict "values" $values "failurePolicy" "Ignore") .) | nindent 4 }}
    rules:
      - apiGroups: [apps]
        apiVersions: [v1]
        operations: [CREATE, UPDATE]
        resources: [deployments, statefulsets, daemonsets]
        scope: Namespaced
      - apiGroups: [batch]
        apiVersions: [v1]
        operations: [CREATE, UPDATE]
        resources: [jobs, cronjobs]
        scope: Namespaced
    matchConditions:
      {{- with include "steward.admission.outsideOfSystem" (merge (dict "values" $values) .) }}
      {{- . | nindent 6 }}
      {{- end }}
      # Who scales, pauses or annotates a workload need not hear again what is wrong with its pods.
      - name: template-changes
        expression: >-
          request.operation != 'UPDATE'
          || (request.kind.kind == 'CronJob' ? object.spec.jobTemplate != oldObject.spec.jobTemplate : object.spec.template != oldObject.spec.template)
  {{- end }}
{{- end }}
{{- end }}

{{/* How one webhook is called. Call with "values" and "failurePolicy", too. */}}
{{- define "steward.admission.call" -}}
{{- $admission := .values.admission -}}
admissionReviewVersions: [v1]
clientConfig:
  service:
    name: {{ include "steward.component.name" . | quote }}
    namespace: {{ include "steward.namespace" .context | quote }}
    path: /validate/{{ eq .failurePolicy "Fail" | ternary "closed" "open" }}
    port: 443
  {{- if eq .values.tls.mode "existingSecret" }}
  caBundle: {{ .values.tls.caBundle | b64enc }}
  {{- end }}
failurePolicy: {{ .failurePolicy }}
matchPolicy: Equivalent
sideEffects: None
timeoutSeconds: {{ $admission.timeoutSeconds }}
namespaceSelector:
  matchExpressions:
    # A label that the API server sets itself, and that nobody can forge. Our own namespace is in it, so that our pods come back without us.
    - key: kubernetes.io/metadata.name
      operator: NotIn
      values:
        {{- append $admission.excludeNamespaces (include "steward.namespace" .context) | uniq | sortAlpha | toYaml | nindent 8 }}
    {{- with $admission.namespaceSelector.matchExpressions }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- with $admission.namespaceSelector.matchLabels }}
  matchLabels:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- with $admission.objectSelector }}
objectSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/*
System namespaces, as the component knows them: told to the API server too, or with Fail an outage of the component would keep those down that the
cluster needs to come back. Selectors have no patterns, CEL has: RE2, which for these is what the component uses. Call with "values".
*/}}
{{- define "steward.admission.outsideOfSystem" -}}
{{- $patterns := list }}
{{- range .values.config.systemNamespaces }}
{{-   $patterns = append $patterns (regexQuoteMeta . | replace "\\*" ".*") }}
{{- end }}
{{- with $patterns -}}
- name: is-not-in-a-system-namespace
  expression: >-
    !request.namespace.matches(r'^({{ join "|" . }})$')
{{- end }}
{{- end }}

{{/*
What the API server need not ask. A mirror pod is known by its annotation and by who makes it: anybody can write the annotation. An update that
changes no image and no container brings nothing new; finalizers and labels can be changed while nobody answers here.
*/}}
{{- define "steward.admission.matchConditions" -}}
- name: is-not-a-mirror-pod
  expression: >-
    !(has(object.metadata.annotations) && 'kubernetes.io/config.mirror' in object.metadata.annotations
    && has(request.userInfo.groups) && 'system:nodes' in request.userInfo.groups)
- name: is-significant
  expression: >-
    request.operation != 'UPDATE' || (has(request.subResource) && request.subResource != '')
    {{- range $list := list "containers" "initContainers" "ephemeralContainers" }}
    || {{ include "steward.admission.images" (dict "of" "object" "list" $list) }} != {{ include "steward.admission.images" (dict "of" "oldObject" "list" $list) }}
    {{- end }}
{{- end }}

{{/* CEL: names and images of a list of containers. */}}
{{- define "steward.admission.images" -}}
(has({{ .of }}.spec.{{ .list }}) ? {{ .of }}.spec.{{ .list }} : []).map(c, c.name + ' ' + (has(c.image) ? c.image : ''))
{{- end }}

{{/* Fails where admission could stop the cluster, or be trusted by nobody. */}}
{{- define "steward.admission.validate" -}}
{{- $values := include "steward.component" . | fromYaml }}
{{- $path := printf "components.%s" .component }}
{{- if $values.admission }}
{{- include "steward.certificate.validate" (dict "path" (printf "%s.tls" $path) "tls" $values.tls "own" true) }}
{{- if and (eq $values.tls.mode "existingSecret") (not $values.tls.caBundle) }}
{{-   fail (printf "%s.tls.caBundle: empty, and mode is existingSecret, so the API server would trust no certificate. Write the PEM certificate of the authority that signed it." $path) }}
{{- end }}
{{- if and $values.tls.caBundle (ne $values.tls.mode "existingSecret") }}
{{-   fail (printf "%s.tls.caBundle: is not used, because mode is %s. Set mode=existingSecret, or caBundle=\"\"." $path $values.tls.mode) }}
{{- end }}
{{- $fewest := $values.replicas }}
{{- if $values.autoscaling.enabled }}
{{-   $fewest = $values.autoscaling.minReplicas }}
{{- end }}
{{- if and (eq $values.admission.failurePolicy "Fail") (hasKey $values "replicas") (lt (int $fewest) 2) (not $values.admission.allowFailWithOneReplica) }}
{{-   fail (printf "%s.admission.failurePolicy: Fail, and there is one replica: while it restarts, no pod could be made anywhere. Set replicas=2, or failurePolicy=Ignore, or admission.allowFailWithOneReplica=true." $path) }}
{{- end }}
{{- range $name, $port := dict "metrics.port" .context.Values.metrics.port "the probes" (include "steward.healthPort" .) }}
{{-   if eq (int $port) (int $values.admission.port) }}
{{-     fail (printf "%s.admission.port: %d is that of %s. Choose another one." $path (int $port) $name) }}
{{-   end }}
{{- end }}
{{- end }}
{{- end }}
